package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/catalog/segment"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// wholeVideo is the span number of a rendition that is made in one piece.
const wholeVideo = -1

// Rendition describes one rung, or the audio, of the ladder.
type Rendition struct {
	Name string `bun:"name,pk"`
	// Kind is "video" or "audio".
	Kind      string  `bun:"kind"`
	Width     int     `bun:"width"`
	Height    int     `bun:"height"`
	FrameRate float64 `bun:"frame_rate"`
	// Codecs is an RFC 6381 list; the bandwidths are bits per second.
	Codecs           string `bun:"codecs"`
	Bandwidth        int64  `bun:"bandwidth"`
	AverageBandwidth int64  `bun:"average_bandwidth"`
}

// Segment is one segment inside a track's object.
type Segment = segment.Segment

// Track is a rendition of one span (or of the whole, for audio): one object
// that holds an init segment of InitLength bytes and then the segments.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`
	Rendition

	VideoID    string    `bun:"video_id,pk"`
	Span       int       `bun:"span,pk"`
	ObjectKey  string    `bun:"object_key"`
	InitLength int64     `bun:"init_length"`
	Size       int64     `bun:"size"`
	Header     []byte    `bun:"header"` // JSON of container.Header
	Segments   []Segment `bun:"segments,type:text"`
	// Playlist is Segments as segment.Pack writes them.
	Playlist []byte `bun:"playlist"`
}

// SpanWork is everything that a span's job needs to know.
type SpanWork struct {
	Video *Video
	Span  Span
	// Fragments are those of the span; Lead is the one before it, if any.
	Fragments []Fragment
	Lead      *Fragment
	Parts     []Part
}

// Span reads a span's work. It returns ErrAlreadyDone when the span is made,
// and record.ErrNotFound when it no longer exists.
func (c *Catalog) Span(ctx context.Context, videoID string, n int) (*SpanWork, error) {
	work := new(SpanWork)
	err := c.DB.Reader.NewSelect().Model(&work.Span).Where("video_id = ? AND n = ?", videoID, n).Scan(ctx)
	if err != nil {
		return nil, record.Translate(err)
	}
	if work.Span.Done {
		return nil, ErrAlreadyDone
	}
	if work.Video, err = c.Video(ctx, videoID); err != nil {
		return nil, err
	}
	from, count := work.Span.First, work.Span.Fragments
	if from > 0 {
		from, count = from-1, count+1
	}
	if work.Fragments, err = c.Fragments(ctx, videoID, from, count); err != nil {
		return nil, err
	}
	if len(work.Fragments) > work.Span.Fragments {
		work.Lead, work.Fragments = &work.Fragments[0], work.Fragments[1:]
	}
	work.Parts, err = c.Parts(ctx, videoID)
	return work, err
}

// Parts lists the pieces of a video's source in order.
func (c *Catalog) Parts(ctx context.Context, videoID string) ([]Part, error) {
	var parts []Part
	err := c.DB.Reader.NewSelect().Model(&parts).Where("video_id = ?", videoID).Order("start").Scan(ctx)
	return parts, record.Translate(err)
}

// Fragments lists count fragments from number from on, without their samples;
// a negative count means all.
func (c *Catalog) Fragments(ctx context.Context, videoID string, from, count int) ([]Fragment, error) {
	var found []Fragment
	q := c.DB.Reader.NewSelect().Model(&found).ExcludeColumn("samples").Where("video_id = ? AND n >= ?", videoID, from).Order("n")
	if count >= 0 {
		q = q.Limit(int64(count))
	}
	return found, record.Translate(q.Scan(ctx))
}

// Samples lists all fragments of a video with their sample tables.
func (c *Catalog) Samples(ctx context.Context, videoID string) ([]Fragment, error) {
	var found []Fragment
	err := c.DB.Reader.NewSelect().Model(&found).Where("video_id = ?", videoID).Order("n").Scan(ctx)
	return found, record.Translate(err)
}

// Tracks lists what the ladder has made of a video, by rendition and span.
func (c *Catalog) Tracks(ctx context.Context, videoID string) ([]Track, error) {
	var found []Track
	err := c.DB.Reader.NewSelect().Model(&found).Where("video_id = ?", videoID).Order("kind", "height", "name", "span").Scan(ctx)
	return found, record.Translate(err)
}

