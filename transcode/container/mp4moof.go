package container

import (
	"encoding/binary"
	"errors"
)

var (
	errMoof        = errors.New("a fragment header of it is damaged")
	errFar         = errors.New("its fragments refer to data outside of them")
	errManySamples = errors.New("a fragment of it claims too many samples")
	errBox         = errors.New("a box of it is larger than the one around it")
)

// moofParser turns one moof into samples (ISO/IEC 14496-12, 8.8).
type moofParser struct {
	header *Header
	at     int64   // offset of the moof in the file
	next   []int64 // dts by track where the last moof ended; updated
	runs   [][]sample
	count  int
	need   int64 // where the farthest sample ends
	data   int64 // where the last traf's data ended
}

// traf is the state of one track fragment.
type traf struct {
	track           int
	base            int64 // where data offsets count from
	data            int64 // where the next run's data starts if it does not say
	dts             int64
	dur, size, flag uint32
}

func (p *moofParser) parse(body []byte) error {
	p.runs = make([][]sample, len(p.header.Tracks))
	p.data = p.at
	first := true
	return eachBox(body, func(kind string, b []byte) error {
		if kind != "traf" {
			return nil
		}
		err := p.traf(b, first)
		first = false
		return err
	})
}

// main tells whether the moof has samples of the main track, and whether the first is a key frame.
func (p *moofParser) main() (has, key bool) {
	if list := p.runs[p.header.Main()]; len(list) > 0 {
		return true, list[0].key
	}
	return false, false
}

func (p *moofParser) traf(b []byte, first bool) error {
	var t traf
	known := false
	err := eachBox(b, func(kind string, b []byte) (err error) {
		switch {
		case kind == "tfhd":
			t, known, err = p.tfhd(b, first)
		case kind == "tfdt" && known:
			if len(b) < 8 || b[0] == 1 && len(b) < 12 {
				return errMoof
			}
			t.dts = int64(binary.BigEndian.Uint32(b[4:]))
			if b[0] == 1 {
				t.dts = int64(min(binary.BigEndian.Uint64(b[4:]), endless))
			}
		case kind == "trun" && known:
			err = p.trun(&t, b)
		}
		return err
	})
	if err != nil {
		return err
	}
	if known && len(p.runs[t.track]) > 0 {
		p.next[t.track] = t.dts
	}
	p.data = t.data
	return nil
}

// tfhd reads a track fragment header. known is false for tracks that are not indexed.
func (p *moofParser) tfhd(b []byte, first bool) (t traf, known bool, err error) {
	r := fields{b: b}
	flags := r.u32() & 0xFFFFFF
	id := uint64(r.u32())
	for i := range p.header.Tracks {
		if p.header.Tracks[i].ID == id {
			track := &p.header.Tracks[i]
			t = traf{track: i, dur: track.DefaultDuration, size: track.DefaultSize, flag: track.DefaultFlags, dts: p.next[i]}
			known = true
		}
	}
	t.base = p.data
	if flags&0x020000 != 0 || first {
		t.base = p.at
	}
	if flags&0x1 != 0 {
		t.base = int64(min(r.u64(), endless))
	}
	if flags&0x2 != 0 {
		r.u32() // sample description index
	}
	if flags&0x8 != 0 {
		t.dur = r.u32()
	}
	if flags&0x10 != 0 {
		t.size = r.u32()
	}
	if flags&0x20 != 0 {
		t.flag = r.u32()
	}
	t.data = t.base
	if r.bad {
		return t, false, errMoof
	}
	return t, known, nil
}

// trun adds the samples of one run to its track.
func (p *moofParser) trun(t *traf, b []byte) error {
	r := fields{b: b}
	word := r.u32()
	flags, n := word&0xFFFFFF, r.u32()
	if flags&0x1 != 0 {
		t.data = t.base + int64(int32(r.u32()))
	}
	firstFlag, hasFirst := uint32(0), flags&0x4 != 0
	if hasFirst {
		firstFlag = r.u32()
	}
	if int64(n)+int64(p.count) > maxSamples {
		return errManySamples
	}
	for i := range n {
		s := sample{off: t.data, dts: t.dts}
		dur, size, flag := t.dur, t.size, t.flag
		if flags&0x100 != 0 {
			dur = r.u32()
		}
		if flags&0x200 != 0 {
			size = r.u32()
		}
		if flags&0x400 != 0 {
			flag = r.u32()
		}
		if i == 0 && hasFirst {
			flag = firstFlag
		}
		if flags&0x800 != 0 { // unsigned in version 0, but written signed by some
			s.cts = int64(int32(r.u32()))
		}
		if r.bad {
			return errMoof
		}
		s.dur, s.size = int64(dur), int64(size)
		s.key = flag&0x10000 == 0
		if s.off < p.at {
			return errFar
		}
		t.data += s.size
		t.dts += s.dur
		p.need = max(p.need, t.data)
		p.runs[t.track] = append(p.runs[t.track], s)
		p.count++
	}
	return nil
}

// eachBox calls f with the type and body of each box in b. It does not descend: depth is bounded by the callers' code.
func eachBox(b []byte, f func(kind string, body []byte) error) error {
	for len(b) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		switch {
		case size == 0:
			size = uint64(len(b))
		case size == 1 && len(b) >= 16:
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size < head || size > uint64(len(b)) {
			return errBox
		}
		if err := f(string(b[4:8]), b[head:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// fields reads big-endian numbers one after the other and remembers if one was missing.
type fields struct {
	b   []byte
	bad bool
}

// take returns the next n bytes, or n zero bytes if they are missing; n is a small constant.
func (r *fields) take(n int) []byte {
	if len(r.b) < n {
		r.b, r.bad = nil, true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *fields) u8() uint8   { return r.take(1)[0] }
func (r *fields) u16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *fields) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *fields) u64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

// sized reads a number of 4 bytes, or of 8 where wide is set, as versions 0 and 1 of many boxes do.
func (r *fields) sized(wide bool) uint64 {
	if wide {
		return r.u64()
	}
	return uint64(r.u32())
}
