// Package ffmpeg is the only door to ffmpeg and ffprobe.
//
// A command line is a graph compiled by u2takey/ffmpeg-go and started by this
// package without a shell: a forced demuxer, allow-lists for protocols, formats
// and codecs, bounds on streams, pixels, memory, CPU, time and output, low
// priority, its own process group that never outlives this process, and a
// bounded stderr. Whatever goes wrong becomes a Problem, whose sentence the
// owner of the video can read.
//
// What a hostile file could still do to the child is contained by the sandbox
// beneath: it reaches its input and its own folder and nothing else.
package ffmpeg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/trace"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

const (
	maxStreams = 16
	// maxPixels is 8192 × 4320, one picture of 8K.
	maxPixels = 35389440
	// maxAllocation bounds one block of memory; a 4K frame of 4:4:4 has 24 MB.
	maxAllocation = "268435456"
	stderrSize    = 64 << 10
	// idleTime is far longer than a slow disk keeps somebody waiting.
	idleTime = 90 * time.Second
	// maxProbe bounds what ffprobe may print about a file.
	maxProbe = 1 << 20
)

// Runner starts ffmpeg and ffprobe. Its methods may be called at the same time.
type Runner struct {
	// FFmpeg and FFprobe are the programs, by path or by name.
	FFmpeg, FFprobe string
	Logger          *slog.Logger
	// Threads bounds the threads of each decoder, filter and encoder; 0 means as
	// many as the machine has cores, at most 4.
	Threads int
	// Sandbox is where the programs run. Without one they run with the rights of
	// this process and without limits on memory and CPU, which is only right for
	// what reads no media of strangers.
	Sandbox *sandbox.Sandbox
	// Done, if set, is told what each run of ffmpeg cost, and how it ended.
	Done func(cpu, wall time.Duration, err error)
}

// Limits bound one run. Zero values take defaults that fit Duration.
type Limits struct {
	// Duration is how much media the run works on. CPU and wall time follow from
	// it, and input beyond it is not read.
	Duration time.Duration
	// CPU is user and system time, Wall is real time.
	CPU, Wall time.Duration
	// Idle is how long it may do nothing; one that is fed through Stdin may wait
	// for longer.
	Idle time.Duration
	// Memory is address space in bytes.
	Memory int64
	// Output is bytes per output file.
	Output int64
	// Threads per decoder, filter and encoder.
	Threads int
}

// Command is one run of ffmpeg.
type Command struct {
	// Graph draws inputs, filters and outputs.
	Graph  func(*Graph)
	Limits Limits
	// FromZero moves the inputs' timestamps so that the earliest is 0; otherwise
	// timestamps pass as they are.
	FromZero bool
	// Stdin feeds an Input without Path. An error from it ends the run and is
	// returned as it is.
	Stdin io.Reader
	// Stdout takes an Output without path.
	Stdout io.Writer
	// Dir is the working folder; in a sandbox, outputs can only lie there.
	Dir string
	// Progress, if set, is told now and then how much of the output exists.
	Progress func(time.Duration)
}

// Usage is what a run cost.
type Usage struct {
	CPU  time.Duration
	Wall time.Duration
}

// Available says whether both programs can be found.
func (r *Runner) Available() error {
	for _, program := range []string{r.FFmpeg, r.FFprobe} {
		if _, err := exec.LookPath(program); err != nil {
			return &Problem{Sentence: unavailable, Detail: clean(err.Error()), Passing: true}
		}
	}
	return nil
}

