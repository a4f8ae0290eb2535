package mux

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// The elements of WebM that are written (RFC 8794, RFC 9559).
const (
	idEBML            = 0x1A45DFA3
	idEBMLVersion     = 0x4286
	idEBMLReadVersion = 0x42F7
	idMaxIDLength     = 0x42F2
	idMaxSizeLength   = 0x42F3
	idDocType         = 0x4282
	idDocTypeVersion  = 0x4287
	idDocTypeRead     = 0x4285
	idSegment         = 0x18538067
	idInfo            = 0x1549A966
	idTimestampScale  = 0x2AD7B1
	idMuxingApp       = 0x4D80
	idWritingApp      = 0x5741
	idTracks          = 0x1654AE6B
	idTrackEntry      = 0xAE
	idTrackNumber     = 0xD7
	idTrackUID        = 0x73C5
	idTrackType       = 0x83
	idFlagLacing      = 0x9C
	idCodecID         = 0x86
	idCodecPrivate    = 0x63A2
	idCodecDelay      = 0x56AA
	idSeekPreRoll     = 0x56BB
	idVideo           = 0xE0
	idPixelWidth      = 0xB0
	idPixelHeight     = 0xBA
	idAudio           = 0xE1
	idSamplingRate    = 0xB5
	idChannels        = 0x9F
	idCluster         = 0x1F43B675
	idTimestamp       = 0xE7
	idSimpleBlock     = 0xA3
)

const (
	// tick is the TimestampScale: a millisecond, in ns.
	tick = 1_000_000
	// seekPreRoll is what Opus needs before a seek point, in ns (RFC 7845, 4.6).
	seekPreRoll = 80_000_000
	// clusterTime is how far blocks may lie from their cluster, in ticks: a
	// block's time has 16 bits.
	clusterTime = 30_000
	app         = "Meanwhile"
)

// webm writes WebM whose Segment has no known size.
type webm struct {
	video, audio *Track
}

// MIME implements Writer.
func (m *webm) MIME() string { return "video/webm" }

// Header implements Writer.
func (m *webm) Header() []byte {
	var w elements
	w.master(idEBML, func() {
		w.number(idEBMLVersion, 1)
		w.number(idEBMLReadVersion, 1)
		w.number(idMaxIDLength, 4)
		w.number(idMaxSizeLength, 8)
		w.bytes(idDocType, []byte("webm"))
		w.number(idDocTypeVersion, 4)
		w.number(idDocTypeRead, 2)
	})
	w.id(idSegment)
	w.b = append(w.b, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF) // unknown size
	w.master(idInfo, func() {
		w.number(idTimestampScale, tick)
		w.bytes(idMuxingApp, []byte(app))
		w.bytes(idWritingApp, []byte(app))
	})
	w.master(idTracks, func() {
		w.videoTrack(m.video)
		if m.audio != nil {
			w.opusTrack(m.audio)
		}
	})
	return w.b
}

func (w *elements) videoTrack(t *Track) {
	w.master(idTrackEntry, func() {
		w.number(idTrackNumber, videoID)
		w.number(idTrackUID, videoID)
		w.number(idTrackType, 1)
		w.number(idFlagLacing, 0)
		w.bytes(idCodecID, []byte("V_VP8"))
		w.master(idVideo, func() {
			w.number(idPixelWidth, uint64(t.Width))
			w.number(idPixelHeight, uint64(t.Height))
		})
	})
}

func (w *elements) opusTrack(t *Track) {
	w.master(idTrackEntry, func() {
		w.number(idTrackNumber, audioID)
		w.number(idTrackUID, audioID)
		w.number(idTrackType, 2)
		w.number(idFlagLacing, 0)
		w.bytes(idCodecID, []byte("A_OPUS"))
		head := append([]byte("OpusHead\x01"), byte(t.Channels), 0, 0) // RFC 7845, 5.1
		head = binary.LittleEndian.AppendUint32(head, AudioClock)
		w.bytes(idCodecPrivate, append(head, 0, 0, 0))
		w.number(idCodecDelay, 0)
		w.number(idSeekPreRoll, seekPreRoll)
		w.master(idAudio, func() {
			w.bytes(idSamplingRate, binary.BigEndian.AppendUint64(nil, math.Float64bits(AudioClock)))
			w.number(idChannels, uint64(t.Channels))
		})
	})
}

// block is a sample with its time in ticks of the container.
type block struct {
	Sample

	track byte
	at    int64
}

// Fragment implements Writer: one cluster, or more if it is very long.
func (m *webm) Fragment(f Fragment) []byte {
	blocks := make([]block, 0, len(f.Video)+len(f.Audio))
	for _, s := range f.Video {
		blocks = append(blocks, block{Sample: s, track: videoID, at: milliseconds(s.DTS+s.Offset, VideoClock)})
	}
	for _, s := range f.Audio {
		s.Key = true
		blocks = append(blocks, block{Sample: s, track: audioID, at: milliseconds(s.DTS, AudioClock)})
	}
	// Audio that came before its picture stands before it.
	slices.SortStableFunc(blocks, func(a, b block) int { return int(a.at - b.at) })
	w := elements{b: make([]byte, 0, 64+16*len(blocks)+total(f.Video)+total(f.Audio))}
	for len(blocks) > 0 {
		n, start := 0, blocks[0].at
		for n < len(blocks) && blocks[n].at-start < clusterTime {
			n++
		}
		w.cluster(start, blocks[:n])
		blocks = blocks[n:]
	}
	return w.b
}

func milliseconds(ticks, clock int64) int64 { return (ticks*1000 + clock/2) / clock }

func (w *elements) cluster(start int64, blocks []block) {
	w.master(idCluster, func() {
		w.number(idTimestamp, uint64(start))
		for _, b := range blocks {
			w.id(idSimpleBlock)
			w.size(uint64(len(b.Data) + 4))
			flags := byte(0)
			if b.Key {
				flags = 0x80
			}
			w.b = append(w.b, 0x80|b.track)
			w.b = binary.BigEndian.AppendUint16(w.b, uint16(b.at-start))
			w.b = append(w.b, flags)
			w.b = append(w.b, b.Data...)
		}
	})
}

// elements writes nested EBML elements.
type elements struct{ b []byte }

func (w *elements) id(id uint32) {
	n := (bits.Len32(id) + 7) / 8
	for i := n - 1; i >= 0; i-- {
		w.b = append(w.b, byte(id>>(8*i)))
	}
}

// size writes a size of up to 2^28-2 in four bytes.
func (w *elements) size(n uint64) {
	w.b = binary.BigEndian.AppendUint32(w.b, uint32(n)|0x10000000)
}

func (w *elements) master(id uint32, body func()) {
	w.id(id)
	at := len(w.b)
	w.size(0)
	body()
	binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at-4)|0x10000000)
}

func (w *elements) bytes(id uint32, b []byte) {
	w.id(id)
	w.size(uint64(len(b)))
	w.b = append(w.b, b...)
}

func (w *elements) number(id uint32, v uint64) {
	n := max((bits.Len64(v)+7)/8, 1)
	w.bytes(id, binary.BigEndian.AppendUint64(nil, v)[8-n:])
}
