package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// TestMain lets the test's own binary be the program, so that tests can start
// it and kill it.
func TestMain(m *testing.M) {
	if status, mine := sandbox.Dispatch(os.Args); mine {
		os.Exit(status)
	}
	if os.Getenv("AS_MEANWHILE") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const (
	testTime = 3 * time.Minute
	tick     = 10 * time.Millisecond
)

// program runs the program on a data folder and returns what it printed.
func program(t *testing.T, data, input string, args ...string) (string, error) {
	t.Helper()
	cmd := command(t, data, args...)
	cmd.Stdin = strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out)), err
}

func command(t *testing.T, data string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), self, args...)
	cmd.Env = append(os.Environ(), "AS_MEANWHILE=1", "MEANWHILE_DATA="+data, "MEANWHILE_ADDR=127.0.0.1:0")
	if databasetest.Engine() == database.PostgreSQL {
		cmd.Env = append(cmd.Env, "MEANWHILE_DATABASE_URL="+besides(t, data))
	}
	return cmd
}

var databases sync.Map // data folder → address

// besides is the address of the database that belongs to a data folder, where it
// does not lie in it.
func besides(t *testing.T, data string) string {
	t.Helper()
	if known, ok := databases.Load(data); ok {
		return known.(string)
	}
	address := databasetest.URL(t, database.PostgreSQL)
	databases.Store(data, address)
	return address
}

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	url  string
	exit chan error

	mu  sync.Mutex
	log bytes.Buffer
}

// said is its log.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func serve(t *testing.T, data string, args ...string) *process {
	t.Helper()
	cmd := command(t, data, append([]string{"serve", "--workers", "0"}, args...)...)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &process{cmd: cmd, exit: make(chan error, 1)}
	addr := make(chan string, 10)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.mu.Lock()
			p.log.Write(append(lines.Bytes(), '\n'))
			p.mu.Unlock()
			var line struct{ Addr string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Addr != "" {
				addr <- line.Addr
			}
		}
		p.exit <- cmd.Wait()
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	select {
	case a := <-addr:
		p.url = "http://" + a
	case err := <-p.exit:
		require.FailNow(t, "the server ended", "%v", err)
	case <-time.After(testTime):
		require.FailNow(t, "the server does not say where it listens")
	}
	return p
}

// client is a tus client with a token.
type client struct{ token string }

func (c client) do(t *testing.T, method, url string, body io.Reader, header ...string) (*http.Response, error) {
	t.Helper()
	req, err := c.request(t, method, url, body, header...)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(req)
}

func (c client) request(t *testing.T, method, url string, body io.Reader, header ...string) (*http.Request, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req, nil
}

// begin makes an account and a video; it returns the paths of both.
func begin(t *testing.T, data string, p *process) (c client, video, upload string) {
	t.Helper()
	_, err := program(t, data, "correct horse battery staple\n", "user", "add", "--email", "ada@example.com", "--name", "Ada", "--role", "owner")
	require.NoError(t, err)
	c.token, err = program(t, data, "", "token", "add", "--email", "ada@example.com", "--scope", "admin")
	require.NoError(t, err)
	res, err := c.do(t, http.MethodPost, p.url+"/api/videos", strings.NewReader(`{"title":"T","mime":"video/mp4"}`), "Content-Type", "application/json")
	require.NoError(t, err)
	defer res.Body.Close()
	var made struct {
		ID        string `json:"id"`
		UploadURL string `json:"upload_url"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&made))
	require.Equal(t, http.StatusCreated, res.StatusCode)
	return c, "/api/videos/" + made.ID, made.UploadURL
}

func (c client) patch(t *testing.T, url string, offset int64, body io.Reader) (*http.Response, error) {
	t.Helper()
	return c.do(t, http.MethodPatch, url, body, "Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.FormatInt(offset, 10))
}

func (c client) offset(t *testing.T, url string) int64 {
	t.Helper()
	n, err := c.askOffset(t, url)
	require.NoError(t, err)
	return n
}

func (c client) askOffset(t *testing.T, url string) (int64, error) {
	t.Helper()
	res, err := c.do(t, http.MethodHead, url, nil)
	if err != nil {
		return 0, err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, errors.New(res.Status)
	}
	return strconv.ParseInt(res.Header.Get("Upload-Offset"), 10, 64)
}

// kept ends the upload and reads the original.
func (c client) kept(t *testing.T, base, video string) []byte {
	t.Helper()
	res, err := c.do(t, http.MethodPost, base+video+"/finish", nil)
	require.NoError(t, err)
	defer res.Body.Close()
	var v struct {
		Playback struct {
			Download string `json:"download"`
		} `json:"playback"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&v))
	require.NotEmpty(t, v.Playback.Download)
	original, err := c.do(t, http.MethodGet, base+filepath.Dir(v.Playback.Download)+"/source", nil)
	require.NoError(t, err)
	defer original.Body.Close()
	raw, err := io.ReadAll(original.Body)
	require.NoError(t, err)
	return raw
}

// letters are bytes that tell where they belong.
func letters(from, n int64) []byte {
	out := make([]byte, n)
	for i := range out {
		at := from + int64(i)
		out[i] = byte(at ^ at>>8 ^ at>>16)
	}
	return out
}

