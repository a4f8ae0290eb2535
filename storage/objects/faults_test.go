package objects_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// faulty opens a store behind a proxy that misbehaves when told to. Where a fault is
// silence, it is noticed soon.
func faulty(t *testing.T, faults ...objectstest.Fault) (objects.Keeper, *objectstest.Proxy, objectstest.Bucket) {
	t.Helper()
	bucket := objectstest.S3(t)
	proxy := objectstest.NewProxy(t, bucket.Endpoint)
	o := bucket.Options
	if slices.Contains(faults, objectstest.Silent) || slices.Contains(faults, objectstest.StallAnswer) {
		o.Stall = 5 * time.Second // the usual is 10; much less, and a busy machine looks like a silent store
	}
	return objectstest.Open(t, bucket.Through(proxy.URL).URL, o), proxy, bucket
}

// TestOneFaultIsBridged: F11, a single failure is nobody's business.
func TestOneFaultIsBridged(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]objectstest.Fault{
		"slow down": objectstest.SlowDown, "silent": objectstest.Silent, "reset": objectstest.Reset, "cut request": objectstest.CutRequest, "lost answer": objectstest.LoseAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, proxy, _ := faulty(t, fault)
			proxy.Misbehave(fault, 1)
			put(t, s, "v/small", "0123456789")
			proxy.Misbehave(fault, 1)
			n, err := s.Put(t.Context(), "v/large", noise(1, 20<<20))
			require.NoError(t, err)
			require.EqualValues(t, 20<<20, n)
			proxy.Misbehave(fault, 1)
			require.Equal(t, "345", get(t, s, "v/small", 3, 3))
			proxy.Misbehave(fault, 1)
			size, err := s.Size(t.Context(), "v/large")
			require.NoError(t, err)
			require.EqualValues(t, 20<<20, size)
			proxy.Misbehave(fault, 1)
			require.NoError(t, s.Delete(t.Context(), "v/"))
			requireAbsent(t, s, "v/small")
		})
	}
}

// TestAnAnswerThatIsCutGoesOn: F11, whoever reads does not notice.
func TestAnAnswerThatIsCutGoesOn(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]objectstest.Fault{"cut": objectstest.CutAnswer, "stalled": objectstest.StallAnswer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, proxy, _ := faulty(t, fault)
			want, err := io.ReadAll(noise(7, 3<<20))
			require.NoError(t, err)
			_, err = s.Put(t.Context(), "v/a", strings.NewReader(string(want)))
			require.NoError(t, err)
			proxy.Misbehave(fault, 2)
			require.Equal(t, string(want[100:3<<20-100]), get(t, s, "v/a", 100, 3<<20-200))
		})
	}
}

// TestAStoreThatIsAway: F11, every failure that lasts says so in bounded time,
// and nothing of it is left when the store is back.
func TestAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]objectstest.Fault{
		"slow down": objectstest.SlowDown, "silent": objectstest.Silent, "reset": objectstest.Reset, "cut request": objectstest.CutRequest,
		"lost answer": objectstest.LoseAnswer, "error in 200": objectstest.ErrorIn200, "skewed": objectstest.Skewed, "forbidden": objectstest.Forbidden,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, proxy, bucket := faulty(t)
			put(t, s, "v/kept", "0123456789")
			away := s
			if fault == objectstest.Silent { // that soon, a busy machine may look silent, too: only while it is
				hasty := bucket.Options
				hasty.Stall = 2 * time.Second
				away = objectstest.Open(t, bucket.Through(proxy.URL).URL, hasty)
			}
			proxy.Misbehave(fault, -1)
			ctx, clock := t.Context(), storestest.NewAwake(t.Context())
			_, err := away.Put(ctx, "v/new", strings.NewReader("new"))
			require.ErrorIs(t, err, objects.ErrUnavailable)
			_, err = away.Put(ctx, "v/large", noise(1, 20<<20))
			require.ErrorIs(t, err, objects.ErrUnavailable)
			if fault != objectstest.LoseAnswer { // it does delete
				require.ErrorIs(t, away.Delete(ctx, "v/kept/"), objects.ErrUnavailable)
			}
			if r, err := away.OpenRange(ctx, "v/kept", 0, 10); err == nil {
				_, err = io.ReadAll(r)
				require.ErrorIs(t, err, objects.ErrUnavailable)
			} else {
				require.ErrorIs(t, err, objects.ErrUnavailable)
			}
			require.Less(t, clock.Elapsed(), 2*time.Minute, "four calls, each of three tries of two seconds")
			proxy.Misbehave(objectstest.None, 0)
			require.Eventually(t, func() bool { _, err := away.Size(ctx, "v/kept"); return err == nil }, time.Minute, 10*time.Millisecond)
			require.Equal(t, "0123456789", get(t, s, "v/kept", 0, 10))
			put(t, s, "v/new", "newer")
			require.Equal(t, "newer", get(t, s, "v/new", 0, 5))
		})
	}
}

func TestWhatAStoreSaysIsSaidInWords(t *testing.T) {
	t.Parallel()
	s, proxy, _ := faulty(t)
	for fault, words := range map[objectstest.Fault]string{
		objectstest.Skewed: "clock of this machine", objectstest.Forbidden: "does not accept the access key",
	} {
		proxy.Misbehave(fault, -1)
		_, err := s.Put(t.Context(), "v/a", strings.NewReader("x"))
		require.ErrorContains(t, err, words) // F17
	}
	proxy.Misbehave(objectstest.Full, -1)
	_, err := s.Put(t.Context(), "v/a", strings.NewReader("x"))
	require.ErrorIs(t, err, objects.ErrFull)
	_, err = s.Put(t.Context(), "v/a", noise(1, 20<<20))
	require.ErrorIs(t, err, objects.ErrFull)
}

