package objects_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// BenchmarkPresign is what a segment costs the server when players fetch from the
// bucket.
func BenchmarkPresign(b *testing.B) {
	s, err := objects.Open(b.Context(), "s3://bucket?endpoint=https://s3.example.org", objects.Options{AccessKeyID: "a", SecretAccessKey: "s"})
	require.NoError(b, err)
	for b.Loop() {
		_, err := s.(objects.Presigner).Presign(b.Context(), "v/video/ladder/span/360p/0.mp4", time.Minute, nil)
		require.NoError(b, err)
	}
}
