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

// WebMHead makes the beginning of a seekable WebM file whose clusters are untouched bytes: EBML header, Segment, SeekHead,
// Info with Duration, Tracks and Cues. The size of the Segment is known if it is in the source. init is bytes [0, h.Length) of the source. The file is
// head followed by the source from skip to the end of the last fragment.
func WebMHead(h *Header, init []byte, fr []Fragment) (head []byte, skip int64, err error) {
	if h.Format != FormatWebM || len(fr) == 0 || h.TickScale == 0 {
		return nil, 0, ErrNoSamples
	}
	parts, err := initElements(init)
	if err != nil {
		return nil, 0, err
	}
	skip = fr[0].Offset
	last := fr[len(fr)-1]
	cues, duration, err := readCues(h, fr)
	if err != nil {
		return nil, 0, err
	}
	var info ebmlWriter
	info.element(0x2AD7B1, binary.BigEndian.AppendUint64(nil, h.TickScale))
	info.element(0x4489, binary.BigEndian.AppendUint64(nil, math.Float64bits(duration)))
	info.element(0x4D80, []byte("Meanwhile")) // MuxingApp
	info.element(0x5741, []byte("Meanwhile")) // WritingApp
	var infoElement ebmlWriter
	infoElement.element(idInfo, info.b)

	// Positions count from the Segment's data; all numbers in SeekHead and Cues have 8 bytes, so sizes do not depend on them.
	seekLength := int64(len(seekHead(0, 0, 0)))
	infoAt := seekLength
	tracksAt := infoAt + int64(len(infoElement.b))
	cuesAt := tracksAt + int64(len(parts.tracks))
	clustersAt := cuesAt + int64(len(renderCues(h, cues, 0)))

	w := ebmlWriter{b: append([]byte(nil), parts.ebml...)}
	size := clustersAt + last.Offset + last.Length - skip
	if parts.unknown { // clusters of unknown size, as browsers record them, are only allowed in such a Segment
		size = 1<<56 - 1
	}
	w.head(idSegment, size)
	w.b = append(w.b, seekHead(infoAt, tracksAt, cuesAt)...)
	w.b = append(w.b, infoElement.b...)
	w.b = append(w.b, parts.tracks...)
	w.b = append(w.b, renderCues(h, cues, clustersAt-skip)...)
	return w.b, skip, nil
}

// initParts are elements of an init segment, heads included.
type initParts struct {
	ebml, tracks []byte
	unknown      bool // the Segment's size is
}

func initElements(init []byte) (p initParts, err error) {
	for at := int64(0); at < int64(len(init)); {
		e, need, ok := readElement(init[at:])
		if !ok || need > 0 {
			return p, errWebM
		}
		if e.id == idSegment {
			at += e.head
			p.unknown = e.size == endless
			continue
		}
		if e.size > int64(len(init))-at-e.head {
			return p, errWebM
		}
		end := at + e.head + e.size
		switch e.id {
		case idEBML:
			p.ebml = init[at:end]
		case idTracks:
			p.tracks = init[at:end]
		}
		at = end
	}
	if p.ebml == nil || p.tracks == nil {
		return p, errWebM
	}
	return p, nil
}

// cue is a key frame and the cluster it is in, by its offset in the source.
type cue struct {
	time    uint64 // ticks of the clusters
	cluster int64
}

// readCues collects the key frames of the main track, and the end of the last sample in ticks of the clusters.
func readCues(h *Header, fr []Fragment) (cues []cue, duration float64, err error) {
	main := h.Tracks[h.Main()]
	scale := func(n int64, t Track) float64 { return float64(n) * 1e9 / float64(t.Timescale) / float64(h.TickScale) }
	for _, f := range fr {
		table, err := unpackSamples(f.Samples, f.Offset)
		if err != nil {
			return nil, 0, err
		}
		for _, t := range h.Tracks {
			if list := table.tracks[t.ID]; len(list) > 0 {
				s := list[len(list)-1]
				duration = max(duration, scale(s.dts+s.cts+max(s.dur, 0), t))
			}
		}
		mark, cluster := 0, f.Offset
		for _, s := range table.tracks[main.ID] {
			for mark < len(table.marks) && table.marks[mark] <= s.off {
				cluster = table.marks[mark]
				mark++
			}
			if s.key && (main.Kind == KindVideo || len(cues) == 0 || cues[len(cues)-1].cluster != cluster) {
				cues = append(cues, cue{time: uint64(max(math.Round(scale(s.dts+s.cts, main)), 0)), cluster: cluster})
			}
		}
	}
	return cues, duration, nil
}

// seekHead renders a SeekHead of fixed length.
func seekHead(info, tracks, cues int64) []byte {
	var entries, w ebmlWriter
	for _, s := range []struct {
		id uint32
		at int64
	}{{idInfo, info}, {idTracks, tracks}, {idCues, cues}} {
		var seek ebmlWriter
		seek.element(0x53AB, binary.BigEndian.AppendUint32(nil, s.id))
		seek.element(0x53AC, binary.BigEndian.AppendUint64(nil, uint64(s.at)))
		entries.element(0x4DBB, seek.b)
	}
	w.element(idSeekHead, entries.b)
	return w.b
}

// renderCues renders a Cues element whose length depends on the number of cues only; shift is added to the clusters'
// offsets in the source.
func renderCues(h *Header, cues []cue, shift int64) []byte {
	var points, w ebmlWriter
	for _, c := range cues {
		var position, point ebmlWriter
		position.element(0xF7, binary.BigEndian.AppendUint64(nil, h.Tracks[h.Main()].ID))
		position.element(0xF1, binary.BigEndian.AppendUint64(nil, uint64(c.cluster+shift)))
		point.element(0xB3, binary.BigEndian.AppendUint64(nil, c.time))
		point.element(0xB7, position.b)
		points.element(0xBB, point.b)
	}
	w.element(idCues, points.b)
	return w.b
}

// ebmlWriter writes EBML elements with sizes of 8 bytes.
type ebmlWriter struct{ b []byte }

func (w *ebmlWriter) head(id uint32, size int64) {
	raw := binary.BigEndian.AppendUint32(nil, id)
	for len(raw) > 1 && raw[0] == 0 {
		raw = raw[1:]
	}
	w.b = append(w.b, raw...)
	w.b = binary.BigEndian.AppendUint64(w.b, 1<<56|uint64(size))
}

func (w *ebmlWriter) element(id uint32, data []byte) {
	w.head(id, int64(len(data)))
	w.b = append(w.b, data...)
}