// TestAServerThatIsGone: F11, nobody listens any more.
func TestAServerThatIsGone(t *testing.T) {
	t.Parallel()
	bucket := objectstest.S3(t)
	s := objectstest.Open(t, bucket.Through("http://127.0.0.1:1").URL, bucket.Options)
	_, err := s.Put(t.Context(), "v/a", strings.NewReader("x"))
	require.ErrorIs(t, err, objects.ErrUnavailable)
	_, err = s.Size(t.Context(), "v/a")
	require.ErrorIs(t, err, objects.ErrUnavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Size(ctx, "v/a")
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, objects.ErrUnavailable, "whoever asked went away")
}

// TestUnfinishedWritesAreGivenUp: F12.
func TestUnfinishedWritesAreGivenUp(t *testing.T) {
	t.Parallel()
	s, proxy, bucket := faulty(t)
	unfinished := func() int {
		out, err := bucket.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket.Name})
		require.NoError(t, err)
		return len(out.Uploads)
	}
	// the store goes away after the first part, as it does when this process is killed
	proxy.MisbehaveFor(objectstest.SlowDown, -1, func(r *http.Request) bool {
		return r.URL.Query().Get("partNumber") == "2" || r.Method == http.MethodDelete
	})
	_, err := s.Put(t.Context(), "v/large", noise(1, 20<<20))
	require.ErrorIs(t, err, objects.ErrUnavailable)
	require.Equal(t, 1, unfinished())
	proxy.Misbehave(objectstest.None, 0)

	janitor := s.(objects.Janitor)
	n, err := janitor.AbortUploads(t.Context(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, n, "it may still run")
	require.Equal(t, 1, unfinished())
	n, err = janitor.AbortUploads(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Zero(t, unfinished())

	// one that fails by itself clears up after itself
	_, err = s.Put(t.Context(), "v/large", io.MultiReader(noise(1, 20<<20), broken{errCut}))
	require.ErrorIs(t, err, errCut)
	require.Zero(t, unfinished())
}

// completes is the request that ends a large write.
func completes(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

// TestALostYesToALargeWrite: F11, the request that ends it is sent again, and the
// store, which is done with it, knows no such write any more.
func TestALostYesToALargeWrite(t *testing.T) {
	t.Parallel()
	s, proxy, _ := faulty(t)
	forgetting := func(lose bool) {
		proxy.MisbehaveFor(objectstest.LoseAnswer, 1, func(r *http.Request) bool { return lose && completes(r) })
		asked := 0
		proxy.Answer(func(w http.ResponseWriter, r *http.Request) bool {
			if completes(r) {
				asked++
			}
			if !completes(r) || lose && asked == 1 {
				return false
			}
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchUpload</Code><Message>The specified upload does not exist.</Message></Error>")
			return true
		})
	}
	forgetting(true)
	n, err := s.Put(t.Context(), "v/large", noise(1, 20<<20))
	require.NoError(t, err)
	require.EqualValues(t, 20<<20, n)
	size, err := s.Size(t.Context(), "v/large")
	require.NoError(t, err)
	require.EqualValues(t, 20<<20, size)

	// another one under this key is not the one that was written
	forgetting(false)
	_, err = s.Put(t.Context(), "v/large", noise(2, 20<<20))
	require.ErrorIs(t, err, objects.ErrUnavailable)
	_, err = s.Put(t.Context(), "v/given-up", noise(1, 20<<20))
	require.ErrorIs(t, err, objects.ErrUnavailable, "somebody gave it up")
	require.NotErrorIs(t, err, objects.ErrNotFound, "which would tell a client that what it writes to is gone")
	proxy.Answer(nil)
	requireAbsent(t, s, "v/given-up")
}

// TestALargeWriteThatIsNotAcknowledged: nothing is seen of what was done without
// a word.
func TestALargeWriteThatIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	s, proxy, _ := faulty(t)
	proxy.MisbehaveFor(objectstest.LoseAnswer, -1, completes)
	_, err := s.Put(t.Context(), "v/large", noise(1, 20<<20))
	require.ErrorIs(t, err, objects.ErrUnavailable)
	requireAbsent(t, s, "v/large")
}

// TestBytesThatChangedInTheBucketAreFound: F25.
func TestBytesThatChangedInTheBucketAreFound(t *testing.T) {
	t.Parallel()
	s, proxy, _ := faulty(t)
	put(t, s, "v/small", "0123456789")
	_, err := s.Put(t.Context(), "v/large", noise(1, 17<<20))
	require.NoError(t, err)
	proxy.Misbehave(objectstest.Garbled, -1)
	for _, key := range []string{"v/small", "v/large"} {
		known, err := s.(objects.Verifier).Verify(t.Context(), key)
		require.True(t, known)
		require.ErrorIs(t, err, objects.ErrCorrupt, key)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	s, _, _ := faulty(t)
	put(t, s, "v/a", "x")
	get(t, s, "v/a", 0, 1)
	get(t, s, "v/a", 0, 1)
	counted := s.(objects.Counter).Requests()
	require.EqualValues(t, 1, counted[http.MethodPut])
	require.EqualValues(t, 2, counted[http.MethodGet])
	require.Zero(t, counted[http.MethodHead])
}
