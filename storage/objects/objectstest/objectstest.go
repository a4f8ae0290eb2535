package objectstest

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// shared is the gateway of this test process. It runs while a test uses it.
//
//nolint:gochecknoglobals // tests of a package share one server, as nothing else joins them
var shared = new(lent)

type lent struct {
	mu      sync.Mutex
	users   int
	folder  string
	gateway *Gateway
}

// take starts the gateway for the first who needs it.
func (l *lent) take() (*Gateway, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gateway == nil {
		folder, err := os.MkdirTemp("", "meanwhile-s3-")
		if err != nil {
			return nil, err
		}
		if l.gateway, err = Start(context.Background(), folder); err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
		l.folder = folder
	}
	l.users++
	return l.gateway, nil
}

// give stops it after the last.
func (l *lent) give() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users--; l.users > 0 {
		return nil
	}
	err := l.gateway.Stop()
	l.gateway = nil
	return errors.Join(err, os.RemoveAll(l.folder))
}

// S3 makes a bucket for one test.
func S3(t testing.TB) Bucket {
	t.Helper()
	g, err := shared.take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shared.give(); err != nil {
			t.Error(err)
		}
	})
	b, err := g.Bucket(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Open opens a store and closes it after the test.
func Open(t testing.TB, url string, o objects.Options) objects.Keeper {
	t.Helper()
	s, err := objects.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Each runs a test over a fresh store of every kind.
func Each(t *testing.T, check func(t *testing.T, s objects.Keeper)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		check(t, Open(t, t.TempDir(), objects.Options{}))
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		b := S3(t)
		check(t, Open(t, b.URL, b.Options))
	})
}
