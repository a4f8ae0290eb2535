// Package segment keeps what playlists say of a video's segments: where their
// bytes lie and when they play.
//
// Each segment has a row, or an entry of a track, with its table of samples. A
// playlist of hours would read some MB of those, so a span, and each rung of it,
// also holds its segments packed, without samples: some ten bytes each.
package segment

import (
	"encoding/binary"
	"errors"
	"time"
)

// Segment is a stretch of an object, or of a source, that can be decoded by
// itself.
type Segment struct {
	Offset   int64         `json:"o"`
	Length   int64         `json:"l"`
	Start    time.Duration `json:"s"`
	Duration time.Duration `json:"d"`
	// Samples is container.Fragment.Samples of this segment.
	Samples []byte `json:"t,omitempty"`
}

// fields is how many numbers of a segment are packed, each in a byte at least.
const fields = 4

var errPacked = errors.New("segment: what is packed is damaged")

// Pack writes segments without their samples: as variable-length numbers, how far
// each one's bytes and time lie behind the end of the one before, how many bytes it
// has, and how much longer than the one before it lasts. Most often that is one
// number and three zeros.
func Pack(segments []Segment) []byte {
	var packed []byte
	var last Segment
	for _, s := range segments {
		offset, start := last.end()
		for _, n := range [fields]int64{s.Offset - offset, s.Length, int64(s.Start - start), int64(s.Duration - last.Duration)} {
			packed = binary.AppendVarint(packed, n)
		}
		last = s
	}
	return packed
}

// Unpack appends what Pack has written to a list.
func Unpack(list []Segment, packed []byte) ([]Segment, error) {
	var last Segment
	for len(packed) > 0 {
		var n [fields]int64
		for i := range n {
			number, size := binary.Varint(packed)
			if size <= 0 {
				return nil, errPacked
			}
			n[i], packed = number, packed[size:]
		}
		offset, start := last.end()
		last = Segment{Offset: offset + n[0], Length: n[1], Start: start + time.Duration(n[2]), Duration: last.Duration + time.Duration(n[3])}
		list = append(list, last)
	}
	return list, nil
}

// end is where the bytes and the time of the segment end.
func (s Segment) end() (offset int64, at time.Duration) {
	return s.Offset + s.Length, s.Start + s.Duration
}
