package sandbox

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func backgroundContext() context.Context { return context.Background() }

// start runs a job and returns what it printed on both outputs.
func start(t *testing.T, layers Layers, job Job) (string, error) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd, err := (&Sandbox{Layers: layers}).Command(t.Context(), job)
	require.NoError(t, err)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// writeProgram writes a file that is to be run. No process may start meanwhile: it
// would hold the file open for a moment, and nobody can run what is open for writing
// (golang/go#22315).
func writeProgram(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
}

func refused(t *testing.T, out string, err error) {
	t.Helper()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, Refused, exit.ExitCode())
	require.True(t, strings.HasPrefix(out, RefusedPrefix), out)
}

func TestLauncherSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := start(t, Layers{}, Job{Program: dir + "/none"})
	refused(t, out, err)
	require.Contains(t, out, "no such file")
	notAProgram := filepath.Join(dir, "text")
	writeProgram(t, notAProgram, "hello")
	out, err = start(t, Layers{}, Job{Program: notAProgram})
	refused(t, out, err)
	require.Contains(t, out, "exec format error")

	// A launcher that somebody else has started, or whose server is gone.
	for _, args := range [][]string{{launcherName}, {launcherName, "{"}, {launcherName, `{"Program":"/bin/true","Parent":1}`}} {
		cmd := exec.CommandContext(t.Context(), running)
		cmd.Args = args
		text, err := cmd.CombinedOutput()
		refused(t, string(text), err)
	}
}

// TestRootKeepsOnlyItsOwnFiles: without capabilities root is a user like others,
// and is told so.
func TestRootKeepsOnlyItsOwnFiles(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root has something to lose here")
	}
	foreign := filepath.Join(t.TempDir(), "foreign")
	require.NoError(t, os.WriteFile(foreign, []byte("x"), 0o600))
	require.NoError(t, os.Chown(foreign, 65534, 65534))
	out, err := start(t, Layers{}, Job{Program: "/bin/true", Read: []string{foreign}})
	refused(t, out, err)
	require.Contains(t, out, "give the data folder to that user")
	require.NoError(t, os.Chown(foreign, 0, 0))
	_, err = start(t, Layers{}, Job{Program: "/bin/true", Read: []string{foreign}})
	require.NoError(t, err)
}

// TestAScriptMayStartProgramsButNothingElse: ffmpeg is a shell script on some
// machines.
func TestAScriptMayStartProgramsButNothingElse(t *testing.T) {
	t.Parallel()
	p := needs(t, true, true)
	dir, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("the secret"), 0o600))
	script := filepath.Join(outside, "program")
	text := "#!/bin/sh\nsleep 0 && echo started\ncat " + secret + "\necho x > " + outside + "/planted && echo planted\nkill -0 $PPID && echo signalled\necho made > here && cat here\n"
	writeProgram(t, script, text)
	require.True(t, IsScript(script))
	require.False(t, IsScript(running))
	require.False(t, IsScript("no-such-program"))

	out, err := start(t, p.Layers, Job{Program: script, Dir: dir})
	require.NoError(t, err, out)
	require.Contains(t, out, "started")
	require.Contains(t, out, "made")
	for _, forbidden := range []string{"the secret", "planted\n", "signalled"} {
		require.NotContains(t, out, forbidden)
	}
	out, err = start(t, Layers{}, Job{Program: script, Dir: dir})
	require.NoError(t, err)
	for _, possible := range []string{"the secret", "planted\n", "signalled"} {
		require.Contains(t, out, possible)
	}
}

// TestTheProgramIsAlone looks at a program from outside: what it inherited, and
// how it stands towards others.
func TestTheProgramIsAlone(t *testing.T) {
	t.Parallel()
	p := needs(t, true, true)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd, err := (&Sandbox{Layers: p.Layers}).Command(t.Context(), Job{Program: "/bin/cat", Dir: t.TempDir()})
	require.NoError(t, err)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = stdin.Write([]byte("x"))
	require.NoError(t, err)
	_, err = stdout.Read(make([]byte, 1)) // now it is the program
	require.NoError(t, err)
	proc := "/proc/" + strconv.Itoa(cmd.Process.Pid) + "/"
	read := func(name string) string {
		data, err := os.ReadFile(proc + name)
		require.NoError(t, err)
		return string(data)
	}
	require.Equal(t, strings.Join(Environment(), "\x00")+"\x00", read("environ"))
	require.Equal(t, "/bin/cat\x00", read("cmdline"))
	require.Equal(t, outOfMemory+"\n", read("oom_score_adj"))
	require.Regexp(t, `Max core file size\s+0\s+0`, read("limits"))
	require.Regexp(t, `Max open files\s+64\s+64`, read("limits"))
	status := read("status")
	for _, line := range []string{"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		require.Contains(t, status, line)
	}
	require.Equal(t, "19", strings.Fields(read("stat")[strings.LastIndex(read("stat"), ")"):])[17])
	open, err := os.ReadDir(proc + "fd")
	require.NoError(t, err)
	require.Len(t, open, 3)
	require.NoError(t, stdin.Close())
	require.NoError(t, cmd.Wait())
}
