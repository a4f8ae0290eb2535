package reception

import (
	codec "github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/pion/rtp/codecs"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// av1 joins the OBUs of a temporal unit (RTP Payload Format For AV1).
type av1 struct {
	packets codecs.AV1Depacketizer
	data    []byte
	split   bool // an OBU goes on in the next packet
}

// aggregation header: the first element continues, the last goes on.
const (
	av1Continues = 0x80
	av1GoesOn    = 0x40
)

func (v *av1) add(payload []byte) error {
	continues := payload[0]&av1Continues != 0
	if continues != v.split {
		return errDamaged
	}
	v.split = payload[0]&av1GoesOn != 0
	body, err := v.packets.Unmarshal(payload)
	if err != nil {
		return err
	}
	if len(v.data)+len(body) > maxFrame {
		return errDamaged
	}
	v.data = append(v.data, body...)
	return nil
}

func (v *av1) take() (frame, error) {
	data, split := v.data, v.split
	v.data, v.split, v.packets = nil, false, codecs.AV1Depacketizer{}
	if split {
		return frame{}, errDamaged
	}
	if len(data) == 0 {
		return frame{}, nil
	}
	var units codec.Bitstream
	if err := units.Unmarshal(data); err != nil {
		return frame{}, err
	}
	f := frame{data: data}
	for _, obu := range units {
		if len(obu) == 0 || codec.OBUType(obu[0]>>3&0x0F) != codec.OBUTypeSequenceHeader {
			continue
		}
		// Encoders put a sequence header in front of each key frame and nowhere else.
		f.key = true
		var err error
		f.track, err = describeAV1(obu)
		return f, err
	}
	return f, nil
}

// describeAV1 makes the configuration (AV1 Codec ISO Media File Format Binding, 2.3.3).
func describeAV1(sequence []byte) (*mux.Track, error) {
	var h codec.SequenceHeader
	if err := h.Unmarshal(sequence); err != nil {
		return nil, err
	}
	if len(h.SeqLevelIdx) == 0 || len(h.SeqTier) == 0 {
		return nil, errDamaged
	}
	flag := func(set bool, bit byte) byte {
		if set {
			return bit
		}
		return 0
	}
	c := h.ColorConfig
	third := flag(h.SeqTier[0], 0x80) | flag(c.HighBitDepth, 0x40) | flag(c.TwelveBit, 0x20) | flag(c.MonoChrome, 0x10) |
		flag(c.SubsamplingX, 0x08) | flag(c.SubsamplingY, 0x04) | byte(c.ChromaSamplePosition)&0x03
	config := []byte{0x81, h.SeqProfile<<5 | h.SeqLevelIdx[0]&0x1F, third, 0}
	obu, err := codec.Bitstream{sequence}.Marshal()
	if err != nil {
		return nil, err
	}
	return sized(&mux.Track{Codec: mux.AV1, Width: h.Width(), Height: h.Height(), Config: append(config, obu...)})
}
