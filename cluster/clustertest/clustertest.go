// Package clustertest gives tests clusters of Meanwhile as it was built, over one
// PostgreSQL and one S3 server for all tests of a package.
package clustertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
)

// Shared are the stores of all tests of a package. They are started by the first
// test that wants them and end with the last.
type Shared struct {
	once   sync.Once
	stores *cluster.Stores
	err    error
}

// Run runs the tests of a package, and says how its process ends.
func (s *Shared) Run(m *testing.M) (status int) {
	status = m.Run()
	if s.stores == nil {
		return status
	}
	if err := s.stores.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// Stores are started unless they are there.
func (s *Shared) Stores(t testing.TB) *cluster.Stores {
	t.Helper()
	s.once.Do(func() { s.stores, s.err = cluster.OpenStores(context.WithoutCancel(t.Context())) })
	require.NoError(t, s.err)
	return s.stores
}

// Binary is Meanwhile, as it was built; without it such tests have nothing to
// start.
func Binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("MEANWHILE_BINARY")
	if path == "" {
		path = filepath.Join("..", "bin", "meanwhile")
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil { //nolint:gosec // whoever runs the tests names it
		t.Skip("there is no bin/meanwhile to start: make build")
	}
	return path
}

// Name is one for a database and a bucket of this test.
func Name(t testing.TB) string {
	t.Helper()
	s := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(t.Name()), "-")
	return "t" + s[max(0, len(s)-30):] + strconv.FormatInt(time.Now().UnixNano()%1e6, 36)
}

// Start starts a cluster until the test ends; without stores it is one server
// that keeps everything in its folder. Nobody is held back for asking too often.
func Start(t testing.TB, stores *cluster.Stores, o cluster.Options) *cluster.Cluster {
	t.Helper()
	c := Open(t, stores, o)
	require.NoError(t, c.Start(t.Context()))
	return c
}

// Open does so but for the start of the processes, which may be given other arguments
// before.
func Open(t testing.TB, stores *cluster.Stores, o cluster.Options) *cluster.Cluster {
	t.Helper()
	o.Binary, o.Name = Binary(t), Name(t)
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	o.Env = append([]string{"MEANWHILE_RATE_FACTOR=1000"}, o.Env...)
	c, err := cluster.Open(t.Context(), stores, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.Log(60))
		}
		require.NoError(t, c.Close())
		if stores != nil {
			require.NoError(t, stores.Drop(context.WithoutCancel(t.Context()), o.Name))
		}
	})
	return c
}
