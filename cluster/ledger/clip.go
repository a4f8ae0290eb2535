package ledger

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// Clip is a recording as a browser's recorder writes it: a moov, and a fragment
// of sound and picture every two seconds.
type Clip struct {
	Seconds int
	bytes   []byte
	header  int // bytes up to the first fragment
}

// errNoFragments says that ffmpeg wrote something else.
var errNoFragments = errors.New("the clip has no fragments")

// NewClip makes a clip of some length, small enough that its renditions cost
// little.
func NewClip(ctx context.Context, seconds int) (*Clip, error) {
	out, err := os.CreateTemp("", "meanwhile-clip-*.mp4")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	length := strconv.Itoa(seconds)
	cmd := exec.CommandContext(ctx, "ffmpeg", //nolint:gosec // a number and a name of our own
		"-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "testsrc2=s=256x144:r=12:d="+length, "-f", "lavfi", "-i", "sine=f=440:d="+length,
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "24", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "32k", "-shortest",
		"-movflags", "frag_keyframe+empty_moov+default_base_moof", out.Name())
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make a clip: %w: %s", err, said)
	}
	raw, err := os.ReadFile(out.Name())
	if err != nil {
		return nil, err
	}
	header := 0
	for header+8 <= len(raw) && string(raw[header+4:header+8]) != "moof" {
		header += int(binary.BigEndian.Uint32(raw[header:]))
	}
	if header+8 > len(raw) {
		return nil, errNoFragments
	}
	return &Clip{Seconds: seconds, bytes: raw, header: header}, nil
}

// Take is the clip as nobody else has recorded it: with bytes of its own, which
// players skip, so that no two recordings can be taken for each other.
func (c *Clip) Take() []byte {
	mark := make([]byte, 8+64)
	binary.BigEndian.PutUint32(mark, uint32(len(mark)))
	copy(mark[4:], "free")
	_, _ = rand.Read(mark[8:]) // never fails
	out := append([]byte(nil), c.bytes[:c.header]...)
	return append(append(out, mark...), c.bytes[c.header:]...)
}
