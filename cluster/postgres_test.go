package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
)

func TestPostgresComesBack(t *testing.T) {
	t.Parallel()
	p, err := cluster.StartPostgres(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	require.NoError(t, p.Create(t.Context(), "one", ""))
	require.NoError(t, p.Crash())
	require.Error(t, p.Create(t.Context(), "two", "one"))
	require.NoError(t, p.Start(t.Context()))
	require.NoError(t, p.Create(t.Context(), "two", "one"))
	require.NoError(t, p.Drop(t.Context(), "two"))
}
