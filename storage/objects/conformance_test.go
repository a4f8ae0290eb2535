package objects_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// conform checks what every store promises. open gives a fresh, empty one.
func conform(t *testing.T, open func(t *testing.T) objects.Store) {
	t.Helper()
	for name, check := range map[string]func(t *testing.T, s objects.Store){
		"put and read": putAndRead, "put is atomic": putIsAtomic, "bad keys": badKeys, "ranges": ranges,
		"delete": deletes, "at once": atOnce, "concat": concat, "copy to": copies, "short objects": short,
		"large": large, "cut off": cutOff, "odd keys": oddKeys, "list": lists, "copy": serverSideCopies, "delete many": manyDeleted, "presign": presigned, "crumbs": crumbs, "verify": verifies,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t))
		})
	}
}

func put(t *testing.T, s objects.Store, key, content string) {
	t.Helper()
	n, err := s.Put(t.Context(), key, strings.NewReader(content))
	require.NoError(t, err)
	require.EqualValues(t, len(content), n)
}

func get(t *testing.T, s objects.Store, key string, offset, n int64) string {
	t.Helper()
	r, err := s.OpenRange(t.Context(), key, offset, n)
	require.NoError(t, err)
	raw, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return string(raw)
}

func requireAbsent(t *testing.T, s objects.Store, key string) {
	t.Helper()
	_, err := s.Size(t.Context(), key)
	require.ErrorIs(t, err, objects.ErrNotFound, key)
	_, err = s.OpenRange(t.Context(), key, 0, 1)
	require.ErrorIs(t, err, objects.ErrNotFound, key)
}

func putAndRead(t *testing.T, s objects.Store) {
	t.Helper()
	requireAbsent(t, s, "v/a/src/1")
	put(t, s, "v/a/src/1", "hello")
	put(t, s, "v/a/src/2", "")
	put(t, s, "top", "level")
	size, err := s.Size(t.Context(), "v/a/src/1")
	require.NoError(t, err)
	require.EqualValues(t, 5, size)
	require.Equal(t, "hello", get(t, s, "v/a/src/1", 0, 5))
	require.Empty(t, get(t, s, "v/a/src/2", 0, 0))
	requireAbsent(t, s, "v/a/src")
	requireAbsent(t, s, "v/a/src/1/x")
	requireAbsent(t, s, "v")
}

var errCut = errors.New("the line was cut")

func putIsAtomic(t *testing.T, s objects.Store) {
	t.Helper()
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := s.Put(t.Context(), "v/x", from)
		done <- err
	}()
	_, err := to.Write(make([]byte, 100_000))
	require.NoError(t, err)
	requireAbsent(t, s, "v/x")
	to.CloseWithError(errCut)
	require.ErrorIs(t, <-done, errCut)
	requireAbsent(t, s, "v/x")
	put(t, s, "v/x", "later")
	require.Equal(t, "later", get(t, s, "v/x", 0, 5))
}

func badKeys(t *testing.T, s objects.Store) {
	t.Helper()
	put(t, s, "v/a", "kept")
	for _, key := range []string{
		"", ".", "..", "../x", "/etc/passwd", "v/../../x", "v/./a", "v//a", "v/a\x00b", "tmp", "tmp/x", "v/..", "./v/a", "a/../v/a",
	} {
		_, err := s.Put(t.Context(), key, strings.NewReader("x"))
		require.ErrorIs(t, err, objects.ErrBadKey, "put %q", key)
		_, err = s.Size(t.Context(), key)
		require.ErrorIs(t, err, objects.ErrBadKey, "size %q", key)
		_, err = s.OpenRange(t.Context(), key, 0, 1)
		require.ErrorIs(t, err, objects.ErrBadKey, "open %q", key)
		require.ErrorIs(t, s.Delete(t.Context(), key), objects.ErrBadKey, "delete %q", key)
		require.ErrorIs(t, s.Delete(t.Context(), key+"/"), objects.ErrBadKey, "delete %q/", key)
	}
	require.Equal(t, "kept", get(t, s, "v/a", 0, 4))
	put(t, s, "v/still", "works")
}

func ranges(t *testing.T, s objects.Store) {
	t.Helper()
	put(t, s, "v/a", "0123456789")
	require.Equal(t, "345", get(t, s, "v/a", 3, 3))
	require.Equal(t, "89", get(t, s, "v/a", 8, 2))
	require.Equal(t, "0123456789", get(t, s, "v/a", 0, 10))
	require.Empty(t, get(t, s, "v/a", 4, 0))
}

