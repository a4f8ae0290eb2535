package stretch

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// firstSounds is more sounds than a reader looks into.
const firstSounds = 4000

// maxBoxes is how many boxes a file may have at its top, or any box inside.
const maxBoxes = 10_000

// readMP4 reads the sample tables of an ISO base media file (ISO/IEC 14496-12).
func (p *Plan) readMP4(f *file) error {
	var moov []byte
	boxes := 0
	for at := int64(0); at+8 <= f.size; boxes++ {
		header := make([]byte, min(16, f.size-at))
		if err := f.readAt(header, at); err != nil {
			return err
		}
		size, kind := int64(binary.BigEndian.Uint32(header)), string(header[4:8])
		if size == 1 && len(header) == 16 {
			size = int64(binary.BigEndian.Uint64(header[8:]))
		}
		if size == 0 {
			size = f.size - at
		}
		if size < 8 || size > f.size-at || boxes > maxBoxes || kind == "moof" {
			return ErrNoIndex
		}
		p.always = append(p.always, Range{at, at + int64(len(header))})
		if kind == "moov" {
			var err error
			if moov, err = f.read(at+8, at+size); err != nil {
				return err
			}
			p.always = append(p.always, Range{at, at + size})
		} else if kind != "mdat" && size <= gap {
			p.always = append(p.always, Range{at, at + size})
		}
		at += size
	}
	return p.readMovie(moov)
}

// movie is what is known of the tracks of a file.
type movie struct {
	scale  uint32
	tracks []*track
}

func (p *Plan) readMovie(moov []byte) error {
	m := &movie{}
	if err := each(moov, func(kind string, body []byte) error {
		switch kind {
		case "mvhd":
			m.scale = scaleOf(body)
		case "mvex":
			return ErrNoIndex
		case "trak":
			t := &track{sync: map[int]bool{}}
			if err := t.read(body); err != nil {
				return err
			}
			m.tracks = append(m.tracks, t)
		}
		return nil
	}); err != nil {
		return err
	}
	start, left := time.Duration(math.MaxInt64), maxSamples
	for _, t := range m.tracks {
		switch t.handler {
		case "vide":
		case "soun": // of which only the beginning is looked for
			t.count = min(t.count, firstSounds)
		default:
			continue
		}
		if left -= t.count; left < 0 {
			return ErrNoIndex
		}
		if err := t.resolve(p.Size, m.scale); err != nil {
			return err
		}
		for i := range t.samples {
			start = min(start, t.samples[i].at)
			if i > ahead {
				break
			}
		}
	}
	for _, t := range m.tracks {
		p.plan(t, start)
	}
	slices.SortStableFunc(p.groups, func(a, b group) int { return int(max(-1, min(1, a.at-b.at))) })
	return nil
}

// plan adds a track's beginning, and, of pictures, its groups.
func (p *Plan) plan(t *track, start time.Duration) {
	var bytes int64
	for i, s := range t.samples {
		if s.at-start < early && bytes < head {
			p.always = append(p.always, s.Range)
			bytes += s.To - s.From
		}
		if t.handler != "vide" {
			continue
		}
		if i == 0 || t.all || t.sync[i] {
			p.groups = append(p.groups, group{at: s.at - start, late: s.at - start})
		}
		p.add(s.Range)
	}
	p.always = Merge(p.always, gap)
}

// each calls do for each box in a body.
func each(body []byte, do func(kind string, body []byte) error) error {
	for n := 0; len(body) >= 8; n++ {
		size, header := int64(binary.BigEndian.Uint32(body)), int64(8)
		if size == 1 && len(body) >= 16 {
			size, header = int64(binary.BigEndian.Uint64(body[8:])), 16
		}
		if size == 0 {
			size = int64(len(body))
		}
		if size < header || size > int64(len(body)) || n > maxBoxes {
			return ErrNoIndex
		}
		if err := do(string(body[4:8]), body[header:size]); err != nil {
			return err
		}
		body = body[size:]
	}
	return nil
}

// scaleOf reads the timescale of mvhd and mdhd.
func scaleOf(body []byte) uint32 {
	at := 12
	if len(body) > 0 && body[0] == 1 {
		at = 20
	}
	if len(body) < at+4 {
		return 0
	}
	return binary.BigEndian.Uint32(body[at:])
}
