package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// Program is what a process runs.
type Program struct {
	Name string
	Path string
	Args []string
	// Env is all of its environment.
	Env []string
	// Owner runs it as another user; nil is who runs the cluster.
	Owner *syscall.Credential
	// Echo gets its lines as they come, too.
	Echo io.Writer
}

// Process is a program that may be ended, stopped and started again. What it
// wrote is kept over all its starts.
type Process struct {
	Program

	mu    sync.Mutex
	last  *life // nil before the first start
	log   []string
	heard chan struct{} // is closed with every line
}

// life is one run of a program.
type life struct {
	cmd   *exec.Cmd
	since int           // lines were written before it
	ended chan struct{} // is closed when it is over and all its lines are read
	how   error         // it ended; is set before that
}

// over says whether a life has ended, or never began.
func (l *life) over() bool {
	if l == nil {
		return true
	}
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// errNotRunning says that there is nothing to end.
var errNotRunning = errors.New("is not running")

// NewProcess makes a process that has not been started.
func NewProcess(program Program) *Process {
	return &Process{Program: program, heard: make(chan struct{})}
}

// Start starts the program, unless it runs. It dies with this process, whatever
// happens.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.over() {
		return nil
	}
	cmd := exec.Command(p.Path, p.Args...) //nolint:gosec,noctx // tests start what they name, and end it themselves
	cmd.Env = p.Env
	cmd.SysProcAttr = storestest.Lifeline(p.Owner)
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := errors.Join(cmd.Start(), writer.Close()); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", p.Name, err), reader.Close())
	}
	now := &life{cmd: cmd, since: len(p.log), ended: make(chan struct{})}
	p.last = now
	go func() {
		p.read(reader)
		now.how = cmd.Wait()
		close(now.ended)
	}()
	return nil
}

func (p *Process) read(pipe io.ReadCloser) {
	defer pipe.Close()
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.log = append(p.log, lines.Text())
		close(p.heard)
		p.heard = make(chan struct{})
		p.mu.Unlock()
		if p.Echo != nil {
			fmt.Fprintln(p.Echo, lines.Text())
		}
	}
}

// Line waits for a line that was written since a mark, and that says something.
func (p *Process) Line(ctx context.Context, since int, says string) (string, error) {
	for {
		p.mu.Lock()
		heard, last := p.heard, p.last
		over := last != nil && last.over() // and then all it said is here
		lines := p.log[min(since, len(p.log)):]
		p.mu.Unlock()
		for _, line := range lines {
			if strings.Contains(line, says) {
				return line, nil
			}
		}
		if over {
			return "", fmt.Errorf("%s ended before it said %q:\n%s", p.Name, says, strings.Join(p.Log(), "\n"))
		}
		var ended <-chan struct{}
		if last != nil {
			ended = last.ended
		}
		select {
		case <-heard:
		case <-ended:
		case <-ctx.Done():
			return "", fmt.Errorf("%s did not say %q: %w", p.Name, says, ctx.Err())
		}
	}
}

// Mark is how many lines were written until now.
func (p *Process) Mark() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.log)
}

// Log is every line that was written, of all starts.
func (p *Process) Log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.log)
}

// begun is what Mark was when the process was started last.
func (p *Process) begun() int {
	if last := p.life(); last != nil {
		return last.since
	}
	return 0
}

// life is the last one.
func (p *Process) life() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// Running says whether the process is there.
func (p *Process) Running() bool { return !p.life().over() }

// PID is the process's number, of its last start.
func (p *Process) PID() int { return p.life().cmd.Process.Pid }

// Signal sends a signal: SIGSTOP and SIGCONT make a process fall asleep and wake.
func (p *Process) Signal(signal syscall.Signal) error {
	last := p.life()
	if last.over() {
		return fmt.Errorf("%s %w", p.Name, errNotRunning)
	}
	return last.cmd.Process.Signal(signal)
}

// Kill ends the process as the loss of its machine would, and waits until it is
// gone.
func (p *Process) Kill() {
	if last := p.life(); !last.over() {
		_ = last.cmd.Process.Kill() // who is gone in this moment need not be killed
		<-last.ended
	}
}

// Terminate asks the process to end, waits and returns how it ended. One that
// takes longer than patience is killed.
func (p *Process) Terminate(patience time.Duration) error {
	last := p.life()
	if last.over() {
		return nil
	}
	_ = last.cmd.Process.Signal(syscall.SIGTERM) // who is gone in this moment need not be asked
	select {
	case <-last.ended:
		return last.how
	case <-time.After(patience):
		_ = last.cmd.Process.Kill()
		<-last.ended
		return fmt.Errorf("%s did not end within %v", p.Name, patience)
	}
}

// Sleep stops the process where it stands: it holds what it holds, and answers
// nobody.
func (p *Process) Sleep() error { return p.Signal(syscall.SIGSTOP) }

// Wake lets a process go on that was stopped.
func (p *Process) Wake() { _ = p.Signal(syscall.SIGCONT) }
