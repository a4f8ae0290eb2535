package stretch

import (
	"slices"
	"time"
)

// Elements of Matroska (RFC 9559) that lead to its cues.
const (
	idEBML      = 0x1A45DFA3
	idSegment   = 0x18538067
	idSeekHead  = 0x114D9B74
	idSeek      = 0x4DBB
	idSeekID    = 0x53AB
	idSeekPos   = 0x53AC
	idInfo      = 0x1549A966
	idScale     = 0x2AD7B1
	idCluster   = 0x1F43B675
	idCues      = 0x1C53BB6B
	idCuePoint  = 0xBB
	idCueTime   = 0xB3
	idPositions = 0xB7
	idCluPos    = 0xF1
)

// cues is what leads to the clusters of a file.
type cues struct {
	// segment is where positions count from, scale nanoseconds in a tick.
	segment int64
	scale   uint64
	at      int64 // where the cues are
	cluster int64 // where the first cluster is
	marks   []group
}

// readMatroska reads the cues. What stands behind the last cluster is always
// needed: a reader follows the seek head there.
func (p *Plan) readMatroska(f *file) error {
	c := &cues{scale: 1_000_000}
	if err := c.top(f); err != nil {
		return err
	}
	if c.at == 0 {
		return ErrNoIndex
	}
	if err := c.read(f); err != nil {
		return err
	}
	p.always = append(p.always, Range{0, c.cluster})
	end := f.size
	if c.at > c.cluster {
		if end = c.at; f.size-c.at > maxIndex {
			return ErrNoIndex
		}
		p.always = append(p.always, Range{c.at, f.size})
	}
	return p.follow(c, end)
}

// follow makes a group of each cluster that a cue leads to: it ends where the next
// one begins, the last at the end.
func (p *Plan) follow(c *cues, end int64) error {
	slices.SortStableFunc(c.marks, func(a, b group) int { return int(max(-1, min(1, a.ranges[0].From-b.ranges[0].From))) })
	for i, m := range c.marks {
		from := m.ranges[0].From
		if from < c.cluster || from >= end {
			return ErrNoIndex
		}
		if i > 0 && from == c.marks[i-1].ranges[0].From {
			continue // another track's cue
		}
		if n := len(p.groups); n > 0 {
			p.groups[n-1].ranges[0].To = from
		}
		// The file may begin before its first cue, at 0 at the earliest.
		p.groups = append(p.groups, group{at: m.at - c.marks[0].at, late: m.at, ranges: []Range{{from, end}}})
	}
	return nil
}

// top walks from the beginning to the first cluster.
func (c *cues) top(f *file) error {
	at := int64(0)
	for range maxBoxes {
		id, body, size, err := f.element(at)
		if err != nil {
			return err
		}
		switch id {
		case idSegment:
			c.segment, at = body, body
			continue
		case idCluster:
			c.cluster = at
			return nil
		case idCues:
			c.at = at
		case idSeekHead, idInfo:
			raw, err := f.read(body, body+size)
			if err != nil {
				return err
			}
			if err := c.look(raw); err != nil {
				return err
			}
		}
		if size < 0 {
			return ErrNoIndex
		}
		at = body + size
	}
	return ErrNoIndex
}

// look reads the seek head and what says how long a tick is.
func (c *cues) look(raw []byte) error {
	return inside(raw, func(id uint64, body []byte) error {
		switch id {
		case idScale:
			c.scale = number(body)
		case idSeek:
			var what, where uint64
			err := inside(body, func(id uint64, body []byte) error {
				switch id {
				case idSeekID:
					what = number(body)
				case idSeekPos:
					where = number(body)
				}
				return nil
			})
			if what == idCues {
				c.at = c.segment + int64(where)
			}
			return err
		}
		return nil
	})
}

func (c *cues) read(f *file) error {
	id, body, size, err := f.element(c.at)
	if err != nil {
		return err
	}
	if id != idCues || size < 0 || c.scale == 0 || c.scale > uint64(time.Minute) {
		return ErrNoIndex
	}
	raw, err := f.read(body, body+size)
	if err != nil {
		return err
	}
	return inside(raw, func(id uint64, body []byte) error {
		if id != idCuePoint {
			return nil
		}
		var at, where uint64
		err := inside(body, func(id uint64, body []byte) error {
			switch id {
			case idCueTime:
				at = number(body)
			case idPositions:
				return inside(body, func(id uint64, body []byte) error {
					if id == idCluPos {
						where = number(body)
					}
					return nil
				})
			}
			return nil
		})
		if err != nil || at > uint64(100*time.Hour)/c.scale || len(c.marks) > maxSamples || where > uint64(f.size) {
			return ErrNoIndex
		}
		from := c.segment + int64(where)
		c.marks = append(c.marks, group{at: time.Duration(at * c.scale), ranges: []Range{{From: from}}})
		return nil
	})
}

// element reads the head of an element; its size is -1 where that is unknown.
func (f *file) element(at int64) (id uint64, body, size int64, err error) {
	raw := make([]byte, max(0, min(12, f.size-at)))
	if len(raw) < 2 {
		return 0, 0, 0, ErrNoIndex
	}
	if err := f.readAt(raw, at); err != nil {
		return 0, 0, 0, err
	}
	id, n := vint(raw, false)
	length, m := vint(raw[n:], true)
	if n == 0 || m == 0 {
		return 0, 0, 0, ErrNoIndex
	}
	body, size = at+int64(n+m), int64(length)
	if length == 1<<(7*m)-1 {
		return id, body, -1, nil
	}
	if id != idSegment && size > f.size-body {
		return 0, 0, 0, ErrNoIndex
	}
	return id, body, size, nil
}

// vint reads a number of variable length; of an identifier the mark of its length
// is a part.
func vint(raw []byte, value bool) (n uint64, length int) {
	if len(raw) == 0 || raw[0] == 0 {
		return 0, 0
	}
	length = 1
	for mask := byte(0x80); raw[0]&mask == 0; mask >>= 1 {
		length++
	}
	if len(raw) < length {
		return 0, 0
	}
	n = number(raw[:length])
	if value {
		n &= 1<<(7*length) - 1
	}
	return n, length
}

func number(raw []byte) (n uint64) {
	for _, b := range raw[:min(len(raw), 8)] {
		n = n<<8 | uint64(b)
	}
	return n
}

// inside calls do for each element of a body.
func inside(raw []byte, do func(id uint64, body []byte) error) error {
	for len(raw) > 0 {
		id, n := vint(raw, false)
		size, m := vint(raw[n:], true)
		if n == 0 || m == 0 || size > uint64(len(raw)-n-m) {
			return ErrNoIndex
		}
		if err := do(id, raw[n+m:n+m+int(size)]); err != nil {
			return err
		}
		raw = raw[n+m+int(size):]
	}
	return nil
}
