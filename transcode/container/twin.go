package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Piece is one file among the bytes that a twin is made of: a source, or one object of the ladder.
type Piece struct {
	Header    *Header
	Fragments []Fragment
	Base      int64  // where this file's first byte lies in the concatenation of all bodies
	Tracks    string // KindVideo, KindAudio, or "" for both
}

// Errors of the twin and the WebM head.
var (
	ErrNoTwin    = errors.New("container: a track of this kind has no place in an MP4")
	ErrMixed     = errors.New("container: the pieces of a track differ in their configuration")
	ErrNoSamples = errors.New("container: there are no samples")
	ErrBounds    = errors.New("container: a sample lies outside of the body")
)

// TwinMP4 makes the beginning of an ordinary MP4 whose media data are untouched bytes: ftyp, a moov with sample tables and
// the header of one mdat. The file is head followed by bodyLength bytes, the concatenation of the pieces' files. Tracks
// of the same kind and configuration in later pieces continue those of earlier ones; a presentation starts with its
// earliest track, and later ones wait by an edit list. WebM pieces work if their codecs have a place in MP4.
func TwinMP4(pieces []Piece, bodyLength int64) (head []byte, err error) {
	var tracks []*twinTrack
	for i := range pieces {
		if tracks, err = addPiece(tracks, &pieces[i], bodyLength); err != nil {
			return nil, err
		}
	}
	filled := tracks[:0]
	for _, t := range tracks {
		if t.finish(); len(t.sizes) > 0 {
			filled = append(filled, t)
		}
	}
	if tracks = filled; len(tracks) == 0 {
		return nil, ErrNoSamples
	}
	return writeTwin(tracks, bodyLength), nil
}

func addPiece(tracks []*twinTrack, p *Piece, bodyLength int64) ([]*twinTrack, error) {
	tracks, byID, err := matchTracks(tracks, p)
	if err != nil {
		return nil, err
	}
	for _, f := range p.Fragments {
		table, err := unpackSamples(f.Samples, f.Offset)
		if err != nil {
			return nil, err
		}
		for id, twin := range byID {
			if err := twin.add(table.tracks[id], p.Base, bodyLength); err != nil {
				return nil, err
			}
		}
	}
	return tracks, nil
}

// matchTracks finds for each track of a piece the one of earlier pieces that it continues, or adds a new one.
func matchTracks(tracks []*twinTrack, p *Piece) (all []*twinTrack, byID map[uint64]*twinTrack, err error) {
	byID = map[uint64]*twinTrack{}
	used := map[*twinTrack]bool{}
	earlier := len(tracks)
	for i := range p.Header.Tracks {
		t := &p.Header.Tracks[i]
		if p.Tracks != "" && t.Kind != p.Tracks {
			continue
		}
		entry, err := twinEntry(p.Header.Format, t)
		if err != nil {
			return nil, nil, err
		}
		twin := findTwin(tracks[:earlier], used, t, entry)
		switch {
		case twin == nil && hasKind(tracks[:earlier], used, t.Kind):
			return nil, nil, ErrMixed
		case twin == nil:
			twin = &twinTrack{Track: *t, entry: entry}
			tracks = append(tracks, twin)
		}
		used[twin], byID[t.ID] = true, twin
		twin.shift = t.EmptyEdit - t.MediaTime - twin.EmptyEdit + twin.MediaTime
	}
	return tracks, byID, nil
}

// findTwin returns the track of an earlier piece that t continues.
func findTwin(tracks []*twinTrack, used map[*twinTrack]bool, t *Track, entry []byte) *twinTrack {
	for _, twin := range tracks {
		if !used[twin] && twin.Kind == t.Kind && twin.Timescale == t.Timescale && bytes.Equal(twin.entry, entry) {
			return twin
		}
	}
	return nil
}

// hasKind tells whether an earlier piece has an unused track of this kind.
func hasKind(tracks []*twinTrack, used map[*twinTrack]bool, kind string) bool {
	for _, twin := range tracks {
		if !used[twin] && twin.Kind == kind {
			return true
		}
	}
	return false
}

// run is so many samples with one value, as stts, ctts and stsc count them.
type run struct {
	first uint32 // number of the first, for stsc
	count uint32
	value int64
}

// twinTrack collects the sample tables of one track.
type twinTrack struct {
	Track
	entry   []byte
	shift   int64 // added to the times of the current piece
	sizes   []uint32
	sync    []uint32
	chunks  []int64 // offsets in the body
	stts    []run
	ctts    []run
	stsc    []run
	last    sample // not yet in stts
	first   sample
	end     int64 // where the last sample's bytes ended
	inChunk uint32
	total   int64 // ticks of media
	shown   int64 // ticks from the first sample's dts to where the last picture's presentation ends
	usesCts bool
}

