package ffmpeg

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a file may claim. Beyond them a number is noise, not media.
const (
	maxLength    = 24 * time.Hour
	maxFrameRate = 1000
	maxSide      = 16384
	probeLength  = time.Minute
)

// Probe is what a file says about itself, with every number checked: what is
// absurd is zero.
type Probe struct {
	Format   Format
	Start    time.Duration // of the earliest stream
	Duration time.Duration // 0 when unknown
	Video    *VideoStream  // nil without video
	Audio    *AudioStream  // nil without audio
}

// VideoStream describes the first video stream, upright and with square pixels.
type VideoStream struct {
	Codec         string
	Profile       string
	PixelFormat   string
	Width, Height int
	// Stretched says that pixels are not square, so that the picture must be
	// scaled to Width × Height.
	Stretched bool
	// Turned says that the picture is stored lying on its side.
	Turned bool
	// Timescale is the clock of its timestamps, in ticks a second.
	Timescale uint32
	// FrameRate is the average; 0 when unknown.
	FrameRate float64
	Start     time.Duration
}

// AudioStream describes the first audio stream.
type AudioStream struct {
	Codec                string
	Channels, SampleRate int
	Start                time.Duration
}

// Probe asks ffprobe about in. It fails with a Problem when there is neither
// picture nor sound in it.
func (r *Runner) Probe(ctx context.Context, in Input) (*Probe, error) {
	args := []string{
		"-show_entries",
		"format=start_time,duration:stream=index,codec_type,codec_name,profile,pix_fmt,width,height," +
			"sample_aspect_ratio,avg_frame_rate,time_base,channels,sample_rate,start_time,duration:stream_disposition=attached_pic:stream_side_data=rotation",
		"-of", "json",
	}
	var out limited
	if err := r.ffprobe(ctx, in, args, &out); err != nil {
		return nil, err
	}
	var report report
	if err := json.Unmarshal(out.buf.Bytes(), &report); err != nil || out.full {
		return nil, &Problem{Sentence: unreadable, Detail: "ffprobe: " + tail(clean(out.buf.String()), 300)}
	}
	p := report.probe()
	p.Format = in.Format
	if p.Video == nil && p.Audio == nil {
		return nil, &Problem{Sentence: notAMedium, Detail: "no picture and no sound"}
	}
	return p, nil
}

// ffprobe runs ffprobe with the same guards as ffmpeg's inputs.
func (r *Runner) ffprobe(ctx context.Context, in Input, args []string, out io.Writer) error {
	command := []string{"-hide_banner", "-v", "fatal", "-max_alloc", maxAllocation}
	for name, value := range guards(in.Format) {
		command = append(command, "-"+name, value)
	}
	for name, value := range in.Options {
		command = append(command, "-"+name, value)
	}
	command = append(append(command, args...), "-i", "file:"+in.Path)
	p := &process{program: r.FFprobe, args: command, sandbox: r.Sandbox, read: []string{in.Path}, stdout: out, limits: r.bound(Limits{Duration: probeLength, Threads: 1})}
	_, err := p.run(ctx)
	return err
}

// limited keeps the first maxProbe bytes and swallows the rest.
type limited struct {
	buf  bytes.Buffer
	full bool
}

// Write implements io.Writer and never fails.
func (l *limited) Write(p []byte) (int, error) {
	room := maxProbe - l.buf.Len()
	if len(p) > room {
		l.full = true
	}
	l.buf.Write(p[:min(room, len(p))])
	return len(p), nil
}

// report is ffprobe's JSON. Numbers come as text.
type report struct {
	Streams []struct {
		Type        string `json:"codec_type"`
		Codec       string `json:"codec_name"`
		Profile     string `json:"profile"`
		Pixels      string `json:"pix_fmt"`
		Width       int    `json:"width"`
		Height      int    `json:"height"`
		Aspect      string `json:"sample_aspect_ratio"`
		FrameRate   string `json:"avg_frame_rate"`
		TimeBase    string `json:"time_base"`
		Channels    int    `json:"channels"`
		SampleRate  string `json:"sample_rate"`
		Start       string `json:"start_time"`
		Duration    string `json:"duration"`
		Disposition struct {
			Attached int `json:"attached_pic"`
		} `json:"disposition"`
		SideData []struct {
			Rotation float64 `json:"rotation"`
		} `json:"side_data_list"`
	} `json:"streams"`
	Format struct {
		Start    string `json:"start_time"`
		Duration string `json:"duration"`
	} `json:"format"`
}

func (r *report) probe() *Probe {
	p := &Probe{Start: duration(r.Format.Start, true), Duration: duration(r.Format.Duration, false)}
	for i := range r.Streams {
		s := &r.Streams[i]
		switch {
		case s.Type == "video" && p.Video == nil && s.Disposition.Attached == 0 && s.Width > 0 && s.Height > 0 && s.Width <= maxSide && s.Height <= maxSide:
			rotation := 0.0
			for _, side := range s.SideData {
				rotation += side.Rotation
			}
			p.Video = upright(s.Width, s.Height, s.Aspect, rotation)
			p.Video.Codec, p.Video.Profile, p.Video.PixelFormat = s.Codec, s.Profile, s.Pixels
			p.Video.Timescale = timescale(s.TimeBase)
			p.Video.FrameRate, p.Video.Start = rate(s.FrameRate), duration(s.Start, true)
		case s.Type == "audio" && p.Audio == nil && s.Channels > 0 && s.Channels <= 64:
			hz, _ := strconv.Atoi(s.SampleRate)
			p.Audio = &AudioStream{Codec: s.Codec, Channels: s.Channels, SampleRate: hz, Start: duration(s.Start, true)}
		}
	}
	return p
}

// upright gives the size a viewer sees: pixels made square, the picture turned.
func upright(width, height int, aspect string, rotation float64) *VideoStream {
	v := &VideoStream{Width: width, Height: height}
	if num, den, ok := ratio(aspect, ":"); ok && num != den && num/den < 4 && den/num < 4 {
		v.Stretched = true
		v.Width = int(math.Round(float64(width) * num / den))
	}
	if turns := math.Round(rotation / 90); math.Mod(math.Abs(turns), 2) == 1 {
		v.Turned = true
		v.Width, v.Height = v.Height, v.Width
	}
	return v
}

func rate(text string) float64 {
	num, den, ok := ratio(text, "/")
	if !ok || num/den > maxFrameRate {
		return 0
	}
	return num / den
}

// timescale reads a time base, 0 if it is not a whole number of ticks a second.
func timescale(text string) uint32 {
	num, den, ok := ratio(text, "/")
	if !ok || num != 1 || den > math.MaxUint32 {
		return 0
	}
	return uint32(den)
}

func ratio(text, separator string) (num, den float64, ok bool) {
	a, b, found := strings.Cut(text, separator)
	num, err1 := strconv.ParseFloat(a, 64)
	den, err2 := strconv.ParseFloat(b, 64)
	return num, den, found && err1 == nil && err2 == nil && num > 0 && den > 0
}

// duration reads seconds; what is no number, infinite or absurd is 0.
func duration(text string, negative bool) time.Duration {
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(s) || math.Abs(s) > maxLength.Seconds() || (s < 0 && !negative) {
		return 0
	}
	return time.Duration(math.Round(s*1e6)) * time.Microsecond
}
