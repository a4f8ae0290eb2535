package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// programFD is the least number of the descriptor that the program is started
// from. It lies above the limit of open files, so that nobody can have such a
// descriptor afterwards, and the one execveat that seccomp allows works once.
const programFD = 100

// launcher is the process between the server and the program.
type launcher struct {
	order
	args []string
	// fd is the opened program.
	fd     int
	script bool
}

// launch becomes the program, or returns the exit status.
func launch(args []string) int {
	// Landlock, seccomp, priority and the death signal belong to the thread that
	// becomes the program.
	runtime.LockOSThread()
	err := errors.New("not started by the server")
	if len(args) >= 2 {
		l := &launcher{args: args[2:]}
		if err = json.Unmarshal([]byte(args[1]), &l.order); err == nil {
			err = l.run()
		}
	}
	fmt.Fprintln(os.Stderr, RefusedPrefix+err.Error())
	return Refused
}

// run takes the steps in an order in which none needs what one before has taken.
func (l *launcher) run() error {
	steps := []struct {
		name string
		do   func() error
	}{
		{"program", l.open},
		{"priority", giveWay},
		{"capabilities", dropCapabilities},
		{"parent", func() error { return dieWith(l.Parent) }},
		{"files of the job", l.reachable},
		{"limits", l.Limits.set},
		{"open files", closeOthers},
		{"no new privileges", func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }},
		{"landlock", l.landlock},
		{"seccomp and start", l.start},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// closeOthers lets go, when the program starts, of whatever lies above the
// standard streams and the one that reports progress.
func closeOthers() error {
	const first, most = 4, 4096
	if unix.CloseRange(first, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	for fd := first; fd < most; fd++ { // Linux before 5.11
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil && !errors.Is(err, unix.EBADF) {
			return err
		}
	}
	return nil
}

// open opens the program and looks whether it is a script.
func (l *launcher) open() error {
	fd, err := unix.Open(l.Program, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EACCES) {
		// It may be executable and yet not readable; then it is no script.
		fd, err = unix.Open(l.Program, unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.Program, err)
	}
	l.script = isScript(func(head []byte) (int, error) { return unix.Pread(fd, head, 0) })
	l.fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, programFD)
	return err
}

// IsScript says whether a program is a script. Its interpreter has to start other
// programs, so it runs with more rights than a program of machine code.
func IsScript(program string) bool {
	path, err := exec.LookPath(program)
	if err != nil {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return isScript(f.Read)
}

func isScript(read func([]byte) (int, error)) bool {
	head := make([]byte, 2)
	n, err := read(head)
	return err == nil && n == len(head) && string(head) == "#!"
}

// reachable finds out early, and in words, what is not this user's to read or to
// write. Root loses here what is not its own.
func (l *launcher) reachable() error {
	for _, path := range l.Read {
		if err := unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS); errors.Is(err, unix.EACCES) {
			return fmt.Errorf("%s cannot be read by user %d without privileges; give the data folder to that user", path, os.Geteuid())
		}
	}
	if l.Dir == "" {
		return nil
	}
	if err := unix.Faccessat(unix.AT_FDCWD, l.Dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("%s cannot be written by user %d: %w", l.Dir, os.Geteuid(), err)
	}
	return nil
}

// start puts the filter up and becomes the program. From the filter on there are
// raw system calls only: this thread may do nothing else.
func (l *launcher) start() error {
	path := ""
	if l.script {
		path = l.Program
	}
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	argv, err := syscall.SlicePtrFromStrings(append([]string{l.Name}, l.args...))
	if err != nil {
		return err
	}
	envp, err := syscall.SlicePtrFromStrings(Environment())
	if err != nil {
		return err
	}
	if l.Layers.Seccomp {
		if err := install(filter(profile{pid: os.Getpid(), programFD: l.fd, script: l.script})); err != nil {
			return err
		}
	}
	a, e, p := unsafe.Pointer(&argv[0]), unsafe.Pointer(&envp[0]), unsafe.Pointer(name) //nolint:gosec // raw system calls take addresses
	var errno syscall.Errno
	if l.script {
		_, _, errno = unix.RawSyscall(unix.SYS_EXECVE, uintptr(p), uintptr(a), uintptr(e))
	} else {
		_, _, errno = unix.RawSyscall6(unix.SYS_EXECVEAT, uintptr(l.fd), uintptr(p), uintptr(a), uintptr(e), unix.AT_EMPTY_PATH, 0)
	}
	runtime.KeepAlive([]any{argv, envp, name})
	return fmt.Errorf("start %s: %w", strings.ToValidUTF8(l.Program, "?"), errno)
}
