package stretch

import (
	"encoding/binary"
	"time"
)

// track is the tables of one track and, when resolved, its samples.
type track struct {
	handler string
	scale   uint32
	// edits are the entries of the edit list; shift is what they mean.
	edits []edit
	// Of each table the entries, without what stands before them.
	stts, ctts, stsc, stsz, stco, co64 []byte
	fixed                              uint32 // the size of all samples, or 0
	count                              int
	sync                               map[int]bool
	all                                bool // there is no table of key frames: all are

	samples []sample
}

type edit struct{ length, media int64 }

type sample struct {
	Range
	at time.Duration
}

// deepest is how many boxes the tables lie in: trak, mdia, minf, stbl. Hostile
// files nest millions, and a stack has an end that nobody can catch.
const deepest = 4

// read takes the tables out of trak and the boxes in it.
func (t *track) read(body []byte) error {
	t.all = true
	return t.inside(body, 1)
}

func (t *track) inside(body []byte, depth int) error {
	if depth > deepest {
		return ErrNoIndex
	}
	return each(body, func(kind string, body []byte) error {
		switch kind {
		case "mdia", "minf", "stbl", "edts":
			return t.inside(body, depth+1)
		case "mdhd":
			t.scale = scaleOf(body)
		case "hdlr":
			if len(body) >= 12 && t.handler == "" {
				t.handler = string(body[8:12])
			}
		case "elst":
			return t.readEdits(body)
		case "stts", "ctts", "stsc", "stco", "co64", "stss", "stsz", "stz2":
			return t.table(kind, body)
		}
		return nil
	})
}

func (t *track) table(kind string, body []byte) error {
	width := map[string]int{"stts": 8, "ctts": 8, "stsc": 12, "stco": 4, "co64": 8, "stss": 4}[kind]
	if kind == "stsz" {
		return t.sizes(body)
	}
	if width == 0 || len(body) < 8 {
		return ErrNoIndex // stz2 is for samples too small for pictures
	}
	n := int64(binary.BigEndian.Uint32(body[4:]))
	if n*int64(width) > int64(len(body)-8) {
		return ErrNoIndex
	}
	entries := body[8 : 8+int(n)*width]
	switch kind {
	case "stts":
		t.stts = entries
	case "ctts":
		t.ctts = entries
	case "stsc":
		t.stsc = entries
	case "stco":
		t.stco = entries
	case "co64":
		t.co64 = entries
	case "stss":
		if n > maxSamples {
			return ErrNoIndex
		}
		t.all = false
		for i := 0; i < len(entries); i += 4 {
			t.sync[int(binary.BigEndian.Uint32(entries[i:]))-1] = true
		}
	}
	return nil
}

func (t *track) sizes(body []byte) error {
	if len(body) < 12 {
		return ErrNoIndex
	}
	t.fixed = binary.BigEndian.Uint32(body[4:])
	n := int64(binary.BigEndian.Uint32(body[8:]))
	if n > maxSamples || t.fixed == 0 && n*4 > int64(len(body)-12) {
		return ErrNoIndex
	}
	t.count = int(n)
	if t.fixed == 0 {
		t.stsz = body[12 : 12+4*t.count]
	}
	return nil
}

func (t *track) readEdits(body []byte) error {
	if len(body) < 8 {
		return ErrNoIndex
	}
	n, width := int64(binary.BigEndian.Uint32(body[4:])), int64(12)
	if body[0] == 1 {
		width = 20
	}
	if n*width > int64(len(body)-8) || n > 100 {
		return ErrNoIndex
	}
	for e := body[8:]; n > 0; n, e = n-1, e[width:] {
		if width == 20 {
			t.edits = append(t.edits, edit{int64(binary.BigEndian.Uint64(e)), int64(binary.BigEndian.Uint64(e[8:]))})
		} else {
			t.edits = append(t.edits, edit{int64(binary.BigEndian.Uint32(e)), int64(int32(binary.BigEndian.Uint32(e[4:])))})
		}
	}
	return nil
}

// shift is what the edit list does to times: an empty edit delays, the other one
// drops what comes before its media time. More of them rearrange the media, and
// that is not looked into.
func (t *track) shift(movieScale uint32) (time.Duration, error) {
	var shift time.Duration
	media := 0
	for _, e := range t.edits {
		if e.media < 0 {
			if movieScale == 0 || media > 0 {
				return 0, ErrNoIndex
			}
			shift += seconds(e.length, movieScale)
			continue
		}
		shift -= seconds(e.media, t.scale)
		media++
	}
	if media > 1 {
		return 0, ErrNoIndex
	}
	return shift, nil
}

func seconds(ticks int64, scale uint32) time.Duration {
	return time.Duration(float64(ticks) / float64(scale) * float64(time.Second))
}

// resolve makes samples of the tables.
func (t *track) resolve(fileSize int64, movieScale uint32) error {
	if t.scale == 0 || len(t.stsc) == 0 && t.count > 0 {
		return ErrNoIndex
	}
	shift, err := t.shift(movieScale)
	if err != nil {
		return err
	}
	t.samples = make([]sample, t.count)
	if err := t.place(fileSize); err != nil {
		return err
	}
	var dts int64
	times, offsets := runs{table: t.stts}, runs{table: t.ctts}
	for i := range t.samples {
		t.samples[i].at = seconds(dts+int64(int32(offsets.next())), t.scale) + shift
		dts += int64(times.next())
	}
	return nil
}

// place finds where each sample lies: in which chunk, and behind which others.
func (t *track) place(fileSize int64) error {
	i, entry := 0, 0
	for chunk := 1; i < t.count; chunk++ {
		for entry+24 <= len(t.stsc) && int(binary.BigEndian.Uint32(t.stsc[entry+12:])) <= chunk {
			entry += 12
		}
		at, there := t.chunk(chunk - 1)
		if !there {
			return ErrNoIndex
		}
		n := int(min(int64(binary.BigEndian.Uint32(t.stsc[entry+4:])), int64(t.count-i)))
		for ; n > 0; n, i = n-1, i+1 {
			size := t.size(i)
			if at < 0 || size > fileSize || at > fileSize-size {
				return ErrNoIndex
			}
			t.samples[i].Range = Range{at, at + size}
			at += size
		}
	}
	return nil
}

// chunk is where a chunk begins, if there is one of that number.
func (t *track) chunk(n int) (at int64, there bool) {
	switch {
	case 8*n+8 <= len(t.co64):
		return int64(binary.BigEndian.Uint64(t.co64[8*n:])), true
	case len(t.co64) == 0 && 4*n+4 <= len(t.stco):
		return int64(binary.BigEndian.Uint32(t.stco[4*n:])), true
	}
	return 0, false
}

func (t *track) size(i int) int64 {
	if t.fixed != 0 {
		return int64(t.fixed)
	}
	return int64(binary.BigEndian.Uint32(t.stsz[4*i:]))
}

// runs reads tables of (count, value).
type runs struct {
	table []byte
	left  uint32
	value uint32
}

func (r *runs) next() uint32 {
	for r.left == 0 {
		if len(r.table) < 8 {
			return 0
		}
		r.left, r.value = binary.BigEndian.Uint32(r.table), binary.BigEndian.Uint32(r.table[4:])
		r.table = r.table[8:]
	}
	r.left--
	return r.value
}