// Spans lists the spans of a video in order.
func (c *Catalog) Spans(ctx context.Context, videoID string) ([]Span, error) {
	var found []Span
	err := c.DB.Reader.NewSelect().Model(&found).Where("video_id = ?", videoID).Order("n").Scan(ctx)
	return found, record.Translate(err)
}

// CommitSpan records the rungs of a span. It returns ErrAlreadyDone when another
// worker was faster or the span was planned anew meanwhile; the caller's objects
// are then of no use.
func (c *Catalog) CommitSpan(ctx context.Context, span Span, tracks []Track) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, span.VideoID)
		if errors.Is(record.Translate(err), record.ErrNotFound) {
			return ErrAlreadyDone
		}
		if err != nil {
			return err
		}
		err = record.Must(tx.NewUpdate().Table("spans").Set("done = TRUE").
			Where("video_id = ? AND n = ? AND NOT done AND fragments = ? AND end_us = ?", span.VideoID, span.N, span.Fragments, span.EndUS).Exec(ctx))
		if err == record.ErrNotFound { //nolint:errorlint // must returns it bare
			return ErrAlreadyDone
		}
		if err != nil {
			return err
		}
		if err := tx.addTracks(ctx, span.VideoID, span.N, tracks); err != nil {
			return err
		}
		if video.AudioDone {
			// This span began while the recording ran; the whole sound was faster.
			if err := tx.dropLiveAudio(ctx, span.VideoID); err != nil {
				return err
			}
		}
		video.SpansDone++
		video.settleState(ctx)
		return tx.saveVideo(ctx, video)
	})
}

// CommitAudio records the audio rendition of a take, or ErrAlreadyDone.
func (c *Catalog) CommitAudio(ctx context.Context, videoID string, take int, track Track) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, videoID)
		if err != nil {
			return err
		}
		if video.AudioDone || video.Take != take {
			return ErrAlreadyDone
		}
		if err := tx.dropLiveAudio(ctx, videoID); err != nil {
			return err
		}
		if err := tx.addTracks(ctx, videoID, wholeVideo, []Track{track}); err != nil {
			return err
		}
		video.AudioDone = true
		video.settleState(ctx)
		return tx.saveVideo(ctx, video)
	})
}

// ForgoAudio records that a take's sound cannot be decoded: the pictures are
// enough to make it a video.
func (c *Catalog) ForgoAudio(ctx context.Context, videoID string, take int) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, videoID)
		if err != nil {
			return err
		}
		if video.AudioDone || video.Take != take {
			return ErrAlreadyDone
		}
		if err := tx.dropLiveAudio(ctx, videoID); err != nil {
			return err
		}
		video.HasAudio = false
		video.settleState(ctx)
		return tx.saveVideo(ctx, video)
	})
}

// dropLiveAudio removes the per-span sound that bridged the time until the
// continuous rendition was made.
func (t change) dropLiveAudio(ctx context.Context, videoID string) error {
	return t.dropTracks(ctx, videoID, "kind = 'audio' AND span >= 0")
}

// dropTracks removes some tracks of a video and leaves their objects to
// housekeeping.
func (t change) dropTracks(ctx context.Context, videoID, which string, values ...any) error {
	var gone []Track
	if err := t.NewSelect().Model(&gone).Column("object_key", "size").Where("video_id = ?", videoID).Where(which, values...).Scan(ctx); err != nil {
		return err
	}
	var bytes int64
	for _, track := range gone {
		if err := t.discard(ctx, track.ObjectKey, t.Now().Add(garbageGrace)); err != nil {
			return err
		}
		bytes += track.Size
	}
	if _, err := t.NewDelete().Table("tracks").Where("video_id = ?", videoID).Where(which, values...).Exec(ctx); err != nil {
		return err
	}
	return people.Store(ctx, t.Change, videoID, -bytes)
}

func (t change) addTracks(ctx context.Context, videoID string, span int, tracks []Track) error {
	var bytes int64
	for i := range tracks {
		tracks[i].VideoID, tracks[i].Span, tracks[i].Playlist = videoID, span, segment.Pack(tracks[i].Segments)
		bytes += tracks[i].Size
	}
	if len(tracks) == 0 {
		return nil
	}
	if _, err := t.NewInsert().Model(&tracks).Exec(ctx); err != nil {
		return err
	}
	return people.Store(ctx, t.Change, videoID, bytes)
}

