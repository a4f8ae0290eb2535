package limit

import (
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/budget"
)

// entry is what a server keeps in mind of a budget. Losing one does no harm: the
// shared row knows better.
type entry struct {
	// used belongs to Limiter.mu.
	used time.Time

	mu sync.Mutex
	// full is when the part that the server gives by itself is whole again.
	full time.Time
	// lease is what was taken from the shared row and not given away yet.
	lease int
	// until is when the shared row will have something again.
	until time.Time
}

// refused returns how long the shared row will have nothing.
func (e *entry) refused(now time.Time) time.Duration { return max(0, e.until.Sub(now)) }

// own pays from the part that the server gives by itself.
func (e *entry) own(now time.Time, limit budget.Limit, n int) bool {
	every := limit.Every * ownPace
	full := e.full
	if full.Before(now) {
		full = now
	}
	full = full.Add(time.Duration(n) * every)
	if full.Sub(now) > time.Duration(limit.Burst/ownShare)*every {
		return false
	}
	e.full = full
	return true
}

// entry finds or makes what is kept in mind of a budget.
func (l *Limiter) entry(key name) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	e := l.entries[key]
	if e == nil {
		l.makeRoom(now)
		e = &entry{}
		l.entries[key] = e
	}
	e.used = now
	return e
}

// known finds what is kept in mind of a budget, if anything.
func (l *Limiter) known(key name) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entries[key]
}

// forget drops what is kept in mind of a budget.
func (l *Limiter) forget(key name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.entries, key)
}

// makeRoom drops what has rested, and if that is not enough as many others: a
// flood must not make each request cost a walk through the map. It runs with
// the lock held.
func (l *Limiter) makeRoom(now time.Time) {
	if len(l.entries) < maxEntries {
		return
	}
	for key, e := range l.entries {
		if now.Sub(e.used) > restTime {
			delete(l.entries, key)
		}
	}
	for key := range l.entries {
		if len(l.entries) <= maxEntries/2 {
			return
		}
		delete(l.entries, key)
	}
}
