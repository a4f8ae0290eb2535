package container

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// sample is one frame of one track. Times are ticks of the track.
type sample struct {
	off  int64 // in the file
	size int64
	dts  int64
	dur  int64 // to the next sample's dts
	cts  int64 // presentation minus decode time
	key  bool
}

// noTick stands for an unknown time.
const noTick = math.MinInt64

// group is the fragment that is still being collected.
type group struct {
	start, end int64      // bytes of the file; end 0 means that no element is complete yet
	tracks     [][]sample // by index in Header.Tracks
	marks      []int64    // where clusters start, in the file
	count      int        // samples of all tracks
	tail       bool       // no video follows: the group lasts as long as its audio
}

// openGroup is a group in a Checkpoint.
type openGroup struct {
	Start   int64  `json:"start"`
	End     int64  `json:"end"`
	Samples []byte `json:"samples"`
}

func (g *group) open() *openGroup {
	if g.tracks == nil {
		return nil
	}
	ids := make([]uint64, len(g.tracks))
	for i := range ids {
		ids[i] = uint64(i)
	}
	return &openGroup{Start: g.start, End: g.end, Samples: packSamples(g, ids)}
}

func (o *openGroup) group(h *Header) group {
	g := group{start: o.Start, end: o.End, tracks: make([][]sample, len(h.Tracks))}
	t, err := unpackSamples(o.Samples, o.Start)
	if err != nil {
		return group{}
	}
	g.marks = t.marks
	for id, list := range t.tracks {
		if id < uint64(len(g.tracks)) {
			g.tracks[id] = list
			g.count += len(list)
		}
	}
	return g
}

// add appends a sample to a track. Its dts never lies before the previous one's end where that end is known: files with
// a gap or an overlap between fragments keep their presentation times.
func (g *group) add(track int, s sample) {
	list := g.tracks[track]
	if n := len(list); n > 0 {
		last := &list[n-1]
		if s.dts > last.dts {
			last.dur = s.dts - last.dts
		} else {
			over := last.dts + max(last.dur, 0) - s.dts
			s.dts += over
			s.cts -= over
		}
	}
	g.tracks[track] = append(list, s)
	g.count++
}

// ends returns the presentation time of a track's first sample and the end of its last one.
func (g *group) ends(h *Header, track int) (start, end time.Duration, ok bool) {
	if track < 0 || track >= len(g.tracks) || len(g.tracks[track]) == 0 {
		return 0, 0, false
	}
	t, list := &h.Tracks[track], g.tracks[track]
	first, last := list[0], list[len(list)-1]
	shift := first.cts - t.MediaTime + t.EmptyEdit
	return ticks(first.dts+shift, t.Timescale), ticks(last.dts+last.dur+shift, t.Timescale), true
}

// span returns the track that tells the group's time, and that time.
func (g *group) span(h *Header) (track int, start, end time.Duration) {
	main := h.Main()
	if start, end, ok := g.ends(h, main); ok {
		return main, start, end
	}
	for i := range g.tracks {
		if start, end, ok := g.ends(h, i); ok {
			return i, start, end
		}
	}
	return -1, 0, 0
}

// audioEnd returns when the group's audio ends.
func (g *group) audioEnd(h *Header) (latest time.Duration) {
	for i, t := range h.Tracks {
		if _, end, ok := g.ends(h, i); ok && t.Kind == KindAudio {
			latest = max(latest, end)
		}
	}
	return latest
}

// lonely tells whether the group's audio has gone on without video for so long that it need not wait for a key frame.
func (g *group) lonely(h *Header) bool {
	track, start, end := g.span(h)
	if track < 0 {
		return false
	}
	if h.Tracks[track].Kind != KindVideo {
		return end-start >= videoSilence
	}
	return g.audioEnd(h)-end >= videoSilence
}

// hasMain tells whether the group has any sample of the main track, and whether its first one is a key frame.
func (g *group) hasMain(h *Header) (has, key bool) {
	if main := h.Main(); main >= 0 && main < len(g.tracks) && len(g.tracks[main]) > 0 {
		return true, g.tracks[main][0].key
	}
	return false, true
}

// fragment turns the group into a Fragment; until is the main track's tick where the next one starts, or noTick.
func (g *group) fragment(h *Header, until int64) (Fragment, bool) {
	if g.count == 0 || g.end <= g.start {
		return Fragment{}, false
	}
	track, start, end := g.span(h)
	if list := g.tracks[track]; until != noTick && track == h.Main() && until > list[0].dts+list[0].cts {
		t := &h.Tracks[track]
		end = ticks(until-t.MediaTime+t.EmptyEdit, t.Timescale)
	}
	if g.tail && until == noTick {
		end = max(end, g.audioEnd(h))
	}
	start = max(start, 0)
	ids := make([]uint64, len(h.Tracks))
	for i, t := range h.Tracks {
		ids[i] = t.ID
	}
	_, key := g.hasMain(h)
	return Fragment{
		Offset: g.start, Length: g.end - g.start, Start: start, Duration: max(end-start, 0),
		Key: key, Samples: packSamples(g, ids),
	}, true
}

