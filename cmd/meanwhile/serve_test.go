package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
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

// TestObjectsThatNoRecordNames (F1, F4): whoever wrote them was killed before the
// record was. They go after a day, and what is named or new stays.
func TestObjectsThatNoRecordNames(t *testing.T) {
	t.Parallel()
	a := openTool(t)
	put := func(key string) {
		_, err := a.objects.Put(t.Context(), key, strings.NewReader("bytes"))
		require.NoError(t, err)
	}
	named := []string{"v/x/src/0-a", "v/x/ladder/r/1.mp4", "v/x/stills/poster.jpg", "health/probe"}
	for _, key := range append(named, "v/x/src/0-b", "v/y/src/0-c", "v/x/ladder/r/2.mp4") {
		put(key)
	}
	for _, row := range []string{
		"INSERT INTO parts (video_id, start, length, object_key) VALUES ('x', 0, 5, 'v/x/src/0-a')",
		"INSERT INTO tracks (video_id, name, span, kind, width, height, frame_rate, codecs, bandwidth, average_bandwidth, object_key, init_length, size, segments) VALUES ('x', 'n', 0, 'video', 1, 1, 1, '', 1, 1, 'v/x/ladder/r/1.mp4', 1, 1, '')",
	} {
		_, err := a.db.Writer.ExecContext(t.Context(), "PRAGMA foreign_keys = off")
		require.NoError(t, err)
		_, err = a.db.Writer.ExecContext(t.Context(), row)
		require.NoError(t, err)
	}
	keys := func() (keys []string) {
		all, err := a.objects.(objects.Lister).List(t.Context(), "", "", 100)
		require.NoError(t, err)
		for _, o := range all {
			keys = append(keys, o.Key)
		}
		return keys
	}
	require.NoError(t, a.collect(t.Context(), time.Now()))
	require.Len(t, keys(), 7, "they may be about to be named")
	require.NoError(t, a.collect(t.Context(), time.Now().Add(2*abandonTime)))
	require.ElementsMatch(t, append(named, "installation"), keys(), "that says whose the others are")
}

// TestHousekeepingNoticesLostMedia (F25), whether or not somebody plays it.
func TestHousekeepingNoticesLostMedia(t *testing.T) {
	t.Parallel()
	a := openTool(t)
	now := a.catalog.Now()
	for _, row := range []string{
		"INSERT INTO accounts (id, email, name, password_hash, created_at) VALUES ('a', 'a@example.org', 'Ada', 'x', ?0)",
		"INSERT INTO workspaces (id, name, created_at) VALUES ('w', 'Team', ?0)",
		"INSERT INTO videos (id, slug, workspace_id, owner_id, title, title_folded, state, created_at, updated_at) VALUES ('x', 'x', 'w', 'a', 'Lost', 'lost', 'ready', ?0, ?0)",
		"INSERT INTO parts (video_id, start, length, object_key) VALUES ('x', 0, 5, 'v/x/src/0-a')",
	} {
		_, err := a.db.Writer.NewRaw(row, now).Exec(t.Context())
		require.NoError(t, err)
	}
	lost := func() int {
		require.NoError(t, a.collect(t.Context(), now))
		n, err := a.missing.Count(t.Context())
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, lost())
	_, err := a.objects.Put(t.Context(), "v/x/src/0-a", strings.NewReader("bytes"))
	require.NoError(t, err)
	require.NoError(t, a.missing.Look(t.Context(), "x"))
	require.Zero(t, lost())
}
