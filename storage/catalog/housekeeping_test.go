package catalog_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const day = 24 * time.Hour

func (s *shelf) rule(t *testing.T, change people.WorkspaceChange) {
	t.Helper()
	_, err := s.ChangeWorkspace(t.Context(), s.owner.WorkspaceID, change)
	require.NoError(t, err)
}

// finished is a video that was recorded to its end.
func (s *shelf) finished(t *testing.T, title string) *take {
	t.Helper()
	k := &take{s: s, video: s.start(t, title, catalog.InTeam)}
	k.arrive(t, 7)
	k.close(t, catalog.UploadFinished)
	return k
}

func (s *shelf) log(t *testing.T, action record.Action) []record.AuditRow {
	t.Helper()
	rows, err := s.AuditLog(t.Context(), record.AuditQuery{WorkspaceID: s.owner.WorkspaceID, Action: action, Limit: 100})
	require.NoError(t, err)
	return rows
}

func (s *shelf) watch(t *testing.T, videoID string) {
	t.Helper()
	require.NoError(t, s.RecordView(t.Context(), catalog.Watched{VideoID: videoID, Viewer: "day:x"}))
}

func TestRetentionWarnsAndThenTrashes(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		old, watched, kept := s.finished(t, "old"), s.finished(t, "watched"), s.finished(t, "kept")
		running := s.start(t, "running", catalog.InTeam)
		s.rule(t, people.WorkspaceChange{RetentionDays: new(30)})
		_, err := s.ChangeVideo(t.Context(), kept.video.ID, catalog.VideoChange{Kept: new(true)})
		require.NoError(t, err)

		s.clock.advance(22 * day)
		require.NoError(t, s.Retire(t.Context()))
		require.True(t, old.read(t).RemovalAt.IsZero(), "too early for a warning")
		s.watch(t, watched.video.ID)
		s.clock.advance(2 * day)
		s.caused("")
		require.NoError(t, s.Retire(t.Context()))
		require.NoError(t, s.Retire(t.Context()), "once more warns nobody twice")
		require.Equal(t, old.read(t).CreatedAt.UTC().Add(31*day), old.read(t).RemovalAt.UTC(), "never sooner than a week after the warning")
		for _, k := range []*take{watched, kept} {
			require.True(t, k.read(t).RemovalAt.IsZero())
		}
		var notices int
		require.NoError(t, s.db.Reader.NewRaw("SELECT count(*) FROM notices WHERE kind = 'retention' AND account_id = ?", s.owner.ID).Scan(t.Context(), &notices))
		require.Equal(t, 1, notices)
		doomed, err := s.ToBeRemoved(t.Context(), s.owner.ID, s.owner.WorkspaceID)
		require.NoError(t, err)
		require.Len(t, doomed, 1)

		s.clock.advance(7*day - time.Second)
		require.NoError(t, s.Retire(t.Context()))
		require.False(t, old.read(t).Trashed(), "a second early")
		s.clock.advance(time.Second)
		require.NoError(t, s.Retire(t.Context()))
		require.True(t, old.read(t).Trashed())
		require.False(t, watched.read(t).Trashed())
		rows := s.log(t, record.VideoTrashed)
		require.Len(t, rows, 1)
		require.Equal(t, "Meanwhile", rows[0].Actor)
		require.Contains(t, rows[0].Detail["why"], "30 days")

		s.clock.advance(365 * day)
		require.NoError(t, s.Retire(t.Context()))
		s.clock.advance(365 * day)
		require.NoError(t, s.Retire(t.Context()))
		require.False(t, kept.read(t).Trashed(), "for ever")
		v, err := s.Video(t.Context(), running.ID)
		require.NoError(t, err)
		require.False(t, v.Trashed(), "nobody has stopped it yet")
	})
}

func TestWatchingSavesAVideoAtTheLastMoment(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := s.finished(t, "old")
		s.rule(t, people.WorkspaceChange{RetentionDays: new(30)})
		s.clock.advance(24 * day)
		require.NoError(t, s.Retire(t.Context()))
		s.clock.advance(10 * day)
		s.watch(t, k.video.ID)
		require.NoError(t, s.Retire(t.Context()))
		require.False(t, k.read(t).Trashed())
		require.True(t, k.read(t).RemovalAt.IsZero(), "the banner goes")
		s.clock.advance(29 * day)
		require.NoError(t, s.Retire(t.Context()))
		require.False(t, k.read(t).RemovalAt.IsZero(), "and comes back a month later")
		s.rule(t, people.WorkspaceChange{RetentionDays: new(0)})
		require.True(t, k.read(t).RemovalAt.IsZero(), "no rule, no announcement")
		s.clock.advance(99 * day)
		require.NoError(t, s.Retire(t.Context()))
		require.False(t, k.read(t).Trashed())
	})
}

