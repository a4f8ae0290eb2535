package limit

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

func signIn(network, address string) Guess {
	return Guess{Kind: Password, Subject: address, Network: network}
}

func guessing(l *Limiter, g Guess) func(context.Context) error {
	return func(ctx context.Context) error { return l.Attempt(ctx, g) }
}

func TestGuessingIsSlowedForTheGuesserOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, ctx := w.server(), t.Context()
	require.Equal(t, 10, passed(ctx, 10, guessing(l, signIn("net", "Ada@b.org"))))
	err := l.Attempt(ctx, signIn("net", " ada@B.org"))
	require.ErrorIs(t, err, reply.TooMany)
	require.Equal(t, "6", reply.Of(err).GetHeaders().Get("Retry-After"))
	require.Equal(t, "Too many attempts. Wait 6 seconds and try again.", reply.Of(err).Detail)
	require.NoError(t, l.Attempt(ctx, signIn("net", "bob@b.org")))
	require.NoError(t, l.Attempt(ctx, signIn("other", "ada@b.org")))
	w.pass(6 * time.Second)
	require.NoError(t, l.Attempt(ctx, signIn("net", "ada@b.org")))
	require.ErrorIs(t, l.Attempt(ctx, signIn("net", "ada@b.org")), reply.TooMany)
	l.Succeeded(ctx, signIn("net", "ada@b.org"))
	require.NoError(t, l.Attempt(ctx, signIn("net", "ada@b.org")))
}

func TestRefusingAGuessCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, ctx := w.server(), t.Context()
	passed(ctx, 11, guessing(l, signIn("net", "ada@b.org")))
	before := w.queries()
	require.Zero(t, passed(ctx, 1000, guessing(l, signIn("net", "ada@b.org"))))
	require.Equal(t, before, w.queries())
}

func TestAnotherServerKnowsOfTheGuesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second, ctx := w.server(), w.server(), t.Context()
	require.Equal(t, 7, passed(ctx, 7, guessing(first, signIn("net", "ada@b.org"))))
	require.Equal(t, 3, passed(ctx, 20, guessing(second, signIn("net", "ada@b.org"))))
	require.Zero(t, passed(ctx, 5, guessing(first, signIn("net", "ada@b.org"))))
	require.Zero(t, passed(ctx, 5, guessing(w.server(), signIn("net", "ada@b.org"))), "nor does a restart help")
}

func TestOneNetworkCannotTryManyAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, ctx := w.server(), t.Context()
	refused := 0
	for i := range 45 {
		if l.Attempt(ctx, signIn("net", strings.Repeat("x", i+1))) != nil {
			refused++
		}
	}
	require.Equal(t, 5, refused)
	l.Succeeded(ctx, signIn("net", "x"))
	require.Error(t, l.Attempt(ctx, signIn("net", "another")), "an account of one's own does not buy guesses at others")
	require.NoError(t, l.Attempt(ctx, signIn("elsewhere", "another")))
}

const minutes = 5

// guessFromEverywhere lets many networks guess at one subject for a while and
// counts what is looked at.
func guessFromEverywhere(ctx context.Context, w *world, l *Limiter, kind Kind) int {
	through := 0
	for range minutes {
		for i := range 150 {
			if l.Attempt(ctx, Guess{Kind: kind, Subject: "target", Network: fmt.Sprint("net", i)}) == nil {
				through++
			}
		}
		w.pass(time.Minute)
	}
	return through
}

func TestManyNetworksAreNotManyTimesFaster(t *testing.T) {
	t.Parallel()
	for kind, most := range map[Kind]int{LinkPassword: 30 + minutes*10, Code: 20 + minutes/2, Password: 100 + minutes*30, Letter: 5} {
		w := newWorld(t)
		require.LessOrEqual(t, guessFromEverywhere(t.Context(), w, w.server(), kind), most, kind)
	}
}

func TestOneNetworkTriesALinkTenTimesAMinuteAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, ctx := w.server(), t.Context()
	var tries []time.Time
	for range 3 * 60 * 10 {
		if l.Attempt(ctx, Guess{Kind: LinkPassword, Subject: "link", Network: "net"}) == nil {
			tries = append(tries, w.now())
		}
		w.pass(100 * time.Millisecond)
	}
	require.Greater(t, len(tries), 15)
	for i := range len(tries) - 10 {
		require.GreaterOrEqual(t, tries[i+10].Sub(tries[i]), time.Minute, "more than ten within a minute")
	}
}

func TestStrangersShutNobodyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, ctx := w.server(), t.Context()
	friend := Guess{Kind: LinkPassword, Subject: "target", Network: "home"}
	require.NoError(t, l.Attempt(ctx, friend))
	l.Succeeded(ctx, friend)
	guessFromEverywhere(ctx, w, l, LinkPassword)
	for i := range 50 {
		_ = l.Attempt(ctx, Guess{Kind: LinkPassword, Subject: "target", Network: fmt.Sprint("again", i)})
	}
	require.ErrorIs(t, l.Attempt(ctx, Guess{Kind: LinkPassword, Subject: "target", Network: "new"}), reply.TooMany)
	require.NoError(t, l.Attempt(ctx, friend), "who was right lately is not slowed by strangers")
	require.NoError(t, l.Attempt(ctx, Guess{Kind: LinkPassword, Subject: "another", Network: "new"}))
	require.Equal(t, 4, passed(ctx, 100, guessing(l, friend)), "but does not guess without end either")
}

func TestRightAnswersAreNotCountedFromEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, ctx := w.server(), t.Context()
	for i := range 100 {
		g := Guess{Kind: LinkPassword, Subject: "link", Network: fmt.Sprint("net", i)}
		require.NoError(t, l.Attempt(ctx, g), "a class opens a link at once")
		l.Succeeded(ctx, g)
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "": "?", "nonsense": "?",
	} {
		require.Equal(t, want, Network(address), address)
	}
}
