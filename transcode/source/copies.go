package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/source/stretch"
)

// idle is how long a copy waits for the next job of the same video.
const idle = 2 * time.Minute

// whole is a copy of a source, or of the parts of it that were needed.
type whole struct {
	ready chan struct{}
	path  string
	err   error
	users int
	timer *time.Timer
	// held is how much scratch space it takes.
	held int64

	// Of a copy with holes: where its times are, and what is there.
	plan  *stretch.Plan
	fetch sync.Mutex
	have  []stretch.Range
}

// Whole gives a file with all bytes of a source: the object itself where it is
// one file on this machine, else a copy that the jobs of a video share.
func (d *Desk) Whole(ctx context.Context, videoID string, parts []catalog.Part) (path string, release func(), err error) {
	if path, ok := d.single(parts); ok {
		return path, func() {}, nil
	}
	all := slices(parts)
	// A source that went on after it had been closed is another one.
	name := fmt.Sprintf("whole-%s-%d", videoID, objects.NewConcat(ctx, d.store, all).Size())
	w, mine := d.take(name)
	if mine {
		w.path = filepath.Join(d.root, name)
		if w.err = d.hold(sizeOf(all)); w.err == nil {
			w.held = sizeOf(all)
			w.err = d.copy(ctx, all, w.path)
		}
		close(w.ready)
	}
	select {
	case <-w.ready:
	case <-ctx.Done():
		d.release(name, w)
		return "", nil, context.Cause(ctx)
	}
	if w.err != nil {
		d.release(name, w)
		return "", nil, w.err
	}
	return w.path, func() { d.release(name, w) }, nil
}

// Stretch is a stretch of time of a plain file.
type Stretch struct {
	VideoID string
	Parts   []catalog.Part
	// From and To count from the file's first picture or sound.
	From, To time.Duration
}

// Stretch gives a file that decodes like the whole source between two times. Only
// the bytes for that are fetched, as long as the source tells where they are; all
// else of the file is a hole. The stretches of a video share one file.
func (d *Desk) Stretch(ctx context.Context, s Stretch) (path string, release func(), err error) {
	if path, ok := d.single(s.Parts); ok {
		return path, func() {}, nil
	}
	all := objects.NewConcat(ctx, d.store, slices(s.Parts))
	defer all.Close()
	name := fmt.Sprintf("%s-%d", s.VideoID, all.Size())
	if d.has("whole-" + name) {
		return d.Whole(ctx, s.VideoID, s.Parts)
	}
	w, mine := d.take("part-" + name)
	if mine {
		w.path = filepath.Join(d.root, "part-"+name)
		w.err = w.begin(all)
		close(w.ready)
	}
	release = func() { d.release("part-"+name, w) }
	select {
	case <-w.ready:
		err = w.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err == nil {
		err = d.fetch(w, all, s)
	}
	if err == nil {
		return w.path, release, nil
	}
	release()
	if errors.Is(err, stretch.ErrNoIndex) {
		return d.Whole(ctx, s.VideoID, s.Parts)
	}
	return "", nil, err
}

// has says whether a copy is there or on its way.
func (d *Desk) has(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copies[name] != nil
}

// begin makes a copy that is one hole.
func (w *whole) begin(all *objects.Concat) (err error) {
	if w.plan, err = stretch.Read(all, all.Size()); err != nil {
		return err
	}
	to, err := os.OpenFile(w.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return full(fmt.Errorf("source: %w", err))
	}
	return full(errors.Join(to.Truncate(all.Size()), to.Close()))
}

// fetch fills in what a stretch needs.
func (d *Desk) fetch(w *whole, all *objects.Concat, s Stretch) (err error) {
	w.fetch.Lock()
	defer w.fetch.Unlock()
	wanted := w.plan.Ranges(s.From, s.To)
	missing := stretch.Without(wanted, w.have)
	var bytes int64
	for _, r := range missing {
		bytes += r.To - r.From
	}
	if bytes == 0 {
		return nil
	}
	err = d.holdMore(w, bytes)
	if _, tight := IsFull(err); tight && d.alone(w) {
		// What was fetched for others before is of no use now.
		if err := d.empty(w, all.Size()); err != nil {
			return err
		}
		bytes = 0
		for _, r := range wanted {
			bytes += r.To - r.From
		}
		missing, err = wanted, d.holdMore(w, bytes)
	}
	if err != nil {
		return err
	}
	to, err := os.OpenFile(w.path, os.O_WRONLY, 0o600)
	if err != nil {
		return full(fmt.Errorf("source: %w", err))
	}
	defer func() { err = full(errors.Join(err, to.Close())) }()
	for _, r := range missing {
		if _, err := all.Seek(r.From, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(io.NewOffsetWriter(to, r.From), all, r.To-r.From); err != nil {
			return err
		}
		w.have = stretch.Merge(append(w.have, r), 0)
	}
	return nil
}

// holdMore takes scratch space for a copy that grows.
func (d *Desk) holdMore(w *whole, bytes int64) error {
	if err := d.hold(bytes); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w.held += bytes
	return nil
}

// alone says whether one job alone uses a copy.
func (d *Desk) alone(w *whole) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return w.users == 1
}

// empty makes a copy one hole again.
func (d *Desk) empty(w *whole, size int64) error {
	if err := errors.Join(os.Truncate(w.path, 0), os.Truncate(w.path, size)); err != nil {
		return full(fmt.Errorf("source: %w", err))
	}
	w.have = nil
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held -= w.held
	w.held = 0
	return nil
}

func (d *Desk) single(parts []catalog.Part) (string, bool) {
	locator, ok := d.store.(objects.Locator)
	if !ok || len(parts) != 1 {
		return "", false
	}
	path, err := locator.Path(parts[0].ObjectKey)
	return path, err == nil
}

func (d *Desk) take(name string) (w *whole, mine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w, found := d.copies[name]
	if !found {
		w = &whole{ready: make(chan struct{})}
		d.copies[name] = w
	}
	w.users++
	if w.timer != nil {
		w.timer.Stop()
	}
	return w, !found
}

// release keeps an unused copy for a while, a failed one not at all.
func (d *Desk) release(name string, w *whole) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.users--
	if w.users > 0 {
		return
	}
	wait := idle
	select {
	case <-w.ready:
		if w.err != nil {
			wait = 0
		}
	default:
	}
	if wait == 0 {
		d.drop(name, w)
		return
	}
	w.timer = time.AfterFunc(wait, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if w.users == 0 && d.copies[name] == w {
			d.drop(name, w)
		}
	})
}

// drop runs with the lock held.
func (d *Desk) drop(name string, w *whole) {
	if d.copies[name] == w {
		delete(d.copies, name)
	}
	d.held -= w.held
	w.held = 0
	if w.timer != nil {
		w.timer.Stop()
	}
	_ = os.Remove(w.path)
}

func (d *Desk) copy(ctx context.Context, from []objects.Slice, path string) (err error) {
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return full(fmt.Errorf("source: %w", err))
	}
	reader := objects.NewConcat(ctx, d.store, from)
	_, err = io.Copy(to, reader)
	return full(errors.Join(err, reader.Close(), to.Close()))
}
