package ffmpeg

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// restrain bounds a child that has just been started. It runs a moment after
// exec, before any byte of the file can have been decoded.
func restrain(pid int, l Limits) error {
	limits := map[int]uint64{
		unix.RLIMIT_AS:     uint64(l.Memory),
		unix.RLIMIT_CPU:    uint64((l.CPU + time.Second - 1) / time.Second),
		unix.RLIMIT_NOFILE: 64,
		unix.RLIMIT_CORE:   0,
	}
	if l.Output > 0 {
		// A little above -fs, which ends more gently.
		limits[unix.RLIMIT_FSIZE] = uint64(l.Output) + 64<<20
	}
	for resource, value := range limits {
		err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: value, Max: value}, nil)
		if err != nil && !gone(err) {
			return fmt.Errorf("ffmpeg: limit %d: %w", resource, err)
		}
	}
	if err := unix.Setpriority(unix.PRIO_PGRP, pid, niceness); err != nil && !gone(err) {
		return fmt.Errorf("ffmpeg: priority: %w", err)
	}
	return nil
}

// gone says that the child has ended already.
func gone(err error) bool { return errors.Is(err, syscall.ESRCH) }
