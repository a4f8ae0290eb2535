package objects

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// CopyInParts is for the test that copies a large object without having one.
func CopyInParts(s *S3, whole, part int64) { s.copies = copyLimits{whole: whole, part: part} }

func TestAnAddressIsReadStrictly(t *testing.T) {
	t.Parallel()
	p, err := parsePlace("s3://bucket/some/where?endpoint=https://s3.example.org&region=eu&path_style=false&checksums=false", "us")
	require.NoError(t, err)
	require.Equal(t, place{bucket: "bucket", prefix: "some/where/", endpoint: "https://s3.example.org", region: "eu"}, p)
	p, err = parsePlace("s3://bucket?endpoint=http://127.0.0.1:9000", "")
	require.NoError(t, err)
	require.Equal(t, place{bucket: "bucket", endpoint: "http://127.0.0.1:9000", region: "us-east-1", pathStyle: true, checksums: true}, p)
	p, err = parsePlace("s3://bucket", "eu-north-1")
	require.NoError(t, err)
	require.Equal(t, place{bucket: "bucket", region: "eu-north-1", checksums: true}, p)
	for _, wrong := range []string{
		"s3://", "s3:bucket", "s3://bucket?x=1", "s3://bucket?endpoint=host", "s3://bucket?endpoint=ftp://host", "s3://bucket?endpoint=http://a:b@host", "s3://key:secret@bucket",
		"s3://bucket?path_style=maybe", "s3://bucket/a/../b", "s3://bucket:80", "gs://bucket", "s3://bucket#x", "s3://%zz",
	} {
		_, err := parsePlace(wrong, "")
		require.Error(t, err, wrong)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestWhereTheBucketIs(t *testing.T) {
	t.Parallel()
	for address, origin := range map[string]string{
		"s3://bucket?region=eu-north-1":                                        "https://bucket.s3.eu-north-1.amazonaws.com",
		"s3://bucket?region=eu-north-1&path_style=true":                        "https://s3.eu-north-1.amazonaws.com",
		"s3://bucket?endpoint=https://s3.example.org":                          "https://s3.example.org",
		"s3://bucket?endpoint=https://s3.example.org:8443/api&path_style=true": "https://s3.example.org:8443",
		"s3://bucket?endpoint=https://s3.example.org:8443&path_style=false":    "https://bucket.s3.example.org:8443",
		"s3://bucket/below?endpoint=http://127.0.0.1:9000":                     "http://127.0.0.1:9000",
	} {
		s, err := Open(t.Context(), address, Options{AccessKeyID: "a", SecretAccessKey: "s"})
		require.NoError(t, err, address)
		require.Equal(t, origin, s.(*S3).Origin(), address)
		require.NoError(t, s.Close())
	}
}

func TestABufferReadsWhatItWasFilledWith(t *testing.T) {
	t.Parallel()
	s := &S3{}
	s.blocks.New = func() any { return new(block) }
	for _, size := range []int64{0, 1, blockSize - 1, blockSize, blockSize + 1, partSize - 1, partSize, partSize + 5} {
		sum := sha256.New()
		source := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), min(size, partSize)), sum)
		b, more, err := s.fill(io.MultiReader(source, io.LimitReader(rand.NewChaCha8([32]byte{2}), max(0, size-partSize))))
		require.NoError(t, err)
		require.Equal(t, size >= partSize, more)
		require.Equal(t, min(size, partSize), b.size)
		got := sha256.New()
		n, err := io.Copy(got, b.reader())
		require.NoError(t, err)
		require.Equal(t, b.size, n)
		require.Equal(t, sum.Sum(nil), got.Sum(nil))
		b.free(s)
	}
}
