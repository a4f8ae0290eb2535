package catalog

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/catalog/segment"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/trace"
)

// How long spans are. The first ones are short so that the ladder, and with it
// the live edge of a WebM recording, starts soon.
const (
	firstSpan = 6 * time.Second
	spanAim   = 24 * time.Second
	fewSpans  = 2
	// spanSlack is what the presentation times of neighbours may overlap by.
	spanSlack = time.Second
)

// fragmented is the layout of a source that plays while it grows.
const fragmented = "fragmented"

// Span is a stretch of a video whose rungs are made by one job.
type Span struct {
	bun.BaseModel `bun:"table:spans,alias:span"`

	VideoID string `bun:"video_id,pk"`
	N       int    `bun:"n,pk"`
	// First and Fragments tell which fragments it covers; a span of a plain
	// file covers none and is cut by time.
	First     int   `bun:"first_fragment"`
	Fragments int   `bun:"fragments"`
	StartUS   int64 `bun:"start_us"`
	EndUS     int64 `bun:"end_us"`
	Done      bool  `bun:"done"`
	// Playlist is its fragments as segment.Pack writes them.
	Playlist []byte `bun:"playlist"`
}

// Start is the span's first presentation time.
func (s Span) Start() time.Duration { return micros(s.StartUS) }

// End is where the next span starts.
func (s Span) End() time.Duration { return micros(s.EndUS) }

// Renditions lists what rungs there are, and the sound, as they are in the first
// span that has them, and with the largest bandwidths of all.
func (c *Catalog) Renditions(ctx context.Context, videoID string) ([]Rendition, error) {
	var found []Rendition
	each := c.DB.Reader.NewSelect().Table("tracks").Column("name").
		ColumnExpr("min(span) AS span, max(bandwidth) AS bandwidth, max(average_bandwidth) AS average_bandwidth").
		Where("video_id = ?", videoID).Group("name")
	err := c.DB.Reader.NewSelect().TableExpr("(?) AS each", each).
		Join("JOIN tracks ON tracks.video_id = ? AND tracks.name = each.name AND tracks.span = each.span", videoID).
		Column("tracks.name", "tracks.kind", "tracks.width", "tracks.height", "tracks.frame_rate", "tracks.codecs", "each.bandwidth", "each.average_bandwidth").
		Order("tracks.kind", "tracks.height", "tracks.name").Scan(ctx, &found)
	return found, record.Translate(err)
}

// SourceSegments lists the fragments of a video's source as playlists need them.
func (c *Catalog) SourceSegments(ctx context.Context, video *Video) ([]Segment, error) {
	found, err := segment.OfSource(ctx, c.DB.Reader, segment.Source{VideoID: video.ID, Closed: video.UploadState != UploadOpen, Duration: video.Duration()})
	return found, record.Translate(err)
}

// Pieces lists what is made of one rendition, by span, as playlists need it.
func (c *Catalog) Pieces(ctx context.Context, videoID, name string) ([]segment.Piece, error) {
	found, err := segment.OfRendition(ctx, c.DB.Reader, videoID, name)
	return found, record.Translate(err)
}

// planSpans turns fragments that belong to no span yet into spans and their
// jobs: every full one, and with rest also what is left.
func (t change) planSpans(ctx context.Context, video *Video, rest bool) error {
	if !video.HasVideo {
		return nil
	}
	var next struct{ N, First int }
	err := t.NewRaw("SELECT coalesce(max(n) + 1, 0) AS n, coalesce(max(first_fragment + fragments), 0) AS first FROM spans WHERE video_id = ?", video.ID).Scan(ctx, &next)
	if err != nil {
		return err
	}
	var free []Fragment
	err = t.NewSelect().Model(&free).ExcludeColumn("samples").Where("video_id = ? AND n >= ?", video.ID, next.First).Order("n").Scan(ctx)
	if err != nil {
		return err
	}
	priority := jobs.Live
	if rest {
		priority = jobs.Waiting
	}
	for _, span := range cutSpans(free, next.N, rest) {
		span.VideoID = video.ID
		if err := t.addSpan(ctx, video, span, priority); err != nil {
			return err
		}
	}
	return nil
}

// mayFillSpan says whether the fragments that belong to no span may be enough for
// one, when spans reach to a time: most parts save planSpans its queries.
func (v *Video) mayFillSpan(plannedUS int64) bool {
	return v.HasVideo && time.Duration(v.DurationUS-plannedUS)*time.Microsecond >= spanLength(v.Spans)-spanSlack
}

