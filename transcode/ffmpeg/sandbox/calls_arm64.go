package sandbox

import "golang.org/x/sys/unix"

const (
	architecture = unix.AUDIT_ARCH_AARCH64
	foreignBit   = 0
)

// legacy are calls that newer architectures do not have any more.
func legacy() []uint32 { return nil }

// legacyStarting are those of them that a script needs besides.
func legacyStarting() []uint32 { return nil }