// The packed table: version, marks, then for each track its id, number of samples and first dts, and for each sample
// size<<4|flags followed by the values that are not as before. All numbers are varints; offsets are relative.
const (
	packVersion = 1

	packKey         = 1
	packDuration    = 2
	packComposition = 4
	packJump        = 8
)

var errSamples = errors.New("container: damaged sample table")

func packSamples(g *group, ids []uint64) []byte {
	b := append(make([]byte, 0, 64+3*g.count), packVersion)
	b = binary.AppendUvarint(b, uint64(len(g.marks)))
	at := g.start
	for _, m := range g.marks {
		b = binary.AppendVarint(b, m-at)
		at = m
	}
	for i, list := range g.tracks {
		if len(list) == 0 {
			continue
		}
		b = binary.AppendUvarint(b, ids[i])
		b = binary.AppendUvarint(b, uint64(len(list)))
		b = binary.AppendVarint(b, list[0].dts)
		b = packTrack(b, list, g.start)
	}
	return b
}

func packTrack(b []byte, list []sample, base int64) []byte {
	prev := sample{off: base}
	for _, s := range list {
		head := uint64(s.size) << 4
		if s.key {
			head |= packKey
		}
		if s.dur != prev.dur {
			head |= packDuration
		}
		if s.cts != prev.cts {
			head |= packComposition
		}
		if s.off != prev.off+prev.size {
			head |= packJump
		}
		b = binary.AppendUvarint(b, head)
		if head&packDuration != 0 {
			b = binary.AppendVarint(b, s.dur)
		}
		if head&packComposition != 0 {
			b = binary.AppendVarint(b, s.cts)
		}
		if head&packJump != 0 {
			b = binary.AppendVarint(b, s.off-prev.off-prev.size)
		}
		prev = s
	}
	return b
}

// table is an unpacked sample table.
type table struct {
	marks  []int64
	tracks map[uint64][]sample
}

// varints reads numbers one after the other and remembers if one was missing.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) unsigned() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *varints) signed() int64 {
	u := r.unsigned()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

// unpackSamples reads a packed table; base is the offset of its fragment.
func unpackSamples(b []byte, base int64) (table, error) {
	t := table{tracks: map[uint64][]sample{}}
	if len(b) == 0 || b[0] != packVersion {
		return t, errSamples
	}
	r := varints{b: b[1:]}
	marks := r.unsigned()
	if marks > uint64(len(r.b)) {
		return t, errSamples
	}
	at := base
	for range marks {
		at += r.signed()
		t.marks = append(t.marks, at)
	}
	for len(r.b) > 0 {
		id, n, dts := r.unsigned(), r.unsigned(), r.signed()
		if n > uint64(len(r.b)) {
			return t, errSamples
		}
		t.tracks[id] = unpackTrack(&r, int(n), sample{off: base, dts: dts})
	}
	if r.bad {
		return t, errSamples
	}
	return t, nil
}

func unpackTrack(r *varints, n int, prev sample) []sample {
	list := make([]sample, 0, n)
	for range n {
		head := r.unsigned()
		s := sample{off: prev.off + prev.size, size: int64(head >> 4), dts: prev.dts + prev.dur, dur: prev.dur, cts: prev.cts, key: head&packKey != 0}
		if head&packDuration != 0 {
			s.dur = r.signed()
		}
		if head&packComposition != 0 {
			s.cts = r.signed()
		}
		if head&packJump != 0 {
			s.off += r.signed()
		}
		list = append(list, s)
		prev = s
	}
	return list
}

// split moves the samples and marks from byte at on into a new group.
func (g *group) split(at int64) group {
	next := group{start: at, end: g.end, tracks: make([][]sample, len(g.tracks))}
	for i, list := range g.tracks {
		k := len(list)
		for k > 0 && list[k-1].off >= at {
			k--
		}
		next.tracks[i] = append([]sample(nil), list[k:]...)
		g.tracks[i] = list[:k:k]
		next.count += len(list) - k
	}
	g.count -= next.count
	k := len(g.marks)
	for k > 0 && g.marks[k-1] >= at {
		k--
	}
	next.marks = append([]int64(nil), g.marks[k:]...)
	g.marks = g.marks[:k:k]
	return next
}

// trim drops the samples that end behind byte end.
func (g *group) trim(end int64) {
	for i, list := range g.tracks {
		for k, s := range list {
			if s.off+s.size > end {
				g.count -= len(list) - k
				g.tracks[i] = list[:k]
				break
			}
		}
	}
}

// lastByte returns where the farthest sample ends.
func (g *group) lastByte() (end int64) {
	for _, list := range g.tracks {
		for _, s := range list {
			end = max(end, s.off+s.size)
		}
	}
	return end
}
