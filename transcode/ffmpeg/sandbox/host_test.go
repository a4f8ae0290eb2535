package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestMain lets the test's binary be the launcher, the stand-in, and a host.
func TestMain(m *testing.M) {
	if status, mine := Dispatch(os.Args); mine {
		os.Exit(status)
	}
	switch os.Args[0] {
	case "host":
		os.Exit(host(os.Args[1:]))
	case "x32":
		_, _, errno := unix.RawSyscall(0x40000000|unix.SYS_GETPID, 0, 0, 0)
		fmt.Fprintln(os.Stdout, "alive:", errno)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// hosted is what a machine that lacks something finds out about itself.
type hosted struct {
	Proof *Proof
	// Auto, Required and Off are what Open says, Fixed what a launcher says that
	// was told to use both layers.
	Auto, Required, Off, Fixed string
}

// host is a machine with fewer system calls than the real one.
func host(lacking []string) int {
	runtime.LockOSThread()
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		err = install(hostFilter(lacking), nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := backgroundContext()
	var found hosted
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	if found.Proof, err = Prove(ctx, "", ""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for mode, to := range map[Mode]*string{Auto: &found.Auto, Required: &found.Required, Off: &found.Off} {
		_, _, err := Open(ctx, mode, "")
		*to = text(err)
	}
	_, err = (&Sandbox{Layers: Layers{Landlock: true, Seccomp: true}}).try(ctx, "")
	found.Fixed = text(err)
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		return 1
	}
	return 0
}

// hostFilter takes away what is lacking; "container" is what Docker's default
// profile takes (moby/profiles/seccomp/default.json, version 28).
func hostFilter(lacking []string) program {
	var p program
	p.load(offNumber)
	deny := func(value uint32, numbers ...uint32) {
		for _, n := range numbers {
			p.when(n, func(p *program) { p.answer(value) })
		}
	}
	for _, what := range lacking {
		switch what {
		case "landlock":
			deny(absent, unix.SYS_LANDLOCK_CREATE_RULESET, unix.SYS_LANDLOCK_ADD_RULE, unix.SYS_LANDLOCK_RESTRICT_SELF)
		case "seccomp":
			deny(absent, unix.SYS_SECCOMP)
			p.when(unix.SYS_PRCTL, func(p *program) {
				p.argument(0, 0)
				p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.PR_SET_SECCOMP, 0, 1)
				p.answer(refuse)
				p.answer(allow)
			})
		case "container":
			deny(absent, unix.SYS_CLONE3)
			deny(refuse, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_BPF,
				unix.SYS_PERF_EVENT_OPEN, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_USERFAULTFD, unix.SYS_REBOOT,
				unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
				unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_ACCT, unix.SYS_SWAPON,
				unix.SYS_SWAPOFF, unix.SYS_QUOTACTL, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_MOVE_PAGES, unix.SYS_MBIND, unix.SYS_SET_MEMPOLICY,
				unix.SYS_GET_MEMPOLICY, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_SETDOMAINNAME, unix.SYS_SETHOSTNAME)
			p.when(unix.SYS_CLONE, func(p *program) {
				p.argument(0, 0)
				p.ifAny(namespaces, refuse)
				p.answer(allow)
			})
		}
	}
	p.answer(allow)
	return p
}

// onHost runs a host and returns what it found; uid -1 is this user.
func onHost(t *testing.T, uid int, lacking ...string) hosted {
	t.Helper()
	path := running
	if uid >= 0 {
		path = forEveryone(t)
	}
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Args = append([]string{"host"}, lacking...)
	cmd.Env = []string{"TMPDIR=" + os.TempDir()}
	if uid >= 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	cmd.Dir = "/"
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	require.NoError(t, err)
	var found hosted
	require.NoError(t, json.Unmarshal(out, &found), string(out))
	return found
}

// forEveryone copies this binary to where every user may run it.
func forEveryone(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "meanwhile-for-everyone-") //nolint:usetesting // others cannot enter t.TempDir
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	program, err := os.ReadFile(running)
	require.NoError(t, err)
	path := filepath.Join(dir, "test-"+strconv.Itoa(os.Getpid()))
	writeProgram(t, path, string(program))
	require.NoError(t, os.Chmod(path, 0o755))
	return path
}