// TestKilledInMidUpload kills the server ten times; what it had acknowledged is
// there each time.
func TestKilledInMidUpload(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := serve(t, data)
	c, video, upload := begin(t, data, p)
	var acked atomic.Int64
	for round := range 10 {
		done := make(chan struct{})
		go func(url string) {
			defer close(done)
			random := rand.New(rand.NewPCG(uint64(round), 7))
			for {
				n := 1 + random.Int64N(300_000)
				res, err := c.patch(t, url, acked.Load(), bytes.NewReader(letters(acked.Load(), n)))
				if err != nil {
					return
				}
				res.Body.Close()
				if res.StatusCode == http.StatusNoContent {
					acked.Add(n)
				} else if at, err := c.askOffset(t, url); err == nil { // a slow disk is no fault; the client asks where it stands
					acked.Store(at)
				}
			}
		}(p.url + upload)
		floor := acked.Load()
		require.Eventually(t, func() bool { return acked.Load() > floor+200_000 }, testTime, time.Millisecond)
		require.NoError(t, p.cmd.Process.Kill())
		require.Error(t, <-p.exit, "killed")
		<-done
		p = serve(t, data)
		at := c.offset(t, p.url+upload)
		require.GreaterOrEqual(t, at, acked.Load(), "round %d: what was acknowledged is there", round)
		acked.Store(at)
	}
	res, err := c.do(t, http.MethodPatch, p.url+upload, nil, "Content-Type", "application/offset+octet-stream",
		"Upload-Offset", strconv.FormatInt(acked.Load(), 10), "Upload-Length", strconv.FormatInt(acked.Load(), 10))
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	require.True(t, bytes.Equal(letters(0, acked.Load()), c.kept(t, p.url, video)), "every byte, and no other")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, <-p.exit)
}

// TestStoppedInMidUpload asks the server to end while a client sends without
// an end: what came is kept, and the client is told to come back.
func TestStoppedInMidUpload(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sending", "silent"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			p := serve(t, data)
			c, video, upload := begin(t, data, p)
			from, to := io.Pipe()
			status := make(chan int, 1)
			go func() {
				res, err := c.patch(t, p.url+upload, 0, from)
				if err != nil {
					status <- 0
					return
				}
				res.Body.Close()
				status <- res.StatusCode
			}()
			var sent int64
			send := func() bool {
				n, err := to.Write(letters(sent, 10_000))
				sent += int64(n)
				return err == nil
			}
			var before int64 // what the server says that it keeps; of what was only sent, the last may still be on its way
			require.Eventually(t, func() bool {
				if !send() {
					return false
				}
				before = c.size(t, p.url+video)
				return before > 0
			}, testTime, 20*time.Millisecond)
			require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
			if name == "sending" {
				go func() {
					for send() {
						<-time.After(tick)
					}
				}()
			}
			select {
			case err := <-p.exit:
				require.NoError(t, err, "exit 0")
			case <-time.After(testTime):
				require.FailNow(t, "the server does not end")
			}
			require.NotContains(t, p.said(), cutOffRequests, "it does not wait for a client without an end")
			if got := <-status; name == "silent" || got != 0 { // who is writing may find the line gone before it reads
				require.Equal(t, http.StatusServiceUnavailable, got)
			}
			to.CloseWithError(io.ErrClosedPipe)

			p = serve(t, data)
			at := c.offset(t, p.url+upload)
			require.GreaterOrEqual(t, at, before, "what came before is kept")
			require.True(t, bytes.Equal(letters(0, at), c.kept(t, p.url, video)))
		})
	}
}

// cutOffRequests is in the log of a server that stops and waited for requests until it
// had no more time for them.
const cutOffRequests = "some requests did not finish in time and were cut"

func (c client) size(t *testing.T, url string) int64 {
	t.Helper()
	res, err := c.do(t, http.MethodGet, url, nil)
	require.NoError(t, err)
	defer res.Body.Close()
	var v struct {
		SizeBytes int64 `json:"size_bytes"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&v))
	return v.SizeBytes
}

// TestTwoServersDoNotShareData: an embedded database has one server, and scratch
// space, which whoever starts empties, one process.
func TestTwoServersDoNotShareData(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	serve(t, data).ready(t)
	_, err := program(t, data, "", "migrate")
	require.NoError(t, err, "tools run beside it")
	_, err = program(t, data, "", "serve")
	require.ErrorContains(t, err, "another server or worker runs on the data folder "+data)
	if databasetest.Engine() == database.PostgreSQL {
		_, err = program(t, data, "", "worker")
		require.ErrorContains(t, err, "another server or worker")
	}
}

// ready says that the server has done all that it does before it answers.
func (p *process) ready(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { // a slow disk makes it not ready for a moment
		res, err := http.Get(p.url + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, testTime, tick)
}

// TestManyToolsOnAFreshFolder all find an empty database.
func TestManyToolsOnAFreshFolder(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := program(t, data, "", "migrate"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestWrongSettingsAreSaidInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"base URL":   {[]string{"serve", "--base-url", "video.example.org"}, "MEANWHILE_BASE_URL"},
		"path":       {[]string{"serve", "--base-url", "https://example.org/sub"}, "MEANWHILE_BASE_URL"},
		"database":   {[]string{"serve", "--database-url", "mysql://root:hunter2@x/y"}, "sqlite:PATH"},
		"objects":    {[]string{"serve", "--objects-url", "s3://key:hunter2@bucket"}, "MEANWHILE_OBJECTS_URL"},
		"address":    {[]string{"serve", "--addr", "nowhere"}, "listen on nowhere"},
		"log format": {[]string{"serve", "--log-format", "xml"}, "log-format"},
		"command":    {[]string{"sreve"}, "sreve"},
		"no account": {[]string{"token", "add", "--email", "x@example.com"}, "no account"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := program(t, t.TempDir(), "", c.args...)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "goroutine")
		})
	}
}
