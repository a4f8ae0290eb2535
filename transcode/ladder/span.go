package ladder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/meanwhile-app/meanwhile/transcode/container"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

// segment is how long a segment should be: the best first-frame time on slow
// lines, at a cost of a few percent in size.
const segment = 2 * time.Second

// SpanInput is one stretch of a video, to be encoded in all rungs.
type SpanInput struct {
	// Path is a file with an init segment and the fragments of this span alone,
	// or, when Cut is set, a whole file of which [Start, End) is taken.
	Path   string
	Format ffmpeg.Format
	Cut    bool
	// Start and End are presentation times of the video. The next span starts
	// with a frame at exactly End.
	Start, End time.Duration
	// Timescale of the source's video track. Keeping it keeps every time exact.
	Timescale uint32
	// Stretched sources have pixels that are not square; Fast ones have more
	// frames a second than the ladder keeps.
	Stretched, Fast bool
	Rungs           []Rung
	// Dir receives the output, a file per rung.
	Dir string
}

// Output is one rung of a span, or the audio: a file that holds an init segment
// and then segments.
type Output struct {
	Path     string
	Header   *container.Header
	Segments []container.Fragment
	Size     int64
}

// Encoder makes renditions.
type Encoder struct{ Runner *ffmpeg.Runner }

// EncodeSpan encodes all rungs of a span from one decode, in the order of
// in.Rungs.
//
// Spans are encoded without knowing each other and yet join into one track:
// times pass unchanged, there are no B-frames, so decode and presentation times
// are the same, each span starts with a key frame, its last sample lasts until
// End, and the init segments are identical.
func (e *Encoder) EncodeSpan(ctx context.Context, in SpanInput) ([]Output, ffmpeg.Usage, error) {
	paths := make([]string, len(in.Rungs))
	for i, rung := range in.Rungs {
		paths[i] = filepath.Join(in.Dir, rung.Name+".mp4")
	}
	usage, err := e.Runner.Run(ctx, ffmpeg.Command{
		Graph:    func(g *ffmpeg.Graph) { in.draw(g, paths) },
		FromZero: in.Cut,
		Dir:      in.Dir,
		Limits:   ffmpeg.Limits{Duration: in.length(), Output: in.outputLimit()},
	})
	if err != nil {
		return nil, usage, err
	}
	outputs := make([]Output, len(paths))
	for i, path := range paths {
		if err := stretchLastSample(path, in.ticks(in.End)); err != nil {
			return nil, usage, err
		}
		if outputs[i], err = index(path); err != nil {
			return nil, usage, err
		}
	}
	return outputs, usage, nil
}

func (in SpanInput) length() time.Duration { return max(in.End-in.Start, time.Second) }

// outputLimit allows for a rung that runs at its highest rate all the time.
func (in SpanInput) outputLimit() int64 {
	rate := 0
	for _, r := range in.Rungs {
		rate = max(rate, r.MaxRate)
	}
	return 16<<20 + int64(in.length().Seconds()*float64(rate)/8*2)
}

// cutMargin moves cuts between frames, away from the one that starts a span:
// times in microseconds are rounded, and a frame must not be lost or doubled.
const cutMargin = 200 * time.Microsecond

func (in SpanInput) draw(g *ffmpeg.Graph, paths []string) {
	source := ffmpeg.Input{Path: in.Path, Format: in.Format}
	if in.Cut {
		source.From = max(in.Start-cutMargin, 0)
		source.To = in.End - 2*cutMargin
	}
	v := g.Input(source).Video()
	if in.Fast {
		v = v.Filter("select", fmt.Sprintf("isnan(prev_selected_t)+gte(t-prev_selected_t,%.6f)", 0.98/maxFrameRate))
	}
	if in.Stretched {
		v = v.Filter("scale", "iw*sar", "ih").Filter("setsar", "1")
	}
	v = v.Filter("crop", "trunc(iw/2)*2", "trunc(ih/2)*2", "0", "0").Filter("format", "yuv420p")
	for i, branch := range v.Split(len(in.Rungs)) {
		rung := in.Rungs[i]
		w, h := strconv.Itoa(rung.Width), strconv.Itoa(rung.Height)
		// A window that is resized while it is recorded keeps its shape inside
		// the fixed picture.
		branch = branch.Filter("scale", w, h, "force_original_aspect_ratio=decrease", "flags=bicubic").
			Filter("pad", w, h, "(ow-iw)/2", "(oh-ih)/2").Filter("setsar", "1")
		g.Output(paths[i], in.videoOptions(rung), branch)
	}
}

