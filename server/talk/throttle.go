package talk

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

// pace is how often one network may do something: so many at once, and one
// every so often.
type pace struct {
	burst int
	every time.Duration
}

// throttleEntries bounds the memory of a throttle.
const throttleEntries = 10_000

// throttle counts what networks do.
type throttle struct {
	pace pace
	now  func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newThrottle(p pace, now func() time.Time) *throttle {
	return &throttle{pace: p, now: now, buckets: map[string]*rate.Limiter{}}
}

// take counts one and refuses it when there were too many.
func (t *throttle) take(network string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	limiter := t.buckets[network]
	if limiter == nil {
		t.makeRoom(now)
		limiter = rate.NewLimiter(rate.Every(t.pace.every), t.pace.burst)
		t.buckets[network] = limiter
	}
	if limiter.AllowN(now, 1) {
		return nil
	}
	return reply.TooMany.After(t.pace.every)
}

// makeRoom drops the networks that have rested, and all if that is not enough.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.buckets) < throttleEntries {
		return
	}
	for network, limiter := range t.buckets {
		if limiter.TokensAt(now) >= float64(t.pace.burst) {
			delete(t.buckets, network)
		}
	}
	if len(t.buckets) >= throttleEntries {
		clear(t.buckets)
	}
}
