package reception

import "time"

const (
	// jump is how far RTP timestamps may stray from the time that has passed since
	// the first, beside a thousandth of it, before one counts as a new beginning,
	// which is put where the old one ended.
	jump      = 10 * time.Second
	mostDrift = 1000
	// transitWindow is how long the quickest arrival is remembered. Clocks drift
	// a millisecond in it. All tracks' windows begin at once.
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

	// arrival is when the track's tick 0 would have arrived at the quickest within
	// this window, before the same within the one before it.
	arrival, before earliest
	window          int64

	// sent is when the track's tick 0 was taken, in ns of the sender's clock.
	sent    int64
	hasSent bool
	// early is a report that came before the first packet.
	earlyNTP   uint64
	earlyStamp uint32
}

// earliest is in ns of our clock, if it is known.
type earliest struct {
	ns    int64
	known bool
}

func (m earliest) orEarlier(n earliest) earliest {
	if !m.known || n.known && n.ns < m.ns {
		return n
	}
	return m
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
func (c *clock) forget() { c.arrival, c.before, c.hasSent = earliest{}, earliest{}, false }

func (c *clock) arrive(at time.Time) {
	c.roll(at.UnixNano() / int64(transitWindow))
	c.arrival = c.arrival.orEarlier(earliest{at.UnixNano() - c.ns(c.ext), true})
}

// roll begins a window.
func (c *clock) roll(window int64) {
	switch window {
	case c.window:
		return
	case c.window + 1:
		c.before = c.arrival
	default:
		c.before = earliest{}
	}
	c.arrival, c.window = earliest{}, window
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
	window := max(of.window, behind.window)
	of.roll(window)
	behind.roll(window)
	a, b := of.arrival.orEarlier(of.before), behind.arrival.orEarlier(behind.before)
	switch now, then := of.arrival.known && behind.arrival.known, of.before.known && behind.before.known; {
	case now && !then: // a line may have become slow before one of them came again
		a, b = of.arrival, behind.arrival
	case then && !now:
		a, b = of.before, behind.before
	case !a.known || !b.known:
		return 0, false
	}
	rough := a.ns - b.ns
	if of.hasSent && behind.hasSent {
		exact := of.sent - behind.sent
		if off := time.Duration(exact - rough); off < believable && off > -believable {
			return exact, true
		}
	}
	return rough, true
}
