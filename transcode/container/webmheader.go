package container

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

var (
	errWebM    = errors.New("its header is damaged")
	errEncoded = errors.New("its tracks are compressed or encrypted")
)

// eachElement calls f with the head and data of each element in b. It does not descend.
func eachElement(b []byte, f func(e element, data []byte) error) error {
	for len(b) > 0 {
		e, need, ok := readElement(b)
		if !ok || need > 0 || e.size > int64(len(b))-e.head {
			return errWebM
		}
		if err := f(e, b[e.head:e.head+e.size]); err != nil {
			return err
		}
		b = b[e.head+e.size:]
	}
	return nil
}

// unsigned reads an unsigned integer element; of one longer than 8 bytes the first 8 count.
func unsigned(b []byte) (v uint64) {
	for _, c := range b[:min(len(b), 8)] {
		v = v<<8 | uint64(c)
	}
	return v
}

// float reads a float element; what is not a number is 0.
func float(b []byte) float64 {
	v := 0.0
	switch len(b) {
	case 4:
		v = float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case 8:
		v = math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return 0
	}
	return v
}

// docType returns the DocType of an EBML header.
func docType(data []byte) (name string) {
	_ = eachElement(data, func(e element, b []byte) error { // what comes before damage counts
		if e.id == idDocType {
			name = strings.TrimRight(string(b), "\x00")
		}
		return nil
	})
	return name
}

// parseInfo reads the Segment's Info.
func (st *webmState) parseInfo(data []byte) {
	length := 0.0
	_ = eachElement(data, func(e element, b []byte) error { // what comes before damage counts
		switch e.id {
		case 0x2AD7B1: // TimestampScale
			st.Scale = unsigned(b)
		case 0x4489: // Duration
			length = float(b)
		}
		return nil
	})
	if st.Scale == 0 || st.Scale > 1e9 {
		st.Scale = 1e6
	}
	if ns := length * float64(st.Scale); ns < float64(366*24*time.Hour) {
		st.Length = int64(ns)
	}
}

// parseTracks reads the Tracks element.
func parseTracks(data []byte) (*Header, error) {
	h := &Header{Format: FormatWebM, Layout: LayoutFragmented}
	count := 0
	err := eachElement(data, func(e element, b []byte) error {
		if e.id != 0xAE { // TrackEntry
			return nil
		}
		if count++; count > maxTracks {
			return errManyTracks
		}
		t, err := parseTrackEntry(b)
		if err == nil && t.Kind != "" {
			h.Tracks = append(h.Tracks, t)
		}
		return err
	})
	return h, err
}

func parseTrackEntry(data []byte) (t Track, err error) {
	codec := ""
	err = eachElement(data, func(e element, b []byte) error {
		switch e.id {
		case 0xD7: // TrackNumber
			t.ID = unsigned(b)
		case 0x83: // TrackType
			t.Kind = map[uint64]string{1: KindVideo, 2: KindAudio}[unsigned(b)]
		case 0x86: // CodecID
			codec = strings.TrimRight(string(b[:min(len(b), 64)]), "\x00")
		case 0x63A2: // CodecPrivate
			if len(b) > maxConfig {
				return errWebM
			}
			t.Entry = append([]byte(nil), b...)
		case 0x23E383: // DefaultDuration, ns until the header is complete
			t.DefaultDuration = uint32(min(unsigned(b), math.MaxUint32))
		case 0x56AA: // CodecDelay
			t.CodecDelay = int64(min(unsigned(b), 1e10))
		case 0x56BB: // SeekPreRoll
			t.SeekPreRoll = int64(min(unsigned(b), 1e10))
		case 0x6D80: // ContentEncodings
			return errEncoded
		case 0xE0, 0xE1: // Video, Audio
			return eachElement(b, t.setting)
		}
		return nil
	})
	t.Codec = matroskaCodec(codec, t.Entry)
	return t, err
}

// setting reads an element of Video or Audio.
func (t *Track) setting(e element, b []byte) error {
	switch e.id {
	case 0xB0: // PixelWidth
		t.Width = int(min(unsigned(b), 1<<16))
	case 0xBA: // PixelHeight
		t.Height = int(min(unsigned(b), 1<<16))
	case 0x9F: // Channels
		t.Channels = int(min(unsigned(b), 255))
	case 0xB5: // SamplingFrequency
		t.SampleRate = int(min(float(b), 1<<24))
	}
	return nil
}

// matroskaCodec makes an RFC 6381 string of a CodecID and its CodecPrivate. "vp09" and "avc1" wait for a key frame.
func matroskaCodec(id string, private []byte) string {
	switch id {
	case "V_VP8":
		return "vp8"
	case "V_VP9":
		return vp9Private(private)
	case "V_AV1":
		return av1Codec(private)
	case "V_MPEG4/ISO/AVC":
		return entryCodec("avc1", map[string][]byte{"avcC": private})
	case "V_MPEGH/ISO/HEVC":
		return hevcCodec("hvc1", private)
	case "A_OPUS":
		return "opus"
	case "A_VORBIS":
		return "vorbis"
	case "A_FLAC":
		return "flac"
	case "A_MPEG/L3":
		return "mp4a.6b"
	case "A_AAC":
		if len(private) >= 2 {
			return "mp4a.40." + aacObject(binary.BigEndian.Uint16(private))
		}
		return "mp4a.40.2"
	default:
		return ""
	}
}

// vp9Private reads the features of a VP9 CodecPrivate (WebM project, VP9 codec feature metadata); without it the key
// frame tells.
func vp9Private(b []byte) string {
	feature := [5]int{-1, -1, -1, 8, 0}
	for len(b) >= 3 && b[1] == 1 {
		if int(b[0]) < len(feature) {
			feature[b[0]] = int(b[2])
		}
		b = b[3:]
	}
	if feature[1] < 0 || feature[2] < 0 {
		return "vp09"
	}
	return fmt.Sprintf("vp09.%02d.%02d.%02d", feature[1], feature[2], feature[3])
}

// completeHeader turns what Info and Tracks told into the header; the first cluster starts at length.
func (st *webmState) completeHeader(h *Header, length int64) {
	if st.Scale == 0 {
		st.Scale = 1e6
	}
	h.Length, h.TickScale, h.Matroska, h.Duration = length, st.Scale, st.Matroska, time.Duration(st.Length)
	for i := range h.Tracks {
		t := &h.Tracks[i]
		t.Timescale = 1e6
		if 1e9%st.Scale == 0 {
			t.Timescale = uint32(1e9 / st.Scale)
		}
		perTick := float64(t.Timescale) / 1e9
		t.DefaultDuration = uint32(math.Round(float64(t.DefaultDuration) * perTick))
		t.MediaTime = int64(math.Round(float64(t.CodecDelay) * perTick))
	}
}

// ticks converts ticks of the cluster to those of the tracks.
func (st *webmState) ticks(h *Header, n int64) int64 {
	if 1e9%h.TickScale == 0 {
		return n
	}
	return int64(float64(n) * float64(h.TickScale) / 1e3)
}
