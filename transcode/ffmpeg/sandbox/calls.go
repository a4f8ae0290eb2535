package sandbox

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// profile is what the filter depends on.
type profile struct {
	// pid is the process itself, which its own threads may signal.
	pid int
	// programFD is the descriptor that may be executed.
	programFD int
	// script allows what a shell script needs to start programs.
	script bool
}

// errNoFilter says that this architecture has no list of system calls here.
var errNoFilter = errors.New("no list of system calls for this architecture")

// Answers of the filter. What is not on the list does not exist, which libraries
// are prepared for: they fall back to something older.
const (
	allow   = unix.SECCOMP_RET_ALLOW
	absent  = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	refuse  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	noTTY   = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOTTY)
	destroy = unix.SECCOMP_RET_KILL_PROCESS
)

// Offsets in struct seccomp_data; the values are little-endian on every
// architecture that has a list here.
const (
	offNumber = 0
	offArch   = 4
	offArgs   = 16
)

// namespaces are the flags of clone(2) that make new ones.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// program is a classic BPF program in the making.
type program []unix.SockFilter

func (p *program) add(code uint16, k uint32, yes, no uint8) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: yes, Jf: no, K: k})
}

func (p *program) load(offset uint32)   { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0) }
func (p *program) answer(value uint32)  { p.add(unix.BPF_RET|unix.BPF_K, value, 0, 0) }
func (p *program) argument(i, w uint32) { p.load(offArgs + 8*i + 4*w) }

// allowIf allows the call if what was loaded is k.
func (p *program) allowIf(k uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, k, 0, 1)
	p.answer(allow)
}

// ifAny answers if what was loaded has one of the bits.
func (p *program) ifAny(bits, value uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, bits, 0, 1)
	p.answer(value)
}

// when runs the body for one system call; the body must answer.
func (p *program) when(number uint32, body func(*program)) {
	var inner program
	body(&inner)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, number, 0, uint8(len(inner)))
	*p = append(*p, inner...)
}

// oneOf allows a system call whose argument i is one of values.
func (p *program) oneOf(number, i, otherwise uint32, values ...uint32) {
	p.when(number, func(p *program) {
		p.argument(i, 0)
		for _, v := range values {
			p.allowIf(v)
		}
		p.answer(otherwise)
	})
}

// filter lists what the program may ask of the kernel.
func filter(of profile) (program, error) {
	if architecture == 0 {
		return nil, errNoFilter
	}
	var p program
	p.load(offArch)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, architecture, 1, 0)
	p.answer(destroy)
	p.load(offNumber)
	if foreignBit != 0 {
		p.ifAny(foreignBit, destroy)
	}
	for _, number := range append(plain(), legacy()...) {
		p.allowIf(number)
	}
	if of.script {
		for _, number := range append(starting(), legacyStarting()...) {
			p.allowIf(number)
		}
	}
	p.arguments(of)
	p.answer(absent)
	return p, nil
}

// arguments lists the calls that depend on their arguments.
func (p *program) arguments(of profile) {
	p.when(unix.SYS_CLONE, func(p *program) {
		p.argument(0, 0)
		p.ifAny(namespaces, refuse)
		if of.script {
			p.answer(allow)
			return
		}
		p.ifAny(unix.CLONE_THREAD, allow)
		p.answer(refuse)
	})
	if !of.script {
		p.when(unix.SYS_EXECVEAT, func(p *program) {
			p.argument(4, 0)
			p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.AT_EMPTY_PATH, 1, 0)
			p.answer(refuse)
			p.argument(0, 0)
			p.allowIf(uint32(of.programFD))
			p.answer(refuse)
		})
	}
	// A process may look at its limits, and not change them.
	p.when(unix.SYS_PRLIMIT64, func(p *program) {
		for word := range uint32(2) {
			p.argument(2, word)
			p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, 0)
			p.answer(refuse)
		}
		p.answer(allow)
	})
	p.oneOf(unix.SYS_TGKILL, 0, refuse, uint32(of.pid))
	p.oneOf(unix.SYS_IOCTL, 1, noTTY, unix.TCGETS, unix.TIOCGWINSZ, unix.TIOCINQ, fionbio, fioclex, fionclex)
	// Not F_SETOWN and F_SETSIG, which make the kernel send signals.
	p.oneOf(unix.SYS_FCNTL, 1, refuse, unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL,
		unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW, unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ)
	// Not PR_SET_PDEATHSIG: it shall die with the server.
	p.oneOf(unix.SYS_PRCTL, 0, refuse, unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_VMA, unix.PR_GET_DUMPABLE,
		unix.PR_CAPBSET_READ, unix.PR_GET_NO_NEW_PRIVS, unix.PR_GET_PDEATHSIG)
}

