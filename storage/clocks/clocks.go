// Package clocks goes by the clock of another machine – of the database, of the store
// of media – whose answers say how far this machine's is from it.
package clocks

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// slack is what two clocks may differ by without any harm; time does not step for
	// less.
	slack = 100 * time.Millisecond
	// worry is what whoever runs the server should know of.
	worry = 5 * time.Second
)

// Clock is another machine's clock. Until that was heard it is this machine's.
type Clock struct {
	here func() time.Time
	// slack is how exact the other's answers are.
	slack time.Duration
	log   *slog.Logger

	mu    sync.Mutex
	heard bool
	// ahead is how far the other is ahead of this machine.
	ahead time.Duration
}

// OfDatabase is the clock of the database, for a machine whose own is here; nil is
// time.Now. The log says when they are far apart.
func OfDatabase(here func() time.Time, log *slog.Logger) *Clock {
	return &Clock{here: orNow(here), slack: slack, log: log}
}

// OfHTTP is the clock of a server of HTTP, whose answers name full seconds.
func OfHTTP(here func() time.Time) *Clock {
	return &Clock{here: orNow(here), slack: 2 * time.Second, log: slog.New(slog.DiscardHandler)}
}

func orNow(here func() time.Time) func() time.Time {
	if here == nil {
		return time.Now
	}
	return here
}

// Here is the time by this machine's own clock.
func (c *Clock) Here() time.Time { return c.here() }

// Now is the time by the other's.
func (c *Clock) Now() time.Time { return c.There(c.here()) }

// There is what the other's clock says when this machine's says t.
func (c *Clock) There(t time.Time) time.Time { return t.Add(c.difference()) }

// Back is what this machine's clock says when the other's says t.
func (c *Clock) Back(t time.Time) time.Time { return t.Add(-c.difference()) }

func (c *Clock) difference() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}

// Known says whether the other was heard.
func (c *Clock) Known() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard
}

// Heard takes note of what the other's clock said in answer to what was asked when
// Here was asked.
func (c *Clock) Heard(ctx context.Context, asked, there time.Time) {
	took := c.here().Sub(asked)
	ahead := there.Sub(asked.Add(took / 2))
	if c.step(ahead, max(c.slack, took)) && ahead.Abs() >= worry {
		c.log.WarnContext(ctx, "this machine's clock is not the database's, which counts; set it by NTP", "database_ahead", ahead.Round(time.Millisecond).String())
	}
}

// step moves the clock unless it was as right as can be told.
func (c *Clock) step(ahead, slack time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = true
	if (ahead - c.ahead).Abs() <= slack {
		return false
	}
	c.ahead = ahead
	return true
}
