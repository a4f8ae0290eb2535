package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/backup"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/objects/owner"
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

// TestADrillBesideOneThatNeverDeleted: the original had nothing to delete yet, so it
// has not said whose the media are, and runs the release before.
func TestADrillBesideOneThatNeverDeleted(t *testing.T) {
	t.Parallel()
	a := openTool(t)
	original, err := a.catalog.Begin(t.Context())
	require.NoError(t, err)
	const key = "v/somebody/src/0"
	_, err = a.objects.Put(t.Context(), key, strings.NewReader("recorded since"))
	require.NoError(t, err)

	require.NoError(t, restoreCmd{}.Run(t.Context(), a.config))
	require.NoError(t, a.collect(t.Context(), a.catalog.Now().AddDate(0, 0, 30)))
	_, err = a.objects.Size(t.Context(), key)
	require.NoError(t, err, "it is not the drill's")
	mine, err := owner.Owns(t.Context(), a.objects, owner.Mark(original.GrantKey))
	require.NoError(t, err)
	require.True(t, mine, "the original can still delete what is its own")
	require.NoError(t, restoreCmd{}.Run(t.Context(), a.config))
	require.NoError(t, a.collect(t.Context(), a.catalog.Now().AddDate(0, 0, 30)))
	_, err = a.objects.Size(t.Context(), key)
	require.NoError(t, err, "nor is it the second time")
}

// TestAServerSaysWhoseTheMediaAre from its start on, not only when it has something
// to delete; what somebody writes into the same folder meanwhile stays.
func TestAServerSaysWhoseTheMediaAre(t *testing.T) {
	t.Parallel()
	data, media := t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(media, "tmp"), 0o700))
	half := filepath.Join(media, "tmp", "half")
	require.NoError(t, os.WriteFile(half, []byte("x"), 0o600))
	p := serve(t, data, "--objects-url", media)
	p.ready(t)
	require.FileExists(t, filepath.Join(media, "installation"))
	if databasetest.Engine() == database.SQLite {
		require.NoFileExists(t, half, "nobody else writes here")
	} else {
		require.FileExists(t, half, "another server may be writing it")
	}

	require.NoError(t, os.WriteFile(half, []byte("x"), 0o600))
	serve(t, t.TempDir(), "--objects-url", media).ready(t)
	require.FileExists(t, half, "it belongs to the first one")
}
