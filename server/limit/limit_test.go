package limit

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/budget"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
)

// testTime is longer than anything takes, even if the machine stands still for a while.
const testTime = 5 * time.Minute

// world is a database and a clock that several servers share.
type world struct {
	db    *database.DB
	clock atomic.Int64
	log   *strings.Builder
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{log: &strings.Builder{}}
	w.clock.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	w.db = databasetest.Any(t)
	return w
}

func (w *world) now() time.Time         { return time.UnixMicro(w.clock.Load()) }
func (w *world) pass(d time.Duration)   { w.clock.Add(d.Microseconds()) }
func (w *world) server() *Limiter       { return w.serverAt(nil) }
func (w *world) queries() (asked int64) { return w.db.Queries() }

func (w *world) serverAt(factor *float64) *Limiter {
	return New(Options{
		Store: budget.New(w.db), Log: slog.New(slog.NewTextHandler(w.log, nil)), Secret: []byte("secret"), Now: w.now, Factor: factor, Patience: testTime,
	})
}

// passed counts the requests of many that go through.
func passed(ctx context.Context, n int, ask func(context.Context) error) int {
	through := 0
	for range n {
		if ask(ctx) == nil {
			through++
		}
	}
	return through
}

func reading(l *Limiter, who Who) func(context.Context) error {
	return func(ctx context.Context) error { return l.Request(ctx, Read, who) }
}

var ada = Who{Account: "ada", Network: "192.0.2.1"}

func TestOrdinaryPeopleAskTheDatabaseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.server()
	before := w.queries()
	for range 60 { // a page of thirty requests every ten seconds
		require.Equal(t, 30, passed(t.Context(), 30, reading(l, ada)))
		w.pass(10 * time.Second)
	}
	require.Equal(t, before, w.queries())
}

func TestAProgramIsNotBothered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.server()
	before := w.queries()
	const calls = 2000
	for range calls { // ten a second
		for _, class := range []Class{Read, Write, Comment, Report, Upload} {
			require.NoError(t, l.Request(t.Context(), class, ada), class)
		}
		w.pass(100 * time.Millisecond)
	}
	asked := w.queries() - before
	require.Positive(t, asked)
	require.Less(t, asked, int64(calls*5/10), "most requests cost no query")
}

func TestAFloodIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.server()
	through := passed(t.Context(), 10_000, reading(l, ada))
	require.GreaterOrEqual(t, through, 1000)
	require.LessOrEqual(t, through, 1200, "the burst and what a server gives by itself")
	before := w.queries()
	require.Zero(t, passed(t.Context(), 10_000, reading(l, ada)))
	require.Equal(t, before, w.queries(), "refusing costs nothing")

	err := l.Request(t.Context(), Read, ada)
	require.ErrorIs(t, err, reply.TooMany)
	require.Equal(t, "2", reply.Of(err).GetHeaders().Get("Retry-After"))
	require.Equal(t, "Too many requests in a short time. Try again in 2 seconds.", reply.Of(err).Detail)
	w.pass(2 * time.Second)
	require.NoError(t, l.Request(t.Context(), Read, ada), "as promised")

	require.NoError(t, l.Request(t.Context(), Write, ada), "another class")
	require.NoError(t, l.Request(t.Context(), Read, Who{Account: "ben", Network: ada.Network}), "another account")
	require.NoError(t, l.Request(t.Context(), Read, Who{Network: ada.Network}), "nobody, from the same network")
}

func TestTheSustainedRateIsShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	servers := []*Limiter{w.server(), w.server()}
	through := 0
	const minutes = 2
	for range minutes * 60 * 10 {
		for _, l := range servers {
			through += passed(t.Context(), 10, reading(l, ada)) // 200 a second in all
		}
		w.pass(100 * time.Millisecond)
	}
	fair := 1000 + minutes*60*50
	require.GreaterOrEqual(t, through, fair*95/100)
	require.LessOrEqual(t, through, fair*13/10, "two servers give a fifth more at most, and their bursts")
}

func TestAThousandAtOnceOverTwoServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	servers := []*Limiter{w.server(), w.server()}
	var reads, guesses atomic.Int32
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			l := servers[i%2]
			for range 3 {
				if l.Request(t.Context(), Read, ada) == nil {
					reads.Add(1)
				}
			}
			if l.Attempt(t.Context(), Guess{Kind: LinkPassword, Subject: "link", Network: "192.0.2.1"}) == nil {
				guesses.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 5, guesses.Load(), "a guess is never let through twice")
	require.GreaterOrEqual(t, reads.Load(), int32(1000))
	require.LessOrEqual(t, reads.Load(), int32(1400))
}

func TestSeveralAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.server()
	require.NoError(t, l.Requests(t.Context(), Invite, ada, 150))
	require.ErrorIs(t, l.Requests(t.Context(), Invite, ada, 150), reply.TooMany)
	require.ErrorIs(t, l.Requests(t.Context(), Invite, Who{Account: "ben"}, 1000), reply.TooMany, "more than there ever is")
	require.NoError(t, l.Requests(t.Context(), Free, ada, 1_000_000))
}

func TestTheFactorOfASetting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wide, none := 10.0, 0.0
	require.Equal(t, 10_000, passed(t.Context(), 10_000, reading(w.serverAt(&wide), ada)))
	require.Equal(t, 20_000, passed(t.Context(), 20_000, reading(w.serverAt(&none), Who{Account: "ben"})))
	guess := func(ctx context.Context) error {
		return w.serverAt(&none).Attempt(ctx, Guess{Kind: Password, Subject: "a@b.org", Network: "n"})
	}
	require.Equal(t, 10, passed(t.Context(), 20, guess), "guesses stay counted")
}

func TestWithoutADatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.server()
	require.NoError(t, w.db.Close())
	require.Equal(t, 5000, passed(t.Context(), 5000, reading(l, ada)), "requests go on")
	require.Equal(t, 1, strings.Count(w.log.String(), "level=WARN"), "and it is said once")
	err := l.Attempt(t.Context(), Guess{Kind: Password, Subject: "a@b.org", Network: "n"})
	require.Equal(t, http.StatusServiceUnavailable, reply.Of(err).Status, "guesses do not")
	require.NotEmpty(t, reply.Of(err).GetHeaders().Get("Retry-After"))
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.server()
	for i := range 2 * maxEntries {
		w.pass(100 * time.Microsecond)
		network := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()
		require.NoError(t, l.Request(t.Context(), Read, Who{Network: network}))
		require.LessOrEqual(t, len(l.entries), maxEntries)
	}
	for i := len(l.entries); i < maxEntries; i++ {
		l.entry(name{"fill", netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}).String()})
	}
	w.pass(time.Hour)
	require.NoError(t, l.Request(t.Context(), Read, ada))
	require.Len(t, l.entries, 1, "quiet ones are dropped first")
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	l := newWorld(t).server()
	require.Equal(t, `"read";q=1000;w=20`, l.Policy(Read, ada))
	require.Equal(t, `"comment";q=20;w=100`, l.Policy(Comment, Who{Network: "n"}))
	require.Empty(t, l.Policy(Free, ada))
}

func TestTheTableNamesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.server()
	g := Guess{Kind: Password, Subject: "ada@example.org", Network: "192.0.2.1"}
	require.NoError(t, l.Attempt(t.Context(), g))
	l.Succeeded(t.Context(), g)
	var keys []string
	require.NoError(t, w.db.Reader.NewRaw("SELECT key FROM limits").Scan(t.Context(), &keys))
	require.Len(t, keys, 3)
	for _, key := range keys {
		require.Len(t, key, keyBytes)
		require.NotContains(t, key, "ada")
	}
	w.pass(rememberFor)
	require.NoError(t, l.Sweep(t.Context()))
	n, err := w.db.Reader.NewSelect().Table("limits").Count(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

func BenchmarkRequest(b *testing.B) {
	w := newWorld(b)
	l := w.server()
	for b.Loop() {
		w.pass(time.Second)
		if err := l.Request(b.Context(), Read, ada); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAttempt(b *testing.B) {
	w := newWorld(b)
	l := w.server()
	for b.Loop() {
		w.pass(time.Minute)
		if err := l.Attempt(b.Context(), Guess{Kind: Password, Subject: "a", Network: "n"}); err != nil {
			b.Fatal(err)
		}
	}
}
