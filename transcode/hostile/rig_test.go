// Package hostile_test sends media that was made to do harm through the same
// calls as the jobs make, in the sandbox that the server uses.
package hostile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/meanwhile-app/meanwhile/transcode/container"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
	"github.com/meanwhile-app/meanwhile/transcode/ladder"
	"github.com/meanwhile-app/meanwhile/transcode/still"
)

func TestMain(m *testing.M) {
	if status, mine := sandbox.Dispatch(os.Args); mine {
		os.Exit(status)
	}
	status := m.Run()
	// The largest of all children, which have eaten the whole corpus by now.
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &used); err != nil || used.Maxrss > 3<<20 {
		fmt.Fprintln(os.Stderr, "a child used", used.Maxrss, "KiB", err)
		status = 1
	}
	os.Exit(status)
}

// box is the best sandbox that this machine can do.
var box = sync.OnceValue(func() *sandbox.Sandbox {
	box, _, err := sandbox.Open(context.Background(), sandbox.Auto, "")
	if err != nil {
		return &sandbox.Sandbox{}
	}
	return box
})

func runner() *ffmpeg.Runner {
	return &ffmpeg.Runner{FFmpeg: "ffmpeg", FFprobe: "ffprobe", Logger: slog.New(slog.DiscardHandler), Threads: 1, Sandbox: box()}
}

// canary is in every secret file.
const canary = "CANARY-6c1f0b2e"

// trap is what hostile files aim at: secrets that tell when they are opened, and
// addresses that tell when somebody calls.
type trap struct {
	dir string
	// text and video are secrets; the video could be shown by a player.
	text, video string
	// address is where a server listens, such as 127.0.0.1:40000, and packets where one
	// does that speaks UDP.
	address, packets string
	calls            atomic.Int64
	notify           int
}

func setTrap(t *testing.T) *trap {
	t.Helper()
	tr := &trap{dir: t.TempDir()}
	tr.text, tr.video = filepath.Join(tr.dir, "secret.txt"), filepath.Join(tr.dir, "secret.ts")
	require.NoError(t, os.WriteFile(tr.text, []byte(canary+"\n"), 0o600))
	ffmpegMakes(t, tr.video, "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1", "-metadata", "service_name="+canary, "-c:v", "libx264")

	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	packets, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	tr.address, tr.packets = listener.Addr().String(), packets.LocalAddr().String()
	var ends sync.WaitGroup
	ends.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			tr.calls.Add(1)
			_ = conn.Close()
		}
	})
	ends.Go(func() {
		for {
			if _, _, err := packets.ReadFrom(make([]byte, 1)); err != nil {
				return
			}
			tr.calls.Add(1)
		}
	})
	t.Cleanup(func() {
		require.NoError(t, errors.Join(listener.Close(), packets.Close()))
		ends.Wait()
	})
	tr.notify, err = unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Close(tr.notify)) })
	for _, path := range []string{tr.text, tr.video, tr.dir} {
		_, err := unix.InotifyAddWatch(tr.notify, path, unix.IN_OPEN|unix.IN_ACCESS|unix.IN_MODIFY|unix.IN_CREATE|unix.IN_DELETE|unix.IN_ATTRIB)
		require.NoError(t, err)
	}
	return tr
}

// touched says whether anybody has opened or changed something in the trap since
// it was asked last.
func (tr *trap) touched() bool {
	n, err := unix.Read(tr.notify, make([]byte, 64<<10))
	return err == nil && n > 0
}

func ffmpegMakes(t *testing.T, path string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", append(append([]string{"-v", "error", "-y"}, args...), path)...).CombinedOutput()
	require.NoError(t, err, string(out))
}

// costs adds up what the runs of ffmpeg have computed.
type costs struct{ cpu atomic.Int64 }

func (c *costs) add(cpu, _ time.Duration, _ error) { c.cpu.Add(int64(cpu)) }

// process does with a file what the jobs do, as far as it goes, and returns the
// error that ended it. What it made lies in dir.
func process(ctx context.Context, r *ffmpeg.Runner, path, dir string) error {
	if data, err := os.ReadFile(path); err == nil {
		indexer := container.NewIndexer() // the server's own reader goes first
		_, _ = indexer.Write(data)
		indexer.Finish()
	}
	media, bounds, err := ladder.Examine(ctx, r, path)
	if err != nil {
		return err
	}
	format, err := ffmpeg.SniffFile(path)
	if err != nil {
		return err
	}
	e := &ladder.Encoder{Runner: r}
	if media.HasAudio {
		if _, _, err := e.EncodeAudio(ctx, ladder.AudioInput{Path: path, FromZero: true, Format: format, Channels: 2, Duration: min(media.Duration, time.Minute), Dir: dir}); err != nil {
			return err
		}
	}
	if len(bounds) < 2 {
		return nil
	}
	rungs := ladder.Plan(media.Width, media.Height, 0)
	_, _, err = e.EncodeSpan(ctx, ladder.SpanInput{
		Path: path, Format: format, Cut: true, Start: bounds[0], End: bounds[1], Timescale: 90_000, Rungs: rungs[len(rungs)-1:], Dir: dir,
	})
	if err != nil {
		return err
	}
	m := &still.Maker{Runner: r}
	_, err = m.Poster(ctx, still.Source{Path: path, Format: format, FromZero: true, Length: min(media.Duration, time.Minute)}, dir)
	return err
}

const (
	// mostCPU is how much may be computed for one file in these tests.
	mostCPU = 2 * time.Minute
	// most is how long that may take, whatever else the machine does.
	most = 8 * time.Minute
)

// suffer processes a file and holds it to the promise: an end within bounds, a
// sentence for the owner, and nothing of the secrets in what was made. It returns
// the error.
func suffer(t *testing.T, path string) error {
	t.Helper()
	dir, began := t.TempDir(), time.Now()
	r, spent := runner(), &costs{}
	r.Done = spent.add
	err := process(t.Context(), r, path, dir)
	require.Less(t, time.Duration(spent.cpu.Load()), mostCPU, "%s", path)
	require.Less(t, time.Since(began), most, "%s", path)
	requireSentence(t, err)
	requireNoCanary(t, dir, err)
	return err
}

// requireSentence wants words that say what is wrong with the file, if anything.
func requireSentence(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	sentence := ffmpeg.Sentence(err)
	require.NotContains(t, sentence, "inside the server", "%v", err)
	require.NotContains(t, sentence, "cannot run ffmpeg", "%v", err)
	require.True(t, strings.HasSuffix(sentence, "."), sentence)
	require.Greater(t, len(sentence), 15)
}

func requireNoCanary(t *testing.T, dir string, err error) {
	t.Helper()
	if err != nil {
		require.NotContains(t, err.Error(), canary)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		require.False(t, bytes.Contains(data, []byte(canary)), "%s holds the secret", e.Name())
	}
}
