package objects_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// TestWhatIsGoneAlreadyIsDeleted: the first attempt's answer was lost, and the second
// finds nothing; some stores call that an error. Any other reason is one.
func TestWhatIsGoneAlreadyIsDeleted(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{"NoSuchKey": nil, "AccessDenied": objects.ErrUnavailable} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			var deleted atomic.Bool
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					deleted.Store(true)
					_, _ = fmt.Fprintf(w, "<DeleteResult><Error><Key>v/x/a</Key><Code>%s</Code><Message>said the store</Message></Error></DeleteResult>", code)
					return
				}
				listed := "<Contents><Key>v/x/a</Key><Size>1</Size></Contents><Contents><Key>v/x/b</Key><Size>1</Size></Contents>"
				if deleted.Load() {
					listed = ""
				}
				_, _ = fmt.Fprintf(w, "<ListBucketResult><IsTruncated>false</IsTruncated>%s</ListBucketResult>", listed)
			}))
			t.Cleanup(store.Close)
			s, err := objects.Open(t.Context(), "s3://bucket?path_style=true&region=us-east-1&endpoint="+url.QueryEscape(store.URL), objects.Options{AccessKeyID: "a", SecretAccessKey: "b"})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.ErrorIs(t, s.Delete(t.Context(), "v/x/"), want)
			require.True(t, deleted.Load())
		})
	}
}
