package container

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Segment is one entry of a media playlist: a byte range that can be decoded after an init segment.
type Segment struct {
	URI           string
	Offset        int64
	Length        int64 // 0 means the whole of URI
	Start         time.Duration
	Duration      time.Duration
	Init          int // index into MediaPlaylist.Inits
	Discontinuity bool
}

// InitRef is the byte range of an init segment.
type InitRef struct {
	URI    string
	Offset int64
	Length int64 // 0 means the whole of URI
}

// MediaPlaylist is an HLS media playlist (RFC 8216) over byte ranges.
type MediaPlaylist struct {
	Inits       []InitRef
	Segments    []Segment
	Ended       bool          // no segment will follow
	Target      time.Duration // at least this target duration, so that it does not change while a recording grows
	Independent bool          // each segment starts on a key frame
}

// Render writes the playlist: an EVENT playlist while it grows, a VOD playlist once it ended. Those of hours have thousands of
// segments, and viewers at the live edge ask every two seconds.
func (p MediaPlaylist) Render() []byte {
	const head, each = 512, 80 // bytes, about
	target := p.Target
	for i := range p.Segments {
		target = max(target, p.lasting(i))
	}
	kind := "EVENT"
	if p.Ended {
		kind = "VOD"
	}
	b := make([]byte, 0, head+each*len(p.Segments))
	b = fmt.Appendf(b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:%s\n",
		max(int(math.Ceil(target.Seconds())), 1), kind)
	if p.Independent {
		b = append(b, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	}
	init := -1
	for i, s := range p.Segments {
		if s.Discontinuity {
			b = append(b, "#EXT-X-DISCONTINUITY\n"...)
		}
		if s.Init != init && s.Init >= 0 && s.Init < len(p.Inits) {
			init = s.Init
			b = p.Inits[init].render(b)
		}
		b = appendSeconds(append(b, "#EXTINF:"...), p.lasting(i))
		b = append(b, ",\n"...)
		if s.Length > 0 {
			b = strconv.AppendInt(append(b, "#EXT-X-BYTERANGE:"...), s.Length, 10)
			b = append(strconv.AppendInt(append(b, '@'), s.Offset, 10), '\n')
		}
		b = append(append(b, line(s.URI)...), '\n')
	}
	if p.Ended {
		b = append(b, "#EXT-X-ENDLIST\n"...)
	}
	return b
}

// appendSeconds writes a duration as seconds with six decimals.
func appendSeconds(b []byte, d time.Duration) []byte {
	const second = 1_000_000
	us := max(d.Round(time.Microsecond).Microseconds(), 0)
	b = strconv.AppendInt(b, us/second, 10)
	point := len(b)
	b = strconv.AppendInt(b, second+us%second, 10) // 1 and six digits
	b[point] = '.'
	return b
}

// lasting returns the duration of segment i. Once the list is whole, a segment lasts to the start of the next one, so that
// what recorders leave or overlap between fragments does not add up.
func (p MediaPlaylist) lasting(i int) time.Duration {
	s := p.Segments[i]
	if !p.Ended || i+1 == len(p.Segments) || p.Segments[i+1].Discontinuity {
		return s.Duration
	}
	const most = time.Second
	if d := p.Segments[i+1].Start - s.Start; d > 0 && d > s.Duration-most && d < s.Duration+most {
		return d
	}
	return s.Duration
}

func (i InitRef) render(b []byte) []byte {
	b = fmt.Appendf(b, "#EXT-X-MAP:URI=\"%s\"", quoted(i.URI))
	if i.Length > 0 {
		b = fmt.Appendf(b, ",BYTERANGE=\"%d@%d\"", i.Length, i.Offset)
	}
	return append(b, '\n')
}

// Variant is one video rendition of a multivariant playlist.
type Variant struct {
	URI              string
	Name             string
	Codecs           string // RFC 6381, those of the audio group included
	Width, Height    int
	Bandwidth        int64 // peak bits per second
	AverageBandwidth int64
	FrameRate        float64
	AudioGroup       string // Group of an AudioRendition, or empty
}

// AudioRendition is one audio rendition of a multivariant playlist.
type AudioRendition struct {
	Group    string
	Name     string
	URI      string
	Language string // BCP 47, or empty
	Default  bool
}

// RenderMaster writes a multivariant playlist. The variants keep their order: players start with the first.
func RenderMaster(variants []Variant, audio []AudioRendition) []byte {
	var b bytes.Buffer
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	for _, a := range audio {
		fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"%s\",NAME=\"%s\"", quoted(a.Group), quoted(a.Name))
		if a.Language != "" {
			fmt.Fprintf(&b, ",LANGUAGE=\"%s\"", quoted(a.Language))
		}
		if a.Default {
			b.WriteString(",DEFAULT=YES")
		}
		fmt.Fprintf(&b, ",AUTOSELECT=YES,URI=\"%s\"\n", quoted(a.URI))
	}
	for _, v := range variants {
		v.render(&b)
	}
	return b.Bytes()
}

