package ffmpeg

import (
	"bytes"
	"context"
	"strings"
	"time"
)

// Keyframes is where a file can be cut, found by reading its packets without
// decoding them.
type Keyframes struct {
	// At are presentation times of key frames, ascending, at least a second
	// apart.
	At []time.Duration
	// First and End are the bounds of all frames; Frames is their number.
	First, End time.Duration
	Frames     int
}

// FrameRate is the average, or 0 when there are too few frames to tell.
func (k *Keyframes) FrameRate() float64 {
	if k.Frames < 2 || k.End <= k.First {
		return 0
	}
	return float64(k.Frames) / (k.End - k.First).Seconds()
}

// Keyframes lists where the first video stream of a plain file can be cut.
func (r *Runner) Keyframes(ctx context.Context, in Input) (*Keyframes, error) {
	list := &packetList{}
	args := []string{"-select_streams", "V:0", "-show_entries", "packet=pts_time,dts_time,duration_time,flags", "-of", "csv=p=0"}
	if err := r.ffprobe(ctx, in, args, list); err != nil {
		return nil, err
	}
	if list.found.Frames == 0 {
		return nil, &Problem{Sentence: unreadable, Detail: "no video packet has a time"}
	}
	return &list.found, nil
}

// unknownFrame is how long a frame lasts that does not say.
const unknownFrame = 33 * time.Millisecond

// packetList reads "pts,dts,duration,flags" lines as they come; a file of twelve
// hours prints a hundred megabytes of them.
type packetList struct {
	found Keyframes
	rest  []byte
}

// Write implements io.Writer and never fails.
func (l *packetList) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			break
		}
		l.packet(string(line))
		l.rest = rest
	}
	if len(l.rest) > maxProbe {
		l.rest = nil
	}
	return len(p), nil
}

func (l *packetList) packet(line string) {
	fields := strings.Split(line, ",")
	if len(fields) < 4 {
		return
	}
	at := fields[0]
	if at == "N/A" {
		at = fields[1] // AVI has decode times only
	}
	if at == "N/A" {
		return
	}
	pts, length := duration(at, true), duration(fields[2], false)
	if length == 0 {
		length = unknownFrame
	}
	k := &l.found
	if k.Frames == 0 {
		k.First, k.End = pts, pts
	}
	k.Frames++
	k.First, k.End = min(k.First, pts), max(k.End, pts+length)
	isKey := strings.HasPrefix(fields[3], "K")
	if n := len(k.At); isKey && (n == 0 || pts >= k.At[n-1]+time.Second) {
		k.At = append(k.At, pts)
	}
}
