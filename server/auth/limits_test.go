package auth

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

func TestWaitingForAHashEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	h := NewHasherAt(Cost{KiB: 64, Passes: 1})
	for range hashesAtOnce {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Verify(ctx, "", "x")
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, h.waiting.Load())

	h.waiting.Store(hashesAtOnce + hashesQueued)
	_, err = h.Verify(t.Context(), "", "x")
	require.ErrorIs(t, err, reply.TooMany)
	require.EqualValues(t, hashesAtOnce+hashesQueued, h.waiting.Load())
}

func TestTheThrottleForgets(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	throttle := newThrottle(func() time.Time { return now })
	for range perAccount {
		require.NoError(t, throttle.attempt("net", "Ada@b.org"))
	}
	require.ErrorIs(t, throttle.attempt("net", " ada@B.org"), reply.TooMany)
	require.NoError(t, throttle.attempt("net", "bob@b.org"))
	require.NoError(t, throttle.attempt("other", "ada@b.org"))
	now = now.Add(time.Minute / perAccount)
	require.NoError(t, throttle.attempt("net", "ada@b.org"))
	require.ErrorIs(t, throttle.attempt("net", "ada@b.org"), reply.TooMany)
	throttle.succeeded("net", "ada@b.org")
	require.NoError(t, throttle.attempt("net", "ada@b.org"))
}

func TestOneNetworkCannotTryManyAccounts(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	throttle := newThrottle(func() time.Time { return now })
	refused := 0
	for i := range perNetwork + 5 {
		if throttle.attempt("net", strings.Repeat("x", i)) != nil {
			refused++
		}
	}
	require.Equal(t, 5, refused)
	throttle.succeeded("net", "x")
	require.Error(t, throttle.attempt("net", "another"), "an account of one's own does not buy guesses at others")
}

func TestTheThrottleIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	throttle := newThrottle(func() time.Time { return now })
	for i := range 2 * throttleEntries {
		now = now.Add(time.Millisecond)
		network := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()
		require.NoError(t, throttle.attempt(network, strings.Repeat("x", 1000)))
		require.LessOrEqual(t, len(throttle.buckets), throttleEntries)
	}
	now = now.Add(time.Hour)
	require.NoError(t, throttle.attempt("last", "x"))
	require.Len(t, throttle.buckets, 2, "quiet ones are dropped first")
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "": "?", "nonsense": "?",
	} {
		require.Equal(t, want, networkOf(address), address)
	}
}
