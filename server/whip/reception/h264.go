package reception

import (
	"bytes"
	"encoding/binary"

	codec "github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// The kinds of NAL unit that matter here (H.264, table 7-1; RFC 6184, table 1).
const (
	nalIDR       = 5
	nalSPS       = 7
	nalPPS       = 8
	nalDelimiter = 9
	nalFiller    = 12
	nalLast      = 23
	nalSTAPA     = 24
	nalFUA       = 28
)

// h264 joins NAL units (RFC 6184, non-interleaved mode) into samples with
// parameter sets in front of each key frame.
type h264 struct {
	data     []byte
	fragment []byte // of the NAL unit that is being put together
	inside   bool
	picture  bool
	idr      bool
	sps, pps []byte // the last ones that were seen
	hasSPS   bool   // in this frame
	hasPPS   bool
}

// newH264 begins with the parameter sets that the offer told, if it did.
func newH264(parameterSets [][]byte) *h264 {
	h := &h264{}
	for _, nal := range parameterSets {
		_ = h.unit(nal) // the first frames may bring better ones
	}
	_, _ = h.take()
	return h
}

func (h *h264) add(payload []byte) error {
	switch kind := payload[0] & 0x1F; {
	case kind >= 1 && kind <= nalLast:
		return h.unit(payload)
	case kind == nalSTAPA:
		return h.aggregate(payload[1:])
	case kind == nalFUA:
		return h.part(payload)
	default:
		return errDamaged
	}
}

func (h *h264) aggregate(b []byte) error {
	for len(b) > 2 {
		n := int(binary.BigEndian.Uint16(b))
		if n == 0 || n > len(b)-2 {
			return errDamaged
		}
		if err := h.unit(b[2 : 2+n]); err != nil {
			return err
		}
		b = b[2+n:]
	}
	return nil
}

func (h *h264) part(b []byte) error {
	if len(b) < 3 {
		return errDamaged
	}
	start, end := b[1]&0x80 != 0, b[1]&0x40 != 0
	if start {
		h.inside = true
		h.fragment = append(h.fragment[:0], b[0]&0xE0|b[1]&0x1F)
	}
	if !h.inside || len(h.fragment)+len(b) > maxFrame {
		return errDamaged
	}
	h.fragment = append(h.fragment, b[2:]...)
	if !end {
		return nil
	}
	h.inside = false
	return h.unit(h.fragment)
}

func (h *h264) unit(nal []byte) error {
	if len(nal) == 0 || len(h.data)+len(nal) > maxFrame || h.inside {
		return errDamaged
	}
	switch kind := nal[0] & 0x1F; kind {
	case nalDelimiter, nalFiller:
		return nil
	case nalSPS:
		h.sps, h.hasSPS = append([]byte(nil), nal...), true
	case nalPPS:
		h.pps, h.hasPPS = append([]byte(nil), nal...), true
	default:
		h.idr = h.idr || kind == nalIDR
		h.picture = h.picture || kind <= nalIDR
	}
	h.data = appendNAL(h.data, nal)
	return nil
}

func appendNAL(b, nal []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(nal))), nal...)
}

func (h *h264) take() (frame, error) {
	f := frame{key: h.idr}
	unfinished, picture, hasSets := h.inside, h.picture, h.hasSPS && h.hasPPS
	if picture && !unfinished {
		f.data = h.whole(f.key && !hasSets)
	}
	h.data, h.inside, h.picture, h.idr, h.hasSPS, h.hasPPS = h.data[:0], false, false, false, false, false
	if unfinished {
		return frame{}, errDamaged
	}
	if !f.key || f.data == nil {
		return f, nil
	}
	var err error
	f.track, err = h.describe()
	return f, err
}

// whole copies the frame out of the buffer, which is used again, perhaps behind
// the last parameter sets.
func (h *h264) whole(sets bool) []byte {
	if !sets {
		return bytes.Clone(h.data)
	}
	b := make([]byte, 0, 8+len(h.sps)+len(h.pps)+len(h.data))
	return append(appendNAL(appendNAL(b, h.sps), h.pps), h.data...)
}

// describe makes the configuration (ISO/IEC 14496-15, 5.3.3.1).
func (h *h264) describe() (*mux.Track, error) {
	var sps codec.SPS
	if len(h.sps) < 4 || len(h.pps) == 0 || len(h.sps) > 1<<10 || len(h.pps) > 1<<10 {
		return nil, errDamaged
	}
	if err := sps.Unmarshal(h.sps); err != nil {
		return nil, err
	}
	config := append([]byte{1}, h.sps[1:4]...)
	config = append(config, 0xFF, 0xE1) // lengths of four bytes, one SPS
	config = append(binary.BigEndian.AppendUint16(config, uint16(len(h.sps))), h.sps...)
	config = append(config, 1)
	config = append(binary.BigEndian.AppendUint16(config, uint16(len(h.pps))), h.pps...)
	if h.sps[1] >= 100 {
		config = append(config, 0xFC|byte(sps.ChromaFormatIdc), 0xF8|byte(sps.BitDepthLumaMinus8), 0xF8|byte(sps.BitDepthChromaMinus8), 0)
	}
	return sized(&mux.Track{Codec: mux.H264, Width: sps.Width(), Height: sps.Height(), Config: config})
}

// maxSide is the largest picture that anything is made of.
const maxSide = 8192

func sized(t *mux.Track) (*mux.Track, error) {
	if t.Width <= 0 || t.Height <= 0 || t.Width > maxSide || t.Height > maxSide {
		return nil, errDamaged
	}
	return t, nil
}
