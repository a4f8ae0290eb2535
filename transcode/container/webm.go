package container

import (
	"encoding/binary"
	"math"
)

// The EBML and Matroska elements that matter here (RFC 8794, RFC 9559).
const (
	idEBML         = 0x1A45DFA3
	idDocType      = 0x4282
	idVoid         = 0xEC
	idSegment      = 0x18538067
	idSeekHead     = 0x114D9B74
	idInfo         = 0x1549A966
	idTracks       = 0x1654AE6B
	idCues         = 0x1C53BB6B
	idCluster      = 0x1F43B675
	idChapters     = 0x1043A770
	idTags         = 0x1254C367
	idAttachments  = 0x1941A469
	idTimestamp    = 0xE7
	idSimpleBlock  = 0xA3
	idBlockGroup   = 0xA0
	idBlock        = 0xA1
	idBlockLength  = 0x9B
	idReference    = 0xFB
	maxClusterTime = 1 << 50
)

// webmState is what the WebM parser remembers between elements.
type webmState struct {
	Segment    int64  `json:"segment,omitempty"`     // where the Segment's data starts
	SegmentEnd int64  `json:"segment_end,omitempty"` // endless if unknown
	Body       bool   `json:"body,omitempty"`        // the first cluster was seen
	Cluster    int64  `json:"cluster,omitempty"`     // where the current cluster starts, 0 outside
	ClusterEnd int64  `json:"cluster_end,omitempty"` // endless if unknown
	Time       int64  `json:"time,omitempty"`        // of the cluster, in its ticks
	Decided    bool   `json:"decided,omitempty"`     // the cluster's first main block was seen
	PrevEnd    int64  `json:"prev_end,omitempty"`    // where the cluster before ended
	Scale      uint64 `json:"scale,omitempty"`       // ns per tick, before the header exists
	Length     int64  `json:"length,omitempty"`      // ns, as Info tells
	Matroska   bool   `json:"matroska,omitempty"`
}

// element is the head of an EBML element.
type element struct {
	id   uint32
	head int64 // bytes of id and size
	size int64 // of the data; endless if unknown
}

// readElement reads an element's head; need > 0 means that b is too short.
func readElement(b []byte) (e element, need int, ok bool) {
	if len(b) == 0 {
		return e, 1, true
	}
	idLen := leadingLength(b[0])
	if idLen > 4 {
		return e, 0, false
	}
	if len(b) <= idLen {
		return e, idLen + 1, true
	}
	sizeLen := leadingLength(b[idLen])
	if sizeLen > 8 {
		return e, 0, false
	}
	if len(b) < idLen+sizeLen {
		return e, idLen + sizeLen, true
	}
	for _, c := range b[:idLen] {
		e.id = e.id<<8 | uint32(c)
	}
	e.head = int64(idLen + sizeLen)
	size, unknown := vint(b[idLen : idLen+sizeLen])
	if e.size = int64(min(size, endless)); unknown {
		e.size = endless
	}
	return e, 0, true
}

// leadingLength is the number of bytes that a variable-size number has by its first byte; 9 is invalid.
func leadingLength(c byte) int {
	n := 1
	for m := byte(0x80); m != 0 && c&m == 0; m >>= 1 {
		n++
	}
	return n
}

// vint decodes a whole variable-size number; all ones means unknown.
func vint(b []byte) (v uint64, unknown bool) {
	v = uint64(b[0]) & (1<<(8-len(b)) - 1)
	for _, c := range b[1:] {
		v = v<<8 | uint64(c)
	}
	return v, v == 1<<(7*len(b))-1
}

// parseWebM parses the element at b.
func (x *Indexer) parseWebM(b []byte) (used int64, need int) {
	st := &x.state.WebM
	if st.Segment > 0 && x.pos >= st.SegmentEnd { // what follows the Segment does not matter
		return endless, 0
	}
	if st.Cluster > 0 && x.pos >= st.ClusterEnd {
		st.Cluster = 0
	}
	e, need, ok := readElement(b)
	if !ok || e.size > endless-x.pos-e.head && e.size != endless {
		x.giveUpf("it goes on with something that is not WebM")
		return 0, 0
	}
	if need > 0 {
		return 0, need
	}
	if st.Cluster > 0 && st.ClusterEnd == endless && endsCluster(e.id) {
		st.Cluster = 0
	}
	switch {
	case st.Segment == 0:
		return x.topElement(e, b)
	case st.Cluster == 0:
		return x.segmentElement(e, b)
	default:
		return x.clusterElement(e, b)
	}
}

// endsCluster tells whether an element cannot be inside a cluster.
func endsCluster(id uint32) bool {
	switch id {
	case idCluster, idCues, idTags, idSeekHead, idInfo, idTracks, idChapters, idAttachments, idSegment, idEBML:
		return true
	default:
		return false
	}
}

// whole returns the data of an element that has to be read at once, or how much of b it takes.
func (x *Indexer) whole(e element, b []byte) (data []byte, need int) {
	if e.size > maxElement-16 {
		x.giveUpf("an element of it is larger than %d MiB", maxElement>>20)
		return nil, 0
	}
	if int64(len(b)) < e.head+e.size {
		return nil, int(e.head + e.size)
	}
	return b[e.head : e.head+e.size], 0
}

func (x *Indexer) topElement(e element, b []byte) (used int64, need int) {
	st := &x.state.WebM
	switch {
	case e.id == idEBML:
		data, need := x.whole(e, b)
		if need > 0 || x.dead {
			return 0, need
		}
		st.Matroska = docType(data) != "webm"
	case e.id == idSegment:
		st.Segment, st.SegmentEnd = x.pos+e.head, min(x.pos+e.head+e.size, endless)
		return e.head, 0
	case e.size == endless:
		x.giveUpf("it has no Segment")
		return 0, 0
	}
	return e.head + e.size, 0
}

