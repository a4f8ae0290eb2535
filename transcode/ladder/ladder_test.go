package ladder_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/container"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ladder"
)

const (
	counterBits = 12
	block       = 32
	// steady and screen choose which frames of a 30 fps clock exist: all of
	// them, or bursts between stretches of two frames a second, as a screen
	// recording has them.
	steady = "1"
	screen = `lt(mod(t\,20)\,6)+not(mod(n\,15))+eq(mod(n\,60)\,0)`
)

func newEncoder() *ladder.Encoder {
	return &ladder.Encoder{Runner: &ffmpeg.Runner{FFmpeg: "ffmpeg", FFprobe: "ffprobe", Logger: slog.New(slog.DiscardHandler), Threads: 2, Sandbox: box()}}
}

func run(t testing.TB, program string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return out
}

// counted draws each frame's number in black and white blocks, so that a test
// can read it back after any encoding.
func counted(size string, length int, keep string) string {
	var graph strings.Builder
	fmt.Fprintf(&graph, "testsrc2=s=%s:r=30:d=%d,drawbox=w=%d:h=%d:color=black:t=fill", size, length, counterBits*block, block)
	for i := range counterBits {
		fmt.Fprintf(&graph, `,drawbox=x=%d:w=%d:h=%d:color=white:t=fill:enable=mod(floor(n/%d)\,2)`, i*block, block, block, 1<<i)
	}
	return graph.String() + ",select=" + keep
}

// recording makes what a browser sends: fragments of about two seconds, each
// starting with a key frame.
func recording(t testing.TB, name, video string, extra ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := []string{"-v", "error", "-f", "lavfi", "-i", video}
	args = append(args, extra...)
	args = append(args, "-fps_mode", "vfr", "-force_key_frames", "expr:gte(t,n_forced*2)", "-g", "600")
	if strings.HasSuffix(name, ".mp4") {
		args = append(args, "-c:v", "libx264", "-preset", "ultrafast", "-movflags", "frag_keyframe+empty_moov+default_base_moof")
	} else {
		args = append(args, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M", "-cluster_time_limit", "2100", "-live", "1")
	}
	run(t, "ffmpeg", append(args, path)...)
	return path
}

// cut divides a recording into files of one span each, as the worker does.
func cut(t testing.TB, path string, aim time.Duration, rungs []ladder.Rung) []ladder.SpanInput {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	x := container.NewIndexer()
	_, _ = x.Write(data)
	all := append(x.Fragments(), x.Finish()...)
	require.Equal(t, container.LayoutFragmented, x.Header().Layout, x.Reason())
	format, err := ffmpeg.Sniff(data)
	require.NoError(t, err)

	var spans []ladder.SpanInput
	for begin, i := 0, 0; i < len(all); i++ {
		end := all[i].Start + all[i].Duration
		if end-all[begin].Start < aim && i < len(all)-1 {
			continue
		}
		dir := t.TempDir()
		body := append(bytes.Clone(data[:x.Header().Length]), data[all[begin].Offset:all[i].Offset+all[i].Length]...)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "span"), body, 0o600))
		spans = append(spans, ladder.SpanInput{
			Path: filepath.Join(dir, "span"), Format: format, Dir: dir, Rungs: rungs,
			Start: all[begin].Start, End: end, Timescale: x.Header().Tracks[x.Header().Main()].Timescale,
		})
		begin = i + 1
	}
	return spans
}

type frame struct {
	pts int64
	key bool
}

// packets lists what a file's first stream of a kind holds, in ticks.
func packets(t testing.TB, path, kind string) []frame {
	t.Helper()
	out := run(t, "ffprobe", "-v", "error", "-select_streams", kind+":0", "-show_entries", "packet=pts,flags", "-of", "csv=p=0", path)
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	require.NoError(t, err)
	frames := make([]frame, len(rows))
	for i, row := range rows {
		frames[i].pts, _ = strconv.ParseInt(row[0], 10, 64)
		frames[i].key = strings.HasPrefix(row[1], "K")
	}
	return frames
}

// counters reads the numbers drawn by counted from every frame of a file.
func counters(t testing.TB, path string, scale float64) []int {
	t.Helper()
	side := strconv.Itoa(int(block * scale))
	out := run(t, "ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-an",
		"-vf", fmt.Sprintf("crop=%d*%s:%s:0:0,scale=%d:1:flags=area,format=gray", counterBits, side, side, counterBits), "-f", "rawvideo", "-")
	require.Zero(t, len(out)%counterBits)
	var numbers []int
	for at := 0; at < len(out); at += counterBits {
		n := 0
		for i, level := range out[at : at+counterBits] {
			if level > 127 {
				n |= 1 << i
			}
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// requireFrames wants the same frames in the same order, and says what differs
// first rather than all.
func requireFrames(t testing.TB, want, got []int, name string) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i], got[i], "%s: frame %d", name, i)
	}
	require.Len(t, got, len(want), name)
}

