package ladder_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ladder"
)

func TestTooMuchIsRefusedInWords(t *testing.T) {
	t.Parallel()
	runner := &ffmpeg.Runner{FFmpeg: "ffmpeg", FFprobe: "ffprobe", Logger: slog.New(slog.DiscardHandler), Threads: 1, Sandbox: box()}
	examine := func(args ...string) (string, error) {
		path := filepath.Join(t.TempDir(), "x.mp4")
		run(t, "ffmpeg", append(append([]string{"-v", "error"}, args...), path)...)
		began := time.Now()
		_, _, err := ladder.Examine(t.Context(), runner, path)
		require.Less(t, time.Since(began), 4*time.Minute, "it takes less than a second, and a conversion hours")
		return ffmpeg.Sentence(err), err
	}
	sentence, err := examine("-f", "lavfi", "-i", "color=s=7680x4320:r=240", "-frames:v", "8", "-c:v", "libx264", "-preset", "ultrafast")
	require.True(t, ffmpeg.IsPermanent(err))
	require.Contains(t, sentence, "7680 × 4320 pixels at 240 frames a second")

	// Thirteen hours with a frame every half hour.
	sentence, err = examine("-f", "lavfi", "-i", "color=s=64x64:r=1/1800", "-t", "46800", "-c:v", "libx264", "-g", "1")
	require.True(t, ffmpeg.IsPermanent(err))
	require.Contains(t, sentence, "lasts 13 hours")

	path := filepath.Join(t.TempDir(), "cut.mp4")
	require.NoError(t, os.WriteFile(path, []byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42\x00\x00\x00\x08mdat"), 0o600))
	_, _, err = ladder.Examine(t.Context(), runner, path)
	require.True(t, ffmpeg.IsPermanent(err), "%v", err)
}

// TestTwelveHoursOfNothing are a few spans of few frames, not a day of work.
func TestTwelveHoursOfNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.mp4")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=s=64x64:r=1/600", "-t", "43000", "-c:v", "libx264", "-g", "1", path)
	media, bounds, err := ladder.Examine(t.Context(), newEncoder().Runner, path)
	require.NoError(t, err)
	require.InDelta(t, 43000, media.Duration.Seconds(), 700)
	require.LessOrEqual(t, len(bounds), 80)
	dir := t.TempDir()
	out, _, err := newEncoder().EncodeSpan(t.Context(), ladder.SpanInput{
		Path: path, Format: ffmpeg.MOV, Cut: true, Start: bounds[3], End: bounds[4], Timescale: 16384, Rungs: ladder.Plan(64, 64, 0), Dir: dir,
	})
	require.NoError(t, err)
	require.Len(t, out[0].Segments, 1)
	require.Equal(t, bounds[4]-bounds[3], out[0].Segments[0].Duration)
}
