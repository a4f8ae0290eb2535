package container

import (
	"encoding/binary"
	"math"
	"math/big"
)

// boxes writes MP4 boxes.
type boxes struct{ b []byte }

func (w *boxes) u16(v ...uint16)   { w.b = appendAll(w.b, v, binary.BigEndian.AppendUint16) }
func (w *boxes) u32(v ...uint32)   { w.b = appendAll(w.b, v, binary.BigEndian.AppendUint32) }
func (w *boxes) u64(v ...uint64)   { w.b = appendAll(w.b, v, binary.BigEndian.AppendUint64) }
func (w *boxes) zero(n int)        { w.b = append(w.b, make([]byte, n)...) }
func (w *boxes) text(s string)     { w.b = append(w.b, s...) }
func (w *boxes) raw(b []byte)      { w.b = append(w.b, b...) }
func (w *boxes) full(flags uint32) { w.u32(flags) } // version in the highest byte

func appendAll[T any](b []byte, values []T, one func([]byte, T) []byte) []byte {
	for _, v := range values {
		b = one(b, v)
	}
	return b
}

// box writes a box whose body f writes.
func (w *boxes) box(kind string, f func()) {
	at := len(w.b)
	w.u32(0)
	w.text(kind)
	f()
	binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at))
}

const version1 = 1 << 24

// identity is the unit matrix of tkhd and mvhd.
var identity = [...]uint32{0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000}

// visual writes a video sample entry (ISO/IEC 14496-12, 12.1.3).
func (w *boxes) visual(kind string, t *Track, config string, data []byte) {
	w.box(kind, func() {
		w.zero(6)
		w.u16(1)
		w.zero(16)
		w.u16(uint16(t.Width), uint16(t.Height))
		w.u32(0x480000, 0x480000, 0) // 72 dpi
		w.u16(1)
		w.zero(32)
		w.u16(24, 0xFFFF)
		w.box(config, func() { w.raw(data) })
	})
}

// sound writes an audio sample entry (ISO/IEC 14496-12, 12.2.3).
func (w *boxes) sound(kind string, t *Track, config string, data []byte) {
	w.box(kind, func() {
		w.zero(6)
		w.u16(1)
		w.zero(8)
		w.u16(uint16(max(t.Channels, 1)), 16)
		w.u32(0)
		w.u32(uint32(min(max(t.SampleRate, 0), math.MaxUint16)) << 16)
		w.box(config, func() { w.raw(data) })
	})
}

// rescale converts ticks between timescales, rounding up.
func rescale(n int64, from, to uint32) int64 {
	v := new(big.Int).Mul(big.NewInt(n), big.NewInt(int64(to)))
	v.Add(v, big.NewInt(int64(from)-1))
	return v.Div(v, big.NewInt(int64(from))).Int64()
}

// twin is a movie while it is written.
type twin struct {
	boxes
	timescale uint32 // of the movie
	origin    int64  // where the presentation begins, in ticks of the movie
	offsets   []int  // where in b the chunk offsets lie that still lack the length of the head
}

// writeTwin writes ftyp, moov and the header of mdat.
func writeTwin(tracks []*twinTrack, bodyLength int64) []byte {
	w := twin{timescale: tracks[0].Timescale, origin: math.MaxInt64}
	for _, t := range tracks {
		if t.Kind == KindVideo {
			w.timescale = t.Timescale
			break
		}
	}
	for _, t := range tracks {
		w.origin = min(w.origin, rescale(max(t.starts(), t.EmptyEdit, 0), t.Timescale, w.timescale))
	}
	w.box("ftyp", func() {
		w.text("isom")
		w.u32(512)
		w.text("isomiso2iso6mp41")
	})
	w.box("moov", func() { w.moov(tracks) })
	if bodyLength+8 > math.MaxUint32 {
		w.u32(1)
		w.text("mdat")
		w.u64(uint64(bodyLength) + 16)
	} else {
		w.u32(uint32(bodyLength) + 8)
		w.text("mdat")
	}
	for _, at := range w.offsets {
		binary.BigEndian.PutUint64(w.b[at:], binary.BigEndian.Uint64(w.b[at:])+uint64(len(w.b)))
	}
	return w.b
}

