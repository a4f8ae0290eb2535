package objects_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// TestPagesThatAreShort: a store may list fewer objects than it was asked for, or
// the mark of a folder, and have more. What is to be deleted is all of it.
func TestPagesThatAreShort(t *testing.T) {
	t.Parallel()
	keys := []string{"v/x/", "v/x/a", "v/x/b", "v/x/c"}
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("continuation-token"), &at)
		more, next := at+1 < len(keys), ""
		if more {
			next = fmt.Sprintf("<NextContinuationToken>%d</NextContinuationToken>", at+1)
		}
		_, _ = fmt.Fprintf(w, "<ListBucketResult><IsTruncated>%v</IsTruncated>%s<Contents><Key>%s</Key><Size>1</Size></Contents></ListBucketResult>", more, next, keys[at])
	}))
	t.Cleanup(store.Close)
	s, err := objects.Open(t.Context(), "s3://bucket?path_style=true&region=us-east-1&endpoint="+url.QueryEscape(store.URL), objects.Options{AccessKeyID: "a", SecretAccessKey: "b"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	lister, ok := s.(objects.Lister)
	require.True(t, ok)
	for _, limit := range []int{3, 1000} {
		found, err := lister.List(t.Context(), "v/x/", "", limit)
		require.NoError(t, err)
		require.Len(t, found, 3)
	}
	found, err := lister.List(t.Context(), "v/x/", "", 2)
	require.NoError(t, err)
	require.Len(t, found, 2)
}
