package container

import (
	"encoding/binary"
	"errors"
	"time"
)

var (
	errMoov        = errors.New("its header is damaged")
	errManyTracks  = errors.New("it has too many tracks")
	errMoof        = errors.New("a fragment header of it is damaged")
	errFar         = errors.New("its fragments refer to data outside of them")
	errAbsolute    = errors.New("its fragments hold absolute file offsets and cannot be moved")
	errManySamples = errors.New("a fragment of it claims too many samples")
	errBox         = errors.New("a box of it is larger than the one around it")
)

// moov is what a movie header tells.
type moov struct {
	header     Header
	fragmented bool          // has mvex: fragments may follow
	samples    uint64        // in the sample tables of the header itself
	timescale  uint32        // of the movie
	count      int           // tracks of any kind
	whole      time.Duration // fragments included, as mehd tells
}

// matrixSize is the length of the transformation matrix in tkhd and mvhd.
const matrixSize = 36

// trak is a track while it is being parsed.
type trak struct {
	Track
	entries                 uint64 // samples in its tables
	emptyMovie              int64  // empty edit in ticks of the movie
	duration                uint64 // ticks of the media
	displayWide, displayTal int
}

// parseMoov reads the body of a moov (ISO/IEC 14496-12, 8.2).
func parseMoov(body []byte) (*moov, error) {
	m := &moov{header: Header{Format: FormatMP4, Layout: LayoutPlain}}
	var mvex []byte
	var movie uint64
	err := eachBox(body, func(kind string, b []byte) error {
		switch kind {
		case "mvhd":
			m.timescale, movie = parseDurationBox(b)
		case "mvex":
			m.fragmented, mvex = true, b
		case "trak":
			return m.trak(b)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	m.header.Duration = max(m.header.Duration, saneTicks(movie, m.timescale))
	if err := m.mvex(mvex); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *moov) trak(b []byte) error {
	if m.count++; m.count > maxTracks {
		return errManyTracks
	}
	var t trak
	err := eachBox(b, func(kind string, b []byte) error {
		switch kind {
		case "tkhd":
			t.tkhd(b)
		case "edts":
			return eachBox(b, func(kind string, b []byte) error {
				if kind == "elst" {
					t.elst(b)
				}
				return nil
			})
		case "mdia":
			return t.mdia(b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if t.Kind == "" {
		return nil
	}
	if t.Timescale == 0 {
		return errMoov
	}
	if t.Width == 0 {
		t.Width, t.Height = t.displayWide, t.displayTal
	}
	if m.timescale > 0 && t.emptyMovie < 1<<40 {
		t.EmptyEdit = int64(float64(t.emptyMovie) * float64(t.Timescale) / float64(m.timescale))
	}
	m.samples += t.entries
	m.header.Duration = max(m.header.Duration, saneTicks(t.duration, t.Timescale))
	m.header.Tracks = append(m.header.Tracks, t.Track)
	return nil
}

func (t *trak) tkhd(b []byte) {
	r := fields{b: b}
	wide := r.u32()>>24 == 1
	r.sized(wide)
	r.sized(wide)
	t.ID = uint64(r.u32())
	r.u32()
	r.sized(wide)
	r.take(8 + 8) // reserved, layer, group, volume
	if display := r.take(matrixSize + 8); !r.bad {
		t.Display = append([]byte(nil), display...)
		size := fields{b: display[matrixSize:]}
		t.displayWide, t.displayTal = int(size.u32()>>16), int(size.u32()>>16)
	}
}

// elst reads the first empty edit and the first media edit; later ones are not for recordings.
func (t *trak) elst(b []byte) {
	r := fields{b: b}
	wide := r.u32()>>24 == 1
	for n := min(r.u32(), 8); n > 0 && !r.bad; n-- {
		duration := r.sized(wide)
		at := int64(r.sized(wide))
		if !wide {
			at = int64(int32(at))
		}
		r.u32() // rate
		if r.bad {
			return
		}
		if at >= 0 {
			t.MediaTime = min(at, 1<<48)
			return
		}
		t.emptyMovie = int64(min(duration, 1<<41))
	}
}

func (t *trak) mdia(b []byte) error {
	var minf []byte
	err := eachBox(b, func(kind string, b []byte) error {
		switch kind {
		case "mdhd":
			t.Timescale, t.duration = parseDurationBox(b)
		case "hdlr":
			if len(b) >= 12 {
				t.Kind = map[string]string{"vide": KindVideo, "soun": KindAudio}[string(b[8:12])]
			}
		case "minf":
			minf = b
		}
		return nil
	})
	if err != nil || t.Kind == "" {
		return err
	}
	return eachBox(minf, func(kind string, b []byte) error {
		if kind != "stbl" {
			return nil
		}
		return eachBox(b, func(kind string, b []byte) error {
			switch kind {
			case "stsd":
				return t.stsd(b)
			case "stsz", "stz2":
				if len(b) >= 12 {
					t.entries = uint64(binary.BigEndian.Uint32(b[8:]))
				}
			}
			return nil
		})
	})
}

// stsd reads the first sample entry.
func (t *trak) stsd(b []byte) error {
	if len(b) < 16 {
		return errMoov
	}
	size := int64(binary.BigEndian.Uint32(b[8:]))
	if size < 16 || size > int64(len(b)-8) || size > maxConfig {
		return errMoov
	}
	t.Entry = append([]byte(nil), b[8:8+size]...)
	describeEntry(&t.Track)
	return nil
}

// mvex reads the defaults for fragments.
func (m *moov) mvex(b []byte) error {
	return eachBox(b, func(kind string, b []byte) error {
		r := fields{b: b}
		version := r.u32() >> 24
		switch kind {
		case "mehd":
			m.whole = saneTicks(r.sized(version == 1), m.timescale)
		case "trex":
			id := uint64(r.u32())
			r.u32()
			dur, size, flags := r.u32(), r.u32(), r.u32()
			for i := range m.header.Tracks {
				if t := &m.header.Tracks[i]; t.ID == id {
					t.DefaultDuration, t.DefaultSize, t.DefaultFlags = dur, size, flags
				}
			}
		}
		return nil
	})
}

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
	if flags&0x1 != 0 { // Media Source Extensions forbid it too
		return t, false, errAbsolute
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
