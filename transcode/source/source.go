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

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

// Desk hands out sources and scratch folders. Its methods may be called at the
// same time.
type Desk struct {
	store objects.Store
	root  string
	limit int64

	mu     sync.Mutex
	copies map[string]*whole
	// held is how much of the limit is taken, in bytes, and folders how much of
	// it by each scratch folder.
	held    int64
	folders map[string]int64
}

// NewDesk makes a desk with scratch space below root, which it empties: whatever
// lies there was left by a process that died. It holds at most limit bytes; 0 is
// 10 GiB.
func NewDesk(store objects.Store, root string, limit int64) (*Desk, error) {
	if err := os.RemoveAll(root); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	if limit <= 0 {
		limit = usualLimit
	}
	return &Desk{store: store, root: root, limit: limit, copies: map[string]*whole{}, folders: map[string]int64{}}, nil
}

// Folder makes a scratch folder; remove deletes it with all that is in it.
func (d *Desk) Folder() (dir string, remove func(), err error) {
	if err := d.hold(folderSpace); err != nil {
		return "", nil, err
	}
	dir, err = os.MkdirTemp(d.root, "job-")
	if err != nil {
		d.free(folderSpace)
		return "", nil, full(fmt.Errorf("source: %w", err))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.folders[dir] = folderSpace
	return dir, func() {
		_ = os.RemoveAll(dir)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.held -= d.folders[dir]
		delete(d.folders, dir)
	}, nil
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
	if err := d.holdFor(filepath.Dir(path), sizeOf(wanted)); err != nil {
		return err
	}
	return d.copy(ctx, wanted, path)
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

// Discard removes objects that turned out to be of no use because of an error,
// even when the job that made them has been cancelled. Where the records may name
// them all the same they stay, and are collected later if they do not. It returns
// the error.
func (d *Desk) Discard(ctx context.Context, prefix string, err error) error {
	if errors.Is(err, database.ErrUncertain) {
		return err
	}
	return errors.Join(err, d.store.Delete(context.WithoutCancel(ctx), prefix))
}

func slices(parts []catalog.Part) []objects.Slice {
	out := make([]objects.Slice, len(parts))
	for i, p := range parts {
		out[i] = objects.Slice{Key: p.ObjectKey, Length: p.Length}
	}
	return out
}
