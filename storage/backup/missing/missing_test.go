package missing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/backup/missing"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// house is an installation of three videos, each of two objects of five bytes.
type house struct {
	*missing.Media
	t     *testing.T
	db    *database.DB
	store *objects.Folder
	now   time.Time
}

func newHouse(t *testing.T, db *database.DB) *house {
	t.Helper()
	store, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	h := &house{t: t, db: db, store: store, now: time.Now().UTC()}
	h.Media = missing.New(db, objects.Has(store), func() time.Time { return h.now })
	h.execute("INSERT INTO accounts (id, email, name, password_hash, created_at) VALUES ('a', 'a@example.org', 'Ada', 'x', ?)", h.now)
	h.execute("INSERT INTO workspaces (id, name, created_at) VALUES ('w', 'Team', ?)", h.now)
	for _, id := range []string{"a2", "b2", "b3"} {
		h.execute("INSERT INTO videos (id, slug, workspace_id, owner_id, title, title_folded, state, created_at, updated_at) VALUES (?, ?, 'w', 'a', ?, 't', 'ready', ?, ?)", id, id, "Video "+id, h.now, h.now)
		for _, n := range []string{"0", "1"} {
			key := "v/" + id + "/src/" + n
			h.put(key, "bytes")
			h.execute("INSERT INTO parts (video_id, start, length, object_key) VALUES (?, ?, 5, ?)", id, n, key)
		}
	}
	h.put("v/b22/src/0", "a video that nobody knows of")
	return h
}

func (h *house) execute(query string, args ...any) {
	h.t.Helper()
	_, err := h.db.Writer.NewRaw(query, args...).Exec(h.t.Context())
	require.NoError(h.t, err)
}

func (h *house) put(key, content string) {
	h.t.Helper()
	_, err := h.store.Put(h.t.Context(), key, strings.NewReader(content))
	require.NoError(h.t, err)
}

// sweep goes through all that is kept, as housekeeping does.
func (h *house) sweep(atOnce int) {
	h.t.Helper()
	for after, more := "", true; more; {
		found, err := h.store.List(h.t.Context(), "v/", after, atOnce)
		require.NoError(h.t, err)
		more = len(found) == atOnce
		page := missing.Page{After: after, Sizes: map[string]int64{}}
		for _, o := range found {
			page.Sizes[o.Key] = o.Size
		}
		if more {
			page.Last = found[len(found)-1].Key
		}
		require.NoError(h.t, h.Compare(h.t.Context(), page))
		after = page.Last
	}
}

// lacking lists what was noticed.
func (h *house) lacking() (objects []string) {
	h.t.Helper()
	found, n, err := h.List(h.t.Context(), 100)
	require.NoError(h.t, err)
	require.Len(h.t, found, n)
	for _, v := range found {
		require.Equal(h.t, "Video "+v.ID, v.Title)
		require.Equal(h.t, "Team", v.Workspace)
		objects = append(objects, v.Object)
	}
	return objects
}

// TestLostMediaIsNoticed (F25), wherever the pages of the listing end.
func TestLostMediaIsNoticed(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		for _, atOnce := range []int{1, 2, 3, 4, 100} {
			h := newHouse(t, db)
			h.sweep(atOnce)
			require.Empty(t, h.lacking(), atOnce)
			require.NoError(t, h.store.Delete(t.Context(), "v/a2/src/1"))
			h.put("v/b3/src/0", "cut")
			h.sweep(atOnce)
			require.ElementsMatch(t, []string{"v/a2/src/1", "v/b3/src/0"}, h.lacking(), atOnce)

			require.NoError(t, h.store.Delete(t.Context(), "v/"), "all of it")
			h.sweep(atOnce)
			require.ElementsMatch(t, []string{"v/a2/src/1", "v/b2/src/0", "v/b3/src/0"}, h.lacking(), atOnce)
			h.execute("DELETE FROM videos")
			require.Empty(t, h.lacking(), "nobody needs it any more")
			h.execute("DELETE FROM workspaces")
			h.execute("DELETE FROM accounts")
		}
	})
}

func TestMediaThatIsBackIsForgotten(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		require.NoError(t, h.store.Delete(t.Context(), "v/b2/"))
		require.NoError(t, h.Look(t.Context(), "b2"))
		require.NoError(t, h.Look(t.Context(), "a2"))
		require.NoError(t, h.Look(t.Context(), "nobody's"))
		require.Equal(t, []string{"v/b2/src/0"}, h.lacking())
		h.put("v/b2/src/0", "bytes")
		h.now = h.now.Add(2 * time.Minute)
		require.NoError(t, h.Again(t.Context()))
		require.Equal(t, []string{"v/b2/src/1"}, h.lacking(), "the other one is still gone")
		h.put("v/b2/src/1", "bytes")
		require.NoError(t, h.Again(t.Context()))
		require.Len(t, h.lacking(), 1, "not all the time")
		h.now = h.now.Add(2 * time.Minute)
		require.NoError(t, h.Again(t.Context()))
		require.Empty(t, h.lacking())
	})
}
