package cluster_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster/ledger"
	"github.com/meanwhile-app/meanwhile/cluster/toxic"
)

// TestAHalfOpenLine (F22): the line of a recorder goes dead in the middle of a
// piece and nobody is told, as when a laptop changes networks. On its next line it
// hears at once how far the server came, and goes on.
func TestAHalfOpenLine(t *testing.T) {
	t.Parallel()
	r := alone(t)
	line, err := toxic.Listen(t.Context(), strings.TrimPrefix(r.Servers[0].URL(), "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, line.Close()) })
	old := ledger.NewClient("http://" + line.Addr())
	require.NoError(t, old.SignIn(t.Context()))
	book := ledger.New(old)
	u, err := book.Begin(t.Context(), t.Name(), r.clip.Take())
	require.NoError(t, err)
	require.NoError(t, u.Send(t.Context(), 50_000))

	line.Set(toxic.Harm{Rate: 50_000})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- u.Send(ctx, int64(len(u.Content))) }()
	require.Eventually(t, func() bool {
		video, err := r.client.Video(t.Context(), u.Video)
		return err == nil && video.SizeBytes > 0
	}, soon, 20*time.Millisecond)
	line.Set(toxic.Harm{Mute: true})

	again := r.ledger.Resume(u)
	began := time.Now()
	offset, err := again.Offset(t.Context())
	require.NoError(t, err)
	require.Less(t, time.Since(began), 2*time.Second)
	require.GreaterOrEqual(t, offset, int64(50_000))
	require.NoError(t, again.Finish(t.Context()))
	leave()
	require.Error(t, <-left)
	r.settled(t)
}

// slowClients is how many clients send a byte a second, and healthTime how long
// everybody else may wait meanwhile. Of those who send a recording each has a
// recording of its own.
const (
	slowClients = 2000
	slowSenders = 300
	healthTime  = 2 * time.Second
	dawdleTime  = 2 * time.Minute
)

// TestManySlowClients (F23): thousands of clients take for ever to say what they want,
// in their headers or in a body that is read or not, or send their recordings byte by byte. Nobody
// else notices; they are let go, and what came of their recordings is kept, in few
// objects.
func TestManySlowClients(t *testing.T) {
	t.Parallel()
	r := alone(t)
	addr := strings.TrimPrefix(r.Servers[0].URL(), "http://")
	host := strings.TrimPrefix(r.Front.URL(), "http://")
	ctx, stop := context.WithTimeout(t.Context(), dawdleTime)
	defer stop()
	var slow sync.WaitGroup
	cut := make(chan error, slowClients)
	for i := range slowClients {
		said := "GET /api/session HTTP/1.1\r\nHost: " + host + "\r\nX-Slow: "
		switch {
		case i < slowSenders:
			u, err := r.ledger.Begin(t.Context(), fmt.Sprint(t.Name(), i), r.clip.Take())
			require.NoError(t, err)
			require.NoError(t, u.Send(t.Context(), 1)) // an account has few recordings without a byte
			said = u.Letter(host)
		case i%3 == 0:
			said = "POST /nowhere HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 1000\r\n\r\n"
		case i%3 == 1:
			said = "POST /api/session HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
		}
		slow.Go(func() { cut <- dawdle(ctx, addr, said) })
	}
	done := make(chan struct{})
	go func() { slow.Wait(); close(done) }()
	worst, asked := time.Duration(0), 0
	for waiting := true; waiting; asked++ { // until the last one is gone
		began := time.Now()
		_, _, err := r.client.Once(t.Context(), ledger.Request{Method: "GET", Path: "/api/videos"})
		require.NoError(t, err)
		worst = max(worst, time.Since(began))
		if asked == 20 {
			r.record(t, 3, func(int) {})
		}
		select {
		case <-done:
			waiting = false
		case <-time.After(50 * time.Millisecond):
		}
	}
	require.Less(t, worst, healthTime)
	require.Greater(t, asked, 20)
	close(cut)
	for err := range cut {
		require.NoError(t, err, "a client that says next to nothing is let go")
	}
	r.keptInFew(t, r.ledger.Uploads()[:slowSenders])
	r.settled(t)
}

// piecesOfSlow is how many objects a minute of a byte a second may be, on average: one
// every ten seconds until it is let go, and the first.
const piecesOfSlow = 8

// keptInFew wants something of each recording to be kept, and not an object for every
// byte.
func (r *rig) keptInFew(t *testing.T, uploads []*ledger.Upload) {
	t.Helper()
	parts := 0
	for _, u := range uploads {
		held, err := u.Offset(t.Context())
		require.NoError(t, err)
		require.Greater(t, held, int64(1), "what came is kept")
		pieces, err := filepath.Glob(filepath.Join(r.Folder, "server-1", "objects", "v", u.Video, "src", "*"))
		require.NoError(t, err)
		require.NotEmpty(t, pieces)
		parts += len(pieces)
	}
	require.LessOrEqual(t, parts, len(uploads)*piecesOfSlow)
}

// dawdle begins a request and never ends it, until it is cut off.
func dawdle(ctx context.Context, addr, said string) error {
	line, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer line.Close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	if _, err := fmt.Fprint(line, said); err != nil {
		return err
	}
	for {
		if _, err := line.Write([]byte("a")); err != nil {
			return nil // it was cut off, as it should be
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