func (w *twin) moov(tracks []*twinTrack) {
	longest := int64(0)
	for _, t := range tracks {
		longest = max(longest, w.lasts(t))
	}
	w.box("mvhd", func() {
		w.full(version1)
		w.u64(0, 0)
		w.u32(w.timescale)
		w.u64(uint64(longest))
		w.u32(0x10000)
		w.u16(0x100)
		w.zero(10)
		w.u32(identity[:]...)
		w.zero(24)
		w.u32(uint32(len(tracks)) + 1)
	})
	for i, t := range tracks {
		w.box("trak", func() { w.trak(t, uint32(i)+1) })
	}
}

// edit returns a track's empty edit and media time in its own ticks.
func (w *twin) edit(t *twinTrack) (empty, mediaTime int64) {
	return t.edit(rescale(w.origin, w.timescale, t.Timescale))
}

// lasts returns how long a track is presented, empty edit included, in ticks of the movie.
func (w *twin) lasts(t *twinTrack) int64 {
	empty, mediaTime := w.edit(t)
	return rescale(empty, t.Timescale, w.timescale) + rescale(max(t.shown-mediaTime, 0), t.Timescale, w.timescale)
}

func (w *twin) trak(t *twinTrack, id uint32) {
	w.box("tkhd", func() {
		w.full(version1 | 3) // enabled, in movie
		w.u64(0, 0)
		w.u32(id, 0)
		w.u64(uint64(w.lasts(t)))
		w.zero(8)
		switch {
		case t.Kind == KindAudio:
			w.u16(0, 1, 0x100, 0)
			w.u32(identity[:]...)
			w.u32(0, 0)
		case len(t.Display) == matrixSize+8:
			w.zero(8)
			w.raw(t.Display)
		default:
			w.zero(8)
			w.u32(identity[:]...)
			w.u32(uint32(t.Width)<<16, uint32(t.Height)<<16)
		}
	})
	w.box("edts", func() { w.box("elst", func() { w.elst(t) }) })
	w.box("mdia", func() {
		w.box("mdhd", func() {
			w.full(version1)
			w.u64(0, 0)
			w.u32(t.Timescale)
			w.u64(uint64(t.total))
			w.u16(0x55C4, 0) // language: undetermined
		})
		w.box("hdlr", func() {
			w.u32(0, 0)
			w.text(map[string]string{KindVideo: "vide", KindAudio: "soun"}[t.Kind])
			w.zero(13)
		})
		w.box("minf", func() { w.minf(t) })
	})
}

func (w *twin) elst(t *twinTrack) {
	empty, mediaTime := w.edit(t)
	w.full(version1)
	wait := rescale(empty, t.Timescale, w.timescale)
	if wait > 0 {
		w.u32(2)
		w.u64(uint64(wait), math.MaxUint64)
		w.u16(1, 0)
	} else {
		w.u32(1)
	}
	w.u64(uint64(w.lasts(t)-wait), uint64(mediaTime))
	w.u16(1, 0)
}

func (w *twin) minf(t *twinTrack) {
	if t.Kind == KindVideo {
		w.box("vmhd", func() { w.u32(1, 0, 0) })
	} else {
		w.box("smhd", func() { w.u32(0, 0) })
	}
	w.box("dinf", func() {
		w.box("dref", func() {
			w.u32(0, 1)
			w.box("url ", func() { w.full(1) })
		})
	})
	w.box("stbl", func() {
		w.box("stsd", func() {
			w.u32(0, 1)
			w.raw(t.entry)
		})
		w.tables(t)
	})
}

func (w *twin) tables(t *twinTrack) {
	w.box("stts", func() {
		w.u32(0, uint32(len(t.stts)))
		for _, r := range t.stts {
			w.u32(r.count, uint32(r.value))
		}
	})
	if t.usesCts {
		w.box("ctts", func() {
			w.u32(version1, uint32(len(t.ctts)))
			for _, r := range t.ctts {
				w.u32(r.count, uint32(int32(r.value)))
			}
		})
	}
	if len(t.sync) < len(t.sizes) {
		w.box("stss", func() {
			w.u32(0, uint32(len(t.sync)))
			w.u32(t.sync...)
		})
	}
	w.box("stsc", func() {
		w.u32(0, uint32(len(t.stsc)))
		for _, r := range t.stsc {
			w.u32(r.first, uint32(r.value), 1)
		}
	})
	w.box("stsz", func() {
		w.u32(0, 0, uint32(len(t.sizes)))
		w.u32(t.sizes...)
	})
	w.box("co64", func() {
		w.u32(0, uint32(len(t.chunks)))
		for _, off := range t.chunks {
			w.offsets = append(w.offsets, len(w.b))
			w.u64(uint64(off))
		}
	})
}