func (in SpanInput) videoOptions(r Rung) ffmpeg.Options {
	return cmaf().With(ffmpeg.Options{
		"c:v": "libx264", "preset": "veryfast", "profile:v": "high", "pix_fmt": "yuv420p",
		"crf": strconv.Itoa(r.CRF), "maxrate": strconv.Itoa(r.MaxRate), "bufsize": strconv.Itoa(2 * r.MaxRate),
		"bf": "0", "g": "600", "sc_threshold": "0", "forced-idr": "1",
		"force_key_frames": in.keyFrames(),
		// Variable frame rate: the clock is the source's. The rate is only told
		// to x264, which derives its level and its headers from it.
		"fps_mode": "vfr", "enc_time_base": fmt.Sprintf("1:%d", in.timescale()),
		"x264-params":           fmt.Sprintf("fps=%d/1", r.FrameRate),
		"video_track_timescale": strconv.Itoa(in.timescale()),
	})
}

// cmaf are the muxer's options for fragments that continue one another.
func cmaf() ffmpeg.Options {
	return ffmpeg.Options{
		"f": "mp4", "avoid_negative_ts": "disabled", "fflags": "+bitexact", "flags": "+bitexact",
		"movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer",
	}
}

// keyFrames divides the span into equal segments of about two seconds. Key
// frames are forced by time, because frames may come at any rate: each is the
// first frame at or after its mark, the next mark counts from there, and the last
// half segment has none.
func (in SpanInput) keyFrames() string {
	length := max(in.End-in.Start, segment/2).Seconds()
	step := length / math.Max(1, math.Round(length/segment.Seconds()))
	// Here t counts from the first frame, whatever its timestamp is.
	return fmt.Sprintf("expr:if(isnan(prev_forced_t),1,gte(t,(floor(prev_forced_t/%.6f+0.5)+1)*%.6f-0.002)*lt(t,%.6f))", step, step, length-step/2)
}

// timescale is the source's, where it is fine enough to be exact and coarse
// enough that times in microseconds lead back to it.
func (in SpanInput) timescale() int {
	scale := int(in.Timescale)
	if scale <= 0 || scale > 400_000 {
		return 90_000
	}
	for scale < 1000 {
		scale *= 2
	}
	return scale
}

func (in SpanInput) ticks(at time.Duration) int64 {
	return int64(math.Round(at.Seconds() * float64(in.timescale())))
}

// index reads back what was encoded. ffmpeg can end with status 0 and an empty
// file, so nothing counts before it has been seen.
func index(path string) (Output, error) {
	f, err := os.Open(path)
	if err != nil {
		return Output{}, err
	}
	defer f.Close()
	x := container.NewIndexer()
	size, err := f.WriteTo(x)
	if err != nil {
		return Output{}, err
	}
	segments := append(x.Fragments(), x.Finish()...)
	if x.Header() == nil || len(segments) == 0 {
		return Output{}, &ffmpeg.Problem{Sentence: nothingInside, Detail: x.Reason()}
	}
	return Output{Path: path, Header: x.Header(), Segments: segments, Size: size}, nil
}

const nothingInside = "A part of this recording holds no picture or sound that could be read."

var errLayout = errors.New("ladder: unexpected layout of an encoded file")
