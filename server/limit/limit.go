// Package limit slows down whoever asks too often or guesses, for all servers
// of an installation together: what counts stands in the database.
//
// There are two sorts of limit. Requests are ordinary: a server lets each
// account and each network have a small part of the budget without asking
// anybody, and takes more from the shared row in leases, so that most requests
// cost no query. Several servers together let through a little more than one
// would. If the database cannot be written, requests go on. Guesses at secrets
// are strict: each one is paid for in the shared row before it is looked at, and
// if that fails it is refused.
//
// Keys in the database are keyed hashes: the table tells nobody who was here.
package limit

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/budget"
)

// Bounds on what a server keeps in mind, and on how long a request waits for the
// shared row.
const (
	maxEntries = 20_000
	restTime   = time.Minute
	strictTime = 5 * time.Second
	leasePart  = 5 // of the time for a guess
	warnEvery  = time.Minute
)

// What part of a budget a server gives away by itself, and takes at a time.
const (
	ownShare   = 5  // of the burst
	ownPace    = 10 // of the rate
	leaseShare = 10 // of the burst
)

// Options set up a Limiter.
type Options struct {
	Store *budget.Store
	Log   *slog.Logger
	// Secret keys the names of budgets; all servers share it.
	Secret []byte
	// Factor makes the limits of ordinary requests wider or narrower; 0 turns
	// them off. Guesses are not affected. nil means 1.
	Factor *float64
	// Patience is how long a guess waits to be counted; 0 means 5 s. A request
	// waits for a fifth of that.
	Patience time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Limiter counts. Its methods may be called at the same time.
type Limiter struct {
	store  *budget.Store
	log    *slog.Logger
	secret []byte
	now    func() time.Time
	rules  map[Class]rule
	trials map[Kind]trial
	// A request waits so long for the shared row, a guess so long.
	leaseTime, strictTime time.Duration

	mu      sync.Mutex
	entries map[name]*entry
	warned  time.Time
}

// name is what a budget is for.
type name struct{ what, who string }

// New makes a Limiter that has counted nothing.
func New(o Options) *Limiter {
	if o.Now == nil {
		o.Now = time.Now
	}
	patience := cmp.Or(o.Patience, strictTime)
	l := &Limiter{
		store: o.Store, log: o.Log, secret: o.Secret, now: o.Now,
		rules: rules(), trials: trials(), leaseTime: patience / leasePart, strictTime: patience, entries: map[name]*entry{},
	}
	if o.Factor != nil {
		for class, r := range l.rules {
			l.rules[class] = rule{times(r.account, *o.Factor), times(r.network, *o.Factor)}
		}
	}
	return l
}

// Who asks: an account, or somebody in a network.
type Who struct {
	// Account is empty for somebody who is not signed in.
	Account string
	Network string
}

// Request counts a request of a class. It returns a reply.TooMany when there
// were too many.
func (l *Limiter) Request(ctx context.Context, class Class, who Who) error {
	return l.Requests(ctx, class, who, 1)
}

// Requests counts a request that is worth several of its class: an invitation
// of ten people.
func (l *Limiter) Requests(ctx context.Context, class Class, who Who, n int) error {
	limit, key := l.find(class, who)
	if limit.Burst == 0 || n <= 0 {
		return nil
	}
	e, now := l.entry(key), l.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if wait := e.refused(now); wait > 0 {
		return tooOften(wait)
	}
	if e.own(now, limit, n) {
		return nil
	}
	if e.lease < n {
		size := max(n, limit.Burst/leaseShare)
		if wait := l.more(ctx, key, limit, size); wait > 0 {
			e.until = now.Add(wait)
			return tooOften(wait)
		}
		e.lease += size
	}
	e.lease -= n
	return nil
}

// Waiting returns a reply.TooMany if it is known that a request of a class would
// be refused now. It counts nothing and asks nobody.
func (l *Limiter) Waiting(class Class, who Who) error {
	_, key := l.find(class, who)
	if wait := l.waiting(key); wait > 0 {
		return tooOften(wait)
	}
	return nil
}

// find is the budget of a request.
func (l *Limiter) find(class Class, who Who) (budget.Limit, name) {
	r := l.rules[class]
	if who.Account != "" {
		return r.account, name{"account " + string(class), who.Account}
	}
	return r.network, name{"network " + string(class), who.Network}
}

// more takes a lease, and returns how long to wait if there is none. What
// cannot be counted goes through.
func (l *Limiter) more(ctx context.Context, key name, limit budget.Limit, size int) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, l.leaseTime)
	defer cancel()
	refusal, err := l.store.Take(ctx, l.now(), budget.Charge{Key: l.hash(key), N: size, Limit: limit})
	if err != nil {
		l.warn(ctx, err)
		return 0
	}
	if refusal == nil {
		return 0
	}
	return refusal.Wait
}

// warn says now and then that the shared rows cannot be written.
func (l *Limiter) warn(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); now.Sub(l.warned) >= warnEvery {
		l.warned = now
		l.log.WarnContext(ctx, "requests cannot be counted and go through", "error", err)
	}
}

// Policy describes the limit of a request as the RateLimit-Policy header does
// (draft-ietf-httpapi-ratelimit-headers-10): what may come at once, and how many
// seconds a whole budget takes to come back. It is empty where there is none.
func (l *Limiter) Policy(class Class, who Who) string {
	limit, _ := l.find(class, who)
	if limit.Burst == 0 {
		return ""
	}
	window := math.Ceil((time.Duration(limit.Burst) * limit.Every).Seconds())
	return fmt.Sprintf("%q;q=%d;w=%.0f", string(class), limit.Burst, window)
}

// Sweep drops what says nothing any more from the database; housekeeping calls
// it.
func (l *Limiter) Sweep(ctx context.Context) error { return l.store.Sweep(ctx, l.now()) }

// keyBytes is enough of a hash that no two budgets meet.
const keyBytes = 16

func (l *Limiter) hash(n name) []byte {
	mac := hmac.New(sha256.New, l.secret)
	_, _ = mac.Write([]byte("limit\x00" + n.what + "\x00" + n.who)) // a hash never fails
	return mac.Sum(nil)[:keyBytes]
}

// tooOften is the answer to too many requests.
func tooOften(wait time.Duration) error {
	detail := "Too many requests in a short time. Try again in " + inWords(wait) + "."
	return reply.New(http.StatusTooManyRequests, reply.TooMany.Code, detail).After(wait)
}

// inWords rounds up to what people say.
func inWords(wait time.Duration) string {
	seconds := int(math.Ceil(wait.Seconds()))
	switch {
	case seconds <= 1:
		return "a second"
	case seconds < 2*60:
		return fmt.Sprintf("%d seconds", seconds)
	}
	return fmt.Sprintf("%d minutes", (seconds+59)/60)
}
