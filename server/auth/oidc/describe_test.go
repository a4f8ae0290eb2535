package oidc

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestNobodyWaitsBehindOthersForAProvider: one that does not answer is asked by
// all who come together, each waits as long as he likes, and what came of it is
// known to those who come right after.
func TestNobodyWaitsBehindOthersForAProvider(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	release := make(chan struct{})
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-release
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(provider.Close)
	p := New(Options{Issuer: provider.URL, Return: &url.URL{Scheme: "https", Host: "here"}})
	var all sync.WaitGroup
	began := time.Now()
	for range 20 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, _, err := p.Begin(ctx); err == nil {
				t.Error("nobody has answered")
			}
		})
	}
	all.Wait()
	require.Less(t, time.Since(began), 5*time.Second)
	close(release)
	_, _, err := p.Begin(t.Context())
	require.ErrorIs(t, err, ErrUnreachable)
	_, _, err = p.Begin(t.Context())
	require.ErrorIs(t, err, ErrUnreachable)
	require.EqualValues(t, 1, asked.Load())
}
