package reception

import (
	"errors"
	"time"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// maxFrame bounds one frame: a key frame of a 4K screen has some hundreds of kB.
const maxFrame = 4 << 20

var errDamaged = errors.New("reception: a packet makes no sense")

// frame is one picture as its container keeps it.
type frame struct {
	stamp uint32 // RTP timestamp
	at    time.Time
	key   bool
	data  []byte
	// track describes the pictures from here on; key frames have one.
	track *mux.Track
}

// depacketizer joins the payloads of one frame.
type depacketizer interface {
	// add takes the next payload of the frame.
	add(payload []byte) error
	// take ends the frame and tells it. data is nil if there is no picture in it.
	take() (f frame, err error)
}

func newDepacketizer(codec mux.Codec, parameterSets [][]byte) depacketizer {
	switch codec {
	case mux.H264:
		return newH264(parameterSets)
	case mux.VP8:
		return &vp8{}
	case mux.VP9:
		return &vp9{}
	default:
		return &av1{}
	}
}

// assembler makes frames of packets in order. After a loss it passes over
// everything up to the next key frame: nothing that cannot be decoded comes out.
type assembler struct {
	parts depacketizer
	open  bool
	stamp uint32
	at    time.Time
	// tainted says that something of the open frame is missing.
	tainted bool
	// broken says that pictures refer to something that was lost, until a key frame.
	broken bool
}

// add takes a packet and returns the frames that it completes.
func (a *assembler) add(p arrived) []frame {
	var done []frame
	if p.lost {
		if a.open {
			_, _ = a.parts.take()
		}
		a.open, a.broken = false, true
	}
	if len(p.Payload) == 0 {
		return nil // padding, by which senders try out the line
	}
	if a.open && p.Timestamp != a.stamp {
		done = a.finish(done)
	}
	if !a.open {
		// Whether the frame begins here cannot be told after a loss.
		a.open, a.stamp, a.at, a.tainted = true, p.Timestamp, p.at, p.lost
	}
	if !a.tainted && a.parts.add(p.Payload) != nil {
		a.tainted = true
	}
	if p.Marker {
		done = a.finish(done)
	}
	return done
}

func (a *assembler) finish(done []frame) []frame {
	a.open = false
	f, err := a.parts.take()
	switch {
	case a.tainted || err != nil:
		a.broken = true
		return done
	case f.data == nil:
		return done
	case f.key:
		a.broken = false
	case a.broken:
		return done
	}
	f.stamp, f.at = a.stamp, a.at
	return append(done, f)
}
