// Package reception turns the RTP packets of one peer into a file that grows:
// packets are put into order, joined to frames, given times on one axis, and
// written as fragments that begin on a key frame.
//
// Time is that of the audio track, whose samples are never stretched; pictures
// are put beside them by RTCP sender reports, and follow slowly when the two
// clocks drift apart. Lost audio becomes silence. A lost picture takes with it
// all that refer to it, up to the next key frame, which is asked for at once.
//
// Nothing here waits or knows what time it is: callers pass the time in, from one
// goroutine.
package reception

import (
	"time"

	"github.com/pion/rtp"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

const (
	// videoPatience is how long a missing packet of video may take to be sent
	// again; only the live edge waits for it.
	videoPatience = 1500 * time.Millisecond
	// audioPatience is the same for audio, which is not sent again.
	audioPatience = 300 * time.Millisecond

	// minOpen is the shortest fragment that a key frame ends.
	minOpen = 800 * time.Millisecond
	// maxOpen ends a fragment without a key frame: what a crash loses is no more.
	maxOpen = 2050 * time.Millisecond
	// soundOpen is how long the fragments of a recording without pictures are.
	soundOpen = 2 * time.Second
	// maxStill is how long audio goes on without a picture before it is written
	// all the same, and stillMargin how much of it waits for one that is late.
	maxStill    = 3 * time.Second
	stillMargin = 500 * time.Millisecond
	// maxFirst is how long audio waits for the first picture.
	maxFirst = 10 * time.Second

	// keyAge is when the next key frame is asked for, so that it is there before
	// maxOpen, and keyAgain when it is asked for once more.
	keyAge   = 1600 * time.Millisecond
	keyAgain = 500 * time.Millisecond

	// outage is a silence of all tracks that is cut out of the recording.
	outage = 5 * time.Second
	// rest is the same once a pause has been told of, and pauseGoes how long
	// packets may still come then: a sender that goes on has not paused.
	rest      = 300 * time.Millisecond
	pauseGoes = 2 * time.Second

	// slew is how fast pictures follow the clock: a fortieth of the time.
	slew = 40
	// leap is a difference that is not followed but taken at once.
	leap = time.Second
	// catchUp is how long each picture lasts that is late for that reason.
	catchUp = time.Millisecond

	// maxQueued bounds the bytes of an open fragment.
	maxQueued = 24 << 20
)

// Options say what is received.
type Options struct {
	// Video is the codec of the pictures, "" if there are none.
	Video mux.Codec
	// Audio says that Opus is expected.
	Audio bool
	// ParameterSets are those that the offer told (H.264's sprop-parameter-sets).
	ParameterSets [][]byte
	// Write takes the next bytes of the file: whole fragments.
	Write func(chunk []byte)
}

// Reception is one recording.
type Reception struct {
	write func([]byte)
	video *videoTrack
	audio *audioTrack
	file  mux.Writer

	// origin is the moment of the axis that is 0 in the file, in ns.
	origin int64
	// ended is where the file ends, in ns of its own time.
	ended int64
	// opened says that origin is known.
	opened bool
	// resume says that what comes next continues the file after an outage.
	resume bool
	last   time.Time
	// pausedAt is when the sender said that it pauses, until something comes again.
	pausedAt time.Time
}

// New begins a recording.
func New(o Options) *Reception {
	r := &Reception{write: o.Write}
	if o.Video != "" {
		r.video = &videoTrack{
			clock: clock{rate: mux.VideoClock}, order: newReorder(videoPatience),
			assembler: assembler{parts: newDepacketizer(o.Video, o.ParameterSets), broken: true},
		}
	}
	if o.Audio {
		r.audio = &audioTrack{clock: clock{rate: mux.AudioClock}, order: newReorder(audioPatience)}
	}
	return r
}

// Video takes a packet of the pictures. It is kept.
func (r *Reception) Video(p *rtp.Packet, now time.Time) {
	if r.video == nil {
		return
	}
	r.arrived(now)
	r.video.order.push(p, now)
	r.pictures(now)
}

// Audio takes a packet of the sound. It is kept.
func (r *Reception) Audio(p *rtp.Packet, now time.Time) {
	if r.audio == nil {
		return
	}
	r.arrived(now)
	r.audio.order.push(p, now)
	r.sounds(now)
}

func (r *Reception) arrived(now time.Time) {
	r.last = now
	if r.Paused() && !r.resume && now.Sub(r.pausedAt) > pauseGoes {
		r.pausedAt = time.Time{}
	}
}

// Pause says that the sender will send nothing for a while: that is no part of the recording.
func (r *Reception) Pause(now time.Time) { r.pausedAt = now }

// Paused says that the sender pauses.
func (r *Reception) Paused() bool { return !r.pausedAt.IsZero() }

// VideoReport takes an RTCP sender report of the pictures.
func (r *Reception) VideoReport(ntp uint64, stamp uint32) {
	if r.video != nil {
		r.video.clock.report(ntp, stamp)
	}
}

// AudioReport takes an RTCP sender report of the sound.
func (r *Reception) AudioReport(ntp uint64, stamp uint32) {
	if r.audio != nil {
		r.audio.clock.report(ntp, stamp)
	}
}

// Tick lets time pass: it is to be called every tenth of a second or so.
func (r *Reception) Tick(now time.Time) {
	r.pictures(now)
	r.sounds(now)
	quiet := outage
	if r.Paused() {
		quiet = rest
	}
	switch {
	case r.last.IsZero():
	case now.Sub(r.last) >= quiet && !r.resume:
		r.drain(now)
		r.interrupt()
	case r.video != nil && (!r.opened || r.resume) && r.audio != nil && r.audio.waits(now) >= maxFirst:
		if !r.opened {
			r.video = nil // no picture came: it is a recording of sound
		}
		r.open(r.audio.queue[0].at)
	}
}

// interrupt makes what comes next a new beginning. Some senders' timestamps
// stand still while nothing is sent, so the tracks are aligned anew.
func (r *Reception) interrupt() {
	r.resume = true
	if r.video != nil {
		r.video.assembler.broken = true
		r.video.clock.forget()
	}
	if r.audio != nil {
		r.audio.clock.forget()
	}
}

// End writes what is left.
func (r *Reception) End(now time.Time) { r.drain(now) }

// drain gives up what is missing and writes all that came.
func (r *Reception) drain(now time.Time) {
	r.pictures(now.Add(time.Hour))
	r.sounds(now.Add(time.Hour))
	if r.video == nil && !r.opened && r.audio != nil && len(r.audio.queue) > 0 {
		r.open(r.audio.queue[0].at)
	}
	if !r.opened {
		return
	}
	until := r.origin
	if r.video != nil {
		until = max(until, r.video.endsAt())
	}
	if r.audio != nil {
		until = max(until, r.audio.endsAt())
	}
	r.flush(until, true)
}

// Length is how much was recorded.
func (r *Reception) Length() time.Duration { return time.Duration(r.ended) }

// Started says that the file has begun.
func (r *Reception) Started() bool { return r.file != nil }

// MIME is the type of the file, once it has begun.
func (r *Reception) MIME() string { return r.file.MIME() }

// Missing lists the packets of the pictures that should be sent again.
func (r *Reception) Missing(now time.Time) []uint16 {
	if r.video == nil {
		return nil
	}
	return r.video.order.missing(now)
}

// WantsKey says that a key frame should be asked for now.
func (r *Reception) WantsKey(now time.Time) bool {
	v := r.video
	if v == nil || !v.clock.started && !v.order.started {
		return false
	}
	if !v.assembler.broken && now.Sub(v.keyAt) < keyAge || now.Sub(v.askedAt) < keyAgain {
		return false
	}
	v.askedAt = now
	return true
}

// open fixes what is 0 in the file; after an outage, what is now is where it ended.
func (r *Reception) open(at int64) {
	r.origin = at - r.ended
	r.opened, r.resume, r.pausedAt = true, false, time.Time{}
	if r.audio != nil {
		r.audio.dropBefore(at)
	}
}

// flush writes what lies before a moment of the axis. final says that nothing
// follows for now, so silence needs no filling.
func (r *Reception) flush(until int64, final bool) {
	var f mux.Fragment
	if r.video != nil {
		f.Video = r.video.samples(r.origin, until)
	}
	if r.audio != nil {
		f.Audio = r.audio.samples(r.origin, until, r.hasAudio() && !final && r.video != nil)
	}
	if f.Empty() {
		return
	}
	var chunk []byte
	if r.file == nil {
		r.file = mux.New(r.videoHeader(), r.audioHeader(len(f.Audio) > 0))
		chunk = r.file.Header()
	}
	if !r.hasAudio() {
		f.Audio = nil
	}
	r.ended = max(r.ended, until-r.origin)
	if next := r.file.Fragment(f); chunk == nil {
		chunk = next
	} else {
		chunk = append(chunk, next...)
	}
	r.write(chunk)
}

func (r *Reception) videoHeader() *mux.Track {
	if r.video == nil {
		return nil
	}
	return r.video.track
}

// audioHeader declares the audio track if there is any audio when the file
// begins: players wait for ever for a track that stays empty.
func (r *Reception) audioHeader(heard bool) *mux.Track {
	if !heard {
		r.audio = nil
		return nil
	}
	return &mux.Track{Codec: mux.Opus, Channels: 2}
}

// hasAudio says that the file has, or may still get, an audio track.
func (r *Reception) hasAudio() bool { return r.audio != nil }
