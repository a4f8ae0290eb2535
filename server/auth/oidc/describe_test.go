package oidc

import (
	"context"
	"errors"
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
	began := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, _, err := p.Begin(ctx)
			if !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Error("who comes does not wait by his own time:", err)
			}
		})
	}
	all.Wait()
	close(release)
	_, _, err := p.Begin(t.Context())
	require.ErrorIs(t, err, ErrUnreachable)
	// By when that counts no more is set here: a slow machine would see it pass.
	require.WithinRange(t, p.asking.until, began, time.Now().Add(retryDescribe))
	p.asking.until = time.Now().Add(time.Hour)
	_, _, err = p.Begin(t.Context())
	require.ErrorIs(t, err, ErrUnreachable)
	require.EqualValues(t, 1, asked.Load())
	p.asking.until = began
	_, _, err = p.Begin(t.Context())
	require.ErrorIs(t, err, ErrUnreachable)
	require.EqualValues(t, 2, asked.Load(), "it is asked again after a while")
}
