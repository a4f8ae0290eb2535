package source_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/source"
)

// far is a store that is not on this machine, and counts what is fetched.
type far struct {
	objects.Store
	read atomic.Int64
}

// OpenRange implements objects.Store.
func (f *far) OpenRange(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	r, err := f.Store.OpenRange(ctx, key, offset, n)
	return &counted{r, &f.read}, err
}

type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// film is a file in a far store, in two parts.
func film(t *testing.T, path string) (*far, []catalog.Part) {
	t.Helper()
	folder, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var parts []catalog.Part
	for i, piece := range []string{string(raw[:len(raw)/3]), string(raw[len(raw)/3:])} {
		key := fmt.Sprintf("v/x/%d", i)
		n, err := folder.Put(t.Context(), key, strings.NewReader(piece))
		require.NoError(t, err)
		parts = append(parts, catalog.Part{ObjectKey: key, Length: n})
	}
	return &far{Store: folder}, parts
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-v", "error", "-nostdin", "-y"}, args...)...).Output()
	require.NoError(t, err)
	return string(out)
}

// frames are the hashes of the pictures that a span's decoder gives out.
func frames(t *testing.T, path, demuxer string, from, to time.Duration) string {
	t.Helper()
	return run(t, "-copyts", "-start_at_zero", "-ss", fmt.Sprintf("%.6f", from.Seconds()), "-to", fmt.Sprintf("%.6f", to.Seconds()),
		"-f", demuxer, "-i", path, "-map", "0:v:0", "-f", "framemd5", "-")
}

// TestAStretchDecodesLikeTheWhole: of each kind of file, with pictures that need
// later ones, open groups, late tracks and long groups, every picture of a stretch
// is the same as from the whole file, and a fraction is fetched.
func TestAStretchDecodesLikeTheWhole(t *testing.T) {
	t.Parallel()
	const picture = "testsrc2=s=256x144:r=25:d=30,noise=alls=50:allf=t"
	video := []string{"-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=d=30", "-c:a", "aac", "-threads", "2"}
	with := func(all []string, more ...string) []string { return append(slices.Clone(all), more...) }
	x264 := with(video, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "8", "-g", "50")
	rows := map[string]struct {
		name, demuxer string
		args          []string
		whole         bool
	}{
		"index at the end":      {"a.mp4", "mov", with(x264, "-bf", "3"), false},
		"index first, open":     {"b.mp4", "mov", with(x264, "-bf", "3", "-x264-params", "open-gop=1:b-pyramid=normal", "-movflags", "faststart"), false},
		"one long group":        {"c.mov", "mov", with(video, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "8", "-g", "250", "-sc_threshold", "0"), false},
		"every picture alone":   {"d.mov", "mov", with(video, "-c:v", "mjpeg", "-q:v", "2"), false},
		"pictures begin late":   {"e.mp4", "mov", with([]string{"-itsoffset", "3"}, with(x264, "-bf", "2")...), false},
		"matroska":              {"f.mkv", "matroska", with(x264, "-bf", "3"), false},
		"a stream of transport": {"h.ts", "mpegts", x264, true},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), row.name)
			run(t, append(row.args, path)...)
			store, parts := film(t, path)
			desk, err := source.NewDesk(store, t.TempDir(), 0)
			require.NoError(t, err)
			size := parts[0].Length + parts[1].Length
			var last int64
			for i, at := range []float64{17, 6, 26.3, 0, 6} {
				from := time.Duration(at * float64(time.Second))
				to := from + 3*time.Second
				got, release, err := desk.Stretch(t.Context(), source.Stretch{VideoID: "x", Parts: parts, From: from, To: to})
				require.NoError(t, err)
				want := frames(t, path, row.demuxer, from, to)
				require.Greater(t, strings.Count(want, "\n"), 50)
				require.Equal(t, want, frames(t, got, row.demuxer, from, to), "%s from %s", name, from)
				release()
				if i == 0 && !row.whole {
					require.Less(t, store.read.Load(), size*9/10, "of %d bytes", size)
				}
				if i == 4 {
					require.Equal(t, last, store.read.Load(), "the same stretch again costs nothing")
				}
				last = store.read.Load()
			}
			t.Logf("%d of %d bytes", store.read.Load(), size)
			require.LessOrEqual(t, store.read.Load(), size+size/4)
		})
	}
}

// TestScratchSpaceIsBounded: a job that finds it taken is told to come back, and
// is let in when it is free again; copies that nobody uses give way, and what would
// never fit is said in words.
func TestScratchSpaceIsBounded(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	folder, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	n, err := folder.Put(t.Context(), "v/x/0", strings.NewReader(strings.Repeat("x", 40*mb)))
	require.NoError(t, err)
	parts := []catalog.Part{{ObjectKey: "v/x/0", Length: n}}
	root := t.TempDir()
	desk, err := source.NewDesk(&far{Store: folder}, root, 100*mb)
	require.NoError(t, err)

	_, first, err := desk.Whole(t.Context(), "a", parts)
	require.NoError(t, err)
	_, second, err := desk.Whole(t.Context(), "b", parts)
	require.NoError(t, err)
	_, _, err = desk.Whole(t.Context(), "c", parts)
	wait, full := source.IsFull(err)
	require.True(t, full, "%v", err)
	require.Positive(t, wait)
	_, _, err = desk.Folder()
	_, full = source.IsFull(err)
	require.True(t, full, "%v", err)
	first()
	_, third, err := desk.Whole(t.Context(), "c", parts)
	require.NoError(t, err, "the copy that nobody uses gave way")
	second()
	third()
	dir, remove, err := desk.Folder()
	require.NoError(t, err)
	remove()
	require.NoDirExists(t, dir)

	_, _, err = desk.Whole(t.Context(), "d", []catalog.Part{parts[0], parts[0], parts[0]})
	require.Contains(t, ffmpeg.Sentence(err), "MEANWHILE_SCRATCH")
}
