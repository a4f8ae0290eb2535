package reception

import (
	"time"

	"github.com/pion/rtp"
)

// Bounds of what waits for a packet that is missing.
const (
	maxWaiting      = 4096
	maxWaitingBytes = 8 << 20
	// askAgain is when a packet is asked for once more: about a round trip.
	askAgain = 100 * time.Millisecond
	// maxAsked bounds what is asked for at once.
	maxAsked = 256
	// farAhead is a sequence number that is no gap but another stream, if the
	// next packet agrees (RFC 3550, A.1).
	farAhead = 3000
)

// arrived is a packet and when it came.
type arrived struct {
	*rtp.Packet

	at time.Time
	// lost says that packets before this one were given up.
	lost bool
}

// reorder puts packets into the order they were sent in. It waits for a missing
// one for as long as its patience lasts, in which it may be sent again, and no
// longer; its memory is bounded.
type reorder struct {
	patience time.Duration
	waiting  map[uint16]arrived
	bytes    int
	next     uint16
	highest  uint16 // of what waits
	asked    map[uint16]time.Time
	started  bool
	lost     bool
	// odd is the number that would follow the last packet that was far off.
	odd    uint16
	hasOdd bool
}

func newReorder(patience time.Duration) *reorder {
	return &reorder{patience: patience, waiting: map[uint16]arrived{}, asked: map[uint16]time.Time{}}
}

// push takes a packet.
func (r *reorder) push(p *rtp.Packet, at time.Time) {
	if !r.started {
		r.started, r.next = true, p.SequenceNumber
	}
	ahead := int16(p.SequenceNumber - r.next)
	if ahead >= farAhead || ahead <= -farAhead {
		if !r.hasOdd || p.SequenceNumber != r.odd {
			r.odd, r.hasOdd = p.SequenceNumber+1, true
			return
		}
		clear(r.waiting)
		clear(r.asked)
		r.bytes, r.next, r.lost, ahead = 0, p.SequenceNumber, true, 0
	}
	r.hasOdd = false
	if ahead < 0 {
		return // too late, or twice
	}
	if _, twice := r.waiting[p.SequenceNumber]; twice {
		return
	}
	r.waiting[p.SequenceNumber] = arrived{Packet: p, at: at}
	r.bytes += len(p.Payload)
	if len(r.waiting) == 1 || int16(p.SequenceNumber-r.highest) > 0 {
		r.highest = p.SequenceNumber
	}
}

// missing lists what should be asked for again now.
func (r *reorder) missing(now time.Time) (list []uint16) {
	if len(r.waiting) == 0 {
		return nil
	}
	for seq := r.next; seq != r.highest && len(list) < maxAsked; seq++ {
		if _, here := r.waiting[seq]; here {
			continue
		}
		if last, ok := r.asked[seq]; !ok || now.Sub(last) >= askAgain {
			r.asked[seq] = now
			list = append(list, seq)
		}
	}
	return list
}

// pop hands out the next packet that is ready.
func (r *reorder) pop(now time.Time) (arrived, bool) {
	if len(r.waiting) == 0 {
		return arrived{}, false
	}
	p, ok := r.waiting[r.next]
	if !ok {
		seq := r.next
		for !ok {
			seq++
			p, ok = r.waiting[seq]
		}
		full := len(r.waiting) > maxWaiting || r.bytes > maxWaitingBytes
		if now.Sub(p.at) < r.patience && !full {
			return arrived{}, false
		}
		for ; r.next != seq; r.next++ {
			delete(r.asked, r.next)
		}
		r.lost = true
	}
	delete(r.waiting, r.next)
	delete(r.asked, r.next)
	r.next++
	r.bytes -= len(p.Payload)
	p.lost, r.lost = r.lost, false
	return p, true
}
