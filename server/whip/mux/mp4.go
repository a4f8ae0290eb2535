package mux

import "encoding/binary"

// The tracks' ids in either container.
const (
	videoID = 1
	audioID = 2
)

// movieClock is the timescale of the movie, in which no time is told.
const movieClock = 1000

// mp4 writes fragmented MP4 (ISO/IEC 14496-12).
type mp4 struct {
	video, audio *Track
	sequence     uint32
}

// MIME implements Writer.
func (m *mp4) MIME() string {
	if m.video == nil {
		return "audio/mp4"
	}
	return "video/mp4"
}

// Header implements Writer.
func (m *mp4) Header() []byte {
	var w boxes
	w.box("ftyp", func() {
		w.text("iso5")
		w.u32(512)
		w.text("iso5iso6mp41")
	})
	w.box("moov", func() {
		w.full("mvhd", 0, 0, func() {
			w.u32(0, 0, movieClock, 0, 0x00010000)
			w.u16(0x0100, 0)
			w.u32(0, 0)
			w.matrix()
			w.u32(0, 0, 0, 0, 0, 0, audioID+1)
		})
		if m.video != nil {
			w.trak(videoID, m.video)
		}
		if m.audio != nil {
			w.trak(audioID, m.audio)
		}
		w.box("mvex", func() {
			if m.video != nil {
				w.trex(videoID)
			}
			if m.audio != nil {
				w.trex(audioID)
			}
		})
	})
	return w.b
}

func (w *boxes) trex(id uint32) {
	w.full("trex", 0, 0, func() { w.u32(id, 1, 0, 0, 0) })
}

func (w *boxes) trak(id uint32, t *Track) {
	isVideo, clock, handler, volume := t.Codec != Opus, uint32(VideoClock), "vide", uint16(0)
	if !isVideo {
		clock, handler, volume = AudioClock, "soun", 0x0100
	}
	w.box("trak", func() {
		w.full("tkhd", 0, 3, func() { // enabled, in movie
			w.u32(0, 0, id, 0, 0, 0, 0)
			w.u16(0, uint16(id-1), volume, 0) // layer, alternate group, volume
			w.matrix()
			w.u32(uint32(t.Width)<<16, uint32(t.Height)<<16)
		})
		w.box("mdia", func() {
			w.full("mdhd", 0, 0, func() {
				w.u32(0, 0, clock, 0)
				w.u16(0x55C4, 0) // language undetermined
			})
			w.full("hdlr", 0, 0, func() {
				w.u32(0)
				w.text(handler)
				w.u32(0, 0, 0)
				w.text("\x00")
			})
			w.box("minf", func() {
				if isVideo {
					w.full("vmhd", 0, 1, func() { w.u32(0, 0) })
				} else {
					w.full("smhd", 0, 0, func() { w.u32(0) })
				}
				w.box("dinf", func() {
					w.full("dref", 0, 0, func() {
						w.u32(1)
						w.full("url ", 0, 1, func() {})
					})
				})
				w.stbl(t)
			})
		})
	})
}

// stbl holds the sample entry and tables that are empty: fragments have their own.
func (w *boxes) stbl(t *Track) {
	w.box("stbl", func() {
		w.full("stsd", 0, 0, func() {
			w.u32(1)
			if t.Codec == Opus {
				w.opusEntry(t)
			} else {
				w.videoEntry(t)
			}
		})
		w.full("stts", 0, 0, func() { w.u32(0) })
		w.full("stsc", 0, 0, func() { w.u32(0) })
		w.full("stsz", 0, 0, func() { w.u32(0, 0) })
		w.full("stco", 0, 0, func() { w.u32(0) })
	})
}

func (w *boxes) videoEntry(t *Track) {
	entry, config := "avc3", "avcC"
	switch t.Codec {
	case VP9:
		entry, config = "vp09", "vpcC"
	case AV1:
		entry, config = "av01", "av1C"
	}
	w.box(entry, func() {
		w.u32(0)
		w.u16(0, 1, 0, 0)
		w.u32(0, 0, 0)
		w.u16(uint16(t.Width), uint16(t.Height))
		w.u32(0x00480000, 0x00480000, 0)
		w.u16(1)
		w.b = append(w.b, make([]byte, 32)...) // compressor's name
		w.u16(24, 0xFFFF)
		w.box(config, func() { w.b = append(w.b, t.Config...) })
	})
}