func (v Variant) render(b *bytes.Buffer) {
	fmt.Fprintf(b, "#EXT-X-STREAM-INF:BANDWIDTH=%d", max(v.Bandwidth, 1))
	if v.AverageBandwidth > 0 {
		fmt.Fprintf(b, ",AVERAGE-BANDWIDTH=%d", v.AverageBandwidth)
	}
	if v.Codecs != "" {
		fmt.Fprintf(b, ",CODECS=\"%s\"", quoted(v.Codecs))
	}
	if v.Width > 0 && v.Height > 0 {
		fmt.Fprintf(b, ",RESOLUTION=%dx%d", v.Width, v.Height)
	}
	if v.FrameRate > 0 {
		fmt.Fprintf(b, ",FRAME-RATE=%.3f", v.FrameRate)
	}
	if v.AudioGroup != "" {
		fmt.Fprintf(b, ",AUDIO=\"%s\"", quoted(v.AudioGroup))
	}
	if v.Name != "" {
		fmt.Fprintf(b, ",NAME=\"%s\"", quoted(v.Name))
	}
	fmt.Fprintf(b, "\n%s\n", line(v.URI))
}

// quoted drops what would end a quoted string.
func quoted(s string) string { return strings.ReplaceAll(line(s), `"`, "'") }

// line drops what would end a line.
func line(s string) string {
	if !strings.ContainsAny(s, "\n\r") {
		return s
	}
	return strings.NewReplacer("\n", "", "\r", "").Replace(s)
}

// Repair returns the bytes of fragments as Media Source Extensions need them; r must begin where a fragment does, and the
// length stays the same. Chromium's recorder (seen in 156) gives the last audio frame of each fragment a fixed duration of
// 21 ms where it lasts 60: by the rule of "2 times last frame duration" (MSE, coded frame processing) its own player
// takes what follows for a discontinuity and drops all pictures up to the next key frame. Such a duration is replaced by
// the one before it. WebM, and whatever does not begin with a box, passes through.
func Repair(r io.Reader) io.Reader { return &repairer{r: r} }

// repairer looks at one box after the other: a moof is read whole and repaired, others pass through.
type repairer struct {
	r     io.Reader
	ready []byte // read and repaired, to be given out
	pass  int64  // bytes after ready that pass through
}

func (r *repairer) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(r.ready) == 0 && r.pass == 0 {
		if err := r.box(); err != nil {
			return 0, err
		}
	}
	if len(r.ready) > 0 {
		n := copy(p, r.ready)
		r.ready = r.ready[n:]
		return n, nil
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.pass)])
	r.pass -= int64(n)
	return n, err
}

// box reads the head of the next box, and the whole of it if it is a moof.
func (r *repairer) box() error {
	const most = 1 << 20 // bytes of a moof; recorders write some kB
	head := make([]byte, 8)
	n, err := io.ReadFull(r.r, head)
	r.ready = head[:n]
	if n == 0 {
		return err
	}
	size := int64(binary.BigEndian.Uint32(head))
	switch {
	case n < len(head):
	case size < 8: // large, endless, or no box at all
		r.pass = endless
	case string(head[4:]) == "moof" && size <= most:
		b := make([]byte, size)
		copy(b, head)
		n, err := io.ReadFull(r.r, b[8:])
		if r.ready = b[:8+n]; err == nil {
			repairMoof(b[8:])
		}
	default:
		r.pass = size - 8
	}
	return nil
}

// repairMoof repairs the body of a moof in place; of a damaged one it repairs what comes before the damage.
func repairMoof(b []byte) {
	_ = eachBox(b, func(kind string, b []byte) error {
		if kind != "traf" {
			return nil
		}
		frames := false // of audio: each one a key frame
		return eachBox(b, func(kind string, b []byte) error {
			switch kind {
			case "tfhd":
				frames = hasKeyFlags(b)
			case "trun":
				if frames {
					repairRun(b)
				}
			}
			return nil
		})
	})
}

// hasKeyFlags tells whether a tfhd says that all samples are key frames.
func hasKeyFlags(b []byte) bool {
	r := fields{b: b}
	flags := r.u32()
	r.u32()
	for _, f := range []uint32{0x2, 0x8, 0x10} {
		if flags&f != 0 {
			r.u32()
		}
	}
	return flags&0x1 == 0 && flags&0x20 != 0 && r.u32()&0x10000 == 0 && !r.bad
}

// repairRun gives the last sample of a run the duration of the one before, if it is but half of that.
func repairRun(b []byte) {
	r := fields{b: b}
	flags, n := r.u32(), int64(r.u32())
	if flags&0x100 == 0 || r.bad {
		return
	}
	row, at := int64(0), int64(8)
	for _, f := range []uint32{0x1, 0x4} {
		if flags&f != 0 {
			at += 4
		}
	}
	for _, f := range []uint32{0x100, 0x200, 0x400, 0x800} {
		if flags&f != 0 {
			row += 4
		}
	}
	if n < 2 || at+n*row > int64(len(b)) {
		return
	}
	last, before := b[at+(n-1)*row:], b[at+(n-2)*row:]
	if binary.BigEndian.Uint32(last) <= binary.BigEndian.Uint32(before)/2 {
		copy(last[:4], before[:4])
	}
}
