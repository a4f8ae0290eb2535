package ladder_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ladder"
)

// beeps is a tone of 50 ms in the middle of every ten seconds, so that a test can tell where
// sound lies.
const beeps = "aevalsrc=exprs='if(between(mod(t\\,10)\\,5\\,5.05)\\,0.3*sin(2*PI*1000*t)\\,0)':s=48000:d=%d"

// sound makes a recording with little video and a given sound.
func sound(t testing.TB, name, source, filters string, codec ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := []string{
		"-v", "error", "-f", "lavfi", "-i", "color=s=64x64:r=1", "-f", "lavfi", "-i", source, "-shortest", "-af", filters,
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "2",
	}
	args = append(args, codec...)
	if strings.HasSuffix(name, ".mp4") {
		args = append(args, "-movflags", "frag_keyframe+empty_moov+default_base_moof")
	}
	run(t, "ffmpeg", append(args, path)...)
	return path
}

// onsets decodes a file and lists when silence turns into sound.
func onsets(t testing.TB, path string) []float64 {
	t.Helper()
	const rate = 8000
	raw := run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "a:0", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", strconv.Itoa(rate), "-f", "s16le", "-")
	var found []float64
	quiet := rate
	for i := 0; i+1 < len(raw); i += 2 {
		loud := math.Abs(float64(int16(binary.LittleEndian.Uint16(raw[i:])))) > 1000
		if loud && quiet > rate {
			found = append(found, float64(i/2)/rate)
		}
		if quiet++; loud {
			quiet = 0
		}
	}
	return found
}

func open(path string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return os.Open(path) }
}

func encodeAudio(t *testing.T, path string, length time.Duration, channels int) ladder.Output {
	t.Helper()
	format, err := ffmpeg.SniffFile(path)
	require.NoError(t, err)
	out, _, err := newEncoder().EncodeAudio(t.Context(), ladder.AudioInput{
		Open: open(path), Format: format, Channels: channels, Duration: length, Dir: t.TempDir(),
	})
	require.NoError(t, err)
	return out
}

func loudness(t *testing.T, path string) float64 {
	t.Helper()
	var last string
	out := run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "a:0", "-af", "ebur128=metadata=1,ametadata=print:key=lavfi.r128.I:file=-", "-f", "null", "-")
	for line := range bytes.Lines(out) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "lavfi.r128.I="); ok {
			last = text
		}
	}
	value, err := strconv.ParseFloat(last, 64)
	require.NoError(t, err)
	return value
}

func TestSoundStaysWhereItWas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, filters, codec string
		length                     int
		scale, shift               float64
	}{
		{"thirty minutes", "long.webm", "anull", "libopus", 1800, 1, 0},
		{"MP4 with Opus", "short.mp4", "anull", "libopus", 60, 1, 0},
		// A microphone whose clock runs 0.02 % fast, as its timestamps tell.
		{"a drifting microphone", "drift.mp4", "asetpts=PTS*0.9998", "aac", 240, 0.9998, 0.0213},
		{"a late start", "late.mp4", "asetpts=PTS+0.7/TB", "aac", 60, 1, 0.7},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			codec := []string{"-c:a", c.codec, "-ac", "1"}
			if strings.HasSuffix(c.file, ".webm") {
				codec = append(codec, "-c:v", "libvpx", "-deadline", "realtime")
			}
			source := sound(t, c.file, fmt.Sprintf(beeps, c.length), c.filters, codec...)
			start, err := strconv.ParseFloat(strings.TrimSpace(string(run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=start_time", "-of", "csv=p=0", source))), 64)
			require.NoError(t, err)
			out := encodeAudio(t, source, time.Duration(c.length)*time.Second, 1)
			got := onsets(t, out.Path)
			require.Len(t, got, c.length/10)
			for i := range got {
				require.InDelta(t, start+c.shift+float64(i*10+5)*c.scale, got[i], 0.015, "beep %d", i)
			}
			require.InDelta(t, 0, out.Segments[0].Start.Seconds(), 0.001)
		})
	}
}

func TestGapsInSoundBecomeSilence(t *testing.T) {
	t.Parallel()
	source := sound(t, "gap.mp4", fmt.Sprintf(beeps, 120), "aselect='not(between(t\\,33\\,68))'", "-c:a", "aac")
	out := encodeAudio(t, source, 2*time.Minute, 1)
	got := onsets(t, out.Path)
	require.Len(t, got, 8)
	for i, want := range []float64{5, 15, 25, 75, 85, 95, 105, 115} {
		require.InDelta(t, want, got[i], 0.03)
	}
}

func TestLoudnessIsEvened(t *testing.T) {
	t.Parallel()
	for _, volume := range []string{"6dB", "-2dB", "-12dB"} {
		t.Run(volume, func(t *testing.T) {
			t.Parallel()
			source := sound(t, "loud.mp4", "anoisesrc=d=20:c=pink:a=0.5:r=48000", "volume="+volume, "-c:a", "aac")
			require.InDelta(t, -16, loudness(t, encodeAudio(t, source, 20*time.Second, 2).Path), 1)
		})
	}
	t.Run("near silence is left alone", func(t *testing.T) {
		t.Parallel()
		source := sound(t, "quiet.mp4", "anoisesrc=d=20:c=pink:a=0.5:r=48000", "volume=-48dB", "-c:a", "pcm_s16le", "-f", "matroska")
		before := loudness(t, source)
		require.Less(t, before, -50.0)
		require.InDelta(t, before, loudness(t, encodeAudio(t, source, 20*time.Second, 2).Path), 2)
	})
}
