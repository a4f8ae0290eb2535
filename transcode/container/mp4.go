package container

import (
	"encoding/binary"
	"math"
)

// mp4State is what the MP4 parser remembers between boxes.
type mp4State struct {
	Body    bool    `json:"body,omitempty"`     // the moov is known and fragments follow
	Plain   bool    `json:"plain,omitempty"`    // media data came before any moov
	Moofs   int     `json:"moofs,omitempty"`    // moofs with samples so far
	Unkeyed bool    `json:"unkeyed,omitempty"`  // some moof did not start on a key frame
	Need    int64   `json:"need,omitempty"`     // where the last moof's farthest sample ends
	MdatEnd int64   `json:"mdat_end,omitempty"` // where the current mdat ends
	SniffAt int64   `json:"sniff_at,omitempty"` // a key frame that tells the codec parameters
	NextDTS []int64 `json:"next_dts,omitempty"` // by track, for a traf without tfdt
}

// endless is the end of a box that lasts to the end of the file.
const endless = math.MaxInt64 / 2

// sniffBytes of a key frame are searched for parameter sets.
const sniffBytes = 1 << 10

// knownTopBox tells whether a file that starts with this box is MP4 or QuickTime.
func knownTopBox(kind string) bool {
	switch kind {
	case "ftyp", "styp", "moov", "mdat", "free", "skip", "wide", "pnot", "uuid":
		return true
	default:
		return false
	}
}

// parseMP4 parses the top-level box at b. Of all boxes only moov and moof are read, the rest is passed over.
func (x *Indexer) parseMP4(b []byte) (used int64, need int) {
	st := &x.state.MP4
	if st.SniffAt > 0 {
		return x.sniffMP4(b)
	}
	if len(b) < 8 {
		return 0, 8
	}
	size, head := int64(binary.BigEndian.Uint32(b)), int64(8)
	kind := string(b[4:8])
	switch size {
	case 1:
		if len(b) < 16 {
			return 0, 16
		}
		large := binary.BigEndian.Uint64(b[8:])
		if large > endless {
			x.giveUpf("a box of it claims an impossible size")
			return 0, 0
		}
		size, head = int64(large), 16
	case 0:
		size = endless
	}
	if size < head || size > endless-x.pos && size != endless {
		x.giveUpf("a box of it claims an impossible size")
		return 0, 0
	}
	switch kind {
	case "moov", "moof":
		return x.parseIndexBox(b, size, head)
	case "mdat":
		return x.enterMdat(min(x.pos+size, endless)), 0
	default:
		if !printable(kind) {
			x.giveUpf("it goes on with something that is not MP4")
		}
		return size, 0
	}
}

// printable tells whether a box type can be one.
func printable(kind string) bool {
	for _, c := range []byte(kind) {
		if c < ' ' || c > '~' && c != 0xA9 {
			return false
		}
	}
	return true
}

// parseIndexBox reads a whole moov or moof.
func (x *Indexer) parseIndexBox(b []byte, size, head int64) (used int64, need int) {
	if size > maxElement {
		x.giveUpf("its index is larger than %d MiB", maxElement>>20)
		return 0, 0
	}
	if int64(len(b)) < size {
		return 0, int(size)
	}
	body := b[head:size]
	switch {
	case string(b[4:8]) == "moov" && x.header == nil:
		x.moov(body, x.pos+size)
	case string(b[4:8]) == "moof" && x.state.MP4.Body:
		x.moof(body)
	case string(b[4:8]) == "moof":
		x.giveUpf("its first fragment comes before its header")
	}
	return size, 0
}

// enterMdat starts a media data box that ends at end, and returns how many bytes to pass over.
func (x *Indexer) enterMdat(end int64) int64 {
	st := &x.state.MP4
	if x.header == nil {
		st.Plain = true
	}
	if st.Body {
		st.MdatEnd = end
		if at, ok := x.sniffPoint(end); ok {
			st.SniffAt = at
			return at - x.pos
		}
	}
	return end - x.pos
}

// sniffPoint finds the first key frame whose bytes tell a codec string that the header does not.
func (x *Indexer) sniffPoint(end int64) (int64, bool) {
	main := x.header.Main()
	if x.ready || main < 0 || x.group.count == 0 {
		return 0, false
	}
	for _, s := range x.group.tracks[main] {
		if s.key && s.size > 0 && s.off > x.pos && s.off+s.size <= end {
			return s.off, true
		}
	}
	return 0, false
}

// sniffMP4 looks at the key frame at b.
func (x *Indexer) sniffMP4(b []byte) (used int64, need int) {
	st := &x.state.MP4
	rest := st.MdatEnd - x.pos
	if want := min(rest, sniffBytes); int64(len(b)) < want {
		return 0, int(want)
	}
	x.sniffFrame(x.header.Main(), b[:min(rest, sniffBytes)])
	x.ready = true
	st.SniffAt = 0
	return rest, 0
}

