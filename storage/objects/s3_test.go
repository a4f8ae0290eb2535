package objects_test

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
)

func TestS3(t *testing.T) {
	t.Parallel()
	conform(t, func(t *testing.T) objects.Store {
		t.Helper()
		b := objectstest.S3(t)
		return objectstest.Open(t, b.URL, b.Options)
	})
}

func TestALargeObjectIsCopiedInParts(t *testing.T) {
	t.Parallel()
	b := objectstest.S3(t)
	s := objectstest.Open(t, b.URL, b.Options).(*objects.S3)
	const size = 17<<20 + 3
	_, err := s.Put(t.Context(), "v/a", noise(1, size))
	require.NoError(t, err)
	objects.CopyInParts(s, 6<<20, 5<<20)
	require.NoError(t, s.Copy(t.Context(), "v/a", "v/b"))
	require.Equal(t, get(t, s, "v/a", 0, size), get(t, s, "v/b", 0, size))
	require.ErrorIs(t, s.Copy(t.Context(), "v/gone", "v/c"), objects.ErrNotFound)
}

// TestAPrefixKeepsToItself: two installations share a bucket.
func TestAPrefixKeepsToItself(t *testing.T) {
	t.Parallel()
	b := objectstest.S3(t)
	all := objectstest.Open(t, b.URL, b.Options)
	below := strings.Replace(b.URL, "?", "/some/where?", 1)
	conform(t, func(t *testing.T) objects.Store {
		t.Helper()
		return objectstest.Open(t, strings.Replace(below, "where", strings.ToLower(rand.Text()), 1), b.Options)
	})
	one := objectstest.Open(t, below, b.Options)
	put(t, one, "v/a", "x")
	require.Equal(t, "x", get(t, all, "some/where/v/a", 0, 1))
	require.NoError(t, one.Delete(t.Context(), "v/"))
	requireAbsent(t, all, "some/where/v/a")
}

// TestWhatOthersPutIntoTheBucket: folders as empty objects end no listing.
func TestWhatOthersPutIntoTheBucket(t *testing.T) {
	t.Parallel()
	b := objectstest.S3(t)
	s := objectstest.Open(t, b.URL, b.Options)
	for _, key := range []string{"a/", "b/", "c/"} {
		_, err := b.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.Name, Key: &key})
		require.NoError(t, err)
	}
	put(t, s, "v/a", "x")
	found, err := s.(objects.Lister).List(t.Context(), "", "", 2)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "v/a", found[0].Key)
}

// TestABucketWithAHostOfItsOwn: addresses are signed for it as AWS has them.
func TestABucketWithAHostOfItsOwn(t *testing.T) {
	t.Parallel()
	g, err := objectstest.Start(t.Context(), t.TempDir(), "--virtual-domain", "s3.test")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Stop()) })
	b, err := g.Bucket(t.Context())
	require.NoError(t, err)
	const odd = "v/a+b ü (1)"
	put(t, objectstest.Open(t, b.URL, b.Options), odd, "hello")

	s := objectstest.Open(t, "s3://"+b.Name+"?path_style=false&endpoint="+strings.Replace(b.Endpoint, "127.0.0.1", "s3.test", 1), b.Options)
	address, err := s.(objects.Presigner).Presign(t.Context(), odd, time.Minute, nil)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(address, "http://"+b.Name+".s3.test:"), address)
	here := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(b.Endpoint, "http://"))
	}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	response, err := here.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(body))
}
