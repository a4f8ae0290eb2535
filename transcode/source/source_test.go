package source_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/source"
)

// TestAWholeCopyIsOfTheSourceAsItIs: an upload that went on must not be taken
// for what had been copied of it before.
func TestAWholeCopyIsOfTheSourceAsItIs(t *testing.T) {
	t.Parallel()
	store, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	desk, err := source.NewDesk(store, t.TempDir(), 0)
	require.NoError(t, err)
	var parts []catalog.Part
	for _, text := range []string{"one ", "two ", "three"} {
		n, err := store.Put(t.Context(), "v/x/"+strings.TrimSpace(text), strings.NewReader(text))
		require.NoError(t, err)
		parts = append(parts, catalog.Part{ObjectKey: "v/x/" + strings.TrimSpace(text), Length: n})
	}
	for n, want := range map[int]string{2: "one two ", 3: "one two three"} {
		path, release, err := desk.Whole(t.Context(), "x", parts[:n])
		require.NoError(t, err)
		t.Cleanup(release)
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(raw))
	}
}