// spanLength is how long span n should be at least.
func spanLength(n int) time.Duration {
	if n < fewSpans {
		return firstSpan
	}
	return spanAim
}

func cutSpans(free []Fragment, n int, rest bool) []Span {
	var spans []Span
	begin := 0
	for i, f := range free {
		end := f.StartUS + f.DurationUS
		full := time.Duration(end-free[begin].StartUS)*time.Microsecond >= spanLength(n+len(spans))
		if !full && (!rest || i < len(free)-1) {
			continue
		}
		spans = append(spans, Span{
			N: n + len(spans), First: free[begin].N, Fragments: i + 1 - begin, StartUS: free[begin].StartUS, EndUS: end, Playlist: packed(free[begin : i+1]),
		})
		begin = i + 1
	}
	return spans
}

// packed are fragments as playlists need them.
func packed(fragments []Fragment) []byte {
	segments := make([]Segment, len(fragments))
	for i, f := range fragments {
		segments[i] = Segment{Offset: f.Start, Length: f.Length, Start: micros(f.StartUS), Duration: micros(f.DurationUS)}
	}
	return segment.Pack(segments)
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

func (t change) addSpan(ctx context.Context, video *Video, span Span, priority int) error {
	if _, err := t.NewInsert().Model(&span).Exec(ctx); err != nil {
		return err
	}
	video.Spans++
	if span.N == 0 {
		if err := t.order(ctx, video, jobs.Stills{VideoID: video.ID, Take: video.Take, Early: true}, priority); err != nil {
			return err
		}
	}
	return t.order(ctx, video, jobs.Span{VideoID: video.ID, Span: span.N, Take: video.Take}, priority)
}

// Sentences for owners whose upload cannot become a video.
const (
	reasonEmpty    = "Nothing was received: the upload ended before its first byte."
	reasonNothing  = "The recording ended before its first picture or sound was complete, so there is nothing to play. What was received can be downloaded."
	reasonNotMedia = "This file is not a video or audio recording that Meanwhile can read. It can still be downloaded."
)

// close ends an upload in either way and sets going all that is left to do.
func (t change) close(ctx context.Context, video *Video, state UploadState) error {
	q := t.NewUpdate().Table("uploads").Set("state = ?", state).Where("video_id = ?", video.ID)
	if state == UploadFinished {
		q = q.Set("length = received")
	}
	if err := record.Must(q.Exec(ctx)); err != nil {
		return err
	}
	video.State = Processing
	switch {
	case video.Size == 0:
		video.State, video.Reason = Failed, reasonEmpty
	case video.Layout != fragmented:
		if err := t.order(ctx, video, jobs.Probe{VideoID: video.ID, Take: video.Take}, jobs.Live); err != nil {
			return err
		}
	case video.DurationUS == 0:
		video.State, video.Reason = Failed, reasonNothing
	default:
		trace.Event(ctx, "playable", trace.Text("video.id", video.ID))
		if err := t.planSpans(ctx, video, true); err != nil {
			return err
		}
		if err := t.enqueueSpans(ctx, video); err != nil {
			return err
		}
		if err := t.enqueueWhole(ctx, video); err != nil {
			return err
		}
	}
	video.settleState(ctx)
	return t.saveVideo(ctx, video)
}

// order adds a job about a video, in the trace in which that began if this is in none.
func (t change) order(ctx context.Context, video *Video, args jobs.Args, priority int) error {
	return t.Enqueue(trace.Within(ctx, video.Traceparent), args, priority)
}

// enqueueSpans adds a job for each span that is not made. Those that wait for
// their turn are not added twice; those that gave up while the recording still
// ran get another chance, and this time the owner hears of it.
func (t change) enqueueSpans(ctx context.Context, video *Video) error {
	var spans []Span
	if err := t.NewSelect().Model(&spans).Where("video_id = ? AND NOT done", video.ID).Scan(ctx); err != nil {
		return err
	}
	for _, span := range spans {
		if err := t.order(ctx, video, jobs.Span{VideoID: video.ID, Span: span.N, Take: video.Take}, video.urgency(jobs.Waiting, jobs.Bulk)); err != nil {
			return err
		}
	}
	return nil
}

// enqueueWhole adds the jobs that need the whole recording.
func (t change) enqueueWhole(ctx context.Context, video *Video) error {
	if err := t.enqueueAudio(ctx, video); err != nil || !video.HasVideo {
		return err
	}
	return t.order(ctx, video, jobs.Stills{VideoID: video.ID, Take: video.Take}, video.urgency(jobs.Live, jobs.Bulk))
}

// urgency is the priority of a job about a recording, whose speaker waits, or
// about a file, which lets recordings pass.
func (v *Video) urgency(recorded, file int) int {
	if v.Layout == fragmented {
		return recorded
	}
	return file
}

func (t change) enqueueAudio(ctx context.Context, video *Video) error {
	if !video.HasAudio || video.AudioDone {
		return nil
	}
	return t.order(ctx, video, jobs.Audio{VideoID: video.ID, Take: video.Take}, video.urgency(jobs.Waiting, jobs.Live))
}

// Retryable says that a video has failed and may be tried again. What ended with
// nothing in it stays as it is.
func (v *Video) Retryable() bool {
	return v.State == Failed && v.Size > 0 && (v.Layout != fragmented || v.DurationUS > 0)
}

// RetryVideo sets a failed video going again: every job that is not done.
func (c *Catalog) RetryVideo(ctx context.Context, videoID string) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, videoID)
		if err != nil || !video.Retryable() {
			return err
		}
		if err := tx.audit(ctx, video, record.VideoRetried, map[string]string{"reason": video.Reason}); err != nil {
			return err
		}
		video.State, video.Reason = Processing, ""
		if err := tx.resume(ctx, video); err != nil || !video.HasVideo || video.unplanned() {
			return err
		}
		return tx.order(ctx, video, jobs.Stills{VideoID: videoID, Take: video.Take}, jobs.Live)
	})
}

