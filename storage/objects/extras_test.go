package objects_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// noise is n bytes that no compression and no repetition helps with.
func noise(seed uint64, n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{byte(seed), 1}), n)
}

func large(t *testing.T, s objects.Store) {
	t.Helper()
	const size = 40<<20 + 7
	sum := sha256.New()
	n, err := s.Put(t.Context(), "v/large", io.TeeReader(noise(1, size), sum))
	require.NoError(t, err)
	require.EqualValues(t, size, n)
	got := sha256.New()
	r, err := s.OpenRange(t.Context(), "v/large", 0, size)
	require.NoError(t, err)
	_, err = io.Copy(got, r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, sum.Sum(nil), got.Sum(nil))
	// across the border of two parts
	all, err := io.ReadAll(noise(1, 9<<20))
	require.NoError(t, err)
	require.Equal(t, string(all[8<<20-5:8<<20+5]), get(t, s, "v/large", 8<<20-5, 10))
	for i, exact := range []int64{128 << 10, 8 << 20, 16 << 20} {
		key := fmt.Sprintf("v/exact/%d", i)
		n, err := s.Put(t.Context(), key, noise(2, exact))
		require.NoError(t, err)
		require.Equal(t, exact, n)
		size, err := s.Size(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, exact, size)
	}
}

// cutOff is a large stream whose line breaks in the middle.
func cutOff(t *testing.T, s objects.Store) {
	t.Helper()
	for _, why := range []error{errCut, io.ErrUnexpectedEOF} {
		_, err := s.Put(t.Context(), "v/cut", io.MultiReader(noise(3, 20<<20+3), broken{why}))
		require.ErrorIs(t, err, why)
		require.NotErrorIs(t, err, objects.ErrUnavailable, "the store is not to blame")
		requireAbsent(t, s, "v/cut")
		_, err = s.Put(t.Context(), "v/cut", io.MultiReader(strings.NewReader("little"), broken{why}))
		require.ErrorIs(t, err, why)
		requireAbsent(t, s, "v/cut")
	}
}

type broken struct{ why error }

// Read implements io.Reader.
func (b broken) Read([]byte) (int, error) { return 0, b.why }

func oddKeys(t *testing.T, s objects.Store) {
	t.Helper()
	for i, key := range []string{"v/a b", "v/a+b", "v/a%20b", "v/ü-ß-é", "v/a&b=c?d#e", "v/it's (1)*!~", "v/quote\"", "v/.hidden", "v/a:b@c$d,e;f", strings.Repeat("l", 200) + "/x"} {
		content := fmt.Sprint("content ", i)
		put(t, s, key, content)
		require.Equal(t, content, get(t, s, key, 0, 100), key)
		size, err := s.Size(t.Context(), key)
		require.NoError(t, err, key)
		require.EqualValues(t, len(content), size)
		require.NoError(t, s.(objects.Copier).Copy(t.Context(), key, "w/copy"), key)
		require.Equal(t, content, get(t, s, "w/copy", 0, 100), key)
		require.NoError(t, s.Delete(t.Context(), "w/copy"))
		require.NoError(t, s.Delete(t.Context(), key))
		requireAbsent(t, s, key)
	}
}

func lists(t *testing.T, s objects.Store) {
	t.Helper()
	began := time.Now().Add(-time.Minute)
	keys := []string{"v/a-b", "v/a.b/1", "v/a/0/x", "v/a/1", "v/a/2", "v/a0", "w/1"} // in the order of their bytes
	for i, key := range keys {
		put(t, s, key, strings.Repeat("x", i))
	}
	list := func(prefix, after string, limit int) (found []string) {
		t.Helper()
		all, err := s.(objects.Lister).List(t.Context(), prefix, after, limit)
		require.NoError(t, err)
		for _, info := range all {
			found = append(found, info.Key)
			require.True(t, info.Modified.After(began), info.Modified)
			size, err := s.Size(t.Context(), info.Key)
			require.NoError(t, err)
			require.Equal(t, size, info.Size)
		}
		return found
	}
	require.Equal(t, keys, list("", "", 1000))
	require.Equal(t, keys[:6], list("v/", "", 1000))
	require.Equal(t, keys[2:5], list("v/a/", "", 1000))
	require.Equal(t, keys[:6], list("v/a", "", 1000), "a prefix need not end at a border")
	require.Empty(t, list("nothing/", "", 10))
	var paged []string
	for after := ""; ; after = paged[len(paged)-1] {
		page := list("", after, 2)
		if len(page) == 0 {
			break
		}
		require.LessOrEqual(t, len(page), 2)
		paged = append(paged, page...)
	}
	require.Equal(t, keys, paged)
	require.Equal(t, keys[3:], list("", "v/a/0/x", 1000))
	require.Equal(t, keys[4:], list("", "v/a/1zzz", 1000), "after need not exist")
}