// A view and retention at the same moment: either the view came first and the
// video stays, or it went to the trash before anybody watched.
func TestAViewRacesRetention(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		s.rule(t, people.WorkspaceChange{RetentionDays: new(30)})
		takes := make([]*take, 20)
		for i := range takes {
			takes[i] = s.finished(t, strconv.Itoa(i))
		}
		s.clock.advance(30 * day)
		require.NoError(t, s.Retire(t.Context()))
		s.clock.advance(30 * day)
		var wait sync.WaitGroup
		wait.Go(func() {
			for range 5 {
				if err := databasetest.Insist(func() error { return s.Retire(t.Context()) }); err != nil {
					t.Error(err)
				}
			}
		})
		wait.Go(func() {
			for _, k := range takes {
				watched := catalog.Watched{VideoID: k.video.ID, Viewer: "day:y"}
				if err := databasetest.Insist(func() error { return s.RecordView(t.Context(), watched) }); err != nil {
					t.Error(err)
				}
			}
		})
		wait.Wait()
		for _, k := range takes {
			v := k.read(t)
			require.False(t, v.Trashed() && v.ViewedAt.Before(v.TrashedAt.Time) && !v.ViewedAt.IsZero(), "trashed in spite of a view")
		}
	})
}

func TestTheBooksOfStorageAreRight(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		used := func() (counted, truth int64) {
			w, err := s.Workspace(t.Context(), s.owner.WorkspaceID)
			require.NoError(t, err)
			require.NoError(t, s.db.Reader.NewRaw("SELECT coalesce((SELECT sum(length) FROM parts), 0) + coalesce((SELECT sum(size) FROM tracks), 0)").Scan(t.Context(), &truth))
			return w.UsedBytes, truth
		}
		check := func(when string) {
			t.Helper()
			counted, truth := used()
			require.Equal(t, truth, counted, when)
		}
		k := &take{s: s, video: s.start(t, "t", catalog.InTeam)}
		k.arrive(t, 7)
		check("a part arrived")
		k.close(t, catalog.UploadQuiet)
		k.encode(t, "360p")
		check("spans were made")
		k.arrive(t, 3)
		check("a closed recording went on: takes were dropped")
		k.close(t, catalog.UploadFinished)
		k.encode(t, "360p")
		check("everything was made")
		counted, _ := used()
		require.Positive(t, counted)
		require.NoError(t, s.TrashVideo(t.Context(), k.video.ID))
		check("the trash holds it still")
		require.NoError(t, s.RemoveVideo(t.Context(), k.video.ID))
		check("it is gone")
		counted, _ = used()
		require.Zero(t, counted)
		require.Len(t, s.log(t, record.VideoDeleted), 1)
	})
}

func TestHandingOver(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		ben, err := s.AddAccount(t.Context(), person("Ben"), people.Member)
		require.NoError(t, err)
		vic, err := s.AddAccount(t.Context(), person("Vic"), people.Viewer)
		require.NoError(t, err)
		var mine []*catalog.Video
		for _, visibility := range []catalog.Visibility{catalog.Private, catalog.InTeam} {
			v, err := s.StartVideo(t.Context(), catalog.NewVideo{OwnerID: ben.ID, Title: string(visibility), Visibility: visibility, Length: -1})
			require.NoError(t, err)
			mine = append(mine, v)
		}
		require.NoError(t, s.TrashVideo(t.Context(), mine[1].ID))
		go1 := func(heir string) error {
			return s.RemoveMember(t.Context(), people.Removal{WorkspaceID: ben.WorkspaceID, By: s.owner.ID, AccountID: ben.ID, HeirID: heir})
		}
		for name, heir := range map[string]string{"nobody": "", "themselves": ben.ID, "a viewer": vic.ID, "a stranger": "absent"} {
			require.ErrorIs(t, go1(heir), people.ErrHeir, name)
		}
		account, err := s.Account(t.Context(), ben.ID)
		require.NoError(t, err)
		require.Equal(t, people.Member, account.RoleIn(ben.WorkspaceID), "refusals change nothing")
		require.NoError(t, go1(s.owner.ID))
		for _, v := range mine {
			moved, err := s.Video(t.Context(), v.ID)
			require.NoError(t, err)
			require.Equal(t, s.owner.ID, moved.OwnerID)
		}
		require.Len(t, s.log(t, record.VideoMoved), 2)
	})
}

