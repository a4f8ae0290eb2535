package limit

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/budget"
)

// Guess is a try at a secret, right or wrong.
type Guess struct {
	Kind Kind
	// Subject is what the secret opens: an address, an account, a link.
	Subject string
	// Network is where the guess came from.
	Network string
}

// maxSubject bounds what of a typed address is looked at.
const maxSubject = 254

func (g Guess) subject() string {
	subject := strings.ToLower(strings.TrimSpace(g.Subject))
	return subject[:min(len(subject), maxSubject)]
}

func (g Guess) pair() name    { return name{"pair " + string(g.Kind), g.Network + "\x00" + g.subject()} }
func (g Guess) network() name { return name{"network " + string(g.Kind), g.Network} }
func (g Guess) wide() name    { return name{"subject " + string(g.Kind), g.subject()} }
func (g Guess) friend() name {
	return name{"friend " + string(g.Kind), g.Network + "\x00" + g.subject()}
}

// Attempt counts a guess, before it is looked at. It returns a reply.TooMany
// when there were too many, and another error when it cannot be counted: the
// guess must not be looked at then.
func (l *Limiter) Attempt(ctx context.Context, g Guess) error {
	// A refusal that is known is repeated without asking: a flood of guesses
	// costs the database nothing.
	for _, key := range []name{g.pair(), g.network()} {
		if wait := l.waiting(key); wait > 0 {
			return tooMany(wait)
		}
	}
	names, charges := l.charges(g)
	ctx, cancel := context.WithTimeout(ctx, l.strictTime)
	defer cancel()
	refusal, err := l.store.Take(ctx, l.now(), charges...)
	if err != nil {
		return reply.New(http.StatusServiceUnavailable, "uncounted",
			"Attempts cannot be counted at the moment, so none is taken. Try again in a few seconds.").After(strictTime).Because(err)
	}
	if refusal == nil {
		return nil
	}
	// The wide limit does not hold for everybody, so it is kept in mind for this
	// pair alone.
	key := names[refusal.Charge]
	if key == g.wide() {
		key = g.pair()
	}
	l.refuse(key, refusal.Wait)
	return tooMany(refusal.Wait)
}

// charges are always in the same order, so that no two servers wait for each
// other.
func (l *Limiter) charges(g Guess) ([]name, []budget.Charge) {
	t := l.trials[g.Kind]
	var names []name
	var charges []budget.Charge
	add := func(n name, limit budget.Limit, unless []byte) {
		if limit.Burst > 0 {
			names = append(names, n)
			charges = append(charges, budget.Charge{Key: l.hash(n), N: 1, Limit: limit, Unless: unless})
		}
	}
	add(g.pair(), t.pair, nil)
	add(g.network(), t.network, nil)
	add(g.wide(), t.subject, l.hash(g.friend()))
	return names, charges
}

// Succeeded says that a guess was right: what its network tried at its subject
// is forgotten, and strangers who guess at it do not slow that network down. The
// network's count at all subjects stays: whoever has one account could clear it
// between guesses at the others.
func (l *Limiter) Succeeded(ctx context.Context, g Guess) {
	t := l.trials[g.Kind]
	settlement := budget.Settlement{Whole: [][]byte{l.hash(g.pair())}}
	if t.subject.Burst > 0 {
		settlement.Back = budget.Charge{Key: l.hash(g.wide()), N: 1, Limit: t.subject}
		settlement.Remember, settlement.Until = l.hash(g.friend()), l.now().Add(rememberFor)
	}
	l.forget(g.pair())
	// Whoever was right gets in even if this cannot be written.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.leaseTime)
	defer cancel()
	if err := l.store.Settle(ctx, settlement); err != nil {
		l.log.WarnContext(ctx, "a right answer still counts as a try", "error", err)
	}
}

// waiting returns how long a known refusal still holds.
func (l *Limiter) waiting(key name) time.Duration {
	e := l.known(key)
	if e == nil {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused(l.now())
}

// refuse keeps a refusal in mind.
func (l *Limiter) refuse(key name, wait time.Duration) {
	e := l.entry(key)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until = l.now().Add(wait)
}

// tooMany is the answer to too many guesses.
func tooMany(wait time.Duration) error {
	detail := "Too many attempts. Wait " + inWords(wait) + " and try again."
	return reply.New(http.StatusTooManyRequests, reply.TooMany.Code, detail).After(wait)
}