func (t *twinTrack) add(list []sample, base, bodyLength int64) error {
	for _, s := range list {
		s.off += base
		s.dts += t.shift
		if s.off < 0 || s.size < 0 || s.size > math.MaxUint32 || s.off > bodyLength-s.size {
			return ErrBounds
		}
		if len(t.sizes) == 0 {
			t.first = s
		} else {
			if s.dts <= t.last.dts { // an overlap: keep the presentation time
				s.cts += s.dts - t.last.dts - 1
				s.dts = t.last.dts + 1
			}
			t.lasted(s.dts - t.last.dts)
		}
		t.place(s)
		t.ctts = addRun(t.ctts, s.cts)
		t.usesCts = t.usesCts || s.cts != 0
		t.sizes = append(t.sizes, uint32(s.size))
		if s.key {
			t.sync = append(t.sync, uint32(len(t.sizes)))
		}
		t.last = s
	}
	return nil
}

// lasted notes the duration of the last sample.
func (t *twinTrack) lasted(dur int64) {
	dur = min(max(dur, 0), math.MaxUint32)
	t.stts = addRun(t.stts, dur)
	t.total += dur
	t.shown = max(t.shown, t.total+t.last.cts)
}

// place puts a sample into the current chunk, or into a new one where its bytes do not follow.
func (t *twinTrack) place(s sample) {
	if len(t.chunks) > 0 && s.off == t.end {
		t.inChunk++
	} else {
		t.closeChunk()
		t.chunks = append(t.chunks, s.off)
		t.inChunk = 1
	}
	t.end = s.off + s.size
}

func (t *twinTrack) closeChunk() {
	if n := len(t.chunks); n > 0 && (len(t.stsc) == 0 || t.stsc[len(t.stsc)-1].value != int64(t.inChunk)) {
		t.stsc = append(t.stsc, run{first: uint32(n), value: int64(t.inChunk)})
	}
}

func addRun(runs []run, value int64) []run {
	if n := len(runs); n > 0 && runs[n-1].value == value {
		runs[n-1].count++
		return runs
	}
	return append(runs, run{count: 1, value: value})
}

func (t *twinTrack) finish() {
	if len(t.sizes) == 0 {
		return
	}
	dur := t.last.dur
	if dur <= 0 && len(t.stts) > 0 {
		dur = t.stts[len(t.stts)-1].value
	}
	t.lasted(dur)
	t.closeChunk()
}

// starts returns when the track's first sample is presented, in ticks.
func (t *twinTrack) starts() int64 {
	return t.first.dts + t.first.cts - t.MediaTime + t.EmptyEdit
}

// edit returns how long the presentation waits for the track when it begins at origin (in ticks of the track), and where
// in the media it starts then.
func (t *twinTrack) edit(origin int64) (empty, mediaTime int64) {
	lead := t.MediaTime - t.EmptyEdit + origin - t.first.dts
	if lead < t.first.cts {
		return t.first.cts - lead, t.first.cts
	}
	return 0, lead
}

// twinEntry returns the sample entry of a track: its own, or one made of what WebM knows.
func twinEntry(f Format, t *Track) ([]byte, error) {
	if f == FormatMP4 {
		if len(t.Entry) < 16 {
			return nil, ErrNoTwin
		}
		return t.Entry, nil
	}
	var w boxes
	switch {
	case strings.HasPrefix(t.Codec, "vp09."):
		var profile, level, depth byte
		if _, err := fmt.Sscanf(t.Codec, "vp09.%02d.%02d.%02d", &profile, &level, &depth); err != nil {
			return nil, ErrNoTwin
		}
		w.visual("vp09", t, "vpcC", []byte{1, 0, 0, 0, profile, level, depth<<4 | 1<<1, 2, 2, 2, 0, 0})
	case strings.HasPrefix(t.Codec, "av01.") && len(t.Entry) >= 4:
		w.visual("av01", t, "av1C", t.Entry)
	case strings.HasPrefix(t.Codec, "avc1.") && len(t.Entry) >= 7:
		w.visual("avc1", t, "avcC", t.Entry)
	case t.Codec == "opus" && len(t.Entry) >= 19 && string(t.Entry[:8]) == "OpusHead":
		w.sound("Opus", t, "dOps", opusConfig(t.Entry))
	default:
		return nil, ErrNoTwin
	}
	return w.b, nil
}

// opusConfig turns an OpusHead (RFC 7845, 5.1, little endian) into a dOps box (big endian, version 0).
func opusConfig(head []byte) []byte {
	b := append([]byte{0}, head[9:]...)
	binary.BigEndian.PutUint16(b[2:], binary.LittleEndian.Uint16(head[10:]))
	binary.BigEndian.PutUint32(b[4:], binary.LittleEndian.Uint32(head[12:]))
	binary.BigEndian.PutUint16(b[8:], binary.LittleEndian.Uint16(head[16:]))
	return b
}
