package stretch_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/meanwhile-app/meanwhile/transcode/source/stretch"
)

func small(t *testing.T, name string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=10", "-f", "lavfi", "-i", "sine=d=10",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// TestAnIndexThatLies ends in an error or in ranges of the file, in little time
// and memory, whatever is changed in it.
func TestAnIndexThatLies(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.mp4", "a.mkv"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := small(t, name)
			plan, err := stretch.Read(bytes.NewReader(good), int64(len(good)))
			require.NoError(t, err)
			require.NotEmpty(t, plan.Ranges(3*time.Second, 4*time.Second))
			dice := rand.New(rand.NewPCG(1, 2))
			runtime.LockOSThread() // whose work is measured
			defer runtime.UnlockOSThread()
			failed, began := 0, worked(t)
			for range 3000 {
				bad := bytes.Clone(good)
				for range 1 + dice.IntN(4) {
					// Where the index is: near either end.
					at := dice.IntN(min(3000, len(bad)-8))
					if dice.IntN(2) == 0 {
						at = len(bad) - 8 - at
					}
					value := []uint32{0, 1, 7, 0x7fffffff, 0xffffffff, dice.Uint32()}[dice.IntN(6)]
					binary.BigEndian.PutUint32(bad[at:], value)
				}
				bad = bad[:len(bad)-dice.IntN(3)*dice.IntN(len(bad)/2)]
				plan, err := stretch.Read(bytes.NewReader(bad), int64(len(bad)))
				if err != nil {
					failed++
					continue
				}
				for _, r := range plan.Ranges(3*time.Second, 4*time.Second) {
					require.True(t, r.From >= 0 && r.From < r.To && r.To <= int64(len(bad)), "%v of %d", r, len(bad))
				}
			}
			require.Positive(t, failed)
			require.Less(t, worked(t)-began, 60*time.Second)
		})
	}
}

// worked is how much this thread has computed.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	require.NoError(t, unix.Getrusage(unix.RUSAGE_THREAD, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func TestWhatHasNoIndex(t *testing.T) {
	t.Parallel()
	for _, data := range [][]byte{{}, []byte("short"), []byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"), make([]byte, 100), append([]byte("\x1a\x45\xdf\xa3\x80"), make([]byte, 50)...)} {
		_, err := stretch.Read(bytes.NewReader(data), int64(len(data)))
		require.ErrorIs(t, err, stretch.ErrNoIndex)
	}
}

func TestRangesAreTakenApart(t *testing.T) {
	t.Parallel()
	type r = stretch.Range
	require.Equal(t, []r{{0, 5}, {10, 30}}, stretch.Merge([]r{{20, 30}, {0, 5}, {10, 20}, {7, 7}}, 1))
	require.Equal(t, []r{{0, 2}, {4, 10}, {20, 25}}, stretch.Without([]r{{0, 10}, {20, 30}}, []r{{2, 4}, {25, 40}}))
	require.Empty(t, stretch.Without([]r{{3, 4}}, []r{{0, 10}}))
}
