package catalog_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// noQueue takes jobs and forgets them: comments cause none.
type noQueue struct{}

func (noQueue) InsertAll(context.Context, bun.Tx, []jobs.Wanted) error { return nil }

// talk is a catalog with an owner, a member and one video of a minute.
type talk struct {
	*catalog.Catalog
	db            *database.DB
	owner, member *people.Account
	video         *catalog.Video
	mu            sync.Mutex
	clock         time.Time
}

func newTalk(t testing.TB, engine database.Engine) *talk {
	t.Helper()
	ctx := t.Context()
	db := databasetest.New(t, engine)
	var err error
	k := &talk{db: db, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	k.Catalog = catalog.New(record.Options{DB: db, Queue: noQueue{}, Log: slog.New(slog.DiscardHandler), Clock: clocks.OfDatabase(k.now, nil)})
	k.owner, err = k.AddAccount(ctx, people.NewAccount{Name: "Ada", Email: "ada@example.com", PasswordHash: "x"}, people.Owner)
	require.NoError(t, err)
	k.member, err = k.AddAccount(ctx, people.NewAccount{Name: "Ben", Email: "ben@example.com", PasswordHash: "x"}, people.Member)
	require.NoError(t, err)
	k.video = k.newVideo(t)
	k.setVideo(t, k.video.ID, catalog.Ready, time.Minute)
	return k
}

func (k *talk) now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.clock
}

func (k *talk) wait(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.clock = k.clock.Add(d)
}

func (k *talk) newVideo(t testing.TB) *catalog.Video {
	t.Helper()
	v, err := k.StartVideo(t.Context(), catalog.NewVideo{OwnerID: k.owner.ID, Title: "Tour", Visibility: catalog.InTeam, Length: -1})
	require.NoError(t, err)
	return v
}

func (k *talk) setVideo(t testing.TB, id string, state catalog.State, duration time.Duration) {
	t.Helper()
	_, err := k.db.Writer.ExecContext(t.Context(), "UPDATE videos SET state = ?, duration_us = ? WHERE id = ?", state, duration.Microseconds(), id)
	require.NoError(t, err)
}

func (k *talk) say(t testing.TB, at time.Duration, body string) *catalog.Comment {
	t.Helper()
	var c *catalog.Comment
	require.NoError(t, databasetest.Insist(func() (err error) {
		c, err = k.AddComment(t.Context(), catalog.NewComment{VideoID: k.video.ID, AuthorID: k.member.ID, At: &at, Body: body})
		return err
	}))
	return c
}

func (k *talk) count(t testing.TB) int {
	t.Helper()
	v, err := k.Video(t.Context(), k.video.ID)
	require.NoError(t, err)
	return v.Comments
}

func TestCommentsComeInTheOrderOfTheVideo(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		late := k.say(t, 42*time.Second, "late")
		early := k.say(t, time.Second, "  early\r\nsecond line ")
		k.wait(time.Second)
		answer, err := k.AddComment(t.Context(), catalog.NewComment{VideoID: k.video.ID, ParentID: late.ID, AuthorID: k.owner.ID, Body: "yes"})
		require.NoError(t, err)

		all, err := k.Comments(t.Context(), k.video.ID, catalog.AllComments)
		require.NoError(t, err)
		require.Equal(t, []string{early.ID, late.ID, answer.ID}, ids(all))
		require.Equal(t, "early\nsecond line", all[0].Body)
		require.Equal(t, "Ben", all[0].Name())
		require.Equal(t, "Ada", all[2].Name())
		require.Equal(t, 42*time.Second, all[2].At(), "an answer without a moment stands beside what it answers")
		require.Equal(t, late.ID, all[2].ParentID)
		require.True(t, all[0].EditedAt.IsZero())
		require.Equal(t, 3, k.count(t))
	})
}

func ids(all []*catalog.Comment) []string {
	var out []string
	for _, c := range all {
		out = append(out, c.ID)
	}
	return out
}

func TestAMomentIsKeptInsideTheVideo(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		require.Equal(t, time.Minute, k.say(t, time.Hour, "after the end").At())
		k.setVideo(t, k.video.ID, catalog.Recording, time.Minute)
		require.Equal(t, time.Hour, k.say(t, time.Hour, "still recording").At())
		require.Equal(t, 31*24*time.Hour, k.say(t, 1<<62, "never").At())
	})
}