// CommitStills records pictures of a take; empty fields leave what is there.
func (c *Catalog) CommitStills(ctx context.Context, videoID string, take int, made Stills) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, videoID)
		if err != nil {
			return err
		}
		if video.Take != take {
			return ErrAlreadyDone
		}
		before := video.Stills()
		merged := before
		raw, err := json.Marshal(made)
		if err != nil {
			return err
		}
		// Fields that are empty were left out of raw, so they keep their value.
		if err := json.Unmarshal(raw, &merged); err != nil {
			return err
		}
		if video.StillsRaw, err = json.Marshal(merged); err != nil {
			return err
		}
		if err := tx.discardStills(ctx, before, merged); err != nil {
			return err
		}
		return tx.saveVideo(ctx, video)
	})
}

// discardStills leaves pictures that others took the place of to housekeeping.
func (t change) discardStills(ctx context.Context, before, now Stills) error {
	due := t.Now().Add(garbageGrace)
	for old, kept := range map[string]string{before.Poster: now.Poster, before.Preview: now.Preview, before.Storyboard: now.Storyboard} {
		if old == "" || old == kept {
			continue
		}
		if err := t.discard(ctx, old, due); err != nil {
			return err
		}
	}
	return nil
}

// PlanFile records what a probe found in a file that is not a stream of
// fragments, and plans its ladder: spans cut at the given times.
func (c *Catalog) PlanFile(ctx context.Context, videoID string, take int, m Media, bounds []time.Duration) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, videoID)
		if err != nil {
			return err
		}
		if video.Take != take || video.Spans > 0 {
			return ErrAlreadyDone
		}
		if err := tx.addIndex(ctx, video, Index{Media: &m}); err != nil {
			return err
		}
		for i := 1; i < len(bounds) && m.HasVideo; i++ {
			span := Span{VideoID: videoID, N: i - 1, StartUS: bounds[i-1].Microseconds(), EndUS: bounds[i].Microseconds()}
			priority := jobs.Bulk // the rest of an import lets recordings pass
			if span.N < fewSpans {
				priority = jobs.Live
			}
			if err := tx.addSpan(ctx, video, span, priority); err != nil {
				return err
			}
		}
		if err := tx.enqueueWhole(ctx, video); err != nil {
			return err
		}
		video.settleState(ctx)
		return tx.saveVideo(ctx, video)
	})
}

// FailVideo parks a video with a sentence for its owner.
func (c *Catalog) FailVideo(ctx context.Context, videoID, sentence string) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, videoID)
		if err != nil {
			return err
		}
		video.State, video.Reason = Failed, sentence
		return tx.saveVideo(ctx, video)
	})
}

// ResumeStalled looks again at videos that are being processed and have not come
// forward since before a time. A job that waits or runs is not added twice; one
// that was lost, because it gave up at the very moment at which it was wanted
// again, or because the full disk kept its end from being noted, is made up for.
func (c *Catalog) ResumeStalled(ctx context.Context, before time.Time) error {
	var stalled []string
	err := c.DB.Reader.NewSelect().Table("videos").Column("id").
		Where("state = ? AND updated_at < ?", Processing, before.UTC()).Order("updated_at").Limit(100).Scan(ctx, &stalled)
	if err != nil {
		return record.Translate(err)
	}
	for _, id := range stalled {
		err := c.beside(ctx, func(ctx context.Context, tx change) error {
			video, err := tx.lockVideo(ctx, id)
			if err != nil || video.State != Processing || !video.UpdatedAt.Before(before) {
				return err
			}
			return tx.resume(ctx, video)
		})
		if err != nil && !errors.Is(err, record.ErrNotFound) {
			return err
		}
	}
	return nil
}

// resume adds the jobs that a video still needs to be ready.
func (t change) resume(ctx context.Context, video *Video) error {
	if video.unplanned() {
		if err := t.order(ctx, video, jobs.Probe{VideoID: video.ID, Take: video.Take}, jobs.Live); err != nil {
			return err
		}
		return t.saveVideo(ctx, video)
	}
	if err := t.enqueueSpans(ctx, video); err != nil {
		return err
	}
	if err := t.enqueueAudio(ctx, video); err != nil {
		return err
	}
	video.settleState(ctx)
	return t.saveVideo(ctx, video)
}

// unplanned says that a plain file waits for its probe, whatever its header has
// told of what is in it.
func (v *Video) unplanned() bool { return v.Layout != fragmented && v.Spans == 0 }
