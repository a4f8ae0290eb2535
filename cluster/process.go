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
	cmd   *exec.Cmd
	ended chan struct{}
	how   error
	log   []string
	heard chan struct{} // is closed with every line
}

// errNotRunning says that there is nothing to end.
var errNotRunning = errors.New("is not running")

// NewProcess makes a process that has not been started.
func NewProcess(program Program) *Process {
	return &Process{Program: program, heard: make(chan struct{})}
}

// Start starts the program. It dies with this process, whatever happens.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	ended := make(chan struct{})
	p.cmd, p.ended, p.how = cmd, ended, nil
	go func() {
		p.read(reader)
		how := cmd.Wait()
		p.mu.Lock()
		p.how = how
		p.mu.Unlock()
		close(ended)
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
		for _, line := range p.log[min(since, len(p.log)):] {
			if strings.Contains(line, says) {
				p.mu.Unlock()
				return line, nil
			}
		}
		heard, ended := p.heard, p.ended
		p.mu.Unlock()
		select {
		case <-heard:
		case <-ended:
			return "", fmt.Errorf("%s ended before it said %q:\n%s", p.Name, says, strings.Join(p.Log(), "\n"))
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

// Running says whether the process is there.
func (p *Process) Running() bool {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if ended == nil {
		return false
	}
	select {
	case <-ended:
		return false
	default:
		return true
	}
}

// PID is the process's number, of its last start.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Signal sends a signal: SIGSTOP and SIGCONT make a process fall asleep and wake.
func (p *Process) Signal(signal syscall.Signal) error {
	if !p.Running() {
		return fmt.Errorf("%s %w", p.Name, errNotRunning)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Signal(signal)
}

// Kill ends the process as the loss of its machine would, and waits until it is
// gone.
func (p *Process) Kill() {
	if p.Signal(syscall.SIGKILL) == nil {
		<-p.ended
	}
}

// Terminate asks the process to end, waits and returns how it ended. One that
// takes longer than patience is killed.
func (p *Process) Terminate(patience time.Duration) error {
	if p.Signal(syscall.SIGTERM) != nil {
		return nil
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.Kill()
		return fmt.Errorf("%s did not end within %v", p.Name, patience)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.how
}

// Sleep stops the process where it stands: it holds what it holds, and answers
// nobody.
func (p *Process) Sleep() error { return p.Signal(syscall.SIGSTOP) }

// Wake lets a process go on that was stopped.
func (p *Process) Wake() { _ = p.Signal(syscall.SIGCONT) }
