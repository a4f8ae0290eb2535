package auth

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

// How often somebody may try. Attempts are counted by network and account
// together, so that a stranger cannot lock the owner out, and by network alone,
// so that nobody tries many accounts.
const (
	perAccount      = 10 // at once, and per minute
	perNetwork      = 40 // at once, and per minute
	throttleEntries = 10_000
)

// throttle counts attempts. Its memory is bounded.
type throttle struct {
	mu      sync.Mutex
	buckets map[string]*bucket
	now     func() time.Time
}

type bucket struct {
	limiter *rate.Limiter
	used    time.Time
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{buckets: map[string]*bucket{}, now: now}
}

// attempt counts one try and refuses it when there were too many.
func (t *throttle) attempt(network, account string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.take(networkKey(network), perNetwork); err != nil {
		return err
	}
	return t.take(accountKey(network, account), perAccount)
}

// succeeded forgets the failures of a network with an account.
func (t *throttle) succeeded(network, account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// The network's count stays: whoever has one account could clear it between
	// guesses at the others.
	delete(t.buckets, accountKey(network, account))
}

// take runs with the lock held.
func (t *throttle) take(key string, perMinute int) error {
	now := t.now()
	b := t.buckets[key]
	if b == nil {
		t.makeRoom(now)
		b = &bucket{limiter: rate.NewLimiter(rate.Every(time.Minute/time.Duration(perMinute)), perMinute)}
		t.buckets[key] = b
	}
	b.used = now
	if b.limiter.AllowN(now, 1) {
		return nil
	}
	return reply.TooMany.After(time.Minute / time.Duration(perMinute))
}

// makeRoom drops buckets that are full again after a minute of quiet, and if
// that is not enough as many others: a flood must not make each attempt cost a
// walk through the map.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.buckets) < throttleEntries {
		return
	}
	for key, b := range t.buckets {
		if now.Sub(b.used) > time.Minute {
			delete(t.buckets, key)
		}
	}
	for key := range t.buckets {
		if len(t.buckets) <= throttleEntries/2 {
			return
		}
		delete(t.buckets, key)
	}
}

func networkKey(network string) string { return "n\x00" + network }

// maxAccountKey bounds what of a typed address is remembered.
const maxAccountKey = 254

func accountKey(network, account string) string {
	account = strings.ToLower(strings.TrimSpace(account))
	if len(account) > maxAccountKey {
		account = account[:maxAccountKey]
	}
	return "a\x00" + network + "\x00" + account
}

// networkBits is the part of an IPv6 address that stands for a subscriber.
const networkBits = 64

// networkOf is what attempts from an address are counted by.
func networkOf(ip string) string {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return "?"
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	prefix, err := address.Prefix(networkBits)
	if err != nil {
		return "?"
	}
	return prefix.String()
}
