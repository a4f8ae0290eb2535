package source

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

const (
	// usualLimit is how much scratch space is used where nobody says how much.
	usualLimit = 10 << 30
	// folderSpace is what the output of a job takes, about.
	folderSpace = 32 << 20
	// leftOver is what stays free on the disk below.
	leftOver = 1 << 20
	// waitForSpace is when to ask again.
	waitForSpace = 5 * time.Second
)

// FullError says that the scratch space is taken by other jobs, or that the disk
// below it is full: nothing is wrong with the job, which is to come back.
type FullError struct{ cause error }

// Error implements error.
func (e *FullError) Error() string { return "source: the scratch space is full: " + e.cause.Error() }

// Unwrap gives the cause.
func (e *FullError) Unwrap() error { return e.cause }

// IsFull says that a job wants scratch space that is not there now, and when to
// ask again.
func IsFull(err error) (wait time.Duration, full bool) {
	_, full = errors.AsType[*FullError](err)
	return waitForSpace, full || ffmpeg.IsFull(err)
}

// waitForStore is when to ask a store again that is away, or the database.
const waitForStore = 10 * time.Second

// Passes says that a job cannot be done now for a reason that passes by itself, the
// job being no worse for it, and when to try again. A commit of which nobody knows
// whether it happened is looked at then.
func Passes(err error) (wait time.Duration, passes bool) {
	if errors.Is(err, objects.ErrUnavailable) || errors.Is(err, database.ErrUnavailable) || errors.Is(err, database.ErrUncertain) {
		return waitForStore, true
	}
	return IsFull(err)
}

// full marks errors of a disk without room.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &FullError{err}
	}
	return err
}

// tooLarge is for what would not fit if it were alone.
const tooLarge = "This file is larger than the space that the server has for converting. Ask whoever runs it for more (MEANWHILE_SCRATCH); the original is kept."

// hold takes scratch space. Copies that nobody uses now give way.
func (d *Desk) hold(bytes int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if bytes > d.limit {
		return &ffmpeg.Problem{Sentence: tooLarge, Detail: fmt.Sprintf("%d bytes, the limit is %d", bytes, d.limit), Passing: true}
	}
	for d.held+bytes > d.limit || !d.roomBelow(bytes) {
		if !d.evict() {
			return &FullError{fmt.Errorf("%d of %d bytes are taken, %d are wanted", d.held, d.limit, bytes)}
		}
	}
	d.held += bytes
	return nil
}

// holdFor takes scratch space for a folder, to be given back with it.
func (d *Desk) holdFor(dir string, bytes int64) error {
	if err := d.hold(bytes); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.folders[dir]; known {
		d.folders[dir] += bytes
	} else {
		d.held -= bytes // nobody would give it back
	}
	return nil
}

func (d *Desk) free(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held -= bytes
}

// roomBelow says whether the disk has room for so much. What the outputs of jobs
// will take is an estimate and does not count.
func (d *Desk) roomBelow(bytes int64) bool {
	if bytes == folderSpace {
		bytes = 0
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.root, &fs); err != nil {
		return true // what cannot be measured is found out by writing
	}
	return int64(fs.Bavail)*fs.Bsize >= bytes+leftOver
}

// evict drops a copy that waits for the next job. It runs with the lock held.
func (d *Desk) evict() bool {
	for name, w := range d.copies {
		if w.users == 0 {
			d.drop(name, w)
			return true
		}
	}
	return false
}

func sizeOf(slices []objects.Slice) (bytes int64) {
	for _, s := range slices {
		bytes += s.Length + int64(len(s.Bytes))
	}
	return bytes
}
