package ladder

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

const (
	// liveStep is the grid that the sound of a running recording is cut on, in
	// samples: 48 AAC packets, 1.024 s.
	liveStep = 48 * frameSamples
	// liveMargin is how far the sound of a span may end before its picture.
	liveMargin = 100 * time.Millisecond
)

// LiveInput is the sound of one span of a recording that still runs.
type LiveInput struct {
	// Path is a file with an init segment, the fragment before the span, if
	// there is one, and those of the span.
	Path       string
	Format     ffmpeg.Format
	Start, End time.Duration
	Channels   int
	Dir        string
}

// EncodeLiveAudio makes the sound of a span so that it joins that of the spans
// around it, until EncodeAudio replaces them all.
//
// An AAC packet needs its predecessor to be decoded, and its own second half
// belongs to the next packet. So each span is encoded from a step before it
// begins, that step is dropped, and it stops short of its end by what may be
// incomplete; the next span starts there. The output has no segments when
// nothing is left of a short span.
func (e *Encoder) EncodeLiveAudio(ctx context.Context, in LiveInput) (Output, ffmpeg.Usage, error) {
	from, to := grid(in.Start), grid(in.End)
	if to <= from {
		return Output{}, ffmpeg.Usage{}, nil
	}
	lead := max(from-liveStep, 0)
	sound := AudioInput{Channels: in.Channels}
	path := filepath.Join(in.Dir, "live.mp4")
	usage, err := e.Runner.Run(ctx, ffmpeg.Command{
		Dir:    in.Dir,
		Limits: ffmpeg.Limits{Duration: in.End - in.Start + time.Minute, Output: 64 << 20},
		Graph: func(g *ffmpeg.Graph) {
			heard := g.Input(ffmpeg.Input{Path: in.Path, Format: in.Format}).Audio().
				Filter("aresample", strconv.Itoa(sampleRate), "async=1", "first_pts="+strconv.FormatInt(lead+frameSamples, 10))
			g.Output(path, sound.options().With(ffmpeg.Options{"frag_duration": strconv.Itoa(liveStep * 1e6 / sampleRate)}), sound.shaped(heard))
		},
	})
	if err != nil {
		return Output{}, usage, err
	}
	if err := keepBetween(path, from, to); err != nil {
		return Output{}, usage, err
	}
	out, err := index(path)
	return out, usage, err
}

// grid is where sound is cut for a span that starts or ends at a time, in
// samples.
func grid(at time.Duration) int64 {
	samples := int64(max(at-liveMargin, 0).Seconds() * sampleRate)
	return samples / liveStep * liveStep
}

// keepBetween drops the fragments of a file that lie outside [from, to) ticks.
func keepBetween(path string, from, to int64) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var kept []byte
	keep := true
	for at := 0; at < len(data); {
		if at+8 > len(data) {
			return fmt.Errorf("%w: cut off", errLayout)
		}
		size := int(binary.BigEndian.Uint32(data[at:]))
		if size < 8 || at+size > len(data) {
			return fmt.Errorf("%w: box of %d bytes", errLayout, size)
		}
		box := data[at : at+size]
		if string(box[4:8]) == "moof" {
			start, err := fragmentStart(box)
			if err != nil {
				return err
			}
			keep = start >= from && start < to
		}
		if keep {
			kept = append(kept, box...)
		}
		at += size
	}
	return os.WriteFile(path, kept, 0o600) //nolint:gosec // our own file in a scratch folder
}

func fragmentStart(moof []byte) (int64, error) {
	traf, err1 := find(moof, 8, "traf")
	tfdt, err2 := find(moof, traf.offset+8, "tfdt")
	if err := errors.Join(err1, err2); err != nil {
		return 0, err
	}
	return baseTime(tfdt.bytes(moof)), nil
}
