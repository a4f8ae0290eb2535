package whip_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

const (
	testTime = 2 * time.Minute
	tick     = 10 * time.Millisecond
)

// tape is a recording in memory.
type tape struct {
	mu       sync.Mutex
	title    string
	chunks   [][]byte
	finished int
	fail     error
}

func (r *tape) VideoID() string { return "video" }
func (r *tape) Link() string    { return "word" }

func (r *tape) Append(_ context.Context, chunk []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.chunks = append(r.chunks, chunk)
	return nil
}

func (r *tape) Finish(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished++
	return nil
}

func (r *tape) parts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.chunks)
}

func (r *tape) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.finished > 0
}

// bytes is what has been recorded.
func (r *tape) bytes() (all []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.chunks {
		all = append(all, c...)
	}
	return all
}

// file writes it to a file.
func (r *tape) file(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording")
	require.NoError(t, os.WriteFile(path, r.bytes(), 0o600))
	return path
}

// rig is WHIP behind an engine that believes who one says one is.
type rig struct {
	*httptest.Server
	whip *whip.WHIP

	mu    sync.Mutex
	tapes []*tape
	gone  map[string]bool
}

func newRig(t testing.TB, limits whip.Limits, adjust ...func(*whip.Options)) *rig {
	t.Helper()
	gin.SetMode(gin.TestMode)
	quiet := slog.New(slog.DiscardHandler)
	r := &rig{gone: map[string]bool{}}
	network, err := whip.Listen(t.Context(), whip.Ports{UDP: "127.0.0.1:0"}, quiet)
	require.NoError(t, err)
	base, err := url.Parse("https://video.example.org")
	require.NoError(t, err)
	// Only a test that is about a limit comes to feel it.
	limits.Connect, limits.Silence, limits.Return = cmp.Or(limits.Connect, time.Hour), cmp.Or(limits.Silence, time.Hour), cmp.Or(limits.Return, time.Hour)
	o := whip.Options{Network: network, Begin: r.begin, Alive: r.alive, BaseURL: base, Log: quiet, Limits: limits}
	for _, a := range adjust {
		a(&o)
	}
	r.whip = whip.New(o)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.Use(reply.Middleware(quiet), func(c *gin.Context) {
		if name := strings.TrimPrefix(c.GetHeader("Authorization"), "Bearer "); name != "" {
			p := auth.Principal{Account: &people.Account{ID: name}}
			c.Request = c.Request.WithContext(auth.With(c.Request.Context(), p))
		}
	})
	engine.OPTIONS(whip.Path, reply.Handle(r.whip.Preflight))
	engine.POST(whip.Path, reply.Handle(r.whip.Publish))
	engine.PATCH(whip.Path+"/:id", reply.Handle(r.whip.Change))
	engine.DELETE(whip.Path+"/:id", reply.Handle(r.whip.End))
	r.Server = httptest.NewServer(engine)
	t.Cleanup(func() {
		r.whip.Stop()
		r.Close()
		_ = network.Close() // a test may have closed it
		if o.Network != nil {
			_ = o.Network.Close()
		}
	})
	return r
}

func (r *rig) begin(_ context.Context, title string) (whip.Recording, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tapes = append(r.tapes, &tape{title: title})
	return r.tapes[len(r.tapes)-1], nil
}

func (r *rig) alive(_ context.Context, p auth.Principal, videoID string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.gone[p.Account.ID] && !r.gone[videoID], nil
}

func (r *rig) tape(t testing.TB, n int) *tape {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Greater(t, len(r.tapes), n)
	return r.tapes[n]
}

// answered is what came back.
type answered struct {
	status int
	header http.Header
	body   string
}

// ask sends a request as somebody; header is pairs of names and values.
func (r *rig) ask(t testing.TB, who, request, body string, header ...string) answered {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if who != "" {
		req.Header.Set("Authorization", "Bearer "+who)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answered{res.StatusCode, res.Header, string(raw)}
}
