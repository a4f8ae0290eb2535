// Package sandbox starts a program that works on hostile media so that it can
// do nothing but that, even once the media has taken it over.
//
// The server's own binary is started again as a launcher; its main calls
// Dispatch first of all. The launcher takes everything from itself that the
// program does not need, step by step, and then becomes the program:
//
//   - priority, resource limits, no capabilities, no new privileges, death with
//     the server;
//   - landlock: the system's libraries and the job's input can be read, one
//     folder can be written, there is no TCP and no signal to others;
//   - seccomp: a list of system calls that decoding needs. There are no sockets,
//     no new processes and no second program among them;
//   - a clean environment and no inherited files.
//
// Landlock and seccomp are Layers, because some kernels and containers lack one
// of them. Prove finds out which of them hold, by starting a stand-in for a
// decoder that was taken over and counting what it achieves. A layer that held
// then is required from then on: without it, the program does not start.
package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	// launcherName and standInName are the names (argv[0]) under which the
	// binary is not the server.
	launcherName = "meanwhile-launcher"
	standInName  = "meanwhile-stand-in"

	// Refused is the exit status of a launcher that did not start its program.
	Refused = 125
	// RefusedPrefix is how it begins to say why.
	RefusedPrefix = launcherName + ": "

	// running is this program's own file, even after an upgrade has replaced it.
	running = "/proc/self/exe"
)

// Sandbox starts programs behind the launcher. Its methods may be called at the
// same time.
type Sandbox struct {
	// Executable is a binary whose main calls Dispatch; empty means the one that
	// is running.
	Executable string
	// Layers are put up for each program, or it does not start.
	Layers Layers
}

// Layers are the parts of the sandbox that not every kernel has.
type Layers struct {
	// Landlock bounds the files, Seccomp the system calls.
	Landlock, Seccomp bool
}

// Limits bound a program's resources. Zero sets no limit.
type Limits struct {
	// Memory is address space, Output the length of a file, in bytes.
	Memory, Output int64
	// CPU is user and system time.
	CPU time.Duration
}

// Job is one program to start.
type Job struct {
	// Program is an absolute path; Args do not hold its name.
	Program string
	Args    []string
	// Dir is the working folder and the only one that can be written; empty
	// means that nothing can be written.
	Dir string
	// Read lists files that can be read.
	Read   []string
	Limits Limits
	// name is argv[0] instead of Program.
	name string
}

// order is what the launcher is told.
type order struct {
	Program, Name, Dir string
	Read               []string
	Limits             Limits
	Layers             Layers
	// Parent is the process to die with.
	Parent int
}

// Command is a job ready to start. The caller starts it on a thread that lives
// until it has ended: the kernel sends the parent-death signal when the thread
// that forked ends, not the process (golang/go#27505).
func (s *Sandbox) Command(ctx context.Context, job Job) (*exec.Cmd, error) {
	name := job.name
	if name == "" {
		name = job.Program
	}
	raw, err := json.Marshal(order{
		Program: job.Program, Name: name, Dir: job.Dir, Read: job.Read, Limits: job.Limits, Layers: s.Layers, Parent: os.Getpid(),
	})
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	executable := s.Executable
	if executable == "" {
		executable = running
	}
	cmd := exec.CommandContext(ctx, executable) //nolint:gosec // it is this binary
	cmd.Args = append([]string{launcherName, string(raw)}, job.Args...)
	cmd.Dir = job.Dir
	// The launcher lives for milliseconds and need not collect garbage.
	cmd.Env = []string{"GOGC=off"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

// Dispatch is called with os.Args before anything else in main. It says whether
// this process was started to be a launcher, or a stand-in for a program, and
// then with which status to exit; a launcher that succeeds does not return.
func Dispatch(args []string) (status int, mine bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case launcherName:
		return launch(args), true
	case standInName:
		return standIn(args), true
	}
	return 0, false
}

// Environment is all that a program in the sandbox finds in its environment.
func Environment() []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1"}
}
