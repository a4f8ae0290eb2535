package sandbox

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reached asks the kernel for something and returns an error only when it was
// refused as such. Any other complaint means that the kernel has looked at it,
// and that is what a bug in the kernel would need.
func reached(number uintptr, args ...uintptr) (uintptr, error) {
	var a [6]uintptr
	copy(a[:], args)
	value, _, errno := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	switch errno {
	case unix.EPERM, unix.EACCES, unix.ENOSYS:
		return 0, errno
	}
	return value, nil
}

// opened is reached for calls that return a descriptor.
func opened(number uintptr, args ...uintptr) error {
	fd, err := reached(number, args...)
	if err == nil && fd > 3 && fd < 1<<20 {
		_ = unix.Close(int(fd))
	}
	return err
}

func pointer[T any](of *T) uintptr { return uintptr(unsafe.Pointer(of)) } //nolint:gosec // raw system calls take addresses

func callAttempts() []attempt {
	call := func(name string, number uintptr, args ...uintptr) attempt {
		return attempt{name, aboutCalls, func(*target) error { return opened(number, args...) }}
	}
	const invalid = ^uintptr(0)
	all := []attempt{
		call("start a process with clone3", unix.SYS_CLONE3, 0, 0),
		call("leave the namespaces", unix.SYS_UNSHARE, 0),
		call("enter a namespace", unix.SYS_SETNS, invalid, 0),
		call("mount a file system", unix.SYS_MOUNT, 0, 0, 0, 0, 0),
		call("change the root", unix.SYS_PIVOT_ROOT, 0, 0),
		call("open a file by its handle", unix.SYS_OPEN_BY_HANDLE_AT, invalid, 0, 0),
		call("use io_uring", unix.SYS_IO_URING_SETUP, 1, 0),
		call("load a BPF program", unix.SYS_BPF, 0, 0, 0),
		call("count the machine's events", unix.SYS_PERF_EVENT_OPEN, 0, 0, 0, 0, 0),
		call("handle page faults", unix.SYS_USERFAULTFD, 0),
		call("read the key rings", unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, ^uintptr(1), 0),
		call("load a kernel module", unix.SYS_FINIT_MODULE, invalid, 0, 0),
		call("restart the machine", unix.SYS_REBOOT, 0, 0, 0, 0),
		call("change the personality", unix.SYS_PERSONALITY, 0xffffffff),
		call("make a file in memory, to run it", unix.SYS_MEMFD_CREATE, 0, 0),
		call("watch files", unix.SYS_INOTIFY_INIT1, 0),
		call("outlive the server", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0, 0, 0, 0),
		call("leave the process group", unix.SYS_SETPGID, 0, 0),
		call("change priorities", unix.SYS_SETPRIORITY, invalid, 0, 0),
		call("name another restriction", unix.SYS_SECCOMP, invalid, 0, 0),
	}
	return append(append(all, onServer()...), onFolder()...)
}

// onServer are attempts on the process that started this one.
func onServer() []attempt {
	call := func(name string, number uintptr, args func(server uintptr) []uintptr) attempt {
		return attempt{name, aboutCalls, func(t *target) error { return opened(number, args(uintptr(t.Server))...) }}
	}
	return []attempt{
		call("trace the server", unix.SYS_PTRACE, func(s uintptr) []uintptr { return []uintptr{unix.PTRACE_SEIZE, s, 0, 0} }),
		call("read the server's memory", unix.SYS_PROCESS_VM_READV, func(s uintptr) []uintptr { return []uintptr{s, 0, 0, 0, 0, 0} }),
		call("signal the server", unix.SYS_KILL, func(s uintptr) []uintptr { return []uintptr{s, 0} }),
		call("signal the server's thread", unix.SYS_TKILL, func(s uintptr) []uintptr { return []uintptr{s, 0} }),
		call("signal the server's threads", unix.SYS_TGKILL, func(s uintptr) []uintptr { return []uintptr{s, s, 0} }),
		call("take a handle of the server", unix.SYS_PIDFD_OPEN, func(s uintptr) []uintptr { return []uintptr{s, 0} }),
		call("have the kernel signal the server", unix.SYS_FCNTL, func(s uintptr) []uintptr { return []uintptr{1, unix.F_SETOWN, s} }),
		call("move the server to another core", unix.SYS_SCHED_SETAFFINITY, func(s uintptr) []uintptr { return []uintptr{s, 0, 0} }),
	}
}

