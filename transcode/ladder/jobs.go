package ladder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/transcode/container"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/source"
)

// Concurrency is how many media jobs this machine bears at once: each runs a
// decoder and some encoders, with a few threads.
func Concurrency() int { return max(1, runtime.NumCPU()/2) }

// Jobs does the work of the kinds span, audio and probe.
type Jobs struct {
	Catalog *catalog.Catalog
	Desk    *source.Desk
	Runner  *ffmpeg.Runner
	Log     *slog.Logger
}

// Register makes h do these kinds of job.
func (j *Jobs) Register(h *jobs.Handlers) {
	jobs.Handle(h, func(ctx context.Context, job jobs.Job[jobs.Span]) error {
		return settle(ctx, j, job, job.Args.VideoID, func() error { return j.span(ctx, job.Args) })
	})
	jobs.Handle(h, func(ctx context.Context, job jobs.Job[jobs.Audio]) error {
		return settle(ctx, j, job, job.Args.VideoID, func() error { return j.audio(ctx, job.Args) })
	})
	jobs.Handle(h, func(ctx context.Context, job jobs.Job[jobs.Probe]) error {
		return settle(ctx, j, job, job.Args.VideoID, func() error { return j.probe(ctx, job.Args) })
	})
}

// guarded makes an error of a panic: the queue would drop the job after its last
// attempt without a word to the owner.
func guarded(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("ladder: panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return work()
}

// fatal is told to the owner of a video that ended the process in every attempt.
const fatal = "Converting this recording ended the server’s own process several times, so it is not tried again by itself."

// patience is how long a job waits for scratch space, the store or the database
// before that counts against it.
const patience = 6 * time.Hour

// settle does a job and decides what its outcome means: done, not needed any more,
// to be tried again, or the owner's to know.
func settle[A jobs.Args](ctx context.Context, j *Jobs, job jobs.Job[A], videoID string, work func() error) error {
	if job.Fatal {
		return j.giveUp(ctx, videoID, &ffmpeg.Problem{Sentence: fatal})
	}
	err := guarded(work)
	wait, passes := source.Passes(err)
	switch {
	case err == nil, errors.Is(err, catalog.ErrAlreadyDone), errors.Is(err, record.ErrNotFound):
		return nil
	case ctx.Err() != nil:
		return err
	case passes && time.Since(job.Since) < patience:
		j.Log.Warn("a job waits for scratch space, the media store or the database", "kind", job.Args.Kind(), "video", videoID, "error", err)
		return jobs.Later(wait)
	case !job.Last && !ffmpeg.IsPermanent(err):
		return err
	}
	return j.giveUp(ctx, videoID, err)
}

// giveUp parks a video with a sentence for its owner.
func (j *Jobs) giveUp(ctx context.Context, videoID string, err error) error {
	sentence := ffmpeg.Sentence(err)
	if errors.Is(err, objects.ErrFull) || errors.Is(err, record.ErrFull) {
		sentence = "The server has no room left for this video."
	}
	j.Log.ErrorContext(ctx, "a video cannot be converted", "video", videoID, "reason", sentence, "error", err)
	if video, missing := j.Catalog.Video(ctx, videoID); missing == nil && video.State == catalog.Recording {
		// The recording goes on; when it ends, what is missing is tried again.
		return jobs.Permanent(err)
	}
	if failed := j.Catalog.FailVideo(ctx, videoID, sentence); failed != nil && !errors.Is(failed, record.ErrNotFound) {
		if wait, passes := source.Passes(failed); passes {
			return jobs.Later(wait) // and then the owner is told
		}
		return errors.Join(err, failed)
	}
	return jobs.Permanent(err)
}

func (j *Jobs) encoder() *Encoder { return &Encoder{Runner: j.Runner} }

func (j *Jobs) span(ctx context.Context, args jobs.Span) error {
	work, err := j.Catalog.Span(ctx, args.VideoID, args.Span)
	if err != nil {
		return err
	}
	dir, remove, err := j.Desk.Folder()
	if err != nil {
		return err
	}
	defer remove()
	in, release, err := j.spanInput(ctx, work, dir)
	if err != nil {
		return err
	}
	defer release()
	outputs, usage, err := j.encoder().EncodeSpan(ctx, *in)
	if err != nil {
		return err
	}
	j.Log.InfoContext(ctx, "span encoded", "video", args.VideoID, "span", args.Span, "cpu", usage.CPU, "wall", usage.Wall)
	prefix := attempt(args.VideoID)
	tracks := make([]catalog.Track, 0, len(outputs)+1)
	for i, out := range outputs {
		made := track(out, in.Rungs[i].rendition())
		made.ObjectKey = fmt.Sprintf("%s%s/%d.mp4", prefix, in.Rungs[i].Name, args.Span)
		tracks = append(tracks, made)
	}
	if out, made := j.live(ctx, work, *in); made != nil {
		made.ObjectKey = fmt.Sprintf("%saudio/%d.mp4", prefix, args.Span)
		outputs, tracks = append(outputs, out), append(tracks, *made)
	}
	return j.keep(ctx, prefix, outputs, tracks, func() error { return j.Catalog.CommitSpan(ctx, work.Span, tracks) })
}

// live makes the sound of a span while a WebM recording runs, whose own bytes
// cannot be played before it ends. It is a bridge: without it the picture is
// still there, and the whole sound follows.
func (j *Jobs) live(ctx context.Context, work *catalog.SpanWork, in SpanInput) (Output, *catalog.Track) {
	v := work.Video
	if v.State != catalog.Recording || v.Format != string(container.FormatWebM) || !v.HasAudio || in.Cut {
		return Output{}, nil
	}
	with := *work
	if work.Lead != nil {
		with.Fragments = append([]catalog.Fragment{*work.Lead}, work.Fragments...)
	}
	path := filepath.Join(in.Dir, "sound")
	err := j.Desk.Fragments(ctx, &with, path)
	var out Output
	if err == nil {
		out, _, err = j.encoder().EncodeLiveAudio(ctx, LiveInput{
			Path: path, Format: in.Format, Start: in.Start, End: in.End, Channels: channels(v), Dir: in.Dir,
		})
	}
	if err != nil {
		j.Log.WarnContext(ctx, "no live sound", "video", v.ID, "span", work.Span.N, "error", err)
		return Output{}, nil
	}
	if len(out.Segments) == 0 {
		return Output{}, nil
	}
	made := track(out, catalog.Rendition{Name: "audio", Kind: container.KindAudio})
	return out, &made
}

// attempt is a fresh place for objects: two workers with the same job never
// write to the same key, and one of them is told to remove its own.
func attempt(videoID string) string { return "v/" + videoID + "/ladder/" + record.NewID() + "/" }

func (j *Jobs) keep(ctx context.Context, prefix string, outputs []Output, tracks []catalog.Track, commit func() error) error {
	var err error
	for i := 0; i < len(outputs) && err == nil; i++ {
		err = j.Desk.Keep(ctx, tracks[i].ObjectKey, outputs[i].Path)
	}
	if err == nil {
		err = commit()
	}
	if err != nil {
		return j.Desk.Discard(ctx, prefix, err)
	}
	return nil
}

// spanInput brings the span's bytes here and finds out how to read them.
func (j *Jobs) spanInput(ctx context.Context, work *catalog.SpanWork, dir string) (*SpanInput, func(), error) {
	in := &SpanInput{Start: work.Span.Start(), End: work.Span.End(), Dir: dir, Cut: work.Span.Fragments == 0}
	release := func() {}
	var err error
	if in.Cut {
		in.Path, release, err = j.Desk.Stretch(ctx, source.Stretch{VideoID: work.Video.ID, Parts: work.Parts, From: in.Start, To: in.End})
	} else {
		in.Path = filepath.Join(dir, "source")
		err = j.Desk.Fragments(ctx, work, in.Path)
	}
	if err == nil {
		err = j.inspect(ctx, work.Video, in)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return in, release, nil
}

func (j *Jobs) inspect(ctx context.Context, video *catalog.Video, in *SpanInput) error {
	format, err := ffmpeg.SniffFile(in.Path)
	if err != nil {
		return err
	}
	in.Format = format
	found, err := j.Runner.Probe(ctx, ffmpeg.Input{Path: in.Path, Format: format})
	if err != nil {
		return err
	}
	if found.Video == nil {
		return &ffmpeg.Problem{Sentence: nothingInside, Detail: "no video stream"}
	}
	width, height, rate := video.Width, video.Height, 0.0
	if in.Cut {
		rate = found.Video.FrameRate
	} else if found.Video.Turned && width > height == (found.Video.Width < found.Video.Height) {
		width, height = height, width
	}
	in.Rungs = Plan(width, height, rate)
	in.Stretched, in.Fast = found.Video.Stretched, rate > maxFrameRate+2
	in.Timescale = found.Video.Timescale
	if header := source.Header(video); header != nil && !in.Cut && header.Main() >= 0 {
		in.Timescale = header.Tracks[header.Main()].Timescale
	}
	return nil
}

func (j *Jobs) audio(ctx context.Context, args jobs.Audio) error {
	video, err := j.Catalog.Video(ctx, args.VideoID)
	if err != nil {
		return err
	}
	if video.Take != args.Take || video.AudioDone {
		return catalog.ErrAlreadyDone
	}
	parts, err := j.Catalog.Parts(ctx, args.VideoID)
	if err != nil {
		return err
	}
	dir, remove, err := j.Desk.Folder()
	if err != nil {
		return err
	}
	defer remove()
	in, release, err := j.audioInput(ctx, video, parts)
	if err != nil {
		return err
	}
	defer release()
	in.Dir = dir
	out, usage, err := j.encoder().EncodeAudio(ctx, *in)
	if err != nil && video.HasVideo && ctx.Err() == nil && ffmpeg.IsPermanent(err) {
		j.Log.WarnContext(ctx, "the sound cannot be decoded; the pictures stand alone", "video", args.VideoID, "error", err)
		return j.Catalog.ForgoAudio(ctx, args.VideoID, args.Take)
	}
	if err != nil {
		return err
	}
	j.Log.InfoContext(ctx, "audio encoded", "video", args.VideoID, "cpu", usage.CPU, "wall", usage.Wall)
	prefix := attempt(args.VideoID)
	made := track(out, catalog.Rendition{Name: "audio", Kind: container.KindAudio})
	made.ObjectKey = prefix + "audio.mp4"
	return j.keep(ctx, prefix, []Output{out}, []catalog.Track{made}, func() error {
		return j.Catalog.CommitAudio(ctx, args.VideoID, args.Take, made)
	})
}

func (r Rung) rendition() catalog.Rendition {
	return catalog.Rendition{Name: r.Name, Kind: container.KindVideo, Width: r.Width, Height: r.Height}
}

// track describes an output the way the catalog keeps it.
func track(out Output, r catalog.Rendition) catalog.Track {
	t := catalog.Track{Rendition: r, InitLength: out.Header.Length, Size: out.Size}
	t.Header, _ = json.Marshal(out.Header) //nolint:errchkjson // numbers and strings always marshal
	if main := out.Header.Main(); main >= 0 {
		t.Codecs = out.Header.Tracks[main].Codec
	}
	var bytes int64
	var length time.Duration
	for _, s := range out.Segments {
		t.Segments = append(t.Segments, catalog.Segment{Offset: s.Offset, Length: s.Length, Start: s.Start, Duration: s.Duration, Samples: s.Samples})
		bytes, length = bytes+s.Length, length+s.Duration
		t.Bandwidth = max(t.Bandwidth, bitrate(s.Length, s.Duration))
	}
	t.AverageBandwidth = bitrate(bytes, length)
	return t
}

func bitrate(bytes int64, length time.Duration) int64 {
	return int64(float64(bytes*8) / max(length.Seconds(), 0.5))
}
