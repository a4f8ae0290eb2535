package reception

import (
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

const (
	// silence is 20 ms of it, in stereo: what Opus encoders make of nothing.
	silence      = "\xFC\xFF\xFE"
	silentTicks  = mux.AudioClock / 50
	slack        = mux.AudioClock / 200 // times that differ by less are the same
	lag          = mux.AudioClock / 2   // how far audio may be late before silence takes its place
	lagFill      = mux.AudioClock / 4   // and how far before the pictures that ends
	maxOpusTicks = mux.AudioClock * 120 / 1000
	// maxSounds bounds what waits for a picture: 30 s of packets.
	maxSounds = 30 * 50
)

// sound is an Opus packet with its place on the axis.
type sound struct {
	at    int64 // ns
	came  time.Time
	ticks int64
	data  []byte
}

// audioTrack is the reception of the sound.
type audioTrack struct {
	clock clock
	order *reorder
	queue []sound
	// next is the tick of the file where the written audio ends.
	next int64
}

// sounds takes what is ready in the order it was sent.
func (r *Reception) sounds(now time.Time) {
	for r.audio != nil {
		p, ok := r.audio.order.pop(now)
		if !ok {
			return
		}
		at := r.audio.clock.extend(p.Timestamp, p.at)
		ticks := opus.PacketDuration2(p.Payload)
		if len(p.Payload) == 0 || ticks <= 0 || ticks > maxOpusTicks {
			continue
		}
		r.sound(sound{at: r.audio.clock.ns(at), came: p.at, ticks: ticks, data: p.Payload})
	}
}

func (r *Reception) sound(s sound) {
	a := r.audio
	if len(a.queue) >= maxSounds {
		a.queue = a.queue[1:]
	}
	a.queue = append(a.queue, s)
	switch {
	case r.video == nil && (!r.opened || r.resume):
		r.open(a.queue[0].at)
	case !r.opened || r.resume:
	case r.video == nil && a.endsAt()-a.queue[0].at >= soundOpen.Nanoseconds():
		r.flush(a.endsAt(), false)
	case r.video != nil:
		from := r.origin + r.ended
		if a.endsAt()-max(from, r.video.lastPlace()) >= maxStill.Nanoseconds() {
			r.flush(max(a.endsAt()-stillMargin.Nanoseconds(), r.video.lastPlace()+1), false)
		}
	}
}

// lastPlace is where the last picture is, on the axis.
func (v *videoTrack) lastPlace() int64 {
	if len(v.queue) == 0 {
		return 0
	}
	return v.queue[len(v.queue)-1].place
}

// waits is how long the oldest sound has been waiting.
func (a *audioTrack) waits(now time.Time) time.Duration {
	if len(a.queue) == 0 {
		return 0
	}
	return now.Sub(a.queue[0].came)
}

// endsAt is where the last sound ends, on the axis.
func (a *audioTrack) endsAt() int64 {
	if len(a.queue) == 0 {
		return 0
	}
	last := a.queue[len(a.queue)-1]
	return last.at + a.clock.ns(last.ticks)
}

func (a *audioTrack) dropBefore(at int64) {
	n := 0
	for n < len(a.queue) && a.queue[n].at < at-a.clock.ns(slack) {
		n++
	}
	a.queue = a.queue[n:]
}

// samples takes what lies before a moment of the axis, without gaps. fill says
// that silence takes the place of what is very late.
func (a *audioTrack) samples(origin, until int64, fill bool) []mux.Sample {
	var list []mux.Sample
	heard := a.next > 0
	for len(a.queue) > 0 && a.queue[0].at < until {
		s := a.queue[0]
		a.queue = a.queue[1:]
		at := ticksAt(s.at-origin, mux.AudioClock)
		if at < a.next-slack {
			continue // silence has taken its place, or it was cut off
		}
		if at > a.next+slack {
			list = a.hush(list, at)
		}
		list = append(list, mux.Sample{DTS: a.next, Duration: s.ticks, Key: true, Data: s.data})
		a.next += s.ticks
		heard = true
	}
	if end := ticksAt(until-origin, mux.AudioClock); fill && heard && end-a.next > lag {
		list = a.hush(list, end-lagFill)
	}
	return list
}

// hush adds silence up to a tick of the file. What is less than a packet is
// added to the one before.
func (a *audioTrack) hush(list []mux.Sample, until int64) []mux.Sample {
	for ; until-a.next >= silentTicks; a.next += silentTicks {
		list = append(list, mux.Sample{DTS: a.next, Duration: silentTicks, Key: true, Data: []byte(silence)})
	}
	if rest := until - a.next; rest > 0 {
		if len(list) > 0 {
			list[len(list)-1].Duration += rest
		}
		a.next = until
	}
	return list
}
