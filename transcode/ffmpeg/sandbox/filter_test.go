package sandbox

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// ask runs a filter as the kernel does, for one system call.
func (p *program) ask(t *testing.T, arch, number uint32, args ...uint64) uint32 {
	t.Helper()
	data := make([]byte, 64)
	binary.LittleEndian.PutUint32(data[offNumber:], number)
	binary.LittleEndian.PutUint32(data[offArch:], arch)
	for i, a := range args {
		binary.LittleEndian.PutUint64(data[offArgs+8*i:], a)
	}
	loaded := uint32(0)
	for at := 0; at < len(*p); at++ {
		step, taken := (*p)[at], false
		switch step.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			loaded = binary.LittleEndian.Uint32(data[step.K:])
			continue
		case unix.BPF_RET | unix.BPF_K:
			return step.K
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			taken = loaded == step.K
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			taken = loaded&step.K != 0
		default:
			require.FailNow(t, "unknown instruction", "%+v", step)
		}
		if taken {
			at += int(step.Jt)
		} else {
			at += int(step.Jf)
		}
	}
	require.FailNow(t, "the filter ends without an answer")
	return 0
}

const thread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD

// TestFilterAnswers looks at what the kernel is told, call by call.
func TestFilterAnswers(t *testing.T) {
	t.Parallel()
	if architecture == 0 {
		t.Skip("there is no list of system calls for this architecture, and the proof says so")
	}
	strict, err := filter(profile{pid: 42, programFD: 100})
	require.NoError(t, err)
	script, err := filter(profile{pid: 42, programFD: 100, script: true})
	require.NoError(t, err)
	for _, c := range []struct {
		name           string
		number         uint32
		args           []uint64
		strict, script uint32
	}{
		{"read", unix.SYS_READ, nil, allow, allow},
		{"a thread", unix.SYS_CLONE, []uint64{thread}, allow, allow},
		{"a process", unix.SYS_CLONE, []uint64{uint64(unix.SIGCHLD)}, refuse, allow},
		{"a process in a namespace", unix.SYS_CLONE, []uint64{uint64(unix.SIGCHLD) | unix.CLONE_NEWUSER}, refuse, refuse},
		{"a thread in a namespace", unix.SYS_CLONE, []uint64{thread | unix.CLONE_NEWNET}, refuse, refuse},
		{"clone3, whose flags cannot be seen", unix.SYS_CLONE3, nil, absent, absent},
		{"the program", unix.SYS_EXECVEAT, []uint64{100, 0, 0, 0, unix.AT_EMPTY_PATH}, allow, absent},
		{"the program by a path", unix.SYS_EXECVEAT, []uint64{100, 0, 0, 0, 0}, refuse, absent},
		{"another program", unix.SYS_EXECVEAT, []uint64{4, 0, 0, 0, unix.AT_EMPTY_PATH}, refuse, absent},
		{"execve", unix.SYS_EXECVE, nil, absent, allow},
		{"a socket", unix.SYS_SOCKET, []uint64{unix.AF_UNIX}, absent, absent},
		{"a pair of sockets", unix.SYS_SOCKETPAIR, nil, absent, absent},
		{"own limits, to read", unix.SYS_PRLIMIT64, []uint64{0, 0, 0, 1}, allow, allow},
		{"own limits, to change", unix.SYS_PRLIMIT64, []uint64{0, 0, 1, 0}, refuse, refuse},
		{"own limits, by a high address", unix.SYS_PRLIMIT64, []uint64{0, 0, 1 << 32, 0}, refuse, refuse},
		{"a signal to itself", unix.SYS_TGKILL, []uint64{42, 42, 6}, allow, allow},
		{"a signal to another", unix.SYS_TGKILL, []uint64{43, 43, 6}, refuse, refuse},
		{"kill", unix.SYS_KILL, []uint64{42, 9}, absent, absent},
		{"is it a terminal", unix.SYS_IOCTL, []uint64{1, unix.TCGETS}, allow, allow},
		{"type on a terminal", unix.SYS_IOCTL, []uint64{0, unix.TIOCSTI}, noTTY, noTTY},
		{"have signals sent", unix.SYS_FCNTL, []uint64{1, unix.F_SETOWN, 1}, refuse, refuse},
		{"choose the signal", unix.SYS_FCNTL, []uint64{1, unix.F_SETSIG, 9}, refuse, refuse},
		{"name a thread", unix.SYS_PRCTL, []uint64{unix.PR_SET_NAME}, allow, allow},
		{"outlive the server", unix.SYS_PRCTL, []uint64{unix.PR_SET_PDEATHSIG}, refuse, refuse},
		{"ptrace", unix.SYS_PTRACE, nil, absent, absent},
		{"a call of the future", 9999, nil, absent, absent},
	} {
		require.Equal(t, c.strict, strict.ask(t, architecture, c.number, c.args...), c.name)
		require.Equal(t, c.script, script.ask(t, architecture, c.number, c.args...), "%s, in a script", c.name)
	}
	for _, foreign := range []uint32{unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM, unix.AUDIT_ARCH_PPC64} {
		require.Equal(t, uint32(destroy), strict.ask(t, foreign, unix.SYS_READ))
	}
	if foreignBit != 0 {
		require.Equal(t, uint32(destroy), strict.ask(t, architecture, foreignBit|unix.SYS_READ))
	}
}

// TestFilterIsAShortList counts what passes whatever its arguments are.
func TestFilterIsAShortList(t *testing.T) {
	t.Parallel()
	if architecture == 0 {
		t.Skip("there is no list of system calls for this architecture, and the proof says so")
	}
	p, err := filter(profile{pid: 42, programFD: 100})
	require.NoError(t, err)
	passing := 0
	for number := range uint32(600) {
		if p.ask(t, architecture, number) == allow {
			passing++
		}
	}
	require.Greater(t, passing, 50)
	require.Less(t, passing, 140)
	t.Logf("%d of some 450 system calls pass; %d instructions", passing, len(p))
}