// opusEntry is defined by "Encapsulation of Opus in ISO Base Media File Format", 4.3.
func (w *boxes) opusEntry(t *Track) {
	w.box("Opus", func() {
		w.u32(0)
		w.u16(0, 1)
		w.u32(0, 0)
		w.u16(uint16(t.Channels), 16, 0, 0)
		w.u32(AudioClock << 16)
		w.box("dOps", func() {
			w.b = append(w.b, 0, byte(t.Channels))
			w.u16(0) // what precedes the first packet is not known, so nothing is skipped
			w.u32(AudioClock)
			w.u16(0)
			w.b = append(w.b, 0)
		})
	})
}

// Sample flags (8.8.3.1): depends on nothing, or on others and is no key frame.
const (
	flagsKey   = 0x02000000
	flagsOther = 0x01010000
)

// trunRow is the size of one sample in a trun.
const trunRow = 16

// Fragment implements Writer.
func (m *mp4) Fragment(f Fragment) []byte {
	m.sequence++
	size := 1024 + trunRow*(len(f.Video)+len(f.Audio)) + total(f.Video) + total(f.Audio)
	w := boxes{b: make([]byte, 0, size)}
	var offsets []int
	w.box("moof", func() {
		w.full("mfhd", 0, 0, func() { w.u32(m.sequence) })
		if len(f.Video) > 0 {
			offsets = append(offsets, w.traf(videoID, f.Video))
		}
		if len(f.Audio) > 0 {
			offsets = append(offsets, w.traf(audioID, f.Audio))
		}
	})
	at := len(w.b) + 8
	w.box("mdat", func() {
		for _, list := range [][]Sample{f.Video, f.Audio} {
			if len(list) == 0 {
				continue
			}
			binary.BigEndian.PutUint32(w.b[offsets[0]:], uint32(at))
			offsets = offsets[1:]
			for _, s := range list {
				w.b = append(w.b, s.Data...)
			}
			at += total(list)
		}
	})
	return w.b
}

// traf writes a track's table and returns where its data offset is to be put.
func (w *boxes) traf(id uint32, list []Sample) (offset int) {
	w.box("traf", func() {
		w.full("tfhd", 0, 0x020000, func() { w.u32(id) }) // offsets count from the moof
		w.full("tfdt", 1, 0, func() { w.u64(uint64(list[0].DTS)) })
		w.full("trun", 1, 0xF01, func() {
			w.u32(uint32(len(list)))
			offset = len(w.b)
			w.u32(0)
			for _, s := range list {
				flags := uint32(flagsOther)
				if s.Key {
					flags = flagsKey
				}
				w.u32(uint32(s.Duration), uint32(len(s.Data)), flags, uint32(int32(s.Offset)))
			}
		})
	})
	return offset
}

func total(list []Sample) (n int) {
	for _, s := range list {
		n += len(s.Data)
	}
	return n
}

// boxes writes nested boxes.
type boxes struct{ b []byte }

func (w *boxes) box(kind string, body func()) {
	at := len(w.b)
	w.u32(0)
	w.text(kind)
	body()
	binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at))
}

func (w *boxes) full(kind string, version, flags uint32, body func()) {
	w.box(kind, func() {
		w.u32(version<<24 | flags)
		body()
	})
}

func (w *boxes) text(s string) { w.b = append(w.b, s...) }

func (w *boxes) u16(values ...uint16) {
	for _, v := range values {
		w.b = binary.BigEndian.AppendUint16(w.b, v)
	}
}

func (w *boxes) u32(values ...uint32) {
	for _, v := range values {
		w.b = binary.BigEndian.AppendUint32(w.b, v)
	}
}

func (w *boxes) u64(v uint64) { w.b = binary.BigEndian.AppendUint64(w.b, v) }

// matrix is the one that changes nothing.
func (w *boxes) matrix() { w.u32(0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000) }