// onFolder are attempts to make more than plain files, and to start programs.
func onFolder() []attempt {
	at := uintptr(0xffffffffffffff9c) // AT_FDCWD
	call := func(name string, try func(t *target, path *byte) error) attempt {
		return attempt{name, aboutCalls, func(t *target) error {
			path, err := unix.BytePtrFromString(t.Dir + "/" + name)
			if err != nil {
				return err
			}
			return try(t, path)
		}}
	}
	return []attempt{
		call("make a symbolic link", func(_ *target, path *byte) error {
			_, err := reached(unix.SYS_SYMLINKAT, pointer(path), at, pointer(path))
			return err
		}),
		call("make a hard link", func(t *target, path *byte) error {
			from, err := unix.BytePtrFromString(t.Input)
			if err == nil {
				_, err = reached(unix.SYS_LINKAT, at, pointer(from), at, pointer(path), 0)
			}
			return err
		}),
		call("make a pipe file", func(_ *target, path *byte) error {
			_, err := reached(unix.SYS_MKNODAT, at, pointer(path), unix.S_IFIFO|0o600, 0)
			return err
		}),
		call("make a folder", func(_ *target, path *byte) error {
			_, err := reached(unix.SYS_MKDIRAT, at, pointer(path), 0o700)
			return err
		}),
		call("change permissions", func(_ *target, path *byte) error {
			_, err := reached(unix.SYS_FCHMODAT, at, pointer(path), 0o777)
			return err
		}),
		call("start a program in its own place", func(_ *target, path *byte) error {
			var missing *byte
			*path = 0 // no such program
			_, err := reached(unix.SYS_EXECVE, pointer(path), pointer(&missing), pointer(&missing))
			return err
		}),
		{"start a process", aboutCalls, func(*target) error { return fork(0) }},
		{"start a process in a namespace of its own", aboutCalls, func(*target) error { return fork(unix.CLONE_NEWUSER) }},
		{"run a program", aboutCalls, run},
	}
}

// fork starts a process that ends at once.
func fork(flags uintptr) error {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD)|flags, 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0) //nolint:errcheck // it does not return
	}
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	return err
}

// run starts this binary as a stand-in without a target, which ends at once.
func run(*target) error {
	p, err := os.StartProcess(running, []string{standInName}, &os.ProcAttr{Env: []string{}})
	if err != nil {
		return err
	}
	_, err = p.Wait()
	return err
}

func networkAttempts() []attempt {
	connect := func(kind int, to func(*target) unix.Sockaddr) func(*target) error {
		return func(t *target) error {
			address := to(t)
			family := unix.AF_INET
			if _, ok := address.(*unix.SockaddrUnix); ok {
				family = unix.AF_UNIX
			}
			s, err := unix.Socket(family, kind, 0)
			if err != nil {
				return err
			}
			defer unix.Close(s)
			if kind == unix.SOCK_DGRAM {
				return unix.Sendto(s, []byte("hello"), 0, address)
			}
			return unix.Connect(s, address)
		}
	}
	here := [4]byte{127, 0, 0, 1}
	return []attempt{
		{"connect to an address", aboutNetwork, connect(unix.SOCK_STREAM, func(t *target) unix.Sockaddr { return &unix.SockaddrInet4{Port: t.TCP, Addr: here} })},
		{"send a packet", aboutNetwork, connect(unix.SOCK_DGRAM, func(t *target) unix.Sockaddr { return &unix.SockaddrInet4{Port: t.UDP, Addr: here} })},
		{"connect to a socket in the file system", aboutNetwork, connect(unix.SOCK_STREAM, func(t *target) unix.Sockaddr { return &unix.SockaddrUnix{Name: t.Socket} })},
		{"connect to an abstract socket", aboutNetwork, connect(unix.SOCK_STREAM, func(t *target) unix.Sockaddr { return &unix.SockaddrUnix{Name: "@" + t.Abstract} })},
		{"listen on a port", aboutNetwork, func(*target) error {
			s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(s)
			return errors.Join(unix.Bind(s, &unix.SockaddrInet4{Addr: here}), unix.Listen(s, 1))
		}},
		{"talk to the kernel's network part", aboutNetwork, func(*target) error {
			return opened(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, 0)
		}},
	}
}

func limitAttempts() []attempt {
	unlimited := func(name string, resource int, most uint64) attempt {
		return attempt{name, aboutLimits, func(*target) error {
			var now unix.Rlimit
			if err := unix.Prlimit(0, resource, nil, &now); err != nil {
				return err
			}
			if now.Max <= most {
				return errHeld
			}
			return nil
		}}
	}
	return []attempt{
		unlimited("leave a dump of its memory", unix.RLIMIT_CORE, 0),
		unlimited("open any number of files", unix.RLIMIT_NOFILE, openFiles),
		unlimited("compute for ever", unix.RLIMIT_CPU, 1<<32),
		unlimited("write for ever", unix.RLIMIT_FSIZE, 1<<50),
		{"take all memory", aboutLimits, func(*target) error {
			memory, err := unix.Mmap(-1, 0, 64<<30, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
			if err == nil {
				_ = unix.Munmap(memory)
			}
			return err
		}},
		{"read a file that the server left open", aboutLimits, func(t *target) error {
			_, err := unix.Pread(t.Open, make([]byte, 1), 0)
			return err
		}},
		{"find the server's environment", aboutLimits, func(*target) error {
			if len(syscall.Environ()) <= len(Environment()) {
				return errHeld
			}
			return nil
		}},
		{"take the place of the program that was started", aboutLimits, func(*target) error {
			return unix.Dup3(0, programFD, unix.O_CLOEXEC)
		}},
		{"gain privileges", aboutLimits, func(*target) error {
			if on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || on == 1 {
				return errors.Join(err, errHeld)
			}
			return nil
		}},
		{"use capabilities", aboutLimits, func(*target) error {
			var held [2]unix.CapUserData
			err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &held[0])
			if err != nil || held[0].Permitted|held[1].Permitted == 0 {
				return errors.Join(err, errHeld)
			}
			return nil
		}},
	}
}
