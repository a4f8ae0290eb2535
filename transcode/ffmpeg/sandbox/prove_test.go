package sandbox

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// able is what this machine can do; tests of a layer that it lacks are skipped,
// once the proof has said that it lacks it.
func able(t *testing.T) *Proof {
	t.Helper()
	p, err := Prove(t.Context(), "", "")
	require.NoError(t, err)
	return p
}

func needs(t *testing.T, landlock, seccomp bool) *Proof {
	t.Helper()
	p := able(t)
	if landlock && !p.Layers.Landlock || seccomp && !p.Layers.Seccomp {
		require.NotEqual(t, Full, p.Level())
		require.NotEmpty(t, p.Lacking)
		t.Skip("this machine lacks a layer: " + p.Status().Summary)
	}
	return p
}

func TestNothingForbiddenSucceeds(t *testing.T) {
	t.Parallel()
	p := needs(t, true, true)
	require.Empty(t, p.Through)
	require.Greater(t, p.Tried, 60)
	require.True(t, p.Files && p.Calls && p.Network && p.Limits)
	require.Equal(t, Full, p.Status().Level)
	require.Contains(t, p.Status().Summary, "achieved none")
	t.Log(p.Status().Summary)
}

// TestEachLayerIsNeeded takes layers away: what they kept then succeeds.
func TestEachLayerIsNeeded(t *testing.T) {
	t.Parallel()
	needs(t, true, true)
	files := []string{
		"read another file", "read another file by a way through the job's folder", "read the list of users", "list another folder", "list the root folder",
		"write another file", "empty another file", "make a file elsewhere", "change the input", "see what the server does",
	}
	calls := []string{
		"start a process", "start a process with clone3", "run a program", "start a program in its own place", "send a packet",
		"connect to a socket in the file system", "make a hard link", "change permissions", "make a file in memory, to run it", "outlive the server",
		"leave the process group", "have the kernel signal the server", "leave the namespaces", "watch files", "change the personality",
	}
	both := []string{
		"connect to an address", "connect to an abstract socket", "listen on a port", "make a symbolic link", "make a pipe file", "make a folder",
		"signal the server", "signal the server's thread", "signal the server's threads",
	}
	for _, c := range []struct {
		layers   Layers
		through  [][]string
		kept     [][]string
		inFiles  bool
		inCalls  bool
		expected Level
	}{
		{Layers{}, [][]string{files, calls, both}, nil, false, false, None},
		{Layers{Landlock: true}, [][]string{calls}, [][]string{files}, true, false, Partial},
		{Layers{Seccomp: true}, [][]string{files}, [][]string{calls, both}, false, true, Partial},
	} {
		p, err := (&Sandbox{Layers: c.layers}).try(t.Context(), "")
		require.NoError(t, err)
		for _, names := range c.through {
			require.Subset(t, p.Through, names, "%+v", c.layers)
		}
		for _, names := range c.kept {
			for _, name := range names {
				require.NotContains(t, p.Through, name, "%+v", c.layers)
			}
		}
		require.Equal(t, []any{c.inFiles, c.inCalls, true, c.expected}, []any{p.Files, p.Calls, p.Limits, p.Level()})
	}
}

// TestWithoutTheLauncher: limits, capabilities and the clean environment come
// from the launcher, not from chance.
func TestWithoutTheLauncher(t *testing.T) {
	t.Parallel()
	room, err := prepare(t.Context(), "")
	require.NoError(t, err)
	defer room.close()
	raw, err := json.Marshal(room.target)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), running)
	cmd.Args = []string{standInName, string(raw)}
	cmd.Env = append(os.Environ(), "MEANWHILE_SECRET=1", "A=1", "B=2", "C=3")
	out, err := cmd.Output()
	require.NoError(t, err)
	var results []result
	require.NoError(t, json.Unmarshal(out, &results))
	p, err := (&Sandbox{}).judge(results)
	require.NoError(t, err)
	require.Subset(t, p.Through, []string{
		"gain privileges", "compute for ever", "write for ever", "take all memory", "open any number of files", "find the server's environment",
		"read a file that the server left open", "take the place of the program that was started",
	})
	if os.Geteuid() == 0 {
		require.Contains(t, p.Through, "use capabilities")
	}
}

func TestHonestWorkMustSucceed(t *testing.T) {
	t.Parallel()
	_, err := (&Sandbox{}).judge([]result{{Name: "read the input", About: honest, Error: "no"}, {Name: "x", About: aboutFiles}})
	require.ErrorContains(t, err, "honest work is refused: read the input")
	_, err = (&Sandbox{}).judge(nil)
	require.Error(t, err)
}

// TestHosts goes through the machines that Meanwhile may find itself on.
func TestHosts(t *testing.T) {
	t.Parallel()
	needs(t, true, true)
	users := []int{-1}
	if os.Geteuid() == 0 {
		users = append(users, 65534)
	}
	for _, uid := range users {
		for _, lacking := range [][]string{{}, {"container"}} {
			found := onHost(t, uid, lacking...)
			require.Empty(t, found.Proof.Through, "user %d, %v", uid, lacking)
			require.Equal(t, []string{"", "", "", ""}, []string{found.Auto, found.Required, found.Off, found.Fixed})
		}
		found := onHost(t, uid, "landlock")
		require.Equal(t, []any{Partial, false, true, Layers{Seccomp: true}}, []any{found.Proof.Level(), found.Proof.Files, found.Proof.Calls, found.Proof.Layers})
		require.Contains(t, found.Proof.Status().Summary, "only seccomp holds")
		require.Contains(t, found.Proof.Status().Summary, "landlock is missing in this kernel or switched off")
		require.Empty(t, found.Auto)
		require.Contains(t, found.Required, "MEANWHILE_SANDBOX=off")
		require.Contains(t, found.Fixed, RefusedPrefix+"landlock: missing in this kernel")

		found = onHost(t, uid, "container", "seccomp")
		require.Equal(t, []any{Partial, true, false, Layers{Landlock: true}}, []any{found.Proof.Level(), found.Proof.Files, found.Proof.Calls, found.Proof.Layers})
		require.Contains(t, found.Proof.Status().Summary, "only landlock holds")
		require.Empty(t, found.Auto)
		require.Contains(t, found.Fixed, RefusedPrefix+"seccomp")

		found = onHost(t, uid, "landlock", "seccomp")
		require.Equal(t, None, found.Proof.Level())
		require.Contains(t, found.Auto, "neither landlock nor seccomp holds")
		require.Contains(t, found.Auto, "MEANWHILE_SANDBOX=off starts without")
		require.Empty(t, found.Off)
	}
}

// TestForeignSystemCalls: the numbers of another ABI would pass the list.
func TestForeignSystemCalls(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("only amd64 has a second ABI with the same architecture, x32")
	}
	needs(t, false, true)
	call := func(layers Layers) (string, error) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd, err := (&Sandbox{Layers: layers}).Command(t.Context(), Job{Program: running, name: "x32"})
		require.NoError(t, err)
		var out bytes.Buffer
		cmd.Stdout = &out
		return out.String(), cmd.Run()
	}
	_, err := call(Layers{})
	require.NoError(t, err)
	_, err = call(Layers{Seccomp: true})
	require.ErrorContains(t, err, "bad system call")
}