func TestAWorkspaceGoesWithAllItHolds(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		s.clock.advance(time.Second)
		other, err := s.CreateWorkspace(t.Context(), people.NewWorkspace{OwnerID: s.owner.ID, Name: "Other"})
		require.NoError(t, err)
		var ids []string
		for i := range 60 {
			v, err := s.StartVideo(t.Context(), catalog.NewVideo{OwnerID: s.owner.ID, WorkspaceID: other.ID, Title: strconv.Itoa(i), Visibility: catalog.Private, Length: -1})
			require.NoError(t, err)
			ids = append(ids, v.ID)
		}
		stays := s.start(t, "elsewhere", catalog.InTeam)
		_, err = s.db.Writer.NewRaw("UPDATE videos SET workspace_id = ? WHERE id = ?", s.owner.WorkspaceID, stays.ID).Exec(t.Context())
		require.NoError(t, err)
		ben, err := s.AddAccount(t.Context(), person("Ben"), people.Owner)
		require.NoError(t, err)
		require.ErrorIs(t, s.DeleteWorkspace(t.Context(), ben.ID, other.ID), record.ErrNotFound, "an owner of another one")

		require.NoError(t, s.DeleteWorkspace(t.Context(), s.owner.ID, other.ID))
		_, err = s.Workspace(t.Context(), other.ID)
		require.ErrorIs(t, err, record.ErrNotFound)
		garbage, err := s.Garbage(t.Context())
		require.NoError(t, err)
		for _, id := range ids {
			require.Contains(t, garbage, catalog.ObjectPrefix(id))
		}
		account, err := s.Account(t.Context(), s.owner.ID)
		require.NoError(t, err)
		require.Equal(t, s.owner.WorkspaceID, account.WorkspaceID, "back in the other one")
		_, err = s.Video(t.Context(), stays.ID)
		require.NoError(t, err)
	})
}

func TestTheAuditLogForgets(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		s.finished(t, "old")
		s.clock.advance(400 * day)
		s.finished(t, "new")
		require.NoError(t, s.ForgetAudit(t.Context(), s.clock.now().Add(-399*day)))
		rows := s.log(t, record.VideoCreated)
		require.Len(t, rows, 1)
		require.Equal(t, "new", rows[0].VideoTitle)
	})
}

// A request that the gate let in may come after its account has lost the role.
func TestNobodyRecordsForAWorkspaceTheyAreNoMemberOf(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		start := func(workspaceID string) error {
			_, err := k.StartVideo(t.Context(), catalog.NewVideo{OwnerID: k.member.ID, WorkspaceID: workspaceID, Title: "x", Visibility: catalog.Private, Length: -1})
			return err
		}
		workspace := k.member.WorkspaceID
		require.NoError(t, start(""))
		require.NoError(t, start(workspace))
		require.NoError(t, k.ChangeRole(t.Context(), people.RoleChange{WorkspaceID: workspace, By: k.owner.ID, AccountID: k.member.ID, Role: people.Viewer}))
		require.ErrorIs(t, start(""), people.ErrRole)
		require.ErrorIs(t, start(workspace), people.ErrRole)
		require.NoError(t, k.RemoveMember(t.Context(), people.Removal{WorkspaceID: workspace, By: k.owner.ID, AccountID: k.member.ID, HeirID: k.owner.ID}))
		require.ErrorIs(t, start(""), people.ErrRole)
		require.ErrorIs(t, start(workspace), people.ErrRole)
		owned, err := k.VideosOwned(t.Context(), workspace)
		require.NoError(t, err)
		require.Zero(t, owned[k.member.ID])
	})
}

// TestStrays: of all objects of a video those that no record names are told.
func TestStrays(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "t", catalog.InTeam)}
		k.arrive(t, 7)
		k.close(t, catalog.UploadFinished)
		k.encode(t, "360p")
		var named []string
		require.NoError(t, s.db.Reader.NewRaw("SELECT object_key FROM parts UNION ALL SELECT object_key FROM tracks").Scan(t.Context(), &named))
		require.NotEmpty(t, named)
		stray := catalog.ObjectPrefix(k.video.ID) + "src/0-lost"
		strays, err := s.Strays(t.Context(), append(named, stray, "v/poster", "other/src/x/y"))
		require.NoError(t, err)
		require.Equal(t, []string{stray}, strays)
	})
}
