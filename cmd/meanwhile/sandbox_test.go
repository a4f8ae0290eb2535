package main

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cmd/meanwhile/doctor"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// children are the processes that a process has started.
func children(t *testing.T, parent int) []string {
	t.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(parent) + "/task/*/children")
	require.NoError(t, err)
	var all []string
	for _, task := range tasks {
		if list, err := os.ReadFile(task); err == nil {
			all = append(all, strings.Fields(string(list))...)
		}
	}
	return all
}

// encoder waits for the server to have an ffmpeg that is at work, and stops it there:
// it would come to its end while we look.
func encoder(t *testing.T, server int) (pid, status string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, child := range children(t, server) {
			line, _ := os.ReadFile("/proc/" + child + "/cmdline")
			if !bytes.HasPrefix(line, []byte("/")) || !bytes.Contains(line, []byte("libx264")) {
				continue
			}
			id, err := strconv.Atoi(child)
			if err != nil || syscall.Kill(id, syscall.SIGSTOP) != nil {
				continue
			}
			text, err := os.ReadFile("/proc/" + child + "/status")
			if err == nil && stands(child) {
				pid, status = child, string(text)
				return true
			}
		}
		return false
	}, testTime, tick, "no rendition is made")
	return pid, status
}

// state is the letter by which the kernel tells what a process does, "" if it is gone.
func state(pid string) string {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	if err != nil || rest == "" {
		return ""
	}
	return rest[:1]
}

// runs says whether a process has not ended. Nobody may have asked how it did yet: who
// ended is a zombie then.
func runs(pid string) bool { return !slices.Contains([]string{"", "Z", "X"}, state(pid)) }

// stands says whether a process was stopped by a signal.
func stands(pid string) bool { return state(pid) == "T" }

// TestKilledServerLeavesNoFFmpeg looks at the ffmpeg of a real server, and then
// kills the server.
func TestKilledServerLeavesNoFFmpeg(t *testing.T) {
	t.Parallel()
	proof, err := sandbox.Prove(t.Context(), "", "")
	require.NoError(t, err)
	data := t.TempDir()
	p := serve(t, data, "--workers", "1")
	c, _, upload := begin(t, data, p)
	take := filepath.Join(t.TempDir(), "take.mp4")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30", "-t", "12", "-c:v", "libx264",
		"-preset", "ultrafast", "-g", "60", "-movflags", "frag_keyframe+empty_moov+default_base_moof", take).CombinedOutput()
	require.NoError(t, err, string(out))
	f, err := os.Open(take)
	require.NoError(t, err)
	defer f.Close()
	res, err := c.patch(t, p.url+upload, 0, f)
	require.NoError(t, err)
	res.Body.Close()

	pid, status := encoder(t, p.cmd.Process.Pid)
	require.Regexp(t, `NoNewPrivs:\s+1\n`, status)
	require.Regexp(t, `CapEff:\s+0+\n`, status)
	if proof.Layers.Seccomp {
		require.Regexp(t, `Seccomp:\s+2\n`, status)
	}
	environment, err := os.ReadFile("/proc/" + pid + "/environ")
	require.NoError(t, err)
	require.Equal(t, strings.Join(sandbox.Environment(), "\x00")+"\x00", string(environment))

	bystander := exec.CommandContext(t.Context(), "sleep", "900") // proves that the check can see a survivor
	require.NoError(t, bystander.Start())
	require.True(t, runs(pid))
	require.NoError(t, p.cmd.Process.Kill())
	require.Eventually(t, func() bool { return !runs(pid) }, testTime, tick, "ffmpeg outlives the server: it stands, and would for ever")
	require.True(t, runs(strconv.Itoa(bystander.Process.Pid)))
}

func TestSandboxSettings(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	proof, err := sandbox.Prove(t.Context(), "", "")
	require.NoError(t, err)

	r, status, err := (&Config{Data: t.TempDir(), Sandbox: "off"}).runner(t.Context(), logger, 1)
	require.NoError(t, err)
	require.Equal(t, sandbox.None, status.Level)
	require.Equal(t, sandbox.Layers{}, r.Sandbox.Layers)
	require.Contains(t, log.String(), `"level":"WARN"`)
	require.Contains(t, log.String(), "switched off")

	log.Reset()
	r, status, err = (&Config{Data: t.TempDir(), Sandbox: "auto"}).runner(t.Context(), logger, 1)
	if proof.Level() == sandbox.None {
		require.ErrorContains(t, err, "MEANWHILE_SANDBOX=off")
		return
	}
	require.NoError(t, err)
	require.Equal(t, proof.Level(), status.Level)
	require.Equal(t, proof.Layers, r.Sandbox.Layers)
	require.Contains(t, log.String(), "stand-in for a hostile video")

	// A server without workers tries nothing out, and would start nothing unsafe.
	r, _, err = (&Config{Data: t.TempDir(), Sandbox: "auto"}).runner(t.Context(), logger, 0)
	require.NoError(t, err)
	require.Equal(t, sandbox.Layers{Landlock: true, Seccomp: true}, r.Sandbox.Layers)
}

func TestDoctorTellsOfTheSandbox(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "ffmpeg")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\nexec ffmpeg \"$@\"\n"), 0o700))
	proof, err := sandbox.Prove(t.Context(), "", "")
	require.NoError(t, err)
	want := map[sandbox.Level]string{sandbox.Full: doctor.Fine, sandbox.Partial: doctor.Warning, sandbox.None: doctor.Failure}[proof.Level()]

	found, _ := doctor.ExamineSandbox(t.Context(), (&Config{Data: t.TempDir(), Sandbox: "auto", FFmpeg: "ffmpeg", FFprobe: "ffprobe"}).patient())
	require.Equal(t, want, found.Status, found.Detail)
	found, _ = doctor.ExamineSandbox(t.Context(), (&Config{Data: t.TempDir(), Sandbox: "off", FFmpeg: "ffmpeg", FFprobe: "ffprobe"}).patient())
	require.Equal(t, doctor.Warning, found.Status)
	require.Contains(t, found.Detail, "switched off")
	if proof.Level() != sandbox.Full {
		t.Skip("this machine's sandbox has gaps, so doctor tells of those first: " + proof.Status().Summary)
	}
	found, _ = doctor.ExamineSandbox(t.Context(), (&Config{Data: t.TempDir(), Sandbox: "required", FFmpeg: script, FFprobe: "ffprobe"}).patient())
	require.Equal(t, doctor.Warning, found.Status)
	require.Contains(t, found.Detail, "is a script")
}
