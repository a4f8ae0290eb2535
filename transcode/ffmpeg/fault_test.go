package ffmpeg_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// misbehave is what this test's binary does when it is started as an ffmpeg that
// was taken over; it ends only by being killed.
func misbehave(how string) {
	switch how {
	case "threads":
		for range 540 {
			go func() {
				runtime.LockOSThread()
				select {}
			}()
		}
	case "files":
		for i := range 1000 {
			// Each file is below the kernel's limit on one.
			if os.WriteFile(strconv.Itoa(i), make([]byte, 8<<20), 0o600) != nil {
				break
			}
		}
	}
	<-time.After(time.Hour)
}

// takenOver is an ffmpeg that misbehaves.
func takenOver(t *testing.T, how string) *ffmpeg.Runner {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), how)
	require.NoError(t, os.Symlink(self, path))
	r := runner()
	r.FFmpeg = path
	return r
}

// TestWhatTheKernelDoesNotLimit: many threads as root, and many files that are
// each small enough.
func TestWhatTheKernelDoesNotLimit(t *testing.T) {
	t.Parallel()
	for how, says := range map[string]string{"threads": "needs more memory than Meanwhile allows", "files": "more data than Meanwhile allows"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, err := takenOver(t, how).Run(t.Context(), ffmpeg.Command{
				Graph: copyGraph(ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}, "out.mp4"), Dir: dir,
				Limits: ffmpeg.Limits{Output: 1 << 20, Wall: 4 * time.Minute}, // of which the words are others
			})
			require.Contains(t, ffmpeg.Sentence(err), says, "%v", err)
			require.True(t, ffmpeg.IsPermanent(err))
		})
	}
}

// TestALauncherThatRefusesIsTheServersFault: the recording is not blamed, and
// the job is tried again.
func TestALauncherThatRefusesIsTheServersFault(t *testing.T) {
	t.Parallel()
	notAProgram := filepath.Join(t.TempDir(), "ffmpeg")
	writeProgram(t, notAProgram, "hello")
	r := runner()
	r.FFmpeg = notAProgram
	_, err := r.Run(t.Context(), ffmpeg.Command{Graph: copyGraph(ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}, "o.mp4"), Dir: t.TempDir()})
	require.Contains(t, ffmpeg.Sentence(err), "cannot run ffmpeg")
	require.False(t, ffmpeg.IsPermanent(err))
	p, ok := errors.AsType[*ffmpeg.Problem](err)
	require.True(t, ok)
	require.Contains(t, p.Detail, "exec format error")

	_, err = script(t, "echo 'ffmpeg: error while loading shared libraries: libx.so.1: cannot open' >&2; exit 127").Probe(t.Context(), ffmpeg.Input{Path: "x", Format: ffmpeg.MOV})
	require.Contains(t, ffmpeg.Sentence(err), "cannot run ffmpeg")
	require.False(t, ffmpeg.IsPermanent(err))
}

// TestOutputsOutsideOfTheFolderAreAMistake: the sandbox would refuse them, and
// ffmpeg's complaint would blame the recording.
func TestOutputsOutsideOfTheFolderAreAMistake(t *testing.T) {
	t.Parallel()
	in := ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}
	for _, c := range []ffmpeg.Command{
		{Graph: copyGraph(in, "/elsewhere/o.mp4"), Dir: t.TempDir()},
		{Graph: copyGraph(in, "o.mp4")},
	} {
		_, err := runner().Run(t.Context(), c)
		require.ErrorContains(t, err, "outside of the job's folder")
	}
}

// TestTheInputAloneCanBeRead takes the guards away from nothing but the file
// system: the neighbour of an input is another team's video.
func TestTheInputAloneCanBeRead(t *testing.T) {
	t.Parallel()
	if !box().Layers.Landlock {
		t.Skip("this machine lacks landlock, and the proof says so")
	}
	mine := makeFile(t, "mine.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1", "-c:v", "libx264")
	theirs := filepath.Join(filepath.Dir(mine), "theirs.mp4")
	data, err := os.ReadFile(mine)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(theirs, data, 0o600))
	// A graph that names their file behind the runner's back.
	sneak := func(r *ffmpeg.Runner) error {
		_, err := r.Run(t.Context(), ffmpeg.Command{
			Graph: func(g *ffmpeg.Graph) {
				g.Output("o.mp4", ffmpeg.Options{"f": "mp4"}, g.Input(ffmpeg.Input{Path: mine, Format: ffmpeg.MOV}).Video().Filter("null"))
				g.Output("p.mp4", ffmpeg.Options{"f": "mp4", "attach": theirs}, g.Input(ffmpeg.Input{Path: mine, Format: ffmpeg.MOV}).Video())
			}, Dir: t.TempDir(), Limits: ffmpeg.Limits{Duration: time.Second},
		})
		return err
	}
	require.ErrorContains(t, sneak(runner()), "Could not open attachment file")
	open := runner()
	open.Sandbox = &sandbox.Sandbox{}
	// It is opened then; the muxer wants no attachments.
	require.NotContains(t, fmt.Sprint(sneak(open)), "Could not open attachment file")
}