func TestWhatCannotBeSaid(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		parent := k.say(t, 0, "parent")
		other := k.newVideo(t)
		answer, err := k.AddComment(t.Context(), catalog.NewComment{VideoID: k.video.ID, ParentID: parent.ID, AuthorID: k.owner.ID, Body: "answer"})
		require.NoError(t, err)

		rows := map[string]struct {
			field string
			n     catalog.NewComment
		}{
			"second -1":                {"at_ms", catalog.NewComment{At: new(-time.Second), Body: "x"}},
			"no moment":                {"at_ms", catalog.NewComment{Body: "x"}},
			"empty":                    {"body", catalog.NewComment{At: new(time.Duration(0)), Body: " \n\t "}},
			"a megabyte":               {"body", catalog.NewComment{At: new(time.Duration(0)), Body: strings.Repeat("x", 1<<20)}},
			"10,001 characters":        {"body", catalog.NewComment{At: new(time.Duration(0)), Body: strings.Repeat("ä", 10_001)}},
			"NUL":                      {"body", catalog.NewComment{At: new(time.Duration(0)), Body: "a\x00b"}},
			"escape":                   {"body", catalog.NewComment{At: new(time.Duration(0)), Body: "a\x1b[31mb"}},
			"broken UTF-8":             {"body", catalog.NewComment{At: new(time.Duration(0)), Body: "a\xffb"}},
			"parent of another video":  {"parent_id", catalog.NewComment{VideoID: other.ID, ParentID: parent.ID, Body: "x"}},
			"answer to an answer":      {"parent_id", catalog.NewComment{ParentID: answer.ID, Body: "x"}},
			"parent that is not there": {"parent_id", catalog.NewComment{ParentID: "nobody", Body: "x"}},
		}
		for name, row := range rows {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				row.n.AuthorID = k.member.ID
				if row.n.VideoID == "" {
					row.n.VideoID = k.video.ID
				}
				_, err := k.AddComment(t.Context(), row.n)
				var invalid *record.InvalidError
				require.ErrorAs(t, err, &invalid)
				require.Equal(t, row.field, invalid.Field)
				require.Equal(t, 2, k.count(t), "nothing was written")
			})
		}
		_, err = k.AddComment(t.Context(), catalog.NewComment{VideoID: "absent", AuthorID: k.member.ID, At: new(time.Duration(0)), Body: "x"})
		require.ErrorIs(t, err, record.ErrNotFound)
	})
}

func TestTenThousandCharactersOfAnyScriptFit(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		require.Len(t, []rune(k.say(t, 0, strings.Repeat("🙂", 10_000)).Body), 10_000)
	})
}

func TestGuestsHaveANameAndAToken(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		c, err := k.AddComment(t.Context(), catalog.NewComment{VideoID: k.video.ID, GuestName: " Zoë ", GuestHash: []byte{1, 2}, At: new(time.Duration(0)), Body: "hi"})
		require.NoError(t, err)
		require.Equal(t, "Zoë", c.Name())
		require.Equal(t, []byte{1, 2}, c.GuestHash)
		for _, name := range []string{"", "  ", strings.Repeat("x", 81), "a\nb", "a\u202eb", strings.Repeat("y", 1<<20)} {
			_, err := k.AddComment(t.Context(), catalog.NewComment{VideoID: k.video.ID, GuestName: name, At: new(time.Duration(0)), Body: "hi"})
			var invalid *record.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, "guest_name", invalid.Field)
		}
	})
}

func TestEditAndResolve(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		c := k.say(t, 0, "first")
		k.wait(time.Minute)
		require.NoError(t, k.EditComment(t.Context(), c.ID, " first "))
		same, err := k.Comment(t.Context(), c.ID)
		require.NoError(t, err)
		require.True(t, same.EditedAt.IsZero(), "the same words are no edit")

		require.NoError(t, k.EditComment(t.Context(), c.ID, "second"))
		require.NoError(t, k.ResolveComment(t.Context(), c.ID, true))
		at := k.now()
		k.wait(time.Minute)
		require.NoError(t, k.ResolveComment(t.Context(), c.ID, true))
		edited, err := k.Comment(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, "second", edited.Body)
		require.Equal(t, at, edited.EditedAt.UTC())
		require.Equal(t, at, edited.ResolvedAt.UTC(), "resolving twice keeps the first time")

		require.NoError(t, k.ResolveComment(t.Context(), c.ID, false))
		open, err := k.Comment(t.Context(), c.ID)
		require.NoError(t, err)
		require.True(t, open.ResolvedAt.IsZero())
		require.Error(t, k.EditComment(t.Context(), c.ID, "\x00"))
		require.ErrorIs(t, k.EditComment(t.Context(), "absent", "x"), record.ErrNotFound)
		require.ErrorIs(t, k.ResolveComment(t.Context(), "absent", true), record.ErrNotFound)
	})
}

