package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// fleet is a server that converts nothing, and the storage it shares with
// workers.
type fleet struct {
	t      *testing.T
	env    []string
	db     *database.DB
	server *hand
	client client
}

// hand is one process of a fleet.
type hand struct {
	cmd  *exec.Cmd
	url  string
	exit chan error

	mu  sync.Mutex
	log bytes.Buffer
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	address := databasetest.URL(t, database.PostgreSQL)
	f := &fleet{t: t, env: []string{"MEANWHILE_DATABASE_URL=" + address, "MEANWHILE_OBJECTS_URL=" + t.TempDir(), "MEANWHILE_SANDBOX=auto"}}
	f.server = f.start("serve", "--workers", "0")
	f.db = databasetest.Open(t, address)
	data := t.TempDir()
	_, err := f.tool(data, "correct horse battery staple\n", "user", "add", "--email", "ada@example.com", "--name", "Ada", "--role", "owner")
	require.NoError(t, err)
	f.client.token, err = f.tool(data, "", "token", "add", "--email", "ada@example.com", "--scope", "admin")
	require.NoError(t, err)
	return f
}

func (f *fleet) tool(data, input string, args ...string) (string, error) {
	cmd := command(f.t, data, args...)
	cmd.Env = append(cmd.Env, f.env...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// start starts a process; settings are NAME=value, all else are arguments.
func (f *fleet) start(args ...string) *hand {
	f.t.Helper()
	var words, settings []string
	for _, arg := range args {
		if strings.HasPrefix(arg, "MEANWHILE_") {
			settings = append(settings, arg)
		} else {
			words = append(words, arg)
		}
	}
	cmd := command(f.t, f.t.TempDir(), words...)
	cmd.Env = append(append(append(cmd.Env, f.env...), "MEANWHILE_WORKER_ADDR=127.0.0.1:0"), settings...)
	stderr, err := cmd.StderrPipe()
	require.NoError(f.t, err)
	require.NoError(f.t, cmd.Start())
	h := &hand{cmd: cmd, exit: make(chan error, 1)}
	addr := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			var line struct{ Addr string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Addr != "" && h.url == "" {
				h.url = "http://" + line.Addr
				addr <- line.Addr
			}
			h.mu.Lock()
			h.log.Write(append(lines.Bytes(), '\n'))
			h.mu.Unlock()
		}
		h.exit <- cmd.Wait()
	}()
	f.t.Cleanup(func() { _ = cmd.Process.Kill() })
	select {
	case <-addr:
	case err := <-h.exit:
		require.FailNow(f.t, "the process ended", "%v\n%s", err, h.said())
	case <-time.After(testTime):
		require.FailNow(f.t, "the process does not say where it listens")
	}
	return h
}

// answer is what it answers for a path with 200, or nothing: a database or a store
// that is slow for a moment makes a process not ready.
func (h *hand) answer(path string) string {
	res, err := http.Get(h.url + path)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

func (h *hand) said() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

// send uploads a recording and returns the path of its video.
func (f *fleet) send(recording []byte) string {
	f.t.Helper()
	res, err := f.client.do(f.t, http.MethodPost, f.server.url+"/api/uploads", bytes.NewReader(recording),
		"Upload-Length", strconv.Itoa(len(recording)), "Content-Type", "application/offset+octet-stream", "Upload-Metadata", "filetype dmlkZW8vbXA0")
	require.NoError(f.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(f.t, err)
	require.Equal(f.t, http.StatusCreated, res.StatusCode, "%s", body)
	if res.Header.Get("Upload-Offset") != strconv.Itoa(len(recording)) {
		res, err = f.client.do(f.t, http.MethodPatch, f.server.url+res.Header.Get("Location"), bytes.NewReader(recording),
			"Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
		require.NoError(f.t, err)
		require.NoError(f.t, res.Body.Close())
		require.Equal(f.t, http.StatusNoContent, res.StatusCode)
	}
	var id string
	require.NoError(f.t, f.db.Reader.NewRaw("SELECT id FROM videos ORDER BY created_at DESC LIMIT 1").Scan(f.t.Context(), &id))
	return "/api/videos/" + id
}

// state is that of a video.
func (f *fleet) state(video string) string {
	res, err := f.client.do(f.t, http.MethodGet, f.server.url+video, nil)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	var v struct{ State string }
	_ = json.NewDecoder(res.Body).Decode(&v)
	return v.State
}

// running counts the media jobs that somebody does.
func (f *fleet) running() int { return f.count("queue = 'media' AND CAST(state AS TEXT) = 'running'") }

// count counts jobs; it is -1 if that cannot be asked.
func (f *fleet) count(which string, values ...any) int {
	n := -1
	if err := f.db.Reader.NewRaw("SELECT count(*) FROM river_job WHERE "+which, values...).Scan(f.t.Context(), &n); err != nil {
		return -1
	}
	return n
}

// idle says that there is nothing to convert.
func (f *fleet) idle() bool {
	return f.count("queue = 'media' AND CAST(state AS TEXT) IN ('running', 'available')") == 0
}

// recording is what a browser sends: fragments of two seconds.
func recording(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.mp4")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=8", "-f", "lavfi", "-i", "sine=d=8",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+default_base_moof", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// script is an ffmpeg that is none.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700))
	return "MEANWHILE_FFMPEG=" + path
}

// childrenOf lists the processes below one that run a program.
func childrenOf(parent int, program string) (found []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		pid, rest, _ := strings.Cut(string(raw), " (")
		name, rest, _ := strings.Cut(rest, ") ")
		var state string
		var ppid int
		if _, err := fmt.Sscan(rest, &state, &ppid); err != nil || ppid != parent || name != program || state == "Z" {
			continue
		}
		id, _ := strconv.Atoi(pid)
		found = append(found, id)
	}
	return found
}

// TestAKilledWorker is F5: it dies in the middle of a span, its ffmpeg with it. Its
// job is there for others within a minute, and another worker makes the video ready.
func TestAKilledWorker(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	dying := f.start("worker", "--slots", "1", script(t, "exec sleep 600"))
	video := f.send(recording(t))
	var ffmpeg []int
	require.Eventually(t, func() bool { ffmpeg = childrenOf(dying.cmd.Process.Pid, "sleep"); return len(ffmpeg) == 1 }, testTime, tick)
	var job int64
	require.NoError(t, f.db.Reader.NewRaw("SELECT id FROM river_job WHERE queue = 'media' AND CAST(state AS TEXT) = 'running'").Scan(t.Context(), &job))
	f.start("worker", "--slots", "2")
	killed := time.Now()
	require.NoError(t, dying.cmd.Process.Kill())
	for awake := storestest.NewAwake(t.Context()); runs(strconv.Itoa(ffmpeg[0])); <-time.After(tick) {
		require.Less(t, awake.Elapsed(), 10*time.Second, "nobody's child goes on: this one would for ten minutes")
	}
	// What is given to others gets another number. How long ffmpeg takes then is up to
	// the machine.
	require.Eventually(t, func() bool { return f.count("id = ?", job) == 0 }, time.Minute, tick, "the job is there for others")
	t.Logf("given to others %s after the kill", time.Since(killed).Round(time.Millisecond))
	require.Eventually(t, func() bool { return f.state(video) == "ready" }, testTime, tick)
	t.Logf("ready %s after the kill", time.Since(killed).Round(time.Millisecond))
	require.Eventually(t, f.idle, testTime, tick)
}

// gate is an ffmpeg that does nothing before its gate is opened.
func gate(t *testing.T) (ffmpeg string, open func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "open")
	return script(t, "while [ ! -e "+path+" ]; do sleep 0.1; done; exec ffmpeg \"$@\""), func() {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
}

// TestAStoppedWorker is F9: it stands still for longer than others wait for it,
// and they do its job; when it goes on, it lets go and works as before.
func TestAStoppedWorker(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	ffmpeg, open := gate(t)
	still := f.start("worker", "--slots", "1", ffmpeg)
	video := f.send(recording(t))
	pid := still.cmd.Process.Pid
	require.Eventually(t, func() bool { return f.running() == 1 && len(childrenOf(pid, "ffmpeg")) == 1 }, testTime, tick)
	require.NoError(t, still.cmd.Process.Signal(syscall.SIGSTOP))
	require.Eventually(t, func() bool { return stands(strconv.Itoa(pid)) }, testTime, tick)
	open() // what it began comes to its end, and it does not know
	other := f.start("worker", "--slots", "1")
	require.Eventually(t, func() bool { return f.state(video) == "ready" }, testTime, tick)
	require.Eventually(t, f.idle, testTime, tick)
	tracks := func() (keys []string) {
		require.NoError(t, f.db.Reader.NewRaw("SELECT object_key FROM tracks WHERE video_id = ? ORDER BY 1", path.Base(video)).Scan(t.Context(), &keys))
		return keys
	}
	before := tracks()
	require.NoError(t, still.cmd.Process.Signal(syscall.SIGCONT))
	require.Eventually(t, func() bool { return strings.Contains(still.said(), "its jobs were given to others") }, testTime, tick)
	require.NoError(t, other.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, <-other.exit, other.said())
	second := f.send(recording(t))
	require.Eventually(t, func() bool { return f.state(second) == "ready" }, testTime, tick, "it works as before")
	require.Equal(t, before, tracks(), "nothing of the first video changed")
}

// TestAWorkerLetsGo is F18 for workers: asked to stop it hands back what it does
// and ends well, and a second time at once.
func TestAWorkerLetsGo(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	w := f.start("worker", "--slots", "2", script(t, "trap '' TERM INT; exec sleep 600"))
	for path, want := range map[string]string{"/healthz": `"status":"ok"`, "/readyz": `"ready":true`, "/metrics": "meanwhile_build_info"} {
		require.Eventually(t, func() bool { return strings.Contains(w.answer(path), want) }, testTime, tick, path)
	}
	f.send(recording(t))
	require.Eventually(t, func() bool { return len(childrenOf(w.cmd.Process.Pid, "sleep")) == 2 }, testTime, tick)
	asked := time.Now()
	require.NoError(t, w.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-w.exit:
		require.NoError(t, err, w.said())
	case <-time.After(time.Minute): // after which it may be killed; see docs/deployment.md
		require.FailNow(t, "it does not end", "%s", w.said())
	}
	t.Logf("ended %s after it was asked to", time.Since(asked).Round(time.Millisecond))
	require.Zero(t, f.running())
	var attempts, workers int
	require.NoError(t, f.db.Reader.NewRaw("SELECT max(attempt) FROM river_job WHERE queue = 'media'").Scan(t.Context(), &attempts))
	require.Zero(t, attempts, "no attempt used")
	require.NoError(t, f.db.Reader.NewRaw("SELECT count(*) FROM workers WHERE kind = 'worker'").Scan(t.Context(), &workers))
	require.Zero(t, workers)
}

// TestAWorkerNeedsADatabaseThatIsShared says so in words.
func TestAWorkerNeedsADatabaseThatIsShared(t *testing.T) {
	t.Parallel()
	_, err := program(t, t.TempDir(), "", "worker")
	require.ErrorContains(t, err, "MEANWHILE_DATABASE_URL=postgres://")
	require.ErrorContains(t, err, "with SQLite the server converts media itself")
	err = workerCmd{Slots: 0}.Run(context.WithoutCancel(t.Context()), &Config{DatabaseURL: "postgres://nowhere", Data: t.TempDir()})
	require.ErrorContains(t, err, "--slots")
}
