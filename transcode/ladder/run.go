package ladder

import (
	"encoding/binary"
	"fmt"
)

// run is a trun box taken apart: what stands before the samples, and for each
// sample its duration and the other fields as they were.
type run struct {
	head      []byte
	flags     uint32
	durations []uint32
	others    [][]byte
}

func readRun(trun []byte, fallback uint32) (*run, error) {
	r := &run{flags: binary.BigEndian.Uint32(trun[8:]) & 0xffffff}
	count := int(binary.BigEndian.Uint32(trun[12:]))
	head := 16
	for _, flag := range []uint32{trunOffset, trunFirst} {
		if r.flags&flag != 0 {
			head += 4
		}
	}
	width := 0
	for _, flag := range []uint32{trunSize, trunFlags, trunCTS} {
		if r.flags&flag != 0 {
			width += 4
		}
	}
	entry := width
	if r.flags&trunDuration != 0 {
		entry += 4
	}
	if count == 0 || r.flags&trunOffset == 0 || head+count*entry != len(trun) {
		return nil, fmt.Errorf("%w: trun of %d samples, flags %x", errLayout, count, r.flags)
	}
	r.head = trun[:head]
	for i := range count {
		at := head + i*entry
		duration := fallback
		if entry > width {
			duration = binary.BigEndian.Uint32(trun[at:])
		}
		r.durations = append(r.durations, duration)
		r.others = append(r.others, trun[at+entry-width:at+entry])
	}
	return r, nil
}

// splice writes the run, with a duration for each sample, back into moof and
// corrects the sizes around it.
func splice(moof []byte, traf, trun tailBox, r *run) []byte {
	box := append([]byte(nil), r.head...)
	for i, other := range r.others {
		box = append(binary.BigEndian.AppendUint32(box, r.durations[i]), other...)
	}
	grown := len(box) - int(trun.size)
	binary.BigEndian.PutUint32(box, uint32(len(box)))
	binary.BigEndian.PutUint32(box[8:], binary.BigEndian.Uint32(box[8:])|trunDuration)
	binary.BigEndian.PutUint32(box[16:], binary.BigEndian.Uint32(box[16:])+uint32(grown))

	out := append([]byte(nil), moof[:trun.offset]...)
	out = append(out, box...)
	out = append(out, moof[trun.offset+trun.size:]...)
	for _, at := range []int64{0, traf.offset} {
		binary.BigEndian.PutUint32(out[at:], binary.BigEndian.Uint32(out[at:])+uint32(grown))
	}
	return out
}
