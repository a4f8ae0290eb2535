// Package objects keeps immutable blobs by key. A key is written once, never
// changed, and read whole or by range; that is all a directory and an
// S3-compatible store have in common, and all that Meanwhile needs.
package objects

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Errors that every store returns, wrapped or bare.
var (
	// ErrNotFound says that no object has this key.
	ErrNotFound = errors.New("objects: not found")
	// ErrFull says that the store has no room; nothing of the object was kept.
	ErrFull = errors.New("objects: no space left")
	// ErrUnavailable says that the store cannot be reached, or refuses, for now.
	// Nothing that was kept is lost; the same call may work in a moment.
	ErrUnavailable = errors.New("objects: the store is not available")
	// ErrBadKey says that a key is empty, absolute or leaves the store.
	ErrBadKey = errors.New("objects: bad key")
)

// Store keeps objects. All methods may be called at the same time.
type Store interface {
	// Put reads r to its end and keeps it under key. When it returns without an
	// error the bytes survive a power cut; otherwise nothing is visible under key.
	// ErrNotFound can only be an error of r.
	Put(ctx context.Context, key string, r io.Reader) (int64, error)
	// Size tells the length of an object in bytes.
	Size(ctx context.Context, key string) (int64, error)
	// OpenRange reads n bytes from offset.
	OpenRange(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error)
	// Delete removes the object, or every object below a prefix that ends in "/".
	// What is absent already is no error.
	Delete(ctx context.Context, key string) error
}

// Has makes a question of a store: how long is the object, and is there one?
func Has(store Store) func(ctx context.Context, key string) (size int64, found bool, err error) {
	return func(ctx context.Context, key string) (int64, bool, error) {
		size, err := store.Size(ctx, key)
		if errors.Is(err, ErrNotFound) {
			return 0, false, nil
		}
		return size, err == nil, err
	}
}

// Locator is offered by stores whose objects are files on this machine.
type Locator interface {
	// Path tells the file that holds key. The file must not be changed.
	Path(key string) (string, error)
}

// Info is what a listing tells of an object.
type Info struct {
	Key  string
	Size int64
	// Modified is when it was kept.
	Modified time.Time
}

// Lister is offered by stores that can tell what they hold.
type Lister interface {
	// List returns up to limit objects (at most 1000) below a prefix, in the order
	// of their keys' bytes, behind the key after. None means that there are no more.
	List(ctx context.Context, prefix, after string, limit int) ([]Info, error)
}

// Copier is offered by stores that copy without passing the bytes through here.
type Copier interface {
	// Copy keeps the object from under the key to, too.
	Copy(ctx context.Context, from, to string) error
}

// MaxPresign is the longest that an address made by a Presigner is good for.
const MaxPresign = 5 * time.Minute

// PresignAge is the oldest that such an address is when it is made: of the time that
// was asked for, this much may have passed.
const PresignAge = steadyTime + signedBefore

// Presigner is offered by stores from which others can read by themselves.
type Presigner interface {
	// Presign makes an address under which anybody reads this one object, and does
	// nothing else, for the time ttl at most.
	Presign(ctx context.Context, key string, ttl time.Duration, headers http.Header) (string, error)
	// Origin is where these addresses lie: scheme://host[:port].
	Origin() string
}

// Janitor is offered by stores in which cut-off writes leave something behind
// that costs room.
type Janitor interface {
	// AbortUploads gives up unfinished writes that began before a time, and says
	// how many there were.
	AbortUploads(ctx context.Context, before time.Time) (int, error)
}

// Counter is offered by stores whose requests cost money.
type Counter interface {
	// Requests counts what was sent to the store so far, by HTTP method; a request
	// that was sent again counts again.
	Requests() map[string]int64
}

// Slice is a piece of a longer sequence of bytes: Length bytes of an object
// from Offset on, or Bytes that are at hand.
type Slice struct {
	Key    string
	Offset int64
	Length int64
	// Bytes, when set, are the piece itself; Length is then ignored.
	Bytes []byte
}

func (s Slice) length() int64 {
	if s.Bytes != nil {
		return int64(len(s.Bytes))
	}
	return s.Length
}

// Cut returns the slices that hold bytes [from, to) of the sequence.
func Cut(slices []Slice, from, to int64) []Slice {
	var out []Slice
	var at int64
	for _, s := range slices {
		begin, end := max(from-at, 0), min(to-at, s.length())
		at += s.length()
		if begin >= end {
			continue
		}
		if s.Bytes != nil {
			out = append(out, Slice{Bytes: s.Bytes[begin:end]})
			continue
		}
		out = append(out, Slice{Key: s.Key, Offset: s.Offset + begin, Length: end - begin})
	}
	return out
}