func (x *Indexer) segmentElement(e element, b []byte) (used int64, need int) {
	st := &x.state.WebM
	switch e.id {
	case idCluster:
		x.enterCluster(e)
		return e.head, 0
	case idInfo, idTracks:
		data, need := x.whole(e, b)
		if need > 0 || x.dead {
			return 0, need
		}
		if st.Body {
			break
		}
		if e.id == idInfo {
			st.parseInfo(data)
			break
		}
		h, err := parseTracks(data)
		if err != nil {
			x.giveUpf("%v", err)
		}
		x.header = h
	case idSegment, idEBML:
		x.giveUpf("it goes on with a second file")
	default:
		if e.size == endless {
			x.giveUpf("an element of it has no size")
		}
	}
	return e.head + e.size, 0
}

// enterCluster starts a cluster at x.pos.
func (x *Indexer) enterCluster(e element) {
	st := &x.state.WebM
	if x.header == nil || len(x.header.Tracks) == 0 {
		x.giveUpf("it has neither video nor audio tracks")
		return
	}
	if !st.Body {
		st.Body = true
		st.completeHeader(x.header, x.pos)
		x.ready = !needsSniff(x.header)
	}
	if g := &x.group; g.count > 0 {
		if g.tail = g.lonely(x.header); g.tail || g.count >= maxSamples/2 {
			x.emit(noTick)
		}
	}
	st.Cluster, st.ClusterEnd = x.pos, min(x.pos+e.head+e.size, endless)
	st.Time, st.Decided, st.PrevEnd = 0, false, x.group.end
	if x.group.tracks == nil {
		x.group = group{start: x.pos, tracks: make([][]sample, len(x.header.Tracks))}
	}
	if len(x.group.marks) > maxSamples {
		x.giveUpf("it has too many empty clusters")
		return
	}
	x.group.marks = append(x.group.marks, x.pos)
	x.group.end = x.pos + e.head
}

func (x *Indexer) clusterElement(e element, b []byte) (used int64, need int) {
	st := &x.state.WebM
	end := x.pos + e.head + e.size
	if e.size == endless || end > st.ClusterEnd {
		x.giveUpf("an element of it is larger than the cluster around it")
		return 0, 0
	}
	switch e.id {
	case idTimestamp:
		data, need := x.whole(e, b)
		if need > 0 || x.dead {
			return 0, need
		}
		st.Time = int64(min(unsigned(data), maxClusterTime))
	case idSimpleBlock:
		if need = x.simpleBlock(e, b); need > 0 {
			return 0, need
		}
	case idBlockGroup:
		data, need := x.whole(e, b)
		if need > 0 || x.dead {
			return 0, need
		}
		x.blockGroup(data, x.pos+e.head)
	}
	if !x.dead {
		x.group.end = end
	}
	return e.head + e.size, 0
}

// simpleBlock reads the head of a block; its frames are passed over.
func (x *Indexer) simpleBlock(e element, b []byte) (need int) {
	want := min(e.size, 64)
	if int64(len(b)) < e.head+want {
		return int(e.head + want)
	}
	bl, ok := parseBlock(b[e.head:], e.size)
	if bl.laced && !ok { // sizes of up to 255 frames
		if want = min(e.size, 4<<10); int64(len(b)) < e.head+want {
			return int(e.head + want)
		}
	}
	if !ok {
		x.giveUpf("a block of it is damaged")
		return 0
	}
	bl.key = bl.flags&0x80 != 0
	x.block(bl, x.pos+e.head)
	return 0
}

// blockGroup reads a whole group whose data lies at offset at.
func (x *Indexer) blockGroup(data []byte, at int64) {
	bl, found := block{key: true}, false
	offset := at
	err := eachElement(data, func(e element, b []byte) error {
		switch e.id {
		case idBlock:
			parsed, ok := parseBlock(b, e.size)
			if !ok {
				return errWebM
			}
			parsed.key, parsed.dur = bl.key, bl.dur
			bl, found = parsed, true
			offset = at + e.head
		case idReference:
			bl.key = false
		case idBlockLength:
			bl.dur = int64(min(unsigned(b), math.MaxInt32))
		}
		at += e.head + e.size
		return nil
	})
	if err != nil {
		x.giveUpf("a block of it is damaged")
		return
	}
	if found {
		x.block(bl, offset)
	}
}

// block is one SimpleBlock or Block.
type block struct {
	track uint64
	time  int16 // relative to the cluster
	flags byte
	laced bool
	key   bool
	dur   int64 // ticks of the cluster, 0 if unknown
	head  int64 // bytes before the first frame
	sizes []int64
	frame []byte // the beginning of the first frame, as far as it was offered
}

// parseBlock reads the head of a block of size bytes that begins at b.
func parseBlock(b []byte, size int64) (bl block, ok bool) {
	if len(b) == 0 {
		return bl, false
	}
	n := leadingLength(b[0])
	if n > 8 || len(b) < n+3 || size < int64(n+3) {
		return bl, false
	}
	bl.track, _ = vint(b[:n])
	bl.time = int16(binary.BigEndian.Uint16(b[n:]))
	bl.flags = b[n+2]
	bl.head = int64(n + 3)
	if bl.flags&0x06 == 0 {
		bl.sizes = []int64{size - bl.head}
	} else {
		bl.laced = true
		if !bl.lacing(b, size) {
			return bl, false
		}
	}
	bl.frame = b[min(bl.head, int64(len(b))):]
	return bl, true
}