func deletes(t *testing.T, s objects.Store) {
	t.Helper()
	for _, key := range []string{"v/a/1", "v/a/b/2", "v/ab", "v/a0/1"} {
		put(t, s, key, "x")
	}
	require.NoError(t, s.Delete(t.Context(), "v/a"), "no object has this key")
	require.Equal(t, "x", get(t, s, "v/a/1", 0, 1))
	require.NoError(t, s.Delete(t.Context(), "v/a/"))
	requireAbsent(t, s, "v/a/1")
	requireAbsent(t, s, "v/a/b/2")
	for _, key := range []string{"v/ab", "v/a0/1"} {
		require.Equal(t, "x", get(t, s, key, 0, 1), "not below v/a/")
		require.NoError(t, s.Delete(t.Context(), key))
		require.NoError(t, s.Delete(t.Context(), key), "twice is no error")
		requireAbsent(t, s, key)
	}
	require.NoError(t, s.Delete(t.Context(), "never/"))
	put(t, s, "v/a/1", "again")
}

func atOnce(t *testing.T, s objects.Store) {
	t.Helper()
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			key, content := fmt.Sprintf("v/%d/%d", i%3, i), strings.Repeat(string(rune('a'+i)), 5000)
			if n, err := s.Put(t.Context(), key, strings.NewReader(content)); err != nil || n != 5000 {
				t.Errorf("put %s: %d %v", key, n, err)
			}
		})
	}
	all.Wait()
	for i := range 24 {
		require.Equal(t, strings.Repeat(string(rune('a'+i)), 5000), get(t, s, fmt.Sprintf("v/%d/%d", i%3, i), 0, 5000))
	}
}

// sequence puts parts of many sizes, empty ones among them, and returns them
// with the whole.
func sequence(t *testing.T, s objects.Store) ([]objects.Slice, string) {
	t.Helper()
	slices := []objects.Slice{{Bytes: []byte("HEAD")}}
	whole := strings.Builder{}
	whole.WriteString("HEAD")
	for i, n := range []int{3, 0, 1, 4000, 17, 0, 9} {
		content := strings.Repeat(string(rune('a'+i)), n)
		key := fmt.Sprintf("v/part/%d", i)
		put(t, s, key, "<<"+content+">>")
		slices = append(slices, objects.Slice{Key: key, Offset: 2, Length: int64(n)})
		whole.WriteString(content)
	}
	return append(slices, objects.Slice{Bytes: []byte{}}), whole.String()
}

func concat(t *testing.T, s objects.Store) {
	t.Helper()
	slices, whole := sequence(t, s)
	c := objects.NewConcat(t.Context(), s, slices)
	require.EqualValues(t, len(whole), c.Size())
	raw, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, whole, string(raw))
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		from := random.IntN(len(whole) + 1)
		to := from + random.IntN(len(whole)-from+1)
		at, err := c.Seek(int64(from), io.SeekStart)
		require.NoError(t, err)
		require.EqualValues(t, from, at)
		got := make([]byte, to-from)
		_, err = io.ReadFull(c, got)
		require.NoError(t, err)
		require.Equal(t, whole[from:to], string(got))
		cut, err := io.ReadAll(objects.NewConcat(t.Context(), s, objects.Cut(slices, int64(from), int64(to))))
		require.NoError(t, err)
		require.Equal(t, whole[from:to], string(cut), "cut [%d, %d)", from, to)
	}
	end, err := c.Seek(-2, io.SeekEnd)
	require.NoError(t, err)
	require.EqualValues(t, len(whole)-2, end)
	_, err = c.Seek(-1, io.SeekStart)
	require.Error(t, err)
	beyond, err := c.Seek(10, io.SeekEnd)
	require.NoError(t, err)
	require.EqualValues(t, len(whole)+10, beyond)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
}

func copies(t *testing.T, s objects.Store) {
	t.Helper()
	slices, whole := sequence(t, s)
	c := objects.NewConcat(t.Context(), s, slices)
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		from := random.IntN(len(whole))
		n := 1 + random.IntN(len(whole)-from)
		_, err := c.Seek(int64(from), io.SeekStart)
		require.NoError(t, err)
		warm := min(n, random.IntN(3)) // some bytes are read before the rest is copied
		got := bytes.NewBuffer(nil)
		_, err = io.CopyN(got, c, int64(warm))
		require.NoError(t, err)
		copied, err := c.CopyTo(got, int64(n-warm))
		require.NoError(t, err)
		require.EqualValues(t, n-warm, copied)
		require.Equal(t, whole[from:from+n], got.String())
	}
	require.NoError(t, c.Close())
}

// short objects are those that lost bytes behind our back.
func short(t *testing.T, s objects.Store) {
	t.Helper()
	put(t, s, "v/a", "12345")
	slices := []objects.Slice{{Key: "v/a", Length: 9}, {Bytes: []byte("next")}}
	_, err := io.ReadAll(objects.NewConcat(t.Context(), s, slices))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = objects.NewConcat(t.Context(), s, slices).CopyTo(io.Discard, 13)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	slices[0].Key = "v/gone"
	_, err = io.ReadAll(objects.NewConcat(t.Context(), s, slices))
	require.ErrorIs(t, err, objects.ErrNotFound)
}
