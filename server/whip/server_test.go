package whip_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server"
	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/server/whip/mux"
	"github.com/meanwhile-app/meanwhile/storage/budget"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// folderVariable makes the test's own binary a server on a folder, so that a
// test can kill it.
const folderVariable = "WHIP_TEST_FOLDER"

// databaseVariable names the database; it is in the folder by itself.
const databaseVariable = "WHIP_TEST_DATABASE"

func TestMain(m *testing.M) {
	if folder := os.Getenv(folderVariable); folder != "" {
		if err := serveFolder(context.Background(), folder); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// serveFolder is the server as the program joins it, without workers.
func serveFolder(ctx context.Context, folder string) error {
	quiet := slog.New(slog.DiscardHandler)
	db, err := database.Open(ctx, cmp.Or(os.Getenv(databaseVariable), "sqlite:"+filepath.Join(folder, "m.db")))
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, quiet); err != nil {
		return err
	}
	if err := jobs.Migrate(ctx, db, quiet); err != nil {
		return err
	}
	queue, err := jobs.Open(jobs.Options{DB: db, Log: quiet})
	if err != nil {
		return err
	}
	store, err := objects.OpenFolder(filepath.Join(folder, "objects"))
	if err != nil {
		return err
	}
	records := catalog.New(record.Options{DB: db, Queue: queue, Log: quiet})
	instance, err := records.Begin(ctx)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	network, err := whip.Listen(ctx, whip.Ports{UDP: "127.0.0.1:0"}, quiet)
	if err != nil {
		return err
	}
	limits := whip.Limits{Connect: time.Hour, Silence: time.Hour, Return: time.Hour} // no test is about them
	base := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	page := &fstest.MapFile{Data: []byte("<html><head><!--meanwhile:head--></head><body><!--meanwhile:player--></body></html>")}
	s, err := server.New(server.Options{
		Catalog: records, Objects: store, Log: quiet, BaseURL: base, GrantKey: instance.GrantKey, Version: "test", Queue: queue,
		Budget: budget.New(db), WHIP: whip.Options{Network: network, Limits: limits}, Files: fstest.MapFS{"index.html": page, "watch.html": page},
	})
	if err != nil {
		return err
	}
	if err := s.Start(ctx, records, quiet); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, base, instance.SetupToken)
	return http.Serve(listener, s)
}

// process is a server that can be killed.
type process struct {
	cmd   *exec.Cmd
	url   string
	setup string
	token string
}

func serve(t *testing.T, folder string, env ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), self)}
	p.cmd.Env = append(append(os.Environ(), folderVariable+"="+folder), env...)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	p.url, p.setup, _ = strings.Cut(strings.TrimSpace(line), " ")
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	_ = p.cmd.Wait() // it did not end by itself
}

// ask sends JSON and reads JSON, if into is not nil.
func (p *process) ask(t *testing.T, method, path string, body, into any) *http.Response {
	t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, bytes.NewReader(raw))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	if into != nil {
		require.Less(t, res.StatusCode, 300, string(text))
		require.NoError(t, json.Unmarshal(text, into), string(text))
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	return res
}

// signUp makes the owner and an API token.
func (p *process) signUp(t *testing.T) {
	t.Helper()
	res := p.ask(t, http.MethodPost, "/api/setup", map[string]string{"token": p.setup, "name": "Ada", "email": "ada@example.com", "password": "correct horse battery"}, nil)
	require.Less(t, res.StatusCode, 300)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/api/tokens", strings.NewReader(`{"name":"OBS","scope":"write"}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for _, cookie := range res.Cookies() {
		req.AddCookie(cookie)
	}
	made, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer made.Body.Close()
	var token struct{ Token string }
	require.NoError(t, json.NewDecoder(made.Body).Decode(&token))
	require.NotEmpty(t, token.Token)
	p.token = token.Token
}

// post publishes to the process.
func (p *process) publish(t *testing.T, c *client) (video string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+whip.Path+"?title=Over+WebRTC", strings.NewReader(c.offer(t)))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/sdp")
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, res.StatusCode, string(answer))
	c.location = res.Header.Get("Location")
	require.NoError(t, c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}))
	c.connected(t)
	links := res.Header.Values("Link")
	_, video, _ = strings.Cut(links[len(links)-1], "/api/videos/")
	video, _, _ = strings.Cut(video, ">")
	return video
}

// view is what the API says of a video.
type view struct {
	State      string
	Title      string
	SavedMS    int64 `json:"saved_ms"`
	DurationMS int64 `json:"duration_ms"`
	Playback   struct {
		HLS      *string
		Download *string
	}
}