// moov takes the movie header in body; end is where its box ends.
func (x *Indexer) moov(body []byte, end int64) {
	m, err := parseMoov(body)
	if err != nil {
		x.giveUpf("%v", err)
		return
	}
	x.header = &m.header
	if m.fragmented && !x.state.MP4.Plain && m.samples == 0 {
		x.header.Layout, x.header.Length, x.header.Duration = LayoutFragmented, end, m.whole
		x.state.MP4.Body = true
		x.state.MP4.NextDTS = make([]int64, len(m.header.Tracks))
		if len(x.header.Tracks) == 0 {
			x.giveUpf("it has neither video nor audio")
		}
		return
	}
	switch {
	case len(m.header.Tracks) == 0:
		x.giveUpf("it has neither video nor audio")
	case m.samples == 0:
		x.giveUpf("its index is empty")
	case m.fragmented:
		x.giveUpf("its first samples are in the header, only later ones in fragments")
	default:
		x.ready = true
	}
}

// moof takes a fragment header in body, which lies at x.pos.
func (x *Indexer) moof(body []byte) {
	st := &x.state.MP4
	if x.group.count > 0 && st.Need > x.group.end {
		x.giveUpf("a fragment of it lacks its media data")
		return
	}
	p := moofParser{header: x.header, at: x.pos, next: st.NextDTS}
	if err := p.parse(body); err != nil {
		x.giveUpf("%v", err)
		return
	}
	if p.count == 0 { // as the last fragment of a recording may be
		return
	}
	hasMain, key := p.main()
	if x.group.count > 0 && x.cutBefore(hasMain, key) {
		x.emit(noTick)
	}
	if x.group.tracks == nil {
		x.group = group{start: x.pos, tracks: make([][]sample, len(x.header.Tracks))}
	}
	for track, list := range p.runs {
		for _, s := range list {
			x.group.add(track, s)
		}
	}
	x.ready = x.ready || !needsSniff(x.header) // not before: only now it is known that the fragments can be used
	st.Need, st.MdatEnd = p.need, 0
	st.Moofs++
	st.Unkeyed = st.Unkeyed || !hasMain || !key
}

// cutBefore tells whether the open group ends where something new begins that has samples of the main track or not, the
// first of them a key frame or not.
func (x *Indexer) cutBefore(hasMain, key bool) bool {
	g := &x.group
	if g.count >= maxSamples/2 {
		return true
	}
	if had, _ := g.hasMain(x.header); !hasMain || !had {
		g.tail = g.lonely(x.header)
		return g.tail
	}
	return key && x.lasting() >= x.header.minFragment()
}

// settleMP4 takes note of media data that is complete. Recorders that start each moof on a key frame get their fragments
// closed at once; for others only the next moof tells whether it belongs to the fragment.
func (x *Indexer) settleMP4() {
	st := &x.state.MP4
	if st.MdatEnd == 0 || x.pos < st.MdatEnd || x.group.count == 0 {
		return
	}
	x.group.end = st.MdatEnd
	if st.Need <= st.MdatEnd && st.Moofs >= 2 && !st.Unkeyed && x.lasting() >= x.header.minFragment() {
		x.emit(noTick)
	}
}

// finishMP4 closes the last fragment. A moof whose media data was cut off is left out.
func (x *Indexer) finishMP4(size int64) {
	st := &x.state.MP4
	switch {
	case x.header == nil && x.want > 0 && size < x.pos+int64(x.want):
		x.giveUpf("it ends in the middle of its header")
		return
	case x.header == nil:
		x.giveUpf("it has no header, so nothing tells what is in it")
		return
	case !st.Body:
		if x.skip > 0 && x.pos < endless {
			x.giveUpf("it ends in the middle")
		}
		return
	}
	if x.group.count > 0 {
		if st.MdatEnd == endless {
			x.group.end = size
		}
		x.group.trim(x.group.end)
		x.group.tail = true
		x.emit(noTick)
	}
	if x.emitted == 0 {
		x.giveUpf("it ends before its first fragment is whole")
	}
}

// eachBox calls f with the type and body of each box in b. It does not descend: depth is bounded by the callers' code.
func eachBox(b []byte, f func(kind string, body []byte) error) error {
	for len(b) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		switch {
		case size == 0:
			size = uint64(len(b))
		case size == 1 && len(b) >= 16:
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size < head || size > uint64(len(b)) {
			return errBox
		}
		if err := f(string(b[4:8]), b[head:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// fields reads big-endian numbers one after the other and remembers if one was missing.
type fields struct {
	b   []byte
	bad bool
}

// take returns the next n bytes, or n zero bytes if they are missing; n is a small constant.
func (r *fields) take(n int) []byte {
	if len(r.b) < n {
		r.b, r.bad = nil, true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *fields) u8() uint8   { return r.take(1)[0] }
func (r *fields) u16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *fields) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *fields) u64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

// sized reads a number of 4 bytes, or of 8 where wide is set, as versions 0 and 1 of many boxes do.
func (r *fields) sized(wide bool) uint64 {
	if wide {
		return r.u64()
	}
	return uint64(r.u32())
}

// parseDurationBox reads what mvhd and mdhd have in common.
func parseDurationBox(b []byte) (timescale uint32, duration uint64) {
	r := fields{b: b}
	wide := r.u32()>>24 == 1
	r.sized(wide)
	r.sized(wide)
	timescale = r.u32()
	duration = r.sized(wide)
	if r.bad {
		return 0, 0
	}
	return timescale, duration
}
