package container

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// describeEntry reads an MP4 sample entry: codec string (RFC 6381), picture size, channels.
func describeEntry(t *Track) {
	kind := string(t.Entry[4:8])
	r := fields{b: t.Entry[8:]}
	r.take(8) // reserved, data reference
	if t.Kind == KindVideo {
		r.take(16)
		t.Width, t.Height = int(r.u16()), int(r.u16())
		r.take(50)
	} else {
		version := r.u16()
		r.take(6)
		t.Channels = int(r.u16())
		r.take(6)
		t.SampleRate = int(r.u32() >> 16)
		switch version { // QuickTime's longer entries
		case 1:
			r.take(16)
		case 2:
			r.take(36)
		}
	}
	config := entryConfig(r.b)
	t.Codec = entryCodec(kind, config)
	if profile, ok := strings.CutPrefix(t.Codec, "vp09."); ok && profile[3:5] == "00" { // Chromium 156 writes no level
		t.Codec = fmt.Sprintf("vp09.%s.%02d.%s", profile[:2], vp9Level(t.Width*t.Height), profile[6:])
	}
}

// entryConfig collects the configuration boxes of a sample entry, QuickTime's wave included.
func entryConfig(b []byte) map[string][]byte {
	config := map[string][]byte{}
	note := func(kind string, b []byte) error {
		if _, twice := config[kind]; !twice && len(config) < 32 {
			config[kind] = b
		}
		return nil
	}
	_ = eachBox(b, note) // what comes before damage counts
	if wave, ok := config["wave"]; ok {
		_ = eachBox(wave, note)
	}
	return config
}

func entryCodec(kind string, config map[string][]byte) string {
	switch kind {
	case "avc1", "avc2", "avc3", "avc4":
		if c := config["avcC"]; len(c) >= 4 && c[1] != 0 {
			return fmt.Sprintf("%s.%02X%02X%02X", kind, c[1], c[2], c[3])
		}
		return kind
	case "hvc1", "hev1":
		return hevcCodec(kind, config["hvcC"])
	case "vp09", "vp08":
		if c := config["vpcC"]; len(c) >= 7 && c[4] < 4 && c[5] < 100 {
			return fmt.Sprintf("%s.%02d.%02d.%02d", kind, c[4], c[5], c[6]>>4)
		}
		return kind
	case "av01":
		return av1Codec(config["av1C"])
	case "mp4a":
		return aacCodec(config["esds"])
	case "Opus":
		return "opus"
	case "fLaC":
		return "flac"
	case ".mp3", "mp3 ":
		return "mp4a.6b"
	default:
		return strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' || r == '"' || r == ',' {
				return '_'
			}
			return r
		}, kind))
	}
}

// hevcCodec makes the string of ISO/IEC 14496-15, annex E.3.
func hevcCodec(kind string, c []byte) string {
	if len(c) < 13 {
		return kind
	}
	space := []string{"", "A", "B", "C"}[c[1]>>6]
	tier := "L"
	if c[1]&0x20 != 0 {
		tier = "H"
	}
	compatible := bits.Reverse32(binary.BigEndian.Uint32(c[2:]))
	s := fmt.Sprintf("%s.%s%d.%X.%s%d", kind, space, c[1]&0x1F, compatible, tier, c[12])
	constraints := c[6:12]
	for len(constraints) > 0 && constraints[len(constraints)-1] == 0 {
		constraints = constraints[:len(constraints)-1]
	}
	var b strings.Builder
	b.WriteString(s)
	for _, c := range constraints {
		fmt.Fprintf(&b, ".%X", c)
	}
	return b.String()
}

// av1Codec makes the string of the AV1 codec ISO media file format binding, section 5.
func av1Codec(c []byte) string {
	if len(c) < 3 {
		return "av01"
	}
	tier := "M"
	if c[2]&0x80 != 0 {
		tier = "H"
	}
	depth := 8
	if c[2]&0x40 != 0 {
		depth = 10
		if c[1]>>5 == 2 && c[2]&0x20 != 0 {
			depth = 12
		}
	}
	return fmt.Sprintf("av01.%d.%02d%s.%02d", c[1]>>5, c[1]&0x1F, tier, depth)
}