func (p *process) view(t *testing.T, video string) (v view) {
	t.Helper()
	p.ask(t, http.MethodGet, "/api/videos/"+video, nil, &v)
	return v
}

// fetch reads a media address to its end.
func (p *process) fetch(t *testing.T, address string) string {
	t.Helper()
	if strings.HasPrefix(address, "/") {
		address = p.url + address
	}
	res, err := http.Get(address)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, string(raw))
	return string(raw)
}

// source writes the original to a file, by the address beside the playlist.
func (p *process) source(t *testing.T, v view) string {
	t.Helper()
	require.NotNil(t, v.Playback.HLS)
	folder := (*v.Playback.HLS)[:strings.LastIndex(*v.Playback.HLS, "/")]
	path := filepath.Join(t.TempDir(), "source")
	require.NoError(t, os.WriteFile(path, []byte(p.fetch(t, folder+"/source")), 0o600))
	return path
}

// TestKilledWhileItRecords kills the server in the middle of a recording. What
// came up to two seconds before is a video; and it could be watched all along.
func TestKilledWhileItRecords(t *testing.T) {
	t.Parallel()
	clip, tone := newClip(t, mux.H264, "320x240", 240), newTone(t, 8)
	folder := t.TempDir()
	p := serve(t, folder)
	p.signUp(t)
	c := newClient(t, nil, wants{video: mux.H264, audio: true})
	video := p.publish(t, c)
	require.Equal(t, "recording", p.view(t, video).State)
	require.Equal(t, "Over WebRTC", p.view(t, video).Title)
	sent := c.send(t, clip.part(0, 200), tone[:333])
	// Nothing more comes, so what is not kept by now is what a crash may lose.
	seconds, give := sent.length()
	kept := p.kept(t, video, time.Duration((seconds-give-2)*float64(time.Second)))
	live := p.view(t, video)
	require.Equal(t, "recording", live.State)
	require.NotNil(t, live.Playback.HLS, "it plays while it is recorded")
	require.Contains(t, p.fetch(t, *live.Playback.HLS), "#EXTM3U")
	p.kill()

	token := p.token
	p = serve(t, folder)
	p.token = token
	var v view
	p.ask(t, http.MethodPost, "/api/videos/"+video+"/finish", struct{}{}, &v)
	got := hashes(t, p.source(t, p.view(t, video)))
	requireShown(t, sent, got, false)
	require.GreaterOrEqual(t, time.Duration(len(got))*frameTime, kept, "no more than two seconds are lost")
}

// kept waits until so much of a recording has been kept.
func (p *process) kept(t *testing.T, video string, least time.Duration) time.Duration {
	t.Helper()
	require.Eventually(t, func() bool { return p.view(t, video).SavedMS >= least.Milliseconds() }, testTime, tick)
	return least
}

// TestPlayableAtTheEnd: what a viewer needs is there when the end of a recording is
// answered.
func TestPlayableAtTheEnd(t *testing.T) {
	t.Parallel()
	clip, tone := newClip(t, mux.H264, "320x240", 105), newTone(t, 4)
	p := serve(t, t.TempDir())
	p.signUp(t)
	c := newClient(t, nil, wants{video: mux.H264, audio: true})
	video := p.publish(t, c)
	sent := c.send(t, clip, tone[:175])
	ended := time.Now()
	res := p.ask(t, http.MethodDelete, c.location, struct{}{}, nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	v := p.view(t, video)
	require.NotNil(t, v.Playback.HLS)
	require.Contains(t, p.fetch(t, *v.Playback.HLS), "#EXT-X-STREAM-INF")
	took := time.Since(ended)
	t.Logf("playable %v after the end", took)
	// It takes a moment, which make bench measures; here nothing may be waited for,
	// which takes longer than this on any machine.
	require.Less(t, took, 30*time.Second)
	seconds, give := sent.length()
	require.InDelta(t, seconds*1000, v.DurationMS, give*1000)
	requireShown(t, sent, hashes(t, p.source(t, v)), true)
}

// TestARecordingOfNothingLeavesNothing: a session without media makes no video.
func TestARecordingOfNothingLeavesNothing(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	p.signUp(t)
	c := newClient(t, nil, wants{audio: true})
	video := p.publish(t, c)
	require.Equal(t, http.StatusOK, p.ask(t, http.MethodDelete, c.location, struct{}{}, nil).StatusCode)
	require.Equal(t, http.StatusNotFound, p.ask(t, http.MethodGet, "/api/videos/"+video, nil, nil).StatusCode)
}
