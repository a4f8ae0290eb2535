package cluster_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster/ledger"
	"github.com/meanwhile-app/meanwhile/cluster/toxic"
)

// offsetTime is how long somebody whose line went dead waits on their next one.
const offsetTime = 2 * time.Second

// TestAHalfOpenLine (F22): the line of a recorder goes dead in the middle of a
// piece and nobody is told, as when a laptop changes networks. On its next line it
// hears at once how far the server came, and goes on.
func TestAHalfOpenLine(t *testing.T) {
	t.Parallel()
	r := alone(t)
	within(t, offsetTime, func() time.Duration { return r.overTwoLines(t) })
	r.settled(t)
}

// overTwoLines records over a line that goes dead, and over another one. It returns how
// long it took to hear there how far the server came.
func (r *rig) overTwoLines(t *testing.T) (took time.Duration) {
	t.Helper()
	line, err := toxic.Listen(t.Context(), strings.TrimPrefix(r.Servers[0].URL(), "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, line.Close()) })
	old, err := r.client.At("http://" + line.Addr())
	require.NoError(t, err)
	u, err := ledger.New(old).Begin(t.Context(), t.Name(), r.clip.Take())
	require.NoError(t, err)
	require.NoError(t, u.Send(t.Context(), 50_000))

	dead := deadAfter(line, "PATCH ")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	left := make(chan error, 1)
	go func() { left <- u.Send(ctx, int64(len(u.Content))) }()
	select {
	case <-dead:
	case <-time.After(soon):
		require.FailNow(t, "the piece did not come")
	}

	again := r.ledger.Resume(u)
	began := time.Now()
	offset, err := again.Offset(t.Context())
	took = time.Since(began)
	require.NoError(t, err)
	require.GreaterOrEqual(t, offset, int64(50_000))
	require.NoError(t, again.Finish(t.Context()))
	leave()
	require.Error(t, <-left)
	return took
}

// deadAfter lets a line go dead after what is read at once of a request that says
// something: its beginning.
func deadAfter(line *toxic.Proxy, says string) <-chan struct{} {
	dead := make(chan struct{})
	var once sync.Once
	line.Lay(&toxic.Trap{
		About: says, First: func(toxic.Message) bool { return true },
		Counts: func(toxic.Message) bool {
			once.Do(func() { line.Set(toxic.Harm{Mute: true}); close(dead) })
			return false
		},
	})
	return dead
}

// slowClients is how many clients send a byte a second, slowSenders how many of them a
// recording, each one of its own. They are let go after ten seconds at the earliest and
// thirty at the latest, and whom they hold up waits as long: so nobody may wait for
// heldTime altogether in requests that take longer than healthTime.
const (
	slowClients = 2000
	slowSenders = 300
	healthTime  = 2 * time.Second
	heldTime    = 8 * time.Second
)

// TestManySlowClients (F23): thousands of clients take for ever to say what they want,
// in their headers or in a body that is read or not, or send their recordings byte by byte. Nobody
// else notices; they are let go, and what came of their recordings is kept, in few
// objects.
func TestManySlowClients(t *testing.T) {
	t.Parallel()
	var files syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files))
	if files.Cur < slowClients*3/2 {
		t.Skip("no right to open so many files:", files.Cur)
	}
	r := alone(t)
	within(t, heldTime, func() time.Duration { return r.besideSlowOnes(t) })
	r.settled(t)
}

// besideSlowOnes asks for something until the last of the slow clients is gone, and
// returns for how long it was held up.
func (r *rig) besideSlowOnes(t *testing.T) (held time.Duration) {
	t.Helper()
	said, uploads := r.slowRequests(t)
	addr := strings.TrimPrefix(r.Servers[0].URL(), "http://")
	ctx, stop := context.WithTimeout(t.Context(), soon)
	defer stop()
	var slow sync.WaitGroup
	cut := make(chan error, len(said))
	for _, request := range said {
		slow.Go(func() { cut <- dawdle(ctx, addr, request) })
	}
	done := make(chan struct{})
	go func() { slow.Wait(); close(done) }()
	for asked := 0; ; asked++ {
		began := time.Now()
		_, _, err := r.client.Once(t.Context(), ledger.Request{Method: "GET", Path: "/api/videos"})
		require.NoError(t, err)
		if took := time.Since(began); took > healthTime {
			held += took
		}
		if asked == 10 {
			r.record(t, 3, func(int) {})
		}
		select {
		case <-done:
			close(cut)
			for err := range cut {
				require.NoError(t, err, "a client that says next to nothing is let go")
			}
			r.keptInFew(t, uploads)
			return held
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// slowRequests are what the slow clients begin to say, and the recordings among that.
func (r *rig) slowRequests(t *testing.T) (said []string, uploads []*ledger.Upload) {
	t.Helper()
	host := strings.TrimPrefix(r.Front.URL(), "http://")
	for i := range slowClients {
		switch {
		case i < slowSenders:
			u, err := r.ledger.Begin(t.Context(), fmt.Sprint(t.Name(), i), r.clip.Take())
			require.NoError(t, err)
			require.NoError(t, u.Send(t.Context(), 1)) // an account has few recordings without a byte
			uploads, said = append(uploads, u), append(said, u.Letter(host))
		case i%3 == 0:
			said = append(said, "POST /nowhere HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 1000\r\n\r\n")
		case i%3 == 1:
			said = append(said, "POST /api/session HTTP/1.1\r\nHost: "+host+"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
		default:
			said = append(said, "GET /api/session HTTP/1.1\r\nHost: "+host+"\r\nX-Slow: ")
		}
	}
	return said, uploads
}

// piecesOfSlow is how many objects a minute of a byte a second may be, on average: one
// every ten seconds until it is let go, and the first.
const piecesOfSlow = 8

// keptInFew wants something of the recordings to be kept, and not an object for every
// byte. Where this machine stood still some were let go before they said anything.
func (r *rig) keptInFew(t *testing.T, uploads []*ledger.Upload) {
	t.Helper()
	parts, kept := 0, 0
	for _, u := range uploads {
		held, err := u.Offset(t.Context())
		require.NoError(t, err)
		if held > 1 {
			kept++
		}
		pieces, err := filepath.Glob(filepath.Join(r.Folder, "server-1", "objects", "v", u.Video, "src", "*"))
		require.NoError(t, err)
		require.NotEmpty(t, pieces)
		parts += len(pieces)
	}
	require.Greater(t, kept, len(uploads)/2, "what came is kept")
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
	for {
		if _, err := fmt.Fprint(line, said); err != nil {
			return nil // it was cut off, as it should be
		}
		said = "a"
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