// Switches of a descriptor (asm-generic/ioctls.h): wait or not, close on exec or
// not.
const (
	fionbio  = 0x5421
	fionclex = 0x5450
	fioclex  = 0x5451
)

// install puts the filter up for this thread, which passes it on to what it
// becomes.
func install(p program, err error) error {
	if err != nil {
		return err
	}
	raw := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&raw)), 0, 0) //nolint:gosec // x/sys has no call for it
	runtime.KeepAlive(p)
	if err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}

// plain are calls that work on the process itself and on files it has opened, and
// opening, which landlock bounds.
func plain() []uint32 {
	return []uint32{
		unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREAD64, unix.SYS_PWRITE64, unix.SYS_PREADV, unix.SYS_PWRITEV,
		unix.SYS_LSEEK, unix.SYS_OPENAT, unix.SYS_CLOSE, unix.SYS_CLOSE_RANGE, unix.SYS_FSTAT, unix.SYS_NEWFSTATAT, unix.SYS_STATX, unix.SYS_STATFS,
		unix.SYS_FSTATFS, unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2, unix.SYS_READLINKAT, unix.SYS_GETDENTS64, unix.SYS_GETCWD, unix.SYS_UMASK,
		unix.SYS_FTRUNCATE, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FALLOCATE, unix.SYS_FADVISE64, unix.SYS_DUP, unix.SYS_DUP3, unix.SYS_PIPE2,

		unix.SYS_BRK, unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_MSYNC,
		unix.SYS_MLOCK, unix.SYS_MLOCK2, unix.SYS_MUNLOCK, unix.SYS_MEMBARRIER, unix.SYS_GET_MEMPOLICY,

		unix.SYS_FUTEX, unix.SYS_SET_ROBUST_LIST, unix.SYS_GET_ROBUST_LIST, unix.SYS_SET_TID_ADDRESS, unix.SYS_RSEQ, unix.SYS_RESTART_SYSCALL,
		unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_RT_SIGPENDING,
		unix.SYS_RT_SIGSUSPEND, unix.SYS_RT_SIGTIMEDWAIT, unix.SYS_SIGALTSTACK,

		unix.SYS_GETPID, unix.SYS_GETPPID, unix.SYS_GETTID, unix.SYS_GETPGID, unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID,
		unix.SYS_GETRLIMIT, unix.SYS_GETRUSAGE, unix.SYS_TIMES, unix.SYS_SYSINFO, unix.SYS_UNAME, unix.SYS_CAPGET, unix.SYS_GETPRIORITY,
		unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_SCHED_GETPARAM, unix.SYS_SCHED_GETSCHEDULER,
		unix.SYS_SCHED_GET_PRIORITY_MAX, unix.SYS_SCHED_GET_PRIORITY_MIN, unix.SYS_GETCPU, unix.SYS_GETRANDOM,
		unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_NANOSLEEP, unix.SYS_GETTIMEOFDAY,

		unix.SYS_PPOLL, unix.SYS_PSELECT6, unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
	}
}

// starting are calls that a script needs besides.
func starting() []uint32 {
	return []uint32{
		unix.SYS_EXECVE, unix.SYS_WAIT4, unix.SYS_WAITID, unix.SYS_CHDIR, unix.SYS_FCHDIR, unix.SYS_SENDFILE, unix.SYS_COPY_FILE_RANGE,
		unix.SYS_GETGROUPS, unix.SYS_SETITIMER,
	}
}
