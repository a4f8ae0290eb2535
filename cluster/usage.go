package cluster

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// CPU is the processor time of a running process, and of the children that it
// has waited for; 0 when it does not run.
func (p *Process) CPU() time.Duration {
	last := p.life()
	if last == nil {
		return 0
	}
	return CPU(last.cmd.Process.Pid)
}

// CPU is the processor time of a process by its number.
func CPU(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	ticks := 0
	for _, field := range strings.Fields(rest)[11:15] { // utime stime cutime cstime, proc_pid_stat(5)
		n, _ := strconv.Atoi(field)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}
