package sandbox

import "golang.org/x/sys/unix"

const (
	architecture = unix.AUDIT_ARCH_X86_64
	// foreignBit marks the calls of the x32 ABI, which carry the same architecture.
	foreignBit = 0x40000000
)

// legacy are calls that newer architectures do not have any more.
func legacy() []uint32 {
	return []uint32{
		unix.SYS_OPEN, unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_ACCESS, unix.SYS_READLINK, unix.SYS_GETDENTS, unix.SYS_DUP2, unix.SYS_PIPE,
		unix.SYS_POLL, unix.SYS_SELECT, unix.SYS_EPOLL_CREATE, unix.SYS_EPOLL_WAIT, unix.SYS_EVENTFD, unix.SYS_TIME, unix.SYS_GETPGRP, unix.SYS_ARCH_PRCTL,
	}
}

// legacyStarting are those of them that a script needs besides.
func legacyStarting() []uint32 { return []uint32{unix.SYS_FORK, unix.SYS_VFORK} }
