package whip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

const frameTime = time.Second / 30

// clip is known content: encoded pictures, and what each of them looks like.
type clip struct {
	codec  mux.Codec
	frames [][]byte
	hashes []string
}

// part is some of a clip's pictures.
func (c clip) part(from, to int) clip {
	return clip{codec: c.codec, frames: c.frames[from:to], hashes: c.hashes[from:to]}
}

func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s %v: %s", name, args, stderr.String())
	return out
}

// encoders are the arguments that make each codec as senders in real time do.
func encoders() map[mux.Codec][]string {
	return map[mux.Codec][]string{
		mux.H264: {"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0", "-g", "30", "-keyint_min", "30", "-sc_threshold", "0", "-bsf:v", "h264_metadata=aud=insert", "-f", "h264"},
		mux.VP8:  {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0", "-g", "30", "-f", "ivf"},
		mux.VP9:  {"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0", "-g", "30", "-f", "ivf"},
		mux.AV1:  {"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-g", "30", "-f", "ivf"},
	}
}

// newClip encodes a moving pattern in which no two pictures are alike.
func newClip(t testing.TB, codec mux.Codec, size string, frames int) clip {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip")
	args := []string{
		"-v", "error", "-f", "lavfi", "-i", "testsrc2=r=30:s=" + size, "-frames:v", strconv.Itoa(frames),
		"-pix_fmt", "yuv420p", "-b:v", "600k", "-threads", "1",
	}
	run(t, "ffmpeg", append(append(args, encoders()[codec]...), path)...)
	c := clip{codec: codec, hashes: hashes(t, path)}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	if codec == mux.H264 {
		for _, unit := range bytes.Split(raw, []byte{0, 0, 0, 1, 9})[1:] {
			c.frames = append(c.frames, append([]byte{0, 0, 0, 1, 9}, unit...))
		}
	} else {
		reader, _, err := ivfreader.NewWith(bytes.NewReader(raw))
		require.NoError(t, err)
		for {
			frame, _, err := reader.ParseNextFrame()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			c.frames = append(c.frames, frame)
		}
	}
	require.Len(t, c.frames, frames)
	require.Len(t, c.hashes, frames)
	return c
}

// hashes decodes a file, strictly, and returns what each picture looks like.
func hashes(t testing.TB, path string) []string {
	t.Helper()
	out := run(t, "ffmpeg", "-v", "error", "-err_detect", "explode", "-xerror", "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	var list []string
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			fields := strings.Split(strings.TrimSpace(line), ",")
			list = append(list, strings.TrimSpace(fields[len(fields)-1]))
		}
	}
	return list
}

// newTone makes Opus packets of 20 ms.
func newTone(t testing.TB, seconds int) [][]byte {
	t.Helper()
	raw := run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("sine=f=440:r=48000:d=%d", seconds), "-ac", "2",
		"-c:a", "libopus", "-b:a", "64k", "-page_duration", "20000", "-f", "ogg", "-")
	reader, _, err := oggreader.NewWith(bytes.NewReader(raw))
	require.NoError(t, err)
	var packets [][]byte
	for {
		page, _, err := reader.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return packets
		}
		require.NoError(t, err)
		if !bytes.HasPrefix(page, []byte("OpusTags")) {
			packets = append(packets, page)
		}
	}
}