// Run runs ffmpeg and waits for its end. Cancelling ctx ends the whole process
// group and returns the cause.
func (r *Runner) Run(ctx context.Context, c Command) (Usage, error) {
	limits := r.bound(c.Limits)
	args, g, err := compile(limits, c.Graph)
	if err == nil && r.Sandbox != nil {
		err = within(c.Dir, g.outputs)
	}
	if err != nil {
		return Usage{}, err
	}
	p := &process{
		program: r.FFmpeg, args: append(globals(c.FromZero), args...), limits: limits,
		sandbox: r.Sandbox, dir: c.Dir, read: g.inputs, outputs: len(g.outputs), stdin: c.Stdin, stdout: c.Stdout, progress: c.Progress,
	}
	ctx, span := trace.Start(ctx, "ffmpeg")
	usage, err := p.run(ctx)
	if err == nil {
		err = withinSize(c.Dir, g.outputs, limits.Output)
	}
	span.Set(trace.Measure("ffmpeg.cpu_seconds", usage.CPU.Seconds()), trace.Number("ffmpeg.outputs", int64(len(g.outputs))))
	span.End(err)
	if r.Done != nil {
		r.Done(usage.CPU, usage.Wall, err)
	}
	if err != nil {
		r.Logger.WarnContext(ctx, "ffmpeg failed", "error", err, "args", strings.Join(args, " "), "cpu", usage.CPU)
		return usage, err
	}
	r.Logger.DebugContext(ctx, "ffmpeg done", "cpu", usage.CPU, "wall", usage.Wall)
	return usage, nil
}

func globals(fromZero bool) []string {
	args := []string{
		"-y", "-nostdin", "-hide_banner", "-v", "fatal", "-nostats", "-progress", "pipe:3",
		"-max_alloc", maxAllocation, "-copyts",
	}
	if fromZero {
		args = append(args, "-start_at_zero")
	}
	return args
}

// bound fills in what the caller left open: a minute of CPU and ten seconds for
// each second of media and each core it may use, twice that of real time.
func (r *Runner) bound(l Limits) Limits {
	l.Threads = cmp.Or(l.Threads, cmp.Or(r.Threads, min(4, runtime.NumCPU())))
	l.CPU = cmp.Or(l.CPU, time.Minute+20*l.Duration)
	l.Wall = cmp.Or(l.Wall, 2*l.CPU)
	l.Idle = cmp.Or(l.Idle, idleTime)
	l.Memory = cmp.Or(l.Memory, defaultMemory)
	return l
}

// explain turns the end of a process into an error for people.
func explain(err error, stderr string, l Limits) error {
	detail := clean(stderr)
	exit, isExit := errors.AsType[*exec.ExitError](err)
	switch {
	case !isExit:
		return &Problem{Sentence: unavailable, Detail: clean(err.Error()), Passing: true}
	case exit.ExitCode() == sandbox.Refused && strings.HasPrefix(detail, sandbox.RefusedPrefix):
		return &Problem{Sentence: unavailable, Detail: detail, Passing: true}
	case strings.Contains(detail, "error while loading shared libraries"):
		return &Problem{Sentence: unavailable, Detail: detail, Passing: true}
	case strings.Contains(detail, "No space left on device"):
		return &Problem{Sentence: diskFull, Detail: detail, Passing: true}
	case strings.Contains(detail, "Cannot allocate memory"), strings.Contains(detail, "malloc of size"):
		return &Problem{Sentence: tooHungry, Detail: detail}
	case signalOf(exit) == syscall.SIGXFSZ:
		return &Problem{Sentence: tooLarge, Detail: detail}
	case cpuOf(exit.ProcessState)+time.Second >= l.CPU:
		return &Problem{Sentence: tookTooLong, Detail: detail}
	}
	return &Problem{Sentence: unreadable, Detail: fmt.Sprintf("%s: %s", exit, tail(detail, 500)), Passing: signalOf(exit) == syscall.SIGKILL}
}

// within refuses outputs that a sandbox would not let be written.
func within(dir string, paths []string) error {
	for _, path := range paths {
		if dir == "" || filepath.IsAbs(path) && filepath.Dir(path) != filepath.Clean(dir) {
			return fmt.Errorf("ffmpeg: the output %s lies outside of the job's folder %q", path, dir)
		}
	}
	return nil
}

// withinSize refuses output that reached its limit: ffmpeg stops there with
// exit status 0, and what is missing would never be noticed.
func withinSize(dir string, paths []string, limit int64) error {
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if info, err := os.Stat(path); err == nil && limit > 0 && info.Size() >= limit {
			return &Problem{Sentence: tooLarge}
		}
	}
	return nil
}

func tail(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8("…"+text[len(text)-n:], "")
}
