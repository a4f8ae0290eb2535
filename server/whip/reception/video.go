package reception

import (
	"slices"
	"time"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// usualFrame is how long a picture lasts when nothing tells, in ticks.
const usualFrame = mux.VideoClock / 30

// picture is a frame with its place on the axis.
type picture struct {
	frame

	ext   int64
	place int64 // ns
}

// videoTrack is the reception of the pictures.
type videoTrack struct {
	clock     clock
	order     *reorder
	assembler assembler
	track     *mux.Track // of the last key frame
	queue     []picture  // the open fragment
	bytes     int
	// behind is by how many ns the track's tick 0 lies behind the audio's.
	behind int64
	// latest is the last place that was given away, and taken the one up to which
	// places were, when the pictures were last moved back at once.
	latest, taken int64

	slewAt  time.Time
	keyAt   time.Time // when the last key frame came
	askedAt time.Time
	// next is the tick of the file where the last written picture ends.
	next int64
	// usual is how long the last picture lasted, in ticks.
	usual int64
}

// pictures takes what is ready in the order it was sent.
func (r *Reception) pictures(now time.Time) {
	for r.video != nil {
		p, ok := r.video.order.pop(now)
		if !ok {
			return
		}
		for _, f := range r.video.assembler.add(p) {
			r.picture(f)
		}
	}
}

func (r *Reception) picture(f frame) {
	v := r.video
	p := picture{frame: f, ext: v.clock.extend(f.stamp, f.at)}
	if (!r.opened || r.resume) && !f.key {
		v.assembler.broken = true
		return
	}
	r.follow(f.at)
	p.place = v.put(p.ext, !r.opened || r.resume)
	resized := false
	if f.key {
		v.keyAt = f.at
		resized = v.track != nil && (v.track.Width != f.track.Width || v.track.Height != f.track.Height)
		v.track = f.track
	}
	switch {
	case !r.opened || r.resume:
		r.open(p.place)
	case len(v.queue) > 0:
		open := time.Duration(p.place - v.queue[0].place)
		if open >= maxOpen || f.key && (resized || open >= minOpen) || v.bytes > maxQueued {
			r.cut(&p)
		}
	}
	v.queue = append(v.queue, p)
	v.bytes += len(p.data)
}

// put finds a picture's place. What would come before others that were shown follows
// them at once, until it has caught up; pictures that are only sent in another order
// than they are shown lie behind all that.
func (v *videoTrack) put(ext int64, first bool) int64 {
	place := v.clock.ns(ext) + v.behind
	switch {
	case first:
		v.latest, v.taken = place, place-1
	case place <= v.taken:
		v.taken += catchUp.Nanoseconds()
		place = v.taken
	}
	v.latest = max(v.latest, place)
	return place
}

// cut ends the open fragment where a picture begins.
func (r *Reception) cut(p *picture) {
	v := r.video
	if r.file == nil { // by now the reports are there, which the first pictures had to do without
		if behind, ok := r.shift(); ok {
			late := behind - v.behind
			v.behind = behind
			v.latest += late
			v.taken += late
			r.origin += late
			p.place += late
			for i := range v.queue {
				v.queue[i].place += late
			}
		}
	}
	r.flush(p.place, false)
}

func (r *Reception) shift() (int64, bool) {
	if r.audio == nil {
		return 0, false
	}
	return shift(&r.video.clock, &r.audio.clock)
}

// follow moves the pictures towards where the audio is.
func (r *Reception) follow(now time.Time) {
	v := r.video
	target, ok := r.shift()
	if !ok {
		return
	}
	off := target - v.behind
	if r.opened && !r.resume && off < leap.Nanoseconds() && off > -leap.Nanoseconds() {
		most := max(now.Sub(v.slewAt).Nanoseconds(), 0) / slew
		off = min(max(off, -most), most)
	} else if off < 0 {
		v.taken = max(v.taken, v.latest)
	}
	v.behind += off
	v.slewAt = now
}

// endsAt is where the last picture ends, on the axis.
func (v *videoTrack) endsAt() int64 {
	if len(v.queue) == 0 {
		return 0
	}
	latest := slices.MaxFunc(v.queue, func(a, b picture) int { return int(a.place - b.place) })
	lasts := min(max(v.usual, 1), mux.VideoClock)
	if n := len(v.queue); n > 1 && v.usual == 0 {
		lasts = min(max(v.queue[n-1].ext-v.queue[n-2].ext, 1), mux.VideoClock)
	} else if v.usual == 0 {
		lasts = usualFrame
	}
	return latest.place + v.clock.ns(lasts)
}

// samples takes the open fragment, which ends at a moment of the axis.
func (v *videoTrack) samples(origin, until int64) []mux.Sample {
	queue := v.queue
	v.queue, v.bytes = nil, 0
	if len(queue) == 0 {
		return nil
	}
	shown := make([]int64, len(queue))
	for i, p := range queue {
		shown[i] = max(ticksAt(p.place-origin, mux.VideoClock), 0)
	}
	decoded := slices.Clone(shown)
	slices.Sort(decoded) // pictures are sent in the order of decoding
	list := make([]mux.Sample, len(queue))
	for i, p := range queue {
		decoded[i] = max(decoded[i], v.next)
		v.next = decoded[i] + 1
		list[i] = mux.Sample{DTS: decoded[i], Offset: shown[i] - decoded[i], Key: p.key, Data: p.data}
		if i > 0 {
			list[i-1].Duration = decoded[i] - decoded[i-1]
		}
	}
	if slices.IsSorted(shown) { // as nearly always: then a time that was moved is moved for good
		for i := range list {
			list[i].Offset = 0
		}
	}
	last := &list[len(list)-1]
	v.next = max(ticksAt(until-origin, mux.VideoClock), last.DTS+1)
	last.Duration = v.next - last.DTS
	if n := len(list); n > 1 {
		v.usual = list[n-2].Duration
	}
	return list
}

// ticksAt rounds a time to the next tick.
func ticksAt(ns, clock int64) int64 {
	second := int64(time.Second)
	whole, rest := ns/second, ns%second
	return whole*clock + (rest*clock+second/2)/second
}