// aacCodec reads object types out of an esds box (ISO/IEC 14496-1, 7.2.6).
func aacCodec(b []byte) string {
	r := fields{b: b}
	r.u32()
	for range 8 { // descriptors are nested at most thrice
		tag := r.u8()
		for range 4 { // length, 7 bits a byte
			if r.u8()&0x80 == 0 {
				break
			}
		}
		switch {
		case r.bad:
			return "mp4a"
		case tag == 3: // ES: id and flags, then what the flags announce
			r.u16()
			flags := r.u8()
			if flags&0x80 != 0 {
				r.u16()
			}
			if flags&0x40 != 0 {
				r.take(min(int(r.u8()), len(r.b)))
			}
			if flags&0x20 != 0 {
				r.u16()
			}
		case tag == 4: // decoder configuration
			object := r.u8()
			r.take(12)
			if object != 0x40 {
				return fmt.Sprintf("mp4a.%02x", object)
			}
		case tag == 5: // audio specific configuration
			return "mp4a.40." + aacObject(r.u16())
		}
	}
	return "mp4a"
}

// aacObject is the audio object type in the first two bytes of an AudioSpecificConfig.
func aacObject(v uint16) string {
	object := v >> 11
	if object == 31 {
		object = 32 + v>>5&0x3F
	}
	if object == 0 {
		object = 2
	}
	return strconv.Itoa(int(object))
}

// needsSniff tells whether a codec string is still to be found in the first key frame.
func needsSniff(h *Header) bool {
	main := h.Main()
	if main < 0 {
		return false
	}
	switch h.Tracks[main].Codec {
	case "avc1", "avc3", "vp09":
		return true
	default:
		return false
	}
}

// sniffFrame completes a track's codec string from the beginning of its first key frame. It always leaves a full one.
func (x *Indexer) sniffFrame(track int, b []byte) {
	t := &x.header.Tracks[track]
	switch t.Codec {
	case "avc1", "avc3":
		t.Codec += "." + findSPS(b)
	case "vp09":
		t.Codec = vp9Frame(b, t.Width, t.Height)
	}
}

// findSPS returns profile, constraints and level of the first sequence parameter set among NAL units with lengths of 4
// bytes.
func findSPS(b []byte) string {
	for len(b) > 8 {
		size := binary.BigEndian.Uint32(b)
		if b[4]&0x1F == 7 {
			return fmt.Sprintf("%02X%02X%02X", b[5], b[6], b[7])
		}
		if uint64(size)+4 > uint64(len(b)) {
			break
		}
		b = b[4+size:]
	}
	return "640028" // most recorders' profile; browsers take a string that promises a little too much
}

// vp9Frame makes the string for a VP9 stream that lacks a configuration, from the uncompressed header of a key frame
// (VP9 bitstream specification, 6.2) and its picture size.
func vp9Frame(b []byte, width, height int) string {
	profile, depth := 0, 8
	if len(b) >= 5 && b[0]>>6 == 2 {
		profile = int(b[0]>>5&1 | b[0]>>4&1<<1)
	}
	if profile >= 2 { // then a bit follows the 24 of the sync code that tells 10 from 12
		bit := 4 + 4 + 24 + profile - 2
		depth = 10 + 2*int(b[bit/8]>>(7-bit%8)&1)
	}
	return fmt.Sprintf("vp09.%02d.%02d.%02d", profile, vp9Level(width*height), depth)
}

// vp9Level is the lowest level for a picture size at 30 frames a second (VP9 levels, luma picture size).
func vp9Level(pixels int) int {
	for _, l := range []struct{ pixels, level int }{
		{36864, 10}, {73728, 11}, {122880, 20}, {245760, 21}, {552960, 30}, {983040, 31}, {2228224, 40}, {8912896, 50}, {35651584, 60},
	} {
		if pixels <= l.pixels {
			return l.level
		}
	}
	return 62
}
