// Package source brings the bytes of a video to ffmpeg and its results to the
// store: as a stream, as a file of chosen fragments, or as one whole file in a
// bounded scratch folder that is always cleaned up.
package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

// idle is how long a whole copy waits for the next job of the same video.
const idle = 2 * time.Minute

// Desk hands out sources and scratch folders. Its methods may be called at the
// same time.
type Desk struct {
	store objects.Store
	root  string

	mu     sync.Mutex
	copies map[string]*whole
}

// whole is a copy of a source that came in many parts.
type whole struct {
	ready chan struct{}
	path  string
	err   error
	users int
	timer *time.Timer
}

// NewDesk makes a desk with scratch space below root, which it empties: whatever
// lies there was left by a process that died.
func NewDesk(store objects.Store, root string) (*Desk, error) {
	if err := os.RemoveAll(root); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	return &Desk{store: store, root: root, copies: map[string]*whole{}}, nil
}

// Folder makes a scratch folder; remove deletes it with all that is in it.
func (d *Desk) Folder() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp(d.root, "job-")
	if err != nil {
		return "", nil, fmt.Errorf("source: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// Stream reads a whole source from its first byte.
func (d *Desk) Stream(ctx context.Context, parts []catalog.Part) io.ReadCloser {
	return objects.NewConcat(ctx, d.store, slices(parts))
}

// Header reads what the index kept about a video; nil if there is nothing.
func Header(video *catalog.Video) *container.Header {
	h := new(container.Header)
	if len(video.Header) == 0 || json.Unmarshal(video.Header, h) != nil {
		return nil
	}
	return h
}

// Fragments writes the init segment of a recording and some of its fragments as
// a file to path: a small recording of its own, with the times of the large one.
func (d *Desk) Fragments(ctx context.Context, w *catalog.SpanWork, path string) error {
	header := Header(w.Video)
	if header == nil {
		return errors.New("source: a fragmented video without a header")
	}
	all := slices(w.Parts)
	wanted := objects.Cut(all, 0, header.Length)
	for _, f := range w.Fragments {
		wanted = append(wanted, objects.Cut(all, f.Start, f.Start+f.Length)...)
	}
	return d.copy(ctx, wanted, path)
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
		w.err = d.copy(ctx, all, w.path)
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
	delete(d.copies, name)
	_ = os.Remove(w.path)
}

func (d *Desk) copy(ctx context.Context, from []objects.Slice, path string) (err error) {
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	reader := objects.NewConcat(ctx, d.store, from)
	_, err = io.Copy(to, reader)
	return errors.Join(err, reader.Close(), to.Close())
}

// Keep puts the file at path into the store.
func (d *Desk) Keep(ctx context.Context, key, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	defer f.Close()
	_, err = d.store.Put(ctx, key, f)
	return err
}

// Discard removes objects that turned out to be of no use, even when the job
// that made them has been cancelled.
func (d *Desk) Discard(ctx context.Context, prefix string) error {
	return d.store.Delete(context.WithoutCancel(ctx), prefix)
}

func slices(parts []catalog.Part) []objects.Slice {
	out := make([]objects.Slice, len(parts))
	for i, p := range parts {
		out[i] = objects.Slice{Key: p.ObjectKey, Length: p.Length}
	}
	return out
}
