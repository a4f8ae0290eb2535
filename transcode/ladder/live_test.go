package ladder_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/container"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ladder"
)

// TestLiveSoundJoinsWithoutASeam encodes a steady tone span by span, each from
// its own bytes and the fragment before, and looks for clicks where they join.
func TestLiveSoundJoinsWithoutASeam(t *testing.T) {
	t.Parallel()
	path := recording(t, "live.webm", counted("384x64", 30, steady), "-f", "lavfi", "-i", "sine=f=330:r=48000:d=30", "-c:a", "libopus", "-b:a", "128k")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	x := container.NewIndexer()
	_, _ = x.Write(data)
	all := append(x.Fragments(), x.Finish()...)
	var joined []byte
	var end time.Duration
	for begin := 0; begin < len(all); begin += 4 {
		last := all[min(begin+4, len(all))-1]
		from := all[max(begin-1, 0)].Offset
		dir := t.TempDir()
		source := filepath.Join(dir, "sound")
		require.NoError(t, os.WriteFile(source, append(bytes.Clone(data[:x.Header().Length]), data[from:last.Offset+last.Length]...), 0o600))
		out, _, err := newEncoder().EncodeLiveAudio(t.Context(), ladder.LiveInput{
			Path: source, Format: ffmpeg.Matroska, Start: all[begin].Start, End: last.Start + last.Duration, Channels: 1, Dir: dir,
		})
		require.NoError(t, err)
		require.NotEmpty(t, out.Segments)
		require.Equal(t, end, out.Segments[0].Start)
		tail := out.Segments[len(out.Segments)-1]
		end = tail.Start + tail.Duration
		object, err := os.ReadFile(out.Path)
		require.NoError(t, err)
		if joined != nil {
			require.Equal(t, joined[:out.Header.Length], object[:out.Header.Length])
			object = object[out.Header.Length:]
		}
		joined = append(joined, object...)
	}
	require.Greater(t, end, 27*time.Second)
	file := filepath.Join(t.TempDir(), "joined.mp4")
	require.NoError(t, os.WriteFile(file, joined, 0o600))
	raw := run(t, "ffmpeg", "-v", "error", "-i", file, "-f", "s16le", "-ac", "1", "-ar", "48000", "-")
	requireSmooth(t, raw)
}

// requireSmooth wants no jump that a tone of 330 Hz cannot make.
func requireSmooth(t *testing.T, raw []byte) {
	t.Helper()
	const skip = 48_000 / 2
	var peak, jump float64
	at := func(i int) float64 { return float64(int16(binary.LittleEndian.Uint16(raw[2*i:]))) }
	for i := skip; i < len(raw)/2-skip; i++ {
		peak = math.Max(peak, math.Abs(at(i)))
		// The second difference of a tone is small; a click's is not.
		jump = math.Max(jump, math.Abs(at(i+1)-2*at(i)+at(i-1)))
	}
	require.Greater(t, peak, 1000.0)
	require.Less(t, jump, peak*0.05)
}
