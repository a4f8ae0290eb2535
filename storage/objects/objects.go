// Package objects keeps immutable blobs by key. A key is written once, never
// changed, and read whole or by range; that is all a directory and an
// S3-compatible store have in common, and all that Meanwhile needs.
package objects

import (
	"context"
	"errors"
	"io"
)

// Errors that every store returns, wrapped or bare.
var (
	// ErrNotFound says that no object has this key.
	ErrNotFound = errors.New("objects: not found")
	// ErrFull says that the store has no room; nothing of the object was kept.
	ErrFull = errors.New("objects: no space left")
	// ErrBadKey says that a key is empty, absolute or leaves the store.
	ErrBadKey = errors.New("objects: bad key")
)

// Store keeps objects. All methods may be called at the same time.
type Store interface {
	// Put reads r to its end and keeps it under key. When it returns without an
	// error the bytes survive a power cut; otherwise nothing is visible under key.
	Put(ctx context.Context, key string, r io.Reader) (int64, error)
	// OpenRange reads n bytes from offset.
	OpenRange(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error)
	// Delete removes the object, or every object below a prefix that ends in "/".
	// What is absent already is no error.
	Delete(ctx context.Context, key string) error
}

// Locator is offered by stores whose objects are files on this machine.
type Locator interface {
	// Path tells the file that holds key. The file must not be changed.
	Path(key string) (string, error)
}

// Slice is one object's share of a longer sequence of bytes.
type Slice struct {
	Key    string
	Length int64
}
