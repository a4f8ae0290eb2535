package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAServerSaysThatItStops (F18): from the first signal on it is not ready and
// begins no upload, while all else is answered for as long as was asked, and a second
// signal ends all at once.
func TestAServerSaysThatItStops(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := serve(t, data, "--drain", "1h")
	c, video, _ := begin(t, data, p)
	events, err := c.do(t, http.MethodGet, p.url+video+"/events", nil)
	require.NoError(t, err)
	defer events.Body.Close()
	p.ready(t)

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.leaves(t, c)
	require.Equal(t, http.StatusOK, p.ask(t, c, "GET /healthz", "").StatusCode)
	require.Equal(t, http.StatusOK, p.ask(t, c, "GET "+video, "").StatusCode)
	for _, path := range []string{"/api/videos", "/api/uploads"} {
		refused := p.ask(t, c, "POST "+path, "{}", "Upload-Length", "5")
		require.Equal(t, http.StatusServiceUnavailable, refused.StatusCode)
		require.NotEmpty(t, refused.Header.Get("Retry-After"))
	}
	require.Equal(t, http.StatusCreated, p.ask(t, c, "POST "+video+"/comments", `{"at_ms":0,"body":"a last word"}`).StatusCode)
	heard := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(events.Body)
		for lines.Scan() && !strings.Contains(lines.Text(), "a last word") {
			continue
		}
		heard <- strings.Contains(lines.Text(), "a last word")
	}()
	select {
	case there := <-heard:
		require.True(t, there, "the stream of events goes on")
	case <-time.After(testTime):
		require.FailNow(t, "nothing is heard of the comment")
	}
	require.Empty(t, p.exit)

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-p.exit:
		var ended *exec.ExitError
		require.ErrorAs(t, err, &ended)
		require.Equal(t, syscall.SIGTERM, ended.Sys().(syscall.WaitStatus).Signal(), "by the signal itself")
	case <-time.After(testTime): // far less than was asked for
		require.FailNow(t, "the second signal does not end it")
	}
}

// TestWhatIsOpenEndsWithTheServer (F18): when the time is over, an upload ends with what
// came, and a stream of events says when to come back.
func TestWhatIsOpenEndsWithTheServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	const notice = 3 * time.Second
	p := serve(t, data, "--drain", notice.String())
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
	_, err := to.Write(letters(0, 50_000))
	require.NoError(t, err)
	events, err := c.do(t, http.MethodGet, p.url+video+"/events", nil)
	require.NoError(t, err)
	defer events.Body.Close()
	p.ready(t)

	began := time.Now()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	said, err := io.ReadAll(events.Body)
	require.NoError(t, err)
	require.Regexp(t, `retry: \d+\n\n$`, string(said))
	require.NoError(t, <-p.exit)
	require.Greater(t, time.Since(began), notice)
	require.Less(t, time.Since(began), time.Minute, "after which it may be killed; see docs/deployment.md")
	require.NotContains(t, p.said(), cutOffRequests)
	if got := <-status; got != 0 {
		require.Equal(t, http.StatusServiceUnavailable, got)
	}
	_ = to.Close()

	p = serve(t, data)
	require.EqualValues(t, 50_000, c.offset(t, p.url+upload), "what came is acknowledged")
}

// leaves waits until the server says that it is about to stop.
func (p *process) leaves(t *testing.T, c client) {
	t.Helper()
	require.Eventually(t, func() bool {
		return p.ask(t, c, "GET /readyz", "").StatusCode == http.StatusServiceUnavailable
	}, testTime, tick)
}

// ask asks for something small, such as "GET /readyz", on a line of its own: a server
// that stops closes those that nobody uses, and may do so as a request comes.
func (p *process) ask(t *testing.T, c client, what, body string, header ...string) *http.Response {
	t.Helper()
	method, path, _ := strings.Cut(what, " ")
	req, err := c.request(t, method, p.url+path, strings.NewReader(body), append([]string{"Content-Type", "application/json"}, header...)...)
	require.NoError(t, err)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	res.Body.Close()
	return res
}

// TestNothingIsMadeTwice (F4): the server is killed at a random moment of a request
// that makes something; asked again by the same key, it has made one of it.
func TestNothingIsMadeTwice(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := serve(t, data)
	c, video, _ := begin(t, data, p)
	const rounds = 12
	for round := range rounds {
		key := func(path string) []string {
			return []string{"Content-Type", "application/json", "Idempotency-Key", path + strconv.Itoa(round)}
		}
		killed := p
		time.AfterFunc(time.Duration(round)*700*time.Microsecond, func() { _ = killed.cmd.Process.Kill() })
		for _, path := range []string{video + "/comments", "/api/videos"} {
			res, err := c.do(t, http.MethodPost, p.url+path, strings.NewReader(thing(path)), key(path)...)
			if err == nil {
				res.Body.Close()
			}
		}
		require.Error(t, <-p.exit)
		p = serve(t, data)
		for _, path := range []string{video + "/comments", "/api/videos"} {
			require.Equal(t, http.StatusCreated, p.ask(t, c, "POST "+path, thing(path), key(path)...).StatusCode)
		}
	}
	for path, want := range map[string]int{video + "/comments": rounds, "/api/videos?limit=100": rounds + 1} {
		res, err := c.do(t, http.MethodGet, p.url+path, nil)
		require.NoError(t, err)
		var list struct{ Items []struct{ ID string } }
		require.NoError(t, json.NewDecoder(res.Body).Decode(&list))
		res.Body.Close()
		require.Len(t, list.Items, want, path)
	}
}

// thing is what a request to a path makes.
func thing(path string) string {
	if strings.HasSuffix(path, "/comments") {
		return `{"at_ms":0,"body":"once"}`
	}
	return `{"title":"once","mime":"video/mp4"}`
}
