//go:build !amd64 && !arm64

package sandbox

// Without a list there is no filter, and the proof says so.
const (
	architecture = 0
	foreignBit   = 0
)

func legacy() []uint32 { return nil }

func legacyStarting() []uint32 { return nil }
