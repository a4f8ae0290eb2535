// Package stretch finds out which bytes of a plain video file are needed to
// decode a stretch of time, from the file's own index: the sample tables of MP4
// and MOV, the cues of Matroska and WebM. What is asked for is generous; the rest
// of the file may be a hole.
package stretch

import (
	"errors"
	"io"
	"slices"
	"time"
)

// ErrNoIndex says that a file does not tell where its times are, or not in a way
// that is understood here: it is needed as a whole.
var ErrNoIndex = errors.New("stretch: no index")

const (
	// head is what is always there: a reader looks into the first pictures and
	// sounds to find out what they are (libavformat's probesize is 5 MB).
	head = 8 << 20
	// early is what is always there of each track, wherever it lies.
	early = 5 * time.Second
	// before and after are how much more than asked for is there: a decoder
	// starts at a key frame, and runs ahead of what it gives out.
	before = time.Second
	after  = 4 * time.Second
	// ahead is how many samples it runs ahead at most.
	ahead = 40
	// gap is what is read along rather than passed over, in bytes.
	gap = 64 << 10
	// maxIndex is the longest index that is read, maxSamples how many pictures it
	// may name: nine hours at 60 a second. Each takes some hundred bytes of memory
	// for a moment, in a file that needs but one of its own.
	maxIndex   = 64 << 20
	maxSamples = 2 << 20
)

// Range is bytes From up to, and not with, To.
type Range struct{ From, To int64 }

// Plan knows where the times of a file are.
type Plan struct {
	Size   int64
	always []Range
	// groups are pictures that need nothing before them, in order of time.
	groups []group
}

type group struct {
	// at is when it begins at the earliest, late at the latest: some files do not
	// say when they begin themselves.
	at, late time.Duration
	samples  int
	ranges   []Range
}

// Read reads the index of a file of a size. It returns ErrNoIndex for what must be
// had as a whole.
func Read(r io.ReadSeeker, size int64) (*Plan, error) {
	file := &file{r: r, size: size}
	start := make([]byte, min(16, size))
	if err := file.readAt(start, 0); err != nil {
		return nil, err
	}
	plan := &Plan{Size: size, always: []Range{{0, min(head, size)}}}
	var err error
	switch {
	case len(start) < 16:
		err = ErrNoIndex
	case string(start[:4]) == "\x1a\x45\xdf\xa3":
		err = plan.readMatroska(file)
	case slices.Contains([]string{"ftyp", "moov", "mdat", "wide", "free", "skip"}, string(start[4:8])):
		err = plan.readMP4(file)
	default:
		err = ErrNoIndex
	}
	if err != nil {
		return nil, err
	}
	if len(plan.groups) == 0 {
		return nil, ErrNoIndex
	}
	return plan, nil
}

// Ranges are the bytes that decoding [from, to) needs, in order and apart. Times
// count from the file's first picture or sound.
func (p *Plan) Ranges(from, to time.Duration) []Range {
	first := 0
	for i, g := range p.groups {
		if g.late <= from-before {
			first = i
		}
	}
	wanted := slices.Clone(p.always)
	samples, groups := 0, 0
	for _, g := range p.groups[first:] {
		wanted = append(wanted, g.ranges...)
		if g.at < to {
			continue
		}
		samples, groups = samples+g.samples, groups+1
		if groups >= 2 && (g.samples > 0 && samples >= ahead || g.at > to+after) {
			break
		}
	}
	return Merge(wanted, gap)
}

// Merge sorts ranges and joins those that are no further apart than gap.
func Merge(all []Range, gap int64) []Range {
	slices.SortFunc(all, func(a, b Range) int {
		switch {
		case a.From < b.From:
			return -1
		case a.From > b.From:
			return 1
		}
		return 0
	})
	var out []Range
	for _, r := range all {
		if r.To <= r.From {
			continue
		}
		if n := len(out); n > 0 && r.From <= out[n-1].To+gap {
			out[n-1].To = max(out[n-1].To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}

// Without is what of wanted is not in have; both are in order and apart.
func Without(wanted, have []Range) []Range {
	var out []Range
	for _, w := range wanted {
		at := w.From
		for _, h := range have {
			if h.To <= at || h.From >= w.To {
				continue
			}
			if h.From > at {
				out = append(out, Range{at, h.From})
			}
			at = h.To
		}
		if at < w.To {
			out = append(out, Range{at, w.To})
		}
	}
	return out
}

// file reads pieces of a file.
type file struct {
	r    io.ReadSeeker
	size int64
}

func (f *file) readAt(p []byte, at int64) error {
	if at < 0 || at+int64(len(p)) > f.size {
		return ErrNoIndex
	}
	if _, err := f.r.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.ReadFull(f.r, p)
	return err
}

func (f *file) read(from, to int64) ([]byte, error) {
	if to-from > maxIndex || to < from {
		return nil, ErrNoIndex
	}
	p := make([]byte, to-from)
	return p, f.readAt(p, from)
}

// add makes a range part of the last group.
func (p *Plan) add(r Range) {
	g := &p.groups[len(p.groups)-1]
	g.samples++
	if n := len(g.ranges); n > 0 && g.ranges[n-1].To <= r.From && r.From <= g.ranges[n-1].To+gap {
		g.ranges[n-1].To = r.To
		return
	}
	g.ranges = append(g.ranges, r)
}
