package catalog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

func titles(t testing.TB, s *shelf, q catalog.ListQuery) []string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	page, err := s.Videos(t.Context(), q)
	require.NoError(t, err)
	var all []string
	for _, v := range page.Videos {
		all = append(all, v.Title)
	}
	return all
}

func TestPagesHoldEveryVideoOnce(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		made := map[string]bool{}
		for i := range 23 {
			made[s.start(t, fmt.Sprint("v", i), catalog.InTeam).ID] = true
			if i%6 == 5 {
				s.clock.advance(time.Duration(i*100) * time.Microsecond) // six share one time; fractions end in zeros
			}
		}
		for _, limit := range []int{1, 4, 23, 50} {
			seen := map[string]bool{}
			q := catalog.ListQuery{AccountID: s.owner.ID, WorkspaceID: s.owner.WorkspaceID, Limit: limit}
			last := time.Unix(1<<40, 0)
			for {
				page, err := s.Videos(t.Context(), q)
				require.NoError(t, err)
				for _, v := range page.Videos {
					require.False(t, seen[v.ID], "twice")
					require.False(t, v.CreatedAt.After(last), "newest first")
					seen[v.ID], last = true, v.CreatedAt
				}
				if page.Next == "" {
					break
				}
				require.Len(t, page.Videos, limit)
				q.Cursor = page.Next
			}
			require.Equal(t, made, seen)
		}
		for _, cursor := range []string{"x", "e30", "bnVsbA", strings.Repeat("A", 100), "eyJ0IjoxLCJpIjoieFx1MDAwMCJ9", "eyJ0IjoxZTMwLCJpIjoieCJ9"} {
			_, err := s.Videos(t.Context(), catalog.ListQuery{AccountID: s.owner.ID, WorkspaceID: s.owner.WorkspaceID, Limit: 5, Cursor: cursor})
			require.ErrorIs(t, err, catalog.ErrCursor, cursor)
		}
		// A number that is a time far beyond all calendars.
		_, err := s.Videos(t.Context(), catalog.ListQuery{AccountID: s.owner.ID, WorkspaceID: s.owner.WorkspaceID, Limit: 5, Cursor: "eyJ0Ijo5MjIzMzcyMDM2ODU0Nzc1ODA3LCJpIjoieCJ9"})
		require.NoError(t, err)
	})
}

func TestSearchFoldsAndEscapes(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		for _, title := range []string{"Größe der Übung", "100% done", "1000 done", "snake_case", "snakeXcase", `back\slash`, "It's \"quoted\"; DROP TABLE videos", "スクリーンのビデオ", "ΣΊΣΥΦΟΣ"} {
			s.start(t, title, catalog.InTeam)
			s.clock.advance(time.Second)
		}
		for words, want := range map[string][]string{
			"GRÖSSE": nil, "größe": {"Größe der Übung"}, "grosse": nil, "grö": {"Größe der Übung"}, "ubung": {"Größe der Übung"}, "ÜBUNG der": {"Größe der Übung"},
			"100%": {"100% done"}, "%": {"100% done"}, "_": {"snake_case"}, "e_c": {"snake_case"}, `\`: {`back\slash`},
			"done 100": {"1000 done", "100% done"}, "'": {"It's \"quoted\"; DROP TABLE videos"}, `"quoted"`: {"It's \"quoted\"; DROP TABLE videos"},
			"クリ": {"スクリーンのビデオ"}, "ビ": {"スクリーンのビデオ"}, "σίσυφο": {"ΣΊΣΥΦΟΣ"}, "nothing": nil, "done\x00": {"1000 done", "100% done"}, "?": nil,
		} {
			require.Equal(t, want, titles(t, s, catalog.ListQuery{AccountID: s.owner.ID, WorkspaceID: s.owner.WorkspaceID, Words: words}), "%q", words)
		}
		require.Len(t, titles(t, s, catalog.ListQuery{AccountID: s.owner.ID, WorkspaceID: s.owner.WorkspaceID, Words: "  "}), 9)
		require.Empty(t, titles(t, s, catalog.ListQuery{AccountID: s.owner.ID, WorkspaceID: s.owner.WorkspaceID, Words: strings.Repeat("zq ", 100)}))
	})
}

func TestListsShowWhatMayBeSeen(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		ben, err := s.AddAccount(t.Context(), person("Ben"), people.Member)
		require.NoError(t, err)
		for _, visibility := range []catalog.Visibility{catalog.Private, catalog.InTeam, catalog.WithLink} {
			s.start(t, string(visibility), visibility)
			s.clock.advance(time.Second)
			thrown := s.start(t, "trashed "+string(visibility), visibility)
			require.NoError(t, s.TrashVideo(t.Context(), thrown.ID))
			s.clock.advance(time.Second)
		}
		for _, c := range []struct {
			account string
			filter  catalog.Filter
			want    []string
		}{
			{s.owner.ID, catalog.FilterAll, []string{"link", "workspace", "private"}},
			{s.owner.ID, catalog.FilterMine, []string{"link", "workspace", "private"}},
			{s.owner.ID, catalog.FilterTrash, []string{"trashed link", "trashed workspace", "trashed private"}},
			{ben.ID, catalog.FilterAll, []string{"link", "workspace"}},
			{ben.ID, catalog.FilterMine, nil},
			{ben.ID, catalog.FilterTrash, nil},
			{"", catalog.FilterMine, nil},
			{ben.ID, "nonsense", []string{"link", "workspace"}},
		} {
			require.Equal(t, c.want, titles(t, s, catalog.ListQuery{AccountID: c.account, WorkspaceID: s.owner.WorkspaceID, Filter: c.filter}), "%s", c.filter)
			require.Empty(t, titles(t, s, catalog.ListQuery{AccountID: ben.ID, WorkspaceID: s.owner.WorkspaceID, Filter: c.filter, Words: "private"}))
		}
	})
}

func TestTheTrashIsEmptiedForGood(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "old", catalog.InTeam)}
		k.arrive(t, 7)
		k.close(t, catalog.UploadFinished)
		k.encode(t, "360p")
		kept := s.start(t, "kept", catalog.InTeam)
		require.NoError(t, s.TrashVideo(t.Context(), k.video.ID))
		require.True(t, k.read(t).Trashed())
		require.NoError(t, s.RestoreVideo(t.Context(), k.video.ID))
		require.False(t, k.read(t).Trashed())
		require.NoError(t, s.TrashVideo(t.Context(), k.video.ID))

		s.clock.advance(30 * 24 * time.Hour)
		require.NoError(t, s.EmptyTrash(t.Context()))
		require.True(t, k.read(t).Trashed(), "not yet old enough")
		s.clock.advance(time.Second)
		require.NoError(t, s.EmptyTrash(t.Context()))
		_, err := s.Video(t.Context(), k.video.ID)
		require.ErrorIs(t, err, record.ErrNotFound)
		garbage, err := s.Garbage(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"v/" + k.video.ID + "/"}, garbage)
		for _, table := range []string{"uploads", "parts", "fragments", "spans", "tracks"} {
			var n int
			require.NoError(t, s.db.Reader.NewRaw("SELECT count(*) FROM "+table+" WHERE video_id = ?", k.video.ID).Scan(t.Context(), &n))
			require.Zero(t, n, table)
		}
		_, err = s.Video(t.Context(), kept.ID)
		require.NoError(t, err)
		require.ErrorIs(t, s.TrashVideo(t.Context(), k.video.ID), record.ErrNotFound)
		require.ErrorIs(t, s.RestoreVideo(t.Context(), "absent"), record.ErrNotFound)
	})
}