// join appends the segments of each span behind the first init segment.
func join(t testing.TB, spans [][]ladder.Output, rung int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "joined.mp4")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	var first []byte
	for i, span := range spans {
		data, err := os.ReadFile(span[rung].Path)
		require.NoError(t, err)
		init := data[:span[rung].Header.Length]
		if i == 0 {
			first = init
			_, err = f.Write(data)
		} else {
			require.Equal(t, first, init, "the init segment of span %d differs", i)
			_, err = f.Write(data[len(init):])
		}
		require.NoError(t, err)
	}
	return path
}

func TestSpansJoinIntoOneTrack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, size, keep string
		seconds, rungs         int
	}{
		{"a camera in MP4", "camera.mp4", "960x540", steady, 50, 2},
		{"a screen in MP4", "screen.mp4", "960x540", screen, 90, 2},
		{"an odd window in MP4", "odd.mp4", "602x406", screen, 40, 1},
		{"a screen in WebM", "screen.webm", "960x540", screen, 40, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := recording(t, c.file, counted(c.size, c.seconds, c.keep))
			var width, height int
			_, _ = fmt.Sscanf(c.size, "%dx%d", &width, &height)
			rungs := ladder.Plan(width, height, 0)
			require.Len(t, rungs, c.rungs)
			want := counters(t, source, 1)
			var spans [][]ladder.Output
			for _, in := range cut(t, source, 16*time.Second, rungs) {
				out, _, err := newEncoder().EncodeSpan(t.Context(), in)
				require.NoError(t, err)
				spans = append(spans, out)
			}
			require.Greater(t, len(spans), 2)
			for i, rung := range rungs {
				joined := join(t, spans, i)
				requireFrames(t, want, counters(t, joined, float64(rung.Width)/float64(width)), rung.Name)
				requireSeamless(t, packets(t, source, "v"), packets(t, joined, "v"), rung.Name)
				requireSegments(t, spans, i)
			}
		})
	}
}

// requireSeamless wants the same times as in the source, to the tick.
func requireSeamless(t *testing.T, source, joined []frame, name string) {
	t.Helper()
	require.Len(t, joined, len(source), name)
	for i, f := range joined {
		require.Equal(t, source[i].pts-source[0].pts, f.pts-joined[0].pts, "%s frame %d", name, i)
	}
}

// requireSegments wants segments of about two seconds, each lasting exactly until
// the next, within a span and from span to span.
func requireSegments(t *testing.T, spans [][]ladder.Output, rung int) {
	t.Helper()
	var end time.Duration
	for n, span := range spans {
		out := span[rung]
		at := out.Header.Length
		for i, s := range out.Segments {
			require.Equal(t, at, s.Offset)
			require.True(t, s.Key)
			require.InDelta(t, 2, s.Duration.Seconds(), 1.2, "span %d segment %d", n, i)
			if n+i > 0 {
				require.InDelta(t, float64(end), float64(s.Start), float64(time.Microsecond))
			}
			end = s.Start + s.Duration
			at += s.Length
		}
		require.Equal(t, out.Size, at)
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		width, height int
		want          string
	}{
		{1920, 1080, "1920x1080 1280x720 640x360"},
		{1080, 1920, "1080x1920 720x1280 360x640"},
		{1280, 720, "1280x720 640x360"},
		{1366, 768, "1366x768 640x360"},
		{1367, 769, "1366x768 640x360"},
		{640, 480, "640x480"},
		{320, 180, "320x180"},
		{3840, 2160, "2560x1440 1280x720 640x360"},
		{2880, 1800, "2880x1800 1728x1080 1152x720 576x360"},
		{3440, 1440, "3440x1440 1720x720 860x360"},
		{1, 1, "16x16"},
		{16384, 16, "16384x16"},
	} {
		var got []string
		for _, r := range ladder.Plan(c.width, c.height, 30) {
			got = append(got, fmt.Sprintf("%dx%d", r.Width, r.Height))
			require.LessOrEqual(t, r.Width*r.Height, max(c.width*c.height, 256), "never scaled up")
			require.Less(t, math.Abs(float64(r.Width)/float64(r.Height)/(float64(c.width)/float64(c.height))-1), 0.02)
		}
		require.Equal(t, c.want, strings.Join(got, " "))
	}
	require.Equal(t, 60, ladder.Plan(1920, 1080, 59.94)[0].FrameRate)
}