func serverSideCopies(t *testing.T, s objects.Store) {
	t.Helper()
	c := s.(objects.Copier)
	put(t, s, "v/a", "bytes")
	require.NoError(t, c.Copy(t.Context(), "v/a", "w/deep/er"))
	require.NoError(t, c.Copy(t.Context(), "v/a", "w/deep/er"), "again")
	require.NoError(t, s.Delete(t.Context(), "v/a"))
	require.Equal(t, "bytes", get(t, s, "w/deep/er", 0, 5))
	require.ErrorIs(t, c.Copy(t.Context(), "v/gone", "w/x"), objects.ErrNotFound)
	require.ErrorIs(t, c.Copy(t.Context(), "../x", "w/x"), objects.ErrBadKey)
	require.ErrorIs(t, c.Copy(t.Context(), "w/deep/er", "../x"), objects.ErrBadKey)
}

func manyDeleted(t *testing.T, s objects.Store) {
	t.Helper()
	slots := make(chan struct{}, 16)
	for i := range 1100 { // more than one request takes
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			if _, err := s.Put(t.Context(), fmt.Sprintf("v/many/%d/%04d", i%7, i), strings.NewReader("x")); err != nil {
				t.Error(err)
			}
		}()
	}
	for range cap(slots) {
		slots <- struct{}{}
	}
	put(t, s, "v/many-not", "kept")
	require.NoError(t, s.Delete(t.Context(), "v/many/"))
	left, err := s.(objects.Lister).List(t.Context(), "v/", "", 10)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, "v/many-not", left[0].Key)
}

// presigned proves what an address is good for, where a store makes any
// (attack 14): GET of one object, for minutes.
func presigned(t *testing.T, s objects.Store) {
	t.Helper()
	p, ok := s.(objects.Presigner)
	if !ok {
		return // a folder is read through the server alone
	}
	put(t, s, "v/a b", "0123456789")
	put(t, s, "v/other", "secret")
	address, err := p.Presign(t.Context(), "v/a b", time.Hour, http.Header{"Content-Type": {"video/mp4"}, "Cache-Control": {"private, max-age=60"}})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(address, p.Origin()+"/"), address)
	u, err := url.Parse(address)
	require.NoError(t, err)
	require.LessOrEqual(t, u.Query().Get("X-Amz-Expires"), "300", "five minutes at most")
	require.Len(t, u.Query().Get("X-Amz-Expires"), 3)

	ask := func(method, address, ranged string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
		require.NoError(t, err)
		if ranged != "" {
			request.Header.Set("Range", ranged)
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response, string(body)
	}
	response, body := ask(http.MethodGet, address, "")
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.Equal(t, "0123456789", body)
	require.Equal(t, "video/mp4", response.Header.Get("Content-Type"))
	require.Equal(t, "private, max-age=60", response.Header.Get("Cache-Control"))
	response, body = ask(http.MethodGet, address, "bytes=3-5")
	require.Equal(t, http.StatusPartialContent, response.StatusCode)
	require.Equal(t, "345", body)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPost} {
		response, body := ask(method, address, "")
		require.GreaterOrEqual(t, response.StatusCode, 400, "%s %s", method, body)
	}
	other := strings.Replace(address, "v/a%20b", "v/other", 1)
	require.NotEqual(t, address, other)
	longer := strings.Replace(address, "X-Amz-Expires=300", "X-Amz-Expires=604800", 1)
	require.NotEqual(t, address, longer)
	for _, forged := range []string{other, longer, strings.Split(address, "?")[0]} {
		response, body := ask(http.MethodGet, forged, "")
		require.Equal(t, http.StatusForbidden, response.StatusCode, "%s: %s", forged, body)
	}
	require.Equal(t, "0123456789", get(t, s, "v/a b", 0, 10), "nothing has changed it")
	odd := "v/a+b ü'(1)*!~@&=;,$%20"
	put(t, s, odd, "odd")
	address, err = p.Presign(t.Context(), odd, time.Minute, nil)
	require.NoError(t, err)
	_, body = ask(http.MethodGet, address, "")
	require.Equal(t, "odd", body)
}

// crumbs come one by one.
func crumbs(t *testing.T, s objects.Store) {
	t.Helper()
	var all bytes.Buffer
	n, err := s.Put(t.Context(), "v/crumbs", io.TeeReader(&oneByOne{noise(5, 3000)}, &all))
	require.NoError(t, err)
	require.EqualValues(t, 3000, n)
	require.Equal(t, all.String(), get(t, s, "v/crumbs", 0, 3000))
}

type oneByOne struct{ r io.Reader }

// Read implements io.Reader.
func (o *oneByOne) Read(p []byte) (int, error) { return o.r.Read(p[:1]) }

func verifies(t *testing.T, s objects.Store) {
	t.Helper()
	v := s.(objects.Verifier)
	put(t, s, "v/small", "0123456789")
	_, err := s.Put(t.Context(), "v/large", noise(1, 17<<20))
	require.NoError(t, err)
	for _, key := range []string{"v/small", "v/large"} {
		known, err := v.Verify(t.Context(), key)
		require.NoError(t, err, key)
		require.True(t, known, key)
	}
	_, err = v.Verify(t.Context(), "v/gone")
	require.ErrorIs(t, err, objects.ErrNotFound)
}
