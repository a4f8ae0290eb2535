package mirror_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/mirror"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// flaky is a store that fails after some objects, or keeps others than it was given.
type flaky struct {
	mirror.Source
	left atomic.Int64
	lies bool
	// err is what it says when it fails.
	err error
}

func (f *flaky) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	if f.lies && strings.HasSuffix(key, "/7") {
		raw, err := io.ReadAll(r)
		if err != nil {
			return 0, err
		}
		raw[0] ^= 1
		r = bytes.NewReader(raw)
	}
	if f.left.Add(-1) < 0 {
		return 0, cmp.Or(f.err, objects.ErrUnavailable)
	}
	return f.Source.Put(ctx, key, r)
}

func TestObjectsComeOverAndGoOnWhereTheyWere(t *testing.T) {
	t.Parallel()
	from, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, from.Close()) })
	bucket := objectstest.S3(t)
	keeper := objectstest.Open(t, bucket.URL, bucket.Options)
	to, ok := keeper.(mirror.Source)
	require.True(t, ok)
	const n = 40
	for i := range n {
		_, err := from.Put(t.Context(), fmt.Sprintf("v/%c/src/%d", 'a'+i%3, i), strings.NewReader(strings.Repeat("x", i)+"!"))
		require.NoError(t, err)
	}
	door := &flaky{Source: to}
	door.left.Store(15)
	move := mirror.Mirror{From: from, To: door, Compare: true, Log: quiet()}
	copied, err := move.Copy(t.Context())
	require.ErrorIs(t, err, objects.ErrUnavailable)
	require.LessOrEqual(t, copied.Copied, int64(15))

	door.left.Store(1000)
	copied, err = move.Copy(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, n, copied.Objects)
	require.EqualValues(t, n, copied.Compared)
	require.InDelta(t, n-15, copied.Copied, 8, "what was there stays; some were under way when it failed")

	copied, err = move.Copy(t.Context())
	require.NoError(t, err)
	require.Zero(t, copied.Copied)

	// One that is there in part, and one of the right length with other bytes.
	_, err = to.Put(t.Context(), "v/a/src/39", strings.NewReader("short"))
	require.NoError(t, err)
	copied, err = move.Copy(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, copied.Copied)
	_, err = to.Put(t.Context(), "v/a/src/39", strings.NewReader(strings.Repeat("y", 40)))
	require.NoError(t, err)
	_, err = move.Copy(t.Context())
	require.ErrorIs(t, err, mirror.ErrDiffers)
	copied, err = move.Copy(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, copied.Copied, "the wrong one was taken away")
}

func TestAStoreThatKeepsOtherBytesIsFoundOut(t *testing.T) {
	t.Parallel()
	from, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	into, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(from.Close(), into.Close())) })
	_, err = from.Put(t.Context(), "v/a/7", strings.NewReader("seven"))
	require.NoError(t, err)
	door := &flaky{Source: into, lies: true}
	door.left.Store(10)
	_, err = mirror.Mirror{From: from, To: door, Compare: true, Log: quiet()}.Copy(t.Context())
	require.ErrorIs(t, err, mirror.ErrDiffers)
	_, err = into.Size(t.Context(), "v/a/7")
	require.ErrorIs(t, err, objects.ErrNotFound)
}

// deleted loses an object between the listing and the copy.
type deleted struct{ mirror.Source }

func (d deleted) OpenRange(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if err := d.Delete(ctx, key); err != nil {
		return nil, err
	}
	return d.Source.OpenRange(ctx, key, offset, n)
}

// TestWhatIsGone: only what the old store has no more; a new store that does not
// find something is at fault.
func TestWhatIsGone(t *testing.T) {
	t.Parallel()
	from, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	into, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(from.Close(), into.Close())) })
	_, err = from.Put(t.Context(), "v/a/1", strings.NewReader("one"))
	require.NoError(t, err)
	_, err = mirror.Mirror{From: from, To: &flaky{Source: into, err: objects.ErrNotFound}, Log: quiet()}.Copy(t.Context())
	require.ErrorIs(t, err, objects.ErrNotFound)
	copied, err := mirror.Mirror{From: deleted{from}, To: into, Log: quiet()}.Copy(t.Context())
	require.NoError(t, err)
	require.Equal(t, mirror.Copied{Gone: 1}, copied)
}