func TestAnswersGoWithWhatTheyAnswer(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		parent, stays := k.say(t, 0, "parent"), k.say(t, 0, "stays")
		answer, err := k.AddComment(t.Context(), catalog.NewComment{VideoID: k.video.ID, ParentID: parent.ID, AuthorID: k.owner.ID, Body: "answer"})
		require.NoError(t, err)
		sub := k.Subscribe(k.video.ID)
		defer sub.Close()

		require.NoError(t, k.DeleteComment(t.Context(), parent.ID))
		all, err := k.Comments(t.Context(), k.video.ID, catalog.AllComments)
		require.NoError(t, err)
		require.Equal(t, []string{stays.ID}, ids(all))
		require.Equal(t, 1, k.count(t))
		told := []string{(<-sub.C).CommentID, (<-sub.C).CommentID}
		require.ElementsMatch(t, []string{parent.ID, answer.ID}, told)
		require.Equal(t, record.VideoChanged, (<-sub.C).Kind)
		require.ErrorIs(t, k.DeleteComment(t.Context(), parent.ID), record.ErrNotFound)
	})
}

func TestARefusedCommentTellsNobody(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		sub := k.Subscribe(k.video.ID)
		defer sub.Close()
		_, err := k.AddComment(t.Context(), catalog.NewComment{VideoID: k.video.ID, AuthorID: k.member.ID, ParentID: "absent", Body: "x"})
		require.Error(t, err)
		require.Empty(t, sub.C)
		c := k.say(t, 0, "x")
		require.Equal(t, record.Event{Kind: record.CommentChanged, VideoID: k.video.ID, CommentID: c.ID}, <-sub.C)
	})
}

func TestManyAtOnceAreAllCounted(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { k.say(t, time.Duration(i)*time.Second, "x") })
		}
		all.Wait()
		require.Equal(t, 20, k.count(t))
	})
}

func BenchmarkComments5000(b *testing.B) {
	k := newTalk(b, databasetest.Engine())
	_, err := k.db.Writer.ExecContext(b.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
		INSERT INTO comments (id, video_id, author_id, at_us, body, created_at)
		SELECT 'c' || i, ?, ?, i * 1000, ?, ? FROM n`, k.video.ID, k.member.ID, fmt.Sprintf("%0100d", 7), k.now())
	require.NoError(b, err)
	for b.Loop() {
		all, err := k.Comments(b.Context(), k.video.ID, catalog.AllComments)
		require.NoError(b, err)
		require.Len(b, all, 5000)
	}
}

func TestEveryChangeOfWhatWasSaidHasItsVersion(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		c := k.say(t, 0, "x")
		version := func() int64 {
			v, err := k.Video(t.Context(), k.video.ID)
			require.NoError(t, err)
			return v.CommentsVersion
		}
		steps := []func() error{
			func() error { return k.EditComment(t.Context(), c.ID, "y") },
			func() error { return k.ResolveComment(t.Context(), c.ID, true) },
			func() error { _, err := k.RenameAccount(t.Context(), k.member.ID, "Benjamin"); return err },
			func() error { return k.DeleteComment(t.Context(), c.ID) },
		}
		for i, step := range steps {
			before := version()
			require.NoError(t, step())
			require.Greater(t, version(), before, "step %d", i)
			changed, err := k.Comments(t.Context(), k.video.ID, before)
			require.NoError(t, err)
			if i < len(steps)-1 {
				require.Equal(t, []string{c.ID}, ids(changed), "step %d", i)
			}
			unchanged, err := k.Comments(t.Context(), k.video.ID, version())
			require.NoError(t, err)
			require.Empty(t, unchanged)
		}
	})
}

func TestAHiddenVideoIsAnnounced(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		sub := k.Subscribe("")
		defer sub.Close()
		private := catalog.Private
		_, err := k.ChangeVideo(t.Context(), k.video.ID, catalog.VideoChange{Visibility: &private})
		require.NoError(t, err)
		require.Equal(t, record.Event{Kind: record.VideoHidden, VideoID: k.video.ID, WorkspaceID: k.video.WorkspaceID}, <-sub.C)
		require.Equal(t, record.Event{Kind: record.AccessLost, VideoID: k.video.ID, Epoch: 1}, <-sub.C)
		require.Equal(t, record.VideoChanged, (<-sub.C).Kind)
	})
}
