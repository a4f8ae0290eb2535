package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
)

// errSeek is returned for a seek before the first byte.
var errSeek = errors.New("objects: seek before the start")

// Concat reads many objects, one after the other, as a single seekable
// sequence. It opens an object only when a byte of it is asked for, so a range
// request over a thousand parts costs the parts it touches. Not safe for use by
// two goroutines.
type Concat struct {
	ctx    context.Context //nolint:containedctx // bound to one request, as io.Reader has no place for it
	store  Store
	slices []Slice
	starts []int64 // of each slice; one more entry holds the whole length
	at     int64
	open   io.ReadCloser
	left   int64
}

// NewConcat makes a reader over slices in order.
func NewConcat(ctx context.Context, store Store, slices []Slice) *Concat {
	c := &Concat{ctx: ctx, store: store, slices: slices, starts: make([]int64, len(slices)+1)}
	for i, s := range slices {
		c.starts[i+1] = c.starts[i] + s.length()
	}
	return c
}

// Size is the length of the whole sequence in bytes.
func (c *Concat) Size() int64 { return c.starts[len(c.slices)] }

// Read implements io.Reader.
func (c *Concat) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.open == nil {
		if c.at >= c.Size() {
			return 0, io.EOF
		}
		if err := c.openAt(math.MaxInt64); err != nil {
			return 0, err
		}
	}
	n, err := c.open.Read(p[:min(int64(len(p)), c.left)])
	c.at += int64(n)
	c.left -= int64(n)
	switch {
	case c.left == 0:
		return n, c.drop()
	case errors.Is(err, io.EOF):
		return n, fmt.Errorf("objects: %w before the end of a part", io.ErrUnexpectedEOF)
	}
	return n, err
}

// Ready opens what the next n bytes begin with, so that it is known whether they
// are there before an answer says so.
func (c *Concat) Ready(n int64) error {
	if c.open != nil || n <= 0 || c.at >= c.Size() {
		return nil
	}
	return c.openAt(n)
}

func (c *Concat) openAt(limit int64) error {
	// The last slice that starts at or before the position; empty ones are passed over.
	i := sort.Search(len(c.slices), func(i int) bool { return c.starts[i+1] > c.at })
	piece, offset := c.slices[i], c.at-c.starts[i]
	c.left = min(piece.length()-offset, limit)
	if piece.Bytes != nil {
		c.open = io.NopCloser(bytes.NewReader(piece.Bytes[offset : offset+c.left]))
		return nil
	}
	r, err := c.store.OpenRange(c.ctx, piece.Key, piece.Offset+offset, c.left)
	if err != nil {
		return err
	}
	c.open = r
	return nil
}

// Seek implements io.Seeker. It touches no object.
func (c *Concat) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.Size()
	}
	if offset < 0 {
		return 0, errSeek
	}
	if offset == c.at {
		return c.at, nil
	}
	c.at = offset
	return offset, c.drop()
}

func (c *Concat) drop() error {
	if c.open == nil {
		return nil
	}
	err := c.open.Close()
	c.open = nil
	return err
}

// CopyTo writes the next n bytes to w, each piece by its own fastest way.
func (c *Concat) CopyTo(w io.Writer, n int64) (int64, error) {
	var done int64
	for done < n && c.at < c.Size() {
		if err := c.openFor(n - done); err != nil {
			return done, err
		}
		piece := c.left
		copied, err := io.Copy(w, c.open) // takes the piece's WriteTo where it has one
		c.at, c.left, done = c.at+copied, c.left-copied, done+copied
		if err == nil && copied < piece {
			err = fmt.Errorf("objects: %w before the end of a part", io.ErrUnexpectedEOF)
		}
		if err == nil {
			err = c.drop()
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// openFor opens a piece for at most n bytes, unless that is what is open.
func (c *Concat) openFor(n int64) error {
	if c.open != nil && c.left <= n {
		return nil
	}
	if err := c.drop(); err != nil {
		return err
	}
	return c.openAt(n)
}

// Close releases the object that is open, if any.
func (c *Concat) Close() error { return c.drop() }
