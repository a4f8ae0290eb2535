package reception

import (
	"bytes"
	"encoding/binary"

	codec "github.com/bluenviron/mediacommon/v2/pkg/codecs/vp9"
	"github.com/pion/rtp/codecs"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// vp8 joins the partitions of a frame (RFC 7741).
type vp8 struct{ data []byte }

func (v *vp8) add(payload []byte) error {
	var p codecs.VP8Packet
	body, err := p.Unmarshal(payload)
	if err != nil {
		return err
	}
	if first := p.S == 1 && p.PID == 0; first != (len(v.data) == 0) || len(v.data)+len(body) > maxFrame {
		return errDamaged
	}
	v.data = append(v.data, body...)
	return nil
}

func (v *vp8) take() (frame, error) {
	if len(v.data) == 0 {
		return frame{}, nil
	}
	f := frame{data: bytes.Clone(v.data)}
	v.data = v.data[:0]
	if f.data[0]&1 != 0 {
		return f, nil
	}
	// RFC 6386, 9.1: the start code, then the size.
	if len(f.data) < 10 || f.data[3] != 0x9D || f.data[4] != 0x01 || f.data[5] != 0x2A {
		return frame{}, errDamaged
	}
	f.key = true
	width, height := binary.LittleEndian.Uint16(f.data[6:])&0x3FFF, binary.LittleEndian.Uint16(f.data[8:])&0x3FFF
	var err error
	f.track, err = sized(&mux.Track{Codec: mux.VP8, Width: int(width), Height: int(height)})
	return f, err
}

// vp9 joins the packets of a frame (RFC 9628). Of several spatial layers the
// lowest is kept, which needs no other; such offers are rare.
type vp9 struct{ data []byte }

func (v *vp9) add(payload []byte) error {
	var p codecs.VP9Packet
	body, err := p.Unmarshal(payload)
	if err != nil {
		return err
	}
	if p.L && p.SID > 0 {
		return nil
	}
	if p.B != (len(v.data) == 0) || len(v.data)+len(body) > maxFrame {
		return errDamaged
	}
	v.data = append(v.data, body...)
	return nil
}

func (v *vp9) take() (frame, error) {
	if len(v.data) == 0 {
		return frame{}, nil
	}
	f := frame{data: bytes.Clone(v.data)}
	v.data = v.data[:0]
	var h codec.Header
	if err := h.Unmarshal(f.data); err != nil {
		return frame{}, err
	}
	if h.NonKeyFrame || h.ShowExistingFrame || h.ColorConfig == nil || h.FrameSize == nil {
		return f, nil
	}
	f.key = true
	// VP Codec ISO Media File Format Binding, 2.2: version and flags, profile,
	// level, then depth, chroma and range, colours as BT.709.
	width, height := h.Width(), h.Height()
	chroma := byte(1) // 4:2:0
	if h.Profile == 1 || h.Profile == 3 {
		chroma = 3
	}
	config := []byte{1, 0, 0, 0, h.Profile, vp9Level(width * height), h.ColorConfig.BitDepth<<4 | chroma<<1, 1, 1, 1, 0, 0}
	if h.ColorConfig.ColorRange {
		config[6] |= 1
	}
	var err error
	f.track, err = sized(&mux.Track{Codec: mux.VP9, Width: width, Height: height, Config: config})
	return f, err
}

// vp9Level is the lowest level whose pictures are as large, at 30 a second.
func vp9Level(pixels int) byte {
	for _, l := range []struct {
		pixels int
		level  byte
	}{
		{36864, 10}, {73728, 11}, {122880, 20}, {245760, 21}, {552960, 30}, {983040, 31}, {2228224, 40}, {8912896, 50},
	} {
		if pixels <= l.pixels {
			return l.level
		}
	}
	return 60
}
