package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/backup"
)

// TestADrillDeletesNobodysMedia: an installation that was restored beside the one
// that it is a copy of, on the same media, deletes none of them.
func TestADrillDeletesNobodysMedia(t *testing.T) {
	t.Parallel()
	a := openTool(t)
	key := "v/somebody/src/0"
	begin := func() {
		t.Helper()
		_, err := a.objects.Put(t.Context(), key, strings.NewReader("recorded since"))
		require.NoError(t, err)
		_, err = a.db.Writer.ExecContext(t.Context(), "INSERT INTO garbage (object_prefix, due_at) VALUES (?, '2020-01-01 00:00:00+00:00')", key)
		require.NoError(t, err)
	}
	there := func() bool {
		_, err := a.objects.Size(t.Context(), key)
		return err == nil
	}
	begin()
	require.NoError(t, a.sweep(t.Context()))
	require.False(t, there(), "its own media are its to delete")

	require.NoError(t, backup.Void(t.Context(), a.db, false), "as a restore does")
	begin()
	future := a.catalog.Now().AddDate(0, 0, 30)
	require.NoError(t, a.sweep(t.Context()))
	require.NoError(t, a.collect(t.Context(), future))
	require.True(t, there())

	require.NoError(t, restoreCmd{OwnMedia: true}.own(t.Context(), a))
	require.NoError(t, a.sweep(t.Context()))
	require.False(t, there())
}
