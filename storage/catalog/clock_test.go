package catalog_test

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/people"
)

// clock is a time that tests move by hand.
type clock struct{ us atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.us.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.us.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

func person(name string) people.NewAccount {
	return people.NewAccount{Name: name, Email: strings.ToLower(name) + "@example.org", PasswordHash: "hash of " + name}
}
