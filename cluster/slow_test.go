package cluster_test

import (
	"context"
	"fmt"
	"net"
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
// everybody else may wait meanwhile.
const (
	slowClients = 500
	healthTime  = 2 * time.Second
)

// TestManySlowClients (F23): hundreds of clients take for ever to say what they
// want. Nobody else notices, and they are let go.
func TestManySlowClients(t *testing.T) {
	t.Parallel()
	r := alone(t)
	addr := strings.TrimPrefix(r.Servers[0].URL(), "http://")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var slow sync.WaitGroup
	cut := make(chan error, slowClients)
	for range slowClients {
		slow.Go(func() { cut <- dawdle(ctx, addr) })
	}
	worst := time.Duration(0)
	for range 40 {
		began := time.Now()
		_, _, err := r.client.Once(t.Context(), ledger.Request{Method: "GET", Path: "/api/session"})
		require.NoError(t, err)
		worst = max(worst, time.Since(began))
		<-time.After(50 * time.Millisecond)
	}
	require.Less(t, worst, healthTime)
	r.record(t, 3, func(int) {})
	slow.Wait()
	close(cut)
	for err := range cut {
		require.NoError(t, err, "a client that says nothing is let go")
	}
	r.settled(t)
}

// dawdle begins a request and never ends it, until it is cut off.
func dawdle(ctx context.Context, addr string) error {
	line, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer line.Close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	if _, err := fmt.Fprint(line, "GET /api/session HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
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
