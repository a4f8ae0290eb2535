package cluster_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
)

// tool runs a program that a test cannot do without; where it is missing, or where
// one has no right to it, the test is skipped.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Skipf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// mount mounts the file system in an image until the test ends.
func mount(t *testing.T, image, name string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.Mkdir(folder, 0o700))
	// Nothing but fsync brings anything to the disk within five minutes.
	tool(t, "mount", "-o", "loop,commit=300", image, folder)
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(folder, syscall.MNT_DETACH)) })
	return folder
}

// TestThePowerGoes (F15): of a disk is left what had reached it in the instant of
// the last acknowledgement. All that was acknowledged is there.
func TestThePowerGoes(t *testing.T) {
	t.Parallel()
	all.open(t)
	if os.Geteuid() != 0 {
		t.Skip("only root mounts disks")
	}
	image := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 128<<20))
	tool(t, "mkfs.ext4", "-q", "-F", image)
	disk := mount(t, image, "disk")
	r := start(t, nil, cluster.Options{Servers: 1, Slots: 1, Folder: disk})
	require.NoError(t, exec.CommandContext(t.Context(), "sync", "-f", disk).Run())

	u, err := r.ledger.Begin(t.Context(), t.Name(), r.clip.Take())
	require.NoError(t, err)
	for _, to := range []int{1, 70_000, len(u.Content) / 2} {
		require.NoError(t, u.Send(t.Context(), int64(to)))
	}
	require.NoError(t, r.ledger.Say(t.Context(), u.Video, "Said in time.", time.Second))
	r.Servers[0].Kill() // nobody writes while the disk is copied; what the system has not written yet is not there
	// As late as that, because the system itself writes what is half a minute old.
	require.NoError(t, os.WriteFile(filepath.Join(disk, "control"), []byte("written, and never synced"), 0o600))
	left := filepath.Join(t.TempDir(), "left")
	require.NoError(t, exec.CommandContext(t.Context(), "cp", "--sparse=always", image, left).Run())

	after := mount(t, left, "after")
	lost, _ := os.ReadFile(filepath.Join(after, "control")) // its name may have come along with that of another
	require.Empty(t, lost, "the control: what nobody synced is lost")
	again := clustertest.Start(t, nil, cluster.Options{Servers: 1, Slots: 1, Folder: after, Env: []string{"MEANWHILE_BASE_URL=" + r.Front.URL()}})
	r.Front.Serve(again.Servers[0].URL()) // where people reached the lost one
	require.NoError(t, u.Kept(t.Context()))
	require.NoError(t, u.Finish(t.Context()))
	require.NoError(t, r.ledger.Settled(t.Context(), r.clip))
}

// TestNothingIsSaidBeforeItIsSafe (F16) reads the system calls of a server: the
// object, its folder and the record are on the disk before the answer leaves.
func TestNothingIsSaidBeforeItIsSafe(t *testing.T) {
	t.Parallel()
	r := alone(t)
	u, err := r.ledger.Begin(t.Context(), t.Name(), r.clip.Take())
	require.NoError(t, err)
	require.NoError(t, u.Send(t.Context(), 10_000))
	calls := r.traced(t, func() { require.NoError(t, u.Send(t.Context(), 20_000)) })

	answer := regexp.MustCompile(`write\(.*HTTP/1\.1 204`).FindStringIndex(calls)
	require.NotNil(t, answer, "the answer is among the calls")
	before := calls[:answer[0]]
	for what, want := range map[string]string{
		"the object":     `fdatasync\(\d+<[^>]*/objects/tmp/[^>]*>\)`,
		"its folder":     `fsync\(\d+<[^>]*/objects/v/[^>]*/src>\)`,
		"and the record": `(fsync|fdatasync)\(\d+<[^>]*meanwhile\.db-wal>\)`,
	} {
		require.Regexp(t, want, before, "%s is on the disk before the answer", what)
	}
	folder := regexp.MustCompile(`fsync\(\d+<[^>]*/objects/v/[^>]*/src>\)`).FindStringIndex(before)
	require.Regexp(t, `db-wal>\)`, before[folder[1]:], "no record before its object")
}

// traced returns the system calls by which the server writes and syncs while
// something is done.
func (r *rig) traced(t *testing.T, do func()) string {
	t.Helper()
	pid := r.Servers[0].PID()
	out := filepath.Join(t.TempDir(), "calls")
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace")
	}
	p := cluster.NewProcess(cluster.Program{
		Name: "strace", Path: strace, Env: os.Environ(),
		Args: []string{"-f", "-y", "-s", "40", "-e", "trace=fsync,fdatasync,write", "-o", out, "-p", strconv.Itoa(pid)},
	})
	require.NoError(t, p.Start())
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := p.Line(ctx, 0, "attached"); err != nil {
		t.Skip("no right to trace:", err)
	}
	do()
	require.NoError(t, p.Signal(syscall.SIGINT)) // lets the server go on
	require.Eventually(t, func() bool { return !p.Running() }, soon, 10*time.Millisecond)
	raw, err := os.ReadFile(out)
	require.NoError(t, err)
	return ended(string(raw))
}

// suspended and resumed are a call during which another thread was heard of.
var (
	suspended = regexp.MustCompile(`^(\d+) +(f(?:data)?sync\(.*) <unfinished \.\.\.>$`)
	resumed   = regexp.MustCompile(`^(\d+) +<\.\.\. f(?:data)?sync resumed>(.*)$`)
)

// ended puts each sync where it ended: before that, it promises nothing.
func ended(calls string) string {
	begun := map[string]string{}
	var all []string
	for line := range strings.Lines(calls) {
		line = strings.TrimRight(line, "\n")
		if call := suspended.FindStringSubmatch(line); call != nil {
			begun[call[1]] = call[2]
			continue
		}
		if call := resumed.FindStringSubmatch(line); call != nil {
			line = call[1] + " " + begun[call[1]] + strings.TrimLeft(call[2], " ") // which older ones put there
		}
		all = append(all, line)
	}
	return strings.Join(all, "\n")
}

// TestASyncCountsWhenItEnds keeps the reading above honest.
func TestASyncCountsWhenItEnds(t *testing.T) {
	t.Parallel()
	require.Equal(t, "7 write(1</a>, \"x\") = 1\n8 write(2</s>, \"HTTP/1.1 204\") = 9\n7 fsync(1</a>) = 0", ended(
		"7 write(1</a>, \"x\") = 1\n7 fsync(1</a> <unfinished ...>\n8 write(2</s>, \"HTTP/1.1 204\") = 9\n7 <... fsync resumed>) = 0\n"))
}
