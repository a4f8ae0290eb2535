package ffmpeg_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

func runner() *ffmpeg.Runner {
	return &ffmpeg.Runner{FFmpeg: "ffmpeg", FFprobe: "ffprobe", Logger: slog.New(slog.DiscardHandler), Threads: 1, Sandbox: box()}
}

// script makes a stand-in for ffmpeg.
func script(t *testing.T, body string) *ffmpeg.Runner {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	writeProgram(t, path, "#!/bin/sh\n"+body+"\n")
	r := runner()
	r.FFmpeg, r.FFprobe = path, path
	return r
}

// writeProgram writes a file that is to be run. No process may start meanwhile: it
// would hold the file open for a moment, and nobody can run what is open for writing
// (golang/go#22315).
func writeProgram(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
}

// makeFile runs the real ffmpeg to produce a test file.
func makeFile(t *testing.T, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", append(append([]string{"-v", "error", "-y"}, args...), path)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

func copyGraph(in ffmpeg.Input, out string) func(*ffmpeg.Graph) {
	return func(g *ffmpeg.Graph) {
		g.Output(out, ffmpeg.Options{"f": "mp4", "c:v": "libx264", "preset": "ultrafast"}, g.Input(in).Video())
	}
}

// TestAScriptThatIgnoresSignalsIsKilledWithItsChildren is F6: an ffmpeg that hangs
// and ignores every request to end is gone at its wall limit, with its whole group,
// and the reason is a sentence.
func TestAScriptThatIgnoresSignalsIsKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := script(t, `trap '' TERM INT; sleep 300 & echo $$ $! ended > `+dir+`/child; wait; sleep 300`)
	var group, child int
	// A busy machine has not even begun after a moment; then it is given longer.
	for wall := 300 * time.Millisecond; child == 0; wall *= 4 {
		require.Less(t, wall, 2*time.Minute, "the script never begins")
		began := time.Now()
		_, err := r.Run(t.Context(), ffmpeg.Command{
			Graph: copyGraph(ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}, dir+"/out.mp4"), Dir: dir,
			Limits: ffmpeg.Limits{Wall: wall},
		})
		require.Contains(t, ffmpeg.Sentence(err), "took longer than Meanwhile allows")
		require.Less(t, time.Since(began), wall+2*time.Minute, "it would have lasted for five")
		text, _ := os.ReadFile(dir + "/child") // which may not be there
		if strings.HasSuffix(string(text), "ended\n") {
			_, err = fmt.Sscan(string(text), &group, &child)
			require.NoError(t, err)
		}
	}
	require.Eventually(t, func() bool { return !lives(child, group) }, 2*time.Minute, 10*time.Millisecond, "the child of the child lives on")
}

// lives says whether a process of a group runs. Nobody may have come to bury it, and
// another may have its number.
func lives(pid, group int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return fields[0] != "Z" && fields[0] != "X" && fields[2] == strconv.Itoa(group)
}

// TestAnFFmpegThatStandsStill is F6 without its wall: what does nothing is ended
// long before, and is tried again.
func TestAnFFmpegThatStandsStill(t *testing.T) {
	t.Parallel()
	r := script(t, `trap '' TERM INT; exec sleep 300`)
	_, err := r.Run(t.Context(), ffmpeg.Command{
		Graph: copyGraph(ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}, "out.mp4"), Dir: t.TempDir(),
		Limits: ffmpeg.Limits{Idle: time.Second, Wall: time.Hour},
	})
	require.Contains(t, ffmpeg.Sentence(err), "came to a standstill")
	require.False(t, ffmpeg.IsPermanent(err))
}

func TestCancelReturnsTheCause(t *testing.T) {
	t.Parallel()
	r := script(t, `exec sleep 300`)
	cause := errors.New("the server stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(cause) })
	_, err := r.Run(ctx, ffmpeg.Command{Graph: copyGraph(ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}, "out.mp4"), Dir: t.TempDir()})
	require.ErrorIs(t, err, cause)
}