// settleState makes a video ready once nothing is left to make.
func (v *Video) settleState(ctx context.Context) {
	if v.State == Processing && v.Spans+boolInt(v.HasAudio) > 0 && v.SpansDone >= v.Spans && (v.AudioDone || !v.HasAudio) {
		v.State, v.Reason = Ready, ""
		trace.Event(ctx, "ready", trace.Text("video.id", v.ID))
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// reopen continues a recording that had been closed because it was quiet: what
// the index had closed early is taken back, and so is what was made of it.
func (t change) reopen(ctx context.Context, at *receiving, uploadID string) error {
	video := &at.Video
	video.Take++
	video.State, video.Reason, video.AudioDone = Recording, "", false
	var checkpoint string
	if err := t.NewRaw("SELECT checkpoint FROM uploads WHERE id = ?", uploadID).Scan(ctx, &checkpoint); err != nil {
		return err
	}
	kept := checkpointEmitted([]byte(checkpoint))
	if video.Layout != fragmented {
		kept = -1 // its spans cover no fragments, and all were cut from a file without its end
	}
	if _, err := t.NewDelete().Table("fragments").Where("video_id = ? AND n >= ?", video.ID, kept).Exec(ctx); err != nil {
		return err
	}
	err := t.NewRaw("SELECT coalesce(max(start_us + duration_us), 0), coalesce(max(n) + 1, 0) FROM fragments WHERE video_id = ?", video.ID).
		Scan(ctx, &video.DurationUS, &at.Fragments)
	if err != nil {
		return err
	}
	at.PlannedUS = 0 // to be looked at again
	if err := t.discardTracks(ctx, video.ID, kept); err != nil {
		return err
	}
	err = t.NewRaw("SELECT count(*), coalesce(sum(CASE WHEN done THEN 1 ELSE 0 END), 0) FROM spans WHERE video_id = ?", video.ID).Scan(ctx, &video.Spans, &video.SpansDone)
	return err
}

// discardTracks drops the spans that reach beyond the kept fragments, their
// rungs and the audio rendition, and leaves their objects to housekeeping.
func (t change) discardTracks(ctx context.Context, videoID string, kept int64) error {
	if err := t.dropTracks(ctx, videoID, "(span = -1 OR span IN (SELECT n FROM spans WHERE video_id = ? AND first_fragment + fragments > ?))", videoID, kept); err != nil {
		return err
	}
	_, err := t.NewDelete().Table("spans").Where("video_id = ? AND first_fragment + fragments > ?", videoID, kept).Exec(ctx)
	return err
}
