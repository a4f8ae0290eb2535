package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// niceness keeps ingest and playback ahead of encoding.
	niceness = 19
	// outOfMemory makes the kernel take this process first when memory is short.
	outOfMemory = "900"
	openFiles   = 64
	// threads is how many more threads may start than the machine has already.
	threads = 512
	// gentleOutput is how far the kernel's limit on a file lies above ffmpeg's own,
	// which ends more gently.
	gentleOutput = 64 << 20
)

// giveWay lets everything else go first. Raising the score that the out-of-memory
// killer looks at is always allowed, unless /proc is missing; then it stays.
func giveWay() error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte(outOfMemory), 0)
	unix.Umask(0o077)
	return unix.Setpriority(unix.PRIO_PROCESS, 0, niceness)
}

// Shield keeps other processes of the same user from reading this one's memory
// and environment, should landlock be missing.
func Shield() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// dieWith makes the kernel kill this process when its parent dies, and checks
// that the parent has not died before.
func dieWith(parent int) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if os.Getppid() != parent {
		return errors.New("the server has ended")
	}
	// Until exec, nobody of the same user may look into this process.
	return Shield()
}

// dropCapabilities leaves root nothing but its own files.
func dropCapabilities() error {
	for c := range uintptr(64) {
		// Without the right to drop one there is no right to use it after exec
		// either, because of no new privileges.
		_ = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	var none [2]unix.CapUserData
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0])
}

// set bounds this process for good: soft and hard limits are the same.
func (l Limits) set() error {
	limits := map[int]int64{unix.RLIMIT_NOFILE: openFiles, unix.RLIMIT_CORE: 0}
	if l.CPU > 0 {
		limits[unix.RLIMIT_CPU] = int64((l.CPU + time.Second - 1) / time.Second)
	}
	if l.Memory > 0 {
		limits[unix.RLIMIT_AS] = l.Memory
	}
	if l.Output > 0 {
		limits[unix.RLIMIT_FSIZE] = l.Output + gentleOutput
	}
	if running := tasks(); running > 0 {
		limits[unix.RLIMIT_NPROC] = running + threads
	}
	for resource, value := range limits {
		if err := lower(resource, uint64(value)); err != nil {
			return fmt.Errorf("limit %d: %w", resource, err)
		}
	}
	return nil
}

// lower never asks for more than there is.
func lower(resource int, value uint64) error {
	var now unix.Rlimit
	if err := unix.Prlimit(0, resource, nil, &now); err != nil {
		return err
	}
	value = min(value, now.Max)
	return unix.Prlimit(0, resource, &unix.Rlimit{Cur: value, Max: value}, nil)
}

// tasks is how many threads the whole machine has. The limit on them counts all
// that belong to the user, in every process, so a fixed one would be too low on
// a desktop (proc_loadavg(5): "0.20 0.18 0.12 1/80 11206").
func tasks() int64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "/")
	number, _, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
