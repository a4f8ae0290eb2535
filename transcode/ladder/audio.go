package ladder

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

const (
	sampleRate = 48_000
	// frameSamples is how many samples an AAC packet holds, and how many the
	// encoder puts before the first one (ISO 14496-3).
	frameSamples = 1024
	// targetLoudness is for speech on ordinary devices, in LUFS (EBU R 128 has
	// -23 for broadcast; video sites aim at -14).
	targetLoudness = -16.0
	// silence is what is not worth raising: an open microphone in an empty room.
	silence = -50.0
	// maxGain keeps the noise behind a very quiet voice bearable, in dB.
	maxGain = 20.0
	// unheard is the loudness of nothing.
	unheard = -70.0
)

// AudioInput is the sound of a whole recording.
type AudioInput struct {
	// Path of a file, or Open, which is called once for each of two passes.
	Path string
	Open func(ctx context.Context) (io.ReadCloser, error)
	// FromZero moves the file's earliest timestamp to 0; a recording's are kept.
	FromZero bool
	Format   ffmpeg.Format
	Channels int
	Duration time.Duration
	Dir      string
}

// EncodeAudio makes one continuous AAC rendition: it starts at 0, gaps in the
// source are silence, its loudness is evened with one gain for the whole, so a
// pause stays quiet, and it stays in step with the video however long it is.
func (e *Encoder) EncodeAudio(ctx context.Context, in AudioInput) (Output, ffmpeg.Usage, error) {
	loudness, measured, err := e.measure(ctx, in)
	if err != nil {
		return Output{}, measured, err
	}
	path := filepath.Join(in.Dir, "audio.mp4")
	usage, err := e.pass(ctx, in, ffmpeg.Command{Graph: func(g *ffmpeg.Graph) {
		g.Output(path, in.options(), in.filtered(g.Input(in.source()).Audio(), gain(loudness)))
	}})
	usage.CPU, usage.Wall = usage.CPU+measured.CPU, usage.Wall+measured.Wall
	if err != nil {
		return Output{}, usage, err
	}
	out, err := index(path)
	return out, usage, err
}

// gain is what to add to sound of a loudness, in dB.
func gain(loudness float64) float64 {
	if math.IsNaN(loudness) || loudness < silence {
		return 0
	}
	return min(targetLoudness-loudness, maxGain)
}

// measure finds the integrated loudness in LUFS.
func (e *Encoder) measure(ctx context.Context, in AudioInput) (float64, ffmpeg.Usage, error) {
	meter := &meter{loudness: unheard}
	usage, err := e.pass(ctx, in, ffmpeg.Command{Stdout: meter, Graph: func(g *ffmpeg.Graph) {
		heard := g.Input(in.source()).Audio().
			Filter("ebur128", "metadata=1").
			Filter("ametadata", "mode=print", "key=lavfi.r128.I", "file=-")
		g.Output("", ffmpeg.Options{"f": "null"}, heard)
	}})
	return meter.loudness, usage, err
}

// pass runs a command over the input, opening it anew if it is a stream.
func (e *Encoder) pass(ctx context.Context, in AudioInput, c ffmpeg.Command) (ffmpeg.Usage, error) {
	c.FromZero, c.Dir = in.FromZero, in.Dir
	c.Limits = ffmpeg.Limits{Duration: in.Duration + time.Minute, Output: 64<<20 + int64(in.Duration.Seconds()*64_000)}
	if in.Path == "" {
		stream, err := in.Open(ctx)
		if err != nil {
			return ffmpeg.Usage{}, err
		}
		defer stream.Close()
		c.Stdin = stream
	}
	return e.Runner.Run(ctx, c)
}

func (in AudioInput) source() ffmpeg.Input { return ffmpeg.Input{Path: in.Path, Format: in.Format} }

func (in AudioInput) channels() int { return min(max(in.Channels, 1), 2) }

// filtered puts the sound on the clock of the video. Small drift is stretched
// away, unheard; gaps are filled. It starts one AAC packet late, because the
// encoder puts that much before it: what is heard is where it was, and no edit
// list is needed, which players of fragments ignore.
func (in AudioInput) filtered(s ffmpeg.Stream, gain float64) ffmpeg.Stream {
	s = s.Filter("aresample", strconv.Itoa(sampleRate), "first_pts="+strconv.Itoa(frameSamples),
		"async=500", "min_comp=0.002", "min_hard_comp=0.08",
		// Without it the resampler starts when drift shows, and loses its clock.
		"flags=res")
	s = in.shaped(s)
	if gain != 0 {
		s = s.Filter("volume", fmt.Sprintf("%.2fdB", gain))
	}
	if gain > 0 {
		s = s.Filter("alimiter", "limit=0.89", "level=false", "attack=5", "release=50")
	}
	return s
}

// shaped makes what the encoder takes: one or two channels at 48 kHz.
func (in AudioInput) shaped(s ffmpeg.Stream) ffmpeg.Stream {
	layout := []string{"mono", "stereo"}[in.channels()-1]
	return s.Filter("aformat", "sample_fmts=fltp", "sample_rates="+strconv.Itoa(sampleRate), "channel_layouts="+layout)
}

func (in AudioInput) options() ffmpeg.Options {
	return cmaf().With(ffmpeg.Options{
		"c:a": "aac", "b:a": strconv.Itoa(64_000 * in.channels()), "ac": strconv.Itoa(in.channels()), "ar": strconv.Itoa(sampleRate),
		"movflags":      "empty_moov+default_base_moof+frag_discont+skip_trailer",
		"frag_duration": strconv.FormatInt((2 * segment).Microseconds(), 10),
	})
}

// meter reads the lines of ametadata; the last value covers everything before.
type meter struct {
	loudness float64
	rest     []byte
}

// Write implements io.Writer and never fails.
func (m *meter) Write(p []byte) (int, error) {
	m.rest = append(m.rest, p...)
	for {
		line, rest, ok := bytes.Cut(m.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		if text, found := strings.CutPrefix(string(line), "lavfi.r128.I="); found {
			if value, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(value) && !math.IsInf(value, 0) {
				m.loudness = value
			}
		}
		m.rest = rest
	}
}
