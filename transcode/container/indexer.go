package container

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Indexer finds the tracks and fragments of one file that is fed to it from the first byte on. It is not safe for
// concurrent use.
type Indexer struct {
	pos     int64  // offset in the file of the next byte to parse, which is buf[0] if buf is not empty
	skip    int64  // bytes up to pos that have not been fed yet
	want    int    // bytes from pos on that the parser needs to go on
	buf     []byte // bytes from pos on, kept because the parser wants more
	header  *Header
	ready   bool // the header is complete and may be seen
	dead    bool // given up
	reason  string
	state   state
	group   group
	closed  []Fragment
	emitted int // fragments closed in all
}

// state is the parser's memory between two elements. It is JSON in a Checkpoint.
type state struct {
	Format Format     `json:"format,omitempty"`
	MP4    mp4State   `json:"mp4,omitzero"`
	WebM   webmState  `json:"webm,omitzero"`
	Draft  *Header    `json:"draft,omitempty"` // a header that still waits for its codec strings
	Open   *openGroup `json:"open,omitempty"`
}

// Checkpoint is where another Indexer, perhaps in another process, can go on. It is JSON of some kB at most.
type Checkpoint struct {
	// Next is the offset of the first byte to feed. It may lie beyond the bytes known so far, because they need not be
	// read, or before them, because an element was cut.
	Next int64 `json:"next"`
	// Want is the size the file must have before feeding leads anywhere; until then resuming is only a loss of time.
	Want    int64  `json:"want"`
	Dead    bool   `json:"dead,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Emitted int    `json:"emitted,omitempty"` // fragments taken so far
	State   state  `json:"state"`
}

// NewIndexer returns an Indexer for the first byte of a file.
func NewIndexer() *Indexer { return &Indexer{} }

// ResumeIndexer returns an Indexer that goes on at cp. h is the header that was known then, or nil. The caller feeds it
// from byte cp.Next on; where the file is shorter than that, FinishAt is the only sensible call: Fragments would take the
// bytes before cp.Next for granted.
func ResumeIndexer(h *Header, cp Checkpoint) *Indexer {
	x := &Indexer{pos: max(cp.Next, 0), header: h, ready: h != nil, dead: cp.Dead, reason: cp.Reason, state: cp.State, emitted: cp.Emitted, want: int(min(max(cp.Want-cp.Next, 0), maxElement))}
	if h == nil && cp.State.Draft != nil {
		x.header = cp.State.Draft
	}
	if open := x.state.Open; open != nil && x.header != nil {
		x.group = open.group(x.header)
	}
	x.state.Open, x.state.Draft = nil, nil
	if x.header == nil && !x.consistent() {
		x.giveUpf("its checkpoint is damaged")
	}
	return x
}

// consistent tells whether the state can do without a header.
func (x *Indexer) consistent() bool {
	return !x.state.WebM.Body && !x.state.MP4.Body
}

// Header returns what is known of the tracks, nil until then: a fragmented file's is known with its first fragment's
// beginning, when it is sure that its fragments can be used. It must not be changed.
func (x *Indexer) Header() *Header {
	if !x.ready {
		return nil
	}
	return x.header
}

// Reason says in words why the file cannot be indexed (further); it is empty while all is well.
func (x *Indexer) Reason() string { return x.reason }

// Write feeds the next bytes. It always takes them all and never fails: see Reason.
func (x *Indexer) Write(p []byte) (int, error) {
	n := len(p)
	for !x.dead && (len(p) > 0 || len(x.buf) > 0 && len(x.buf) >= x.want) {
		if x.skip > 0 {
			k := min(x.skip, int64(len(p)))
			x.skip -= k
			p = p[k:]
			continue
		}
		x.settle()
		if len(x.buf) == 0 {
			p = p[x.step(p):]
			continue
		}
		if missing := x.want - len(x.buf); missing > 0 {
			k := min(missing, len(p))
			x.buf = append(x.buf, p[:k]...)
			p = p[k:]
		}
		if len(x.buf) >= x.want {
			x.stepBuffered()
		}
	}
	return n, nil
}

// step parses once at b, the bytes from pos on, and returns how many of them are done with: the rest of b must be
// offered again. When the parser needs more than b, b is kept.
func (x *Indexer) step(b []byte) int {
	used, need := x.parse(b)
	switch {
	case x.dead:
		return len(b)
	case used > 0:
		x.pos += used
		x.want = 0
		k := min(used, int64(len(b)))
		x.skip = used - k
		return int(k)
	case need <= len(b) || need > maxElement:
		x.giveUpf("an element of it is too large or makes no sense")
		return len(b)
	default:
		x.want = need
		x.buf = append(make([]byte, 0, max(min(need, 2*len(b)), 64)), b...)
		return len(b)
	}
}

// stepBuffered parses once at the kept bytes.
func (x *Indexer) stepBuffered() {
	used, need := x.parse(x.buf)
	switch {
	case x.dead:
	case used > 0:
		x.pos += used
		k := min(used, int64(len(x.buf)))
		x.skip = used - k
		x.buf = x.buf[k:]
		x.want = min(len(x.buf), 1)
		if len(x.buf) == 0 {
			x.buf = nil
		}
	case need <= len(x.buf) || need > maxElement:
		x.giveUpf("an element of it is too large or makes no sense")
	default:
		x.want = need
	}
}

// parse looks at b, the bytes at pos, and returns how many bytes are done with (perhaps more than b has), or how many it
// needs to see.
func (x *Indexer) parse(b []byte) (used int64, need int) {
	switch x.state.Format {
	case FormatMP4:
		return x.parseMP4(b)
	case FormatWebM:
		return x.parseWebM(b)
	default:
		if need = x.sniff(b); need > 0 || x.dead {
			return 0, need
		}
		return x.parse(b)
	}
}

// sniff sets the format, or returns how many bytes it needs to see.
func (x *Indexer) sniff(b []byte) int {
	if len(b) < 12 {
		return 12
	}
	switch {
	case binary.BigEndian.Uint32(b) == idEBML:
		x.state.Format = FormatWebM
	case knownTopBox(string(b[4:8])):
		x.state.Format = FormatMP4
	default:
		x.giveUpf("it is neither MP4 nor WebM")
	}
	return 0
}

// giveUpf ends indexing. Fragments found so far stay good; a file without any turns plain.
func (x *Indexer) giveUpf(format string, args ...any) {
	if x.dead {
		return
	}
	x.dead, x.reason, x.buf, x.skip = true, fmt.Sprintf(format, args...), nil, 0
	x.group = group{}
	if x.emitted > 0 {
		return
	}
	h := Header{Format: x.state.Format, Layout: LayoutPlain}
	if h.Format == "" {
		h.Format = FormatOther
	}
	if x.header != nil {
		h = *x.header
		h.Layout, h.Length = LayoutPlain, 0
	}
	x.header, x.ready = &h, true
}

// Fragments takes the fragments that were closed since the last call.
func (x *Indexer) Fragments() []Fragment {
	x.settle()
	out := x.closed
	x.closed = nil
	return out
}

// settle closes the open fragment if what was fed so far completes it.
func (x *Indexer) settle() {
	if x.skip == 0 && !x.dead && x.state.Format == FormatMP4 {
		x.settleMP4()
	}
}

// Finish closes the last fragment at the end of the file and takes what was not taken yet. The end is where the fed
// bytes ended.
func (x *Indexer) Finish() []Fragment {
	return x.FinishAt(x.pos - x.skip + int64(len(x.buf)))
}

// FinishAt is Finish for a file whose size is known: after ResumeIndexer with a checkpoint that lies beyond its end.
func (x *Indexer) FinishAt(size int64) []Fragment {
	if size < x.pos {
		x.skip = x.pos - size
	}
	x.settle()
	if !x.dead {
		switch x.state.Format {
		case FormatMP4:
			x.finishMP4(size)
		case FormatWebM:
			x.finishWebM(size)
		default:
			x.giveUpf("it is too short to be a video")
		}
	}
	out := x.closed
	x.closed = nil
	return out
}

// Buffered tells how many bytes of an element that is not whole yet are held.
func (x *Indexer) Buffered() int { return cap(x.buf) }

// Checkpoint returns where another Indexer can go on. Take the Fragments first: they are not part of it.
func (x *Indexer) Checkpoint() Checkpoint {
	cp := Checkpoint{Next: x.pos, Want: x.pos + int64(x.want), Dead: x.dead, Reason: x.reason, Emitted: x.emitted, State: x.state}
	if x.dead {
		cp.State = state{Format: x.state.Format}
		return cp
	}
	cp.State.Open = x.group.open()
	if !x.ready {
		cp.State.Draft = x.header
	}
	return cp
}

// emit closes the open group as a fragment. until is the presentation tick at which the next fragment's main track
// starts, or noTick.
func (x *Indexer) emit(until int64) {
	g := &x.group
	if f, ok := g.fragment(x.header, until); ok {
		x.closed = append(x.closed, f)
		x.emitted++
		if !x.ready && needsSniff(x.header) { // no key frame was found to look at
			x.sniffFrame(x.header.Main(), nil)
		}
		x.ready = true
	}
	x.group = group{}
}

// lasting returns how long the open group's main track is so far.
func (x *Indexer) lasting() time.Duration {
	_, start, end := x.group.span(x.header)
	return end - start
}
