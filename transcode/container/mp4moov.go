package container

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

var (
	errMoov       = errors.New("its header is damaged")
	errManyTracks = errors.New("it has too many tracks")
)

// moov is what a movie header tells.
type moov struct {
	header     Header
	fragmented bool   // has mvex: fragments may follow
	samples    uint64 // in the sample tables of the header itself
	timescale  uint32 // of the movie
	count      int    // tracks of any kind
}

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
	return m, m.mvex(mvex)
}

// saneTicks is ticks for an untrusted duration; what is unknown or longer than a year is 0.
func saneTicks(n uint64, timescale uint32) time.Duration {
	const year = 366 * 24 * time.Hour
	if n == math.MaxUint32 || n > math.MaxInt64 {
		return 0
	}
	if d := ticks(int64(n), timescale); d > 0 && d < year {
		return d
	}
	return 0
}

// parseDurationBox reads what mvhd and mdhd have in common.
func parseDurationBox(b []byte) (timescale uint32, duration uint64) {
	r := fields{b: b}
	wide := r.u32()>>24 == 1
	r.sized(wide)
	r.sized(wide)
	timescale = r.u32()
	duration = r.sized(wide)
	if r.bad {
		return 0, 0
	}
	return timescale, duration
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
	r.take(8 + 8 + 36) // reserved, layer, group, volume; matrix
	t.displayWide, t.displayTal = int(r.u32()>>16), int(r.u32()>>16)
}

// elst reads the first empty edit and the first media edit; later ones are not for recordings.
func (t *trak) elst(b []byte) {
	r := fields{b: b}
	wide := r.u32()>>24 == 1
	for n := min(r.u32(), 8); n > 0 && !r.bad; n-- {
		duration := r.sized(wide)
		at := int64(int32(0))
		if wide {
			at = int64(r.u64())
		} else {
			at = int64(int32(r.u32()))
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
			m.header.Duration = max(m.header.Duration, saneTicks(r.sized(version == 1), m.timescale))
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
