// Package mirror copies what one object store holds to another. Objects never
// change, so whatever is there already with its whole length stays: a copy that
// was cut off goes on where it was, and one beside a running server can be made
// whole later.
package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

const (
	// copiers is how many objects are on their way at once: most are small, and
	// each waits for the other side to say that it is kept.
	copiers = 8
	// page is how many objects a listing brings at a time.
	page = 1000
	// progressEvery is after how many objects the log hears of them.
	progressEvery = 1000
)

// Source is a store whose objects can be listed.
type Source interface {
	objects.Store
	objects.Lister
}

// ErrDiffers says that what was read back is not what was written.
var ErrDiffers = errors.New("what was read back differs from what was copied; it was taken away again")

// Mirror is what Copy copies between.
type Mirror struct {
	From, To Source
	// Compare reads everything back, also what was there already.
	Compare bool
	Log     *slog.Logger
}

// Copied is what came over, or was there.
type Copied struct {
	Objects, Copied, Compared int64
	Bytes, CopiedBytes        int64
	// Gone were deleted while they were to be copied: a server still ran.
	Gone int64
}

// Copy brings over every object that is not there yet with its whole length. It
// may be cut off and called again.
func (m Mirror) Copy(ctx context.Context) (Copied, error) {
	var done progress
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work := make(chan task)
	var all sync.WaitGroup
	for range copiers {
		all.Go(func() {
			for t := range work {
				if err := m.one(ctx, t, &done); err != nil {
					stop(fmt.Errorf("%s: %w", t.Key, err))
				}
				if n := done.objects.Load(); n%progressEvery == 0 {
					m.Log.Info("copying objects", "objects", n, "bytes", done.bytes.Load())
				}
			}
		})
	}
	err := m.compare(ctx, work)
	close(work)
	all.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return done.sums(), err
}

// task is an object of the old store, and whether the new one has it.
type task struct {
	objects.Info
	there bool
}

type progress struct{ objects, copied, compared, bytes, copiedBytes, gone atomic.Int64 }

func (p *progress) sums() Copied {
	return Copied{
		Objects: p.objects.Load(), Copied: p.copied.Load(), Compared: p.compared.Load(), Bytes: p.bytes.Load(), CopiedBytes: p.copiedBytes.Load(), Gone: p.gone.Load(),
	}
}

// compare walks through both listings side by side: they have the same order.
func (m Mirror) compare(ctx context.Context, work chan<- task) error {
	from, to := &listing{store: m.From}, &listing{store: m.To}
	have, err := to.next(ctx)
	for err == nil {
		var want *objects.Info
		if want, err = from.next(ctx); err != nil || want == nil {
			break
		}
		for err == nil && have != nil && have.Key < want.Key {
			have, err = to.next(ctx)
		}
		there := have != nil && have.Key == want.Key && have.Size == want.Size
		select {
		case work <- task{*want, there}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// listing reads a store's objects one by one.
type listing struct {
	store objects.Lister
	page  []objects.Info
	after string
	ended bool
}

func (l *listing) next(ctx context.Context) (*objects.Info, error) {
	if len(l.page) == 0 && !l.ended {
		var err error
		if l.page, err = l.store.List(ctx, "", l.after, page); err != nil {
			return nil, err
		}
		l.ended = len(l.page) == 0
	}
	if l.ended {
		return nil, nil //nolint:nilnil // the end
	}
	first := l.page[0]
	l.page, l.after = l.page[1:], first.Key
	return &first, nil
}

func (m Mirror) one(ctx context.Context, t task, done *progress) error {
	written := sha256.New()
	if !t.there {
		err := m.copy(ctx, t.Info, written)
		if errors.Is(err, objects.ErrNotFound) && m.gone(ctx, t.Key) {
			done.gone.Add(1)
			return nil
		}
		if err != nil {
			return err
		}
		done.copied.Add(1)
		done.copiedBytes.Add(t.Size)
	}
	done.objects.Add(1)
	done.bytes.Add(t.Size)
	if !m.Compare {
		return nil
	}
	if t.there {
		if err := digest(ctx, m.From, t.Info, written); err != nil {
			return err
		}
	}
	back := sha256.New()
	if err := digest(ctx, m.To, t.Info, back); err != nil {
		return err
	}
	if !bytes.Equal(back.Sum(nil), written.Sum(nil)) {
		return errors.Join(ErrDiffers, m.To.Delete(ctx, t.Key))
	}
	done.compared.Add(1)
	return nil
}

// gone says that it is the old store that has an object no more.
func (m Mirror) gone(ctx context.Context, key string) bool {
	_, err := m.From.Size(ctx, key)
	return errors.Is(err, objects.ErrNotFound)
}

// copy streams an object across. The new store checks the bytes by a checksum of
// its own where it has one.
func (m Mirror) copy(ctx context.Context, object objects.Info, written hash.Hash) error {
	r, err := m.From.OpenRange(ctx, object.Key, 0, object.Size)
	if err != nil {
		return err
	}
	n, err := m.To.Put(ctx, object.Key, io.TeeReader(r, written))
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	if n != object.Size {
		return errors.Join(fmt.Errorf("%w: %d bytes instead of %d", ErrDiffers, n, object.Size), m.To.Delete(ctx, object.Key))
	}
	return nil
}

func digest(ctx context.Context, store objects.Store, object objects.Info, into hash.Hash) error {
	r, err := store.OpenRange(ctx, object.Key, 0, object.Size)
	if err != nil {
		return err
	}
	_, err = io.Copy(into, r)
	return errors.Join(err, r.Close())
}
