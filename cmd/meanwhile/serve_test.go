package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWhatCannotBeDeletedIsKeptInMind: its row stays, and what comes after it is
// deleted all the same.
func TestWhatCannotBeDeletedIsKeptInMind(t *testing.T) {
	t.Parallel()
	a := openTool(t)
	_, err := a.objects.Put(t.Context(), "v/gone/src/0", strings.NewReader("bytes"))
	require.NoError(t, err)
	for _, key := range []string{"../cannot", "v/gone/"} {
		_, err := a.db.Writer.NewRaw("INSERT INTO garbage (object_prefix, due_at) VALUES (?, ?)", key, time.Now().UTC().Add(-time.Hour)).Exec(t.Context())
		require.NoError(t, err)
	}
	require.Error(t, a.sweep(t.Context()))
	left, err := a.catalog.Garbage(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"../cannot"}, left)
	_, err = a.objects.Size(t.Context(), "v/gone/src/0")
	require.Error(t, err)
}
