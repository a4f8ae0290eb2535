package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/trace"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

const (
	// maxPart ends a part: large enough that a sync costs little beside it,
	// small enough that a cut line loses no more than seconds of sending.
	maxPart = 32 << 20
	// maxPartTime ends a part of a stream, so that it plays while it comes, and
	// slowPartTime one that has brought less than minPart by then: an object and
	// a transaction for every few bytes would be an attack on both stores.
	maxPartTime  = time.Second
	slowPartTime = 10 * time.Second
	minPart      = 64 << 10
)

// WriteChunk implements tus.Upload: it keeps everything that src still brings,
// also when src ends because the line broke.
func (u *upload) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	// The line may break at any time; what it brought before is kept all the same.
	ctx = context.WithoutCancel(ctx)
	var total int64
	for {
		n, err := u.writePart(ctx, offset+total, src)
		total += n
		if err != nil || n == 0 {
			return total, u.refuse(err)
		}
	}
}

// writePart keeps one part; it returns 0 at the end of src.
func (u *upload) writePart(ctx context.Context, offset int64, src io.Reader) (kept int64, err error) {
	first := make([]byte, 1)
	if _, err := io.ReadFull(src, first); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		return 0, err
	}
	index, err := u.indexers.take(ctx, u.Ingest, u.row, offset)
	if err != nil {
		return 0, err
	}
	ctx, span := trace.Start(ctx, "part")
	defer func() { span.End(err) }()
	key := fmt.Sprintf("%ssrc/%016d-%s", catalog.ObjectPrefix(u.row.VideoID), offset, record.NewID()[:8])
	part := &slice{src: io.MultiReader(bytes.NewReader(first), src), began: u.now(), now: u.now}
	n, err := u.objects.Put(ctx, key, io.TeeReader(part, index))
	if err != nil {
		return 0, err
	}
	if err := u.commit(ctx, index, catalog.Arrival{UploadID: u.row.ID, VideoID: u.row.VideoID, Start: offset, Length: n, ObjectKey: key}); err != nil {
		if errors.Is(err, database.ErrUncertain) {
			return 0, err // a row may name the bytes: they stay
		}
		return 0, u.stop(ctx, errors.Join(err, u.objects.Delete(ctx, key)))
	}
	span.Set(trace.Number("part.offset", offset), trace.Number("part.bytes", n))
	u.row.Received = offset + n
	u.kept(n)
	return n, nil
}

// stop ends an upload that has reached a bound of its workspace: what came
// before is the video, and plays.
func (u *upload) stop(ctx context.Context, err error) error {
	bound := people.BoundOf(err)
	if bound == "" {
		return err
	}
	ended := u.end(ctx, u.row, catalog.Closing{State: catalog.UploadFinished, Stopped: bound})
	if ended == nil {
		u.row.State = catalog.UploadFinished
	}
	return errors.Join(err, ended)
}

func (u *upload) commit(ctx context.Context, index *cursor, a catalog.Arrival) error {
	a.Last = u.row.Length.Valid && a.Start+a.Length == u.row.Length.Int64
	var err error
	// The checkpoint comes before Finish: what the end closes can be taken back.
	if a.Index, err = learned(index); err != nil {
		return err
	}
	if a.Last {
		a.Index.Fragments = append(a.Index.Fragments, rows(index.FinishAt(a.Start+a.Length))...)
	}
	if err := u.catalog.AppendPart(ctx, a); err != nil {
		return err
	}
	if a.Last {
		u.row.State = catalog.UploadFinished
		return nil
	}
	u.indexers.give(u.row.ID, index, a.Start+a.Length)
	return nil
}

// learned takes from an index what the records keep.
func learned(index *cursor) (catalog.Index, error) {
	fragments := rows(index.Fragments())
	checkpoint, err := json.Marshal(index.Checkpoint())
	if err != nil {
		return catalog.Index{}, fmt.Errorf("ingest: checkpoint: %w", err)
	}
	media, err := mediaOf(index.Header())
	return catalog.Index{Media: media, Checkpoint: checkpoint, Fragments: fragments}, err
}

func mediaOf(h *container.Header) (*catalog.Media, error) {
	if h == nil {
		return nil, nil //nolint:nilnil // nothing is known yet
	}
	raw, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("ingest: header: %w", err)
	}
	m := &catalog.Media{Format: string(h.Format), Layout: string(h.Layout), Header: raw, WebSafe: h.WebSafe(), Duration: h.Duration}
	if h.Layout == container.LayoutFragmented {
		m.Duration = 0 // its fragments tell, and they tell the truth
	}
	for _, t := range h.Tracks {
		switch t.Kind {
		case container.KindVideo:
			m.HasVideo, m.Width, m.Height = true, max(m.Width, t.Width), max(m.Height, t.Height)
		case container.KindAudio:
			m.HasAudio = true
		}
	}
	return m, nil
}

func rows(fragments []container.Fragment) []catalog.Fragment {
	out := make([]catalog.Fragment, len(fragments))
	for i, f := range fragments {
		out[i] = catalog.Fragment{
			Start: f.Offset, Length: f.Length, StartUS: f.Start.Microseconds(),
			DurationUS: (f.Start + f.Duration).Microseconds() - f.Start.Microseconds(), Samples: f.Samples,
		}
	}
	return out
}

// slice reads from src until a size or a time is reached. It has at least one
// byte.
type slice struct {
	src   io.Reader
	taken int64
	began time.Time
	now   func() time.Time
}

// Read implements io.Reader.
func (s *slice) Read(p []byte) (int, error) {
	if s.whole() {
		return 0, io.EOF
	}
	n, err := s.src.Read(p[:min(int64(len(p)), maxPart-s.taken)])
	s.taken += int64(n)
	return n, err
}

// whole says whether the part ends here.
func (s *slice) whole() bool {
	age := s.now().Sub(s.began)
	return s.taken == maxPart || s.taken >= minPart && age > maxPartTime || s.taken > 0 && age > slowPartTime
}
