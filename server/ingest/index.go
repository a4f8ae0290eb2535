package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

// maxIndexers bounds the memory of uploads that go on. One that fell out is
// made again from its checkpoint and the bytes since.
const maxIndexers = 4096

// maxHeld bounds what all kept indexes buffer of elements that are not whole
// yet: hostile files may begin large ones and never end them.
const maxHeld = 128 << 20

// indexers keeps the index of each upload between two of its requests.
type indexers struct {
	mu   sync.Mutex
	kept map[string]keptIndex
	// held is what the kept ones buffer, in bytes.
	held int
}

type keptIndex struct {
	index *cursor
	at    int64 // offset of the next byte it wants to be fed
	held  int   // bytes it buffers
}

func newIndexers() *indexers { return &indexers{kept: map[string]keptIndex{}} }

// take hands out the index for the byte at offset. Whoever takes it owns it,
// until give: after a failed commit it is simply made anew.
func (x *indexers) take(ctx context.Context, in *Ingest, row *catalog.Upload, offset int64) (*cursor, error) {
	x.mu.Lock()
	k, ok := x.kept[row.ID]
	x.forget(row.ID)
	x.mu.Unlock()
	if ok && k.at == offset {
		return k.index, nil
	}
	return in.resume(ctx, row, offset)
}

func (x *indexers) give(uploadID string, index *cursor, at int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.kept) >= maxIndexers {
		for id := range x.kept { // any one will do
			x.forget(id)
			break
		}
	}
	held := index.Buffered()
	if x.held+held > maxHeld {
		return
	}
	x.held += held
	x.kept[uploadID] = keptIndex{index: index, at: at, held: held}
}

// forget runs with the lock held.
func (x *indexers) forget(uploadID string) {
	x.held -= x.kept[uploadID].held
	delete(x.kept, uploadID)
}

// resume makes the index of an upload as it stands at offset: from the last
// checkpoint and the bytes that came after it.
func (in *Ingest) resume(ctx context.Context, row *catalog.Upload, offset int64) (*cursor, error) {
	if offset == 0 {
		return &cursor{Indexer: container.NewIndexer()}, nil
	}
	fresh, err := in.catalog.Upload(ctx, row.ID) // the row at hand may be older than its last part
	if err != nil {
		return nil, err
	}
	var at container.Checkpoint
	if err := json.Unmarshal(fresh.Checkpoint, &at); err != nil {
		return nil, fmt.Errorf("ingest: checkpoint: %w", err)
	}
	video, err := in.catalog.Video(ctx, row.VideoID)
	if err != nil {
		return nil, err
	}
	var header *container.Header
	if video.Header != nil {
		header = new(container.Header)
		if err := json.Unmarshal(video.Header, header); err != nil {
			return nil, fmt.Errorf("ingest: header: %w", err)
		}
	}
	index := container.ResumeIndexer(header, at)
	if at.Next >= offset {
		return &cursor{Indexer: index, skip: at.Next - offset}, nil
	}
	return &cursor{Indexer: index}, in.feed(ctx, row.VideoID, at.Next, offset, index)
}

// cursor feeds an index that wants to go on beyond the bytes there are: the
// first of those that come are not for it.
type cursor struct {
	*container.Indexer
	skip int64
}

// Write implements io.Writer.
func (c *cursor) Write(p []byte) (int, error) {
	over := min(c.skip, int64(len(p)))
	c.skip -= over
	if _, err := c.Indexer.Write(p[over:]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Fragments takes what is complete. Before the awaited bytes are there that is nothing: only the index of one process
// knows how far the bytes it passes over have come.
func (c *cursor) Fragments() []container.Fragment {
	if c.skip > 0 {
		return nil
	}
	return c.Indexer.Fragments()
}

func (in *Ingest) feed(ctx context.Context, videoID string, from, to int64, index io.Writer) (err error) {
	parts, err := in.catalog.Parts(ctx, videoID)
	if err != nil {
		return err
	}
	source := objects.NewConcat(ctx, in.objects, slices(parts))
	defer func() { err = errors.Join(err, source.Close()) }()
	if _, err = source.Seek(from, io.SeekStart); err != nil {
		return err
	}
	_, err = io.CopyN(index, source, to-from)
	return err
}

func slices(parts []catalog.Part) []objects.Slice {
	out := make([]objects.Slice, len(parts))
	for i, p := range parts {
		out[i] = objects.Slice{Key: p.ObjectKey, Length: p.Length}
	}
	return out
}
