package ffmpeg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

const (
	// defaultMemory is enough for 4K in and three rungs out; 1 GiB is not.
	defaultMemory = 3 << 30
	// patience is how long an interrupted child may take to end by itself.
	patience = 2 * time.Second
)

// errWall is the cause when a run took longer than its wall limit.
var errWall = errors.New("wall limit")

// process is one child and everything that is bounded about it.
type process struct {
	program string
	args    []string
	sandbox *sandbox.Sandbox
	limits  Limits
	dir     string
	// read are the files that it works on, outputs is how many it makes.
	read     []string
	outputs  int
	stdin    io.Reader
	stdout   io.Writer
	progress func(time.Duration)
}

// run starts the child on a thread that lives until the child has ended: the
// kernel sends the parent-death signal when the thread that forked ends, not
// the process (golang/go#27505).
func (p *process) run(ctx context.Context) (usage Usage, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		usage, err = p.runLocked(ctx)
	}()
	<-done
	return usage, err
}

func (p *process) runLocked(ctx context.Context) (Usage, error) {
	outer := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, p.limits.Wall, errWall)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	cmd, err := p.command(ctx)
	if err != nil {
		return Usage{}, &Problem{Sentence: unavailable, Detail: clean(err.Error()), Passing: true}
	}
	stderr := newRing(stderrSize)
	cmd.Stderr = stderr
	source := &watchedReader{r: p.stdin}
	if p.stdin != nil {
		cmd.Stdin = source
	}
	began := time.Now()
	err = p.wait(ctx, cmd, end)
	usage := Usage{Wall: time.Since(began), CPU: cpuOf(cmd.ProcessState)}
	switch {
	case outer.Err() != nil:
		return usage, context.Cause(outer)
	case source.failure() != nil:
		return usage, fmt.Errorf("ffmpeg: input: %w", source.failure())
	case errors.Is(context.Cause(ctx), errWall):
		return usage, &Problem{Sentence: tookTooLong, Detail: tail(clean(stderr.String()), 500), Passing: true}
	case context.Cause(ctx) != nil:
		return usage, context.Cause(ctx)
	case err != nil:
		return usage, explain(err, stderr.String(), p.limits)
	}
	return usage, nil
}

func (p *process) command(ctx context.Context) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, p.program, p.args...) //nolint:gosec // the graph is ours and holds no user text; no shell
	cmd.Env = sandbox.Environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if p.sandbox != nil {
		program, err := exec.LookPath(p.program)
		if err == nil {
			program, err = filepath.Abs(program)
		}
		if err == nil {
			cmd, err = p.sandbox.Command(ctx, sandbox.Job{
				Program: program, Args: p.args, Dir: p.dir, Read: p.read,
				Limits: sandbox.Limits{Memory: p.limits.Memory, Output: p.limits.Output, CPU: p.limits.CPU},
			})
		}
		if err != nil {
			return nil, err
		}
	}
	cmd.Dir = p.dir
	cmd.Stdout = p.stdout
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = patience
	return cmd, nil
}

// wait starts the child and returns when it and its whole group have ended.
func (p *process) wait(ctx context.Context, cmd *exec.Cmd, end context.CancelCauseFunc) error {
	reports, pipe, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.ExtraFiles = []*os.File{pipe}
	err = cmd.Start()
	pipe.Close()
	if err != nil {
		return errors.Join(err, reports.Close())
	}
	var beside sync.WaitGroup
	beside.Go(func() { p.report(reports) })
	watching, unwatch := context.WithCancel(ctx)
	beside.Go(func() { p.watch(watching, cmd.Process.Pid, end) })
	err = cmd.Wait()
	killGroup(cmd.Process.Pid)
	unwatch()
	reports.Close()
	beside.Wait()
	return err
}

// report reads the key=value lines of -progress until the child closes them.
func (p *process) report(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		value, ok := strings.CutPrefix(lines.Text(), "out_time_us=")
		if us, err := strconv.ParseInt(value, 10, 64); ok && err == nil && us >= 0 && p.progress != nil {
			p.progress(time.Duration(us) * time.Microsecond)
		}
	}
	// A line too long for the scanner must not make the child wait for us.
	_, _ = io.Copy(io.Discard, r)
}

// killGroup leaves nobody behind, whatever the child has started.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func cpuOf(state *os.ProcessState) time.Duration {
	if state == nil {
		return 0
	}
	return state.UserTime() + state.SystemTime()
}

// signalOf is the signal that ended the child, such as the kernel's when memory
// ran out, or 0.
func signalOf(exit *exec.ExitError) syscall.Signal {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal()
	}
	return 0
}

// watchedReader remembers why reading failed: exec forgets it when the child
// fails as a consequence.
type watchedReader struct {
	r   io.Reader
	mu  sync.Mutex
	err error
}

// Read implements io.Reader.
func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.err = err
	}
	return n, err
}

func (w *watchedReader) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
