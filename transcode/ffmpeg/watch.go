package ffmpeg

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	// watchTime is how often a running child is looked at.
	watchTime = 500 * time.Millisecond
	// maxThreads is far above what decoders, filters and encoders start.
	maxThreads = 512
	// slack is what a folder may hold beyond the outputs.
	slack = 64 << 20
)

// watch ends a run that fills its folder with more files than it should write,
// or that starts threads without end: the kernel's limits are on a single file,
// and on threads only where the user is not root. It also ends one that stands
// still, long before it has used up the time it has.
func (p *process) watch(ctx context.Context, pid int, end context.CancelCauseFunc) {
	room := int64(0)
	if p.dir != "" && p.limits.Output > 0 {
		room = folderSize(p.dir) + int64(max(p.outputs, 1))*p.limits.Output + slack
	}
	busy, worked := ticksOf(pid), time.Now()
	tick := time.NewTicker(watchTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n := threadsOf(pid); n > maxThreads {
			end(&Problem{Sentence: tooHungry, Detail: fmt.Sprintf("%d threads", n)})
			return
		}
		if now := ticksOf(pid); now != busy || p.stdin != nil { // who is fed may have to wait
			busy, worked = now, time.Now()
		}
		if time.Since(worked) > p.limits.Idle {
			end(&Problem{Sentence: stoodStill, Detail: "no CPU time in " + p.limits.Idle.String(), Passing: true})
			return
		}
		if room > 0 && folderSize(p.dir) > room {
			end(&Problem{Sentence: tooLarge, Detail: "the job's folder"})
			return
		}
	}
}

// folderSize adds up the files in a folder; a job makes no folders in it.
func folderSize(dir string) int64 {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
	}
	return total
}

// threadsOf reads proc_pid_status(5); 0 when the process is gone.
func threadsOf(pid int) int {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("\nThreads:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.Atoi(string(bytes.TrimSpace(line)))
	if err != nil {
		return 0
	}
	return n
}

// ticksOf is the CPU time that a process has used, from proc_pid_stat(5).
func ticksOf(pid int) (ticks uint64) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const user, system = 11, 12 // counted from the field behind the name
	if len(fields) <= system {
		return 0
	}
	for _, field := range [][]byte{fields[user], fields[system]} {
		n, _ := strconv.ParseUint(string(field), 10, 64) // the kernel's own number
		ticks += n
	}
	return ticks
}