func TestWhatFFmpegPrintsIsCleanedAndBounded(t *testing.T) {
	t.Parallel()
	r := script(t, `printf 'a\000b\377c\n' >&2; head -c 30000000 /dev/zero | tr '\0' 'x' >&2; printf 'the\000 end\377' >&2; exit 1`)
	_, err := r.Run(t.Context(), ffmpeg.Command{Graph: copyGraph(ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}, "out.mp4"), Dir: t.TempDir()})
	p, ok := errors.AsType[*ffmpeg.Problem](err)
	require.True(t, ok)
	require.True(t, utf8.ValidString(p.Detail))
	require.NotContains(t, p.Detail, "\x00")
	require.Less(t, len(p.Detail), 1000)
	require.Contains(t, p.Detail, "the end")
	require.True(t, ffmpeg.IsPermanent(err))
}

func TestAFailingSourceIsNotTheRecordingsFault(t *testing.T) {
	t.Parallel()
	broken := errors.New("the store is away")
	_, err := runner().Run(t.Context(), ffmpeg.Command{
		Graph: copyGraph(ffmpeg.Input{Format: ffmpeg.MOV}, "o.mp4"), Dir: t.TempDir(),
		Stdin: failing{broken},
	})
	require.ErrorIs(t, err, broken)
	require.False(t, ffmpeg.IsPermanent(err))
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestMisuseOfTheGraphIsAnError(t *testing.T) {
	t.Parallel()
	_, err := runner().Run(t.Context(), ffmpeg.Command{Graph: func(g *ffmpeg.Graph) {
		v := g.Input(ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}).Video().Filter("null")
		g.Output("a", nil, v)
		g.Output("b", nil, v)
	}})
	require.ErrorContains(t, err, "graph")
}

func TestMissingProgramsAreSaidSo(t *testing.T) {
	t.Parallel()
	r := runner()
	require.NoError(t, r.Available())
	r.FFmpeg = "/nonexistent/ffmpeg"
	require.Error(t, r.Available())
	_, err := r.Run(t.Context(), ffmpeg.Command{Graph: copyGraph(ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}, "o"), Dir: t.TempDir()})
	require.Contains(t, ffmpeg.Sentence(err), "cannot run ffmpeg")
	require.False(t, ffmpeg.IsPermanent(err))
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	in := makeFile(t, "in.mp4", "-f", "lavfi", "-i", "mandelbrot=s=640x360:r=30", "-t", "3", "-c:v", "libx264", "-preset", "ultrafast")
	_, err := runner().Run(t.Context(), ffmpeg.Command{
		Graph: copyGraph(ffmpeg.Input{Path: in, Format: ffmpeg.MOV}, "o.mp4"), Dir: t.TempDir(),
		Limits: ffmpeg.Limits{Output: 50_000, Duration: 3 * time.Second},
	})
	require.Contains(t, ffmpeg.Sentence(err), "more data than Meanwhile allows")
}

// TestProgressAndUsageAreReported: the program stays until its progress has been
// heard, as the last words of one that has ended may not be.
func TestProgressAndUsageAreReported(t *testing.T) {
	t.Parallel()
	in := makeFile(t, "in.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30", "-t", "3", "-c:v", "libx264", "-preset", "ultrafast")
	dir := t.TempDir()
	var once sync.Once
	usage, err := script(t, `ffmpeg "$@" && until test -e heard; do sleep 0.1; done`).Run(t.Context(), ffmpeg.Command{
		Graph:    copyGraph(ffmpeg.Input{Path: in, Format: ffmpeg.MOV}, "o.mp4"),
		Dir:      dir,
		Limits:   ffmpeg.Limits{Duration: 3 * time.Second},
		Progress: func(time.Duration) { once.Do(func() { _ = os.WriteFile(dir+"/heard", nil, 0o600) }) },
	})
	require.NoError(t, err)
	require.Positive(t, usage.CPU)
}
