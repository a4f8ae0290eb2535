package still_test

import (
	"image"
	"image/color"
	_ "image/jpeg"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/still"
)

func maker() *still.Maker {
	return &still.Maker{Runner: &ffmpeg.Runner{FFmpeg: "ffmpeg", FFprobe: "ffprobe", Logger: slog.New(slog.DiscardHandler), Threads: 1, Sandbox: box()}}
}

func video(t *testing.T, name string, graph string) still.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", graph,
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p", path).CombinedOutput()
	require.NoError(t, err, string(out))
	format, err := ffmpeg.SniffFile(path)
	require.NoError(t, err)
	return still.Source{Path: path, Format: format, FromZero: true, Length: time.Minute}
}

func picture(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	img, _, err := image.Decode(f)
	require.NoError(t, err)
	return img
}

func red(img image.Image, x, y int) int {
	return int(color.RGBAModel.Convert(img.At(x, y)).(color.RGBA).R)
}

func TestPosterIsNotBlack(t *testing.T) {
	t.Parallel()
	s := video(t, "dark.mp4", "color=black:s=1920x1080:r=10:d=10,drawbox=color=red:t=fill:enable='gt(t,7)'")
	path, err := maker().Poster(t.Context(), s, t.TempDir())
	require.NoError(t, err)
	img := picture(t, path)
	require.Equal(t, image.Pt(1280, 720), img.Bounds().Size())
	require.Greater(t, red(img, 100, 100), 100)
}

func TestABlackVideoHasAPosterToo(t *testing.T) {
	t.Parallel()
	path, err := maker().Poster(t.Context(), video(t, "black.mkv", "color=black:s=320x240:r=10:d=3"), t.TempDir())
	require.NoError(t, err)
	require.Equal(t, 320, picture(t, path).Bounds().Dx())
}

// TestStoryboardTilesLieAtTheirTime uses a picture that grows redder by the
// second.
func TestStoryboardTilesLieAtTheirTime(t *testing.T) {
	t.Parallel()
	s := video(t, "ramp.mp4", "color=black:s=320x180:r=10:d=47,geq=r='5*floor(T)':g=0:b=0")
	plan := still.Plan(47*time.Second, 320, 180)
	require.Equal(t, still.Geometry{Columns: 10, Tiles: 24, TileWidth: 160, TileHeight: 90, Interval: 2 * time.Second}, plan)
	path, err := maker().Storyboard(t.Context(), s, plan, t.TempDir())
	require.NoError(t, err)
	img := picture(t, path)
	require.Equal(t, image.Pt(1600, 270), img.Bounds().Size())
	for i := range plan.Tiles {
		x, y := i%plan.Columns*plan.TileWidth+80, i/plan.Columns*plan.TileHeight+45
		require.InDelta(t, 10*i, red(img, x, y), 8, "tile %d", i)
	}
}

func TestPlanIsBounded(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{0, time.Second, 200 * time.Second, time.Hour, 12 * time.Hour} {
		plan := still.Plan(length, 1080, 1920)
		require.LessOrEqual(t, plan.Tiles, 100)
		require.GreaterOrEqual(t, time.Duration(plan.Tiles)*plan.Interval, length)
		require.Equal(t, 284, plan.TileHeight)
	}
}

func TestPreviewMovesAndIsSmall(t *testing.T) {
	t.Parallel()
	s := video(t, "move.mp4", "testsrc2=s=1280x720:r=30:d=8")
	s.From = 2 * time.Second
	path, err := maker().Preview(t.Context(), s, t.TempDir())
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "WEBP", string(data[8:12]))
	require.Contains(t, string(data[:64]), "ANIM")
	require.Less(t, len(data), 500<<10)
}
