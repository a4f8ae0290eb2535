package reception

import "time"

const (
	// jump is how far RTP timestamps may stray from the time that has passed since
	// the first, beside a thousandth of it, before one counts as a new beginning,
	// which is put where the old one ended.
	jump      = 10 * time.Second
	mostDrift = 1000
	// transitWindow is how long the quickest arrival is remembered. Clocks drift
	// a millisecond in it.
	transitWindow = 5 * time.Second
	// believable is how far sender reports may put a track from where its
	// packets arrive.
	believable = 2 * time.Second
)

// clock follows the time of one track: its RTP timestamps, its sender's reports
// and the arrival of its packets.
type clock struct {
	rate    int64 // ticks a second
	started bool
	last    uint32
	ext     int64 // last, in ticks since the first
	lastAt  time.Time
	firstAt time.Time

	// arrival is when the track's tick 0 would have arrived at the quickest, in
	// ns of our clock, within this window and the one before.
	arrival, before     int64
	windowAt            time.Time
	hasArrival, hasPrev bool

	// sent is when the track's tick 0 was taken, in ns of the sender's clock.
	sent    int64
	hasSent bool
	// early is a report that came before the first packet.
	earlyNTP   uint64
	earlyStamp uint32
}

// ns converts ticks.
func (c *clock) ns(ticks int64) int64 {
	whole, rest := ticks/c.rate, ticks%c.rate
	return whole*int64(time.Second) + rest*int64(time.Second)/c.rate
}

// extend turns an RTP timestamp into ticks since the first.
func (c *clock) extend(stamp uint32, at time.Time) int64 {
	if !c.started {
		c.started, c.last, c.lastAt, c.firstAt = true, stamp, at, at
		c.report(c.earlyNTP, c.earlyStamp)
	}
	step := int64(int32(stamp - c.last))
	passed := at.Sub(c.firstAt)
	if off := time.Duration(c.ns(c.ext+step)) - passed; off.Abs() > jump+passed/mostDrift {
		step = max(ticksAt(at.Sub(c.lastAt).Nanoseconds(), c.rate), 0)
		c.forget()
	}
	c.ext += step
	c.last, c.lastAt = stamp, at
	c.arrive(at)
	return c.ext
}

// forget drops what is known about where the track lies beside others.
func (c *clock) forget() { c.hasArrival, c.hasPrev, c.hasSent = false, false, false }

func (c *clock) arrive(at time.Time) {
	zero := at.UnixNano() - c.ns(c.ext)
	switch {
	case !c.hasArrival:
		c.arrival, c.hasArrival, c.windowAt = zero, true, at
	case at.Sub(c.windowAt) > transitWindow:
		c.before, c.hasPrev = c.arrival, true
		c.arrival, c.windowAt = zero, at
	default:
		c.arrival = min(c.arrival, zero)
	}
}

// quickest is when tick 0 would have arrived.
func (c *clock) quickest() int64 {
	if c.hasPrev {
		return min(c.arrival, c.before)
	}
	return c.arrival
}

// report takes an RTCP sender report: the sender's wall clock (NTP, 32.32 s) at
// an RTP timestamp.
func (c *clock) report(ntp uint64, stamp uint32) {
	if ntp == 0 {
		return // it knows no time
	}
	if !c.started {
		c.earlyNTP, c.earlyStamp = ntp, stamp
		return
	}
	wall := int64(ntp>>32)*int64(time.Second) + int64(ntp&0xFFFFFFFF)*int64(time.Second)>>32
	c.sent = wall - c.ns(c.ext+int64(int32(stamp-c.last)))
	c.hasSent = true
}

// shift tells by how many ns tick 0 of a track lies behind tick 0 of another.
// The sender's reports know it exactly; the quickest arrivals know it roughly.
func shift(of, behind *clock) (ns int64, ok bool) {
	if !of.hasArrival || !behind.hasArrival {
		return 0, false
	}
	rough := of.quickest() - behind.quickest()
	if of.hasSent && behind.hasSent {
		exact := of.sent - behind.sent
		if off := time.Duration(exact - rough); off < believable && off > -believable {
			return exact, true
		}
	}
	return rough, true
}
