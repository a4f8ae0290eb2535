package objects_test

import (
	"crypto/rand"
	"strings"
	"testing"

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
