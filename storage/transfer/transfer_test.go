package transfer_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/transfer"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// move is two databases, the old one with records, and what copies them.
type move struct {
	transfer.Records
	queue *jobs.Queue
}

func newMove(t *testing.T) move {
	t.Helper()
	m := move{Records: transfer.Records{From: databasetest.New(t, database.SQLite), To: databasetest.New(t, database.PostgreSQL), Log: quiet()}}
	var err error
	m.queue, err = jobs.Open(jobs.Options{DB: m.To, Log: quiet(), Mail: true})
	require.NoError(t, err)
	m.Queue = m.queue
	for _, statement := range []string{
		"INSERT INTO instance (id, grant_key, created_at, workspace_id) VALUES (1, x'00ff', '2026-01-02 03:04:05.123456789+00:00', 'w')",
		"INSERT INTO workspaces (id, name, created_at) VALUES ('w', 'Team', '2026-01-02 03:04:05+00:00')",
		"INSERT INTO accounts (id, email, name, password_hash, operator, workspace_id, created_at) VALUES ('a', 'ada@example.org', 'Ada ✓', 'h', TRUE, 'w', '2026-01-02 03:04:05.5+02:00')",
		"INSERT INTO accounts (id, email, name, password_hash, created_at) VALUES ('b', 'bob@example.org', CAST(x'42ff6f00' AS TEXT), '', '2026-01-02 03:04:05+00:00')",
		"INSERT INTO sessions (hash, id, account_id, created_at, expires_at) VALUES (x'0001fe', 's', 'a', '2026-01-02 03:04:05+00:00', '2036-01-02 03:04:05+00:00')",
		"INSERT INTO videos (id, slug, owner_id, title, title_folded, state, workspace_id, size, created_at, updated_at) VALUES ('v', 'slug', 'a', 'It''s', 'it''s', 'processing', 'w', 9007199254740993, '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00')",
		"INSERT INTO tracks (video_id, name, span, kind, width, height, frame_rate, codecs, bandwidth, average_bandwidth, object_key, init_length, size, segments, playlist) VALUES ('v', '720p', 0, 'video', 1280, 720, 29.97, 'avc1', 1, 2, 'k', 3, 4, '[]', x'00ff')",
		// A child that stands before its parent.
		"INSERT INTO comments (id, video_id, parent_id, author_id, at_us, body, created_at) VALUES ('c1', 'v', NULL, 'a', 1, 'one', '2026-01-02 03:04:05+00:00')",
		"INSERT INTO comments (id, video_id, parent_id, author_id, at_us, body, created_at) VALUES ('c0', 'v', 'c1', 'a', 1, 'two', '2026-01-02 03:04:05+00:00')",
	} {
		_, err := m.From.Writer.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	old, err := jobs.Open(jobs.Options{DB: m.From, Log: quiet(), Mail: true})
	require.NoError(t, err)
	require.NoError(t, m.From.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		return old.InsertAll(ctx, tx, []jobs.Wanted{
			{Args: jobs.Span{VideoID: "v", Span: 3}, Priority: jobs.Waiting}, {Args: jobs.Mail{Template: "x", To: "ada@example.org", Ref: "r"}, Priority: jobs.Bulk},
		})
	}))
	return m
}

func count(t *testing.T, db *database.DB, what string) (n int) {
	t.Helper()
	require.NoError(t, db.Reader.NewRaw("SELECT count(*) FROM "+what).Scan(t.Context(), &n))
	return n
}

func TestRecordsComeOverWhole(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	moved, err := m.Copy(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 9, moved.Rows)
	require.EqualValues(t, 1, moved.Mended)
	require.Equal(t, 2, moved.Jobs)

	var video struct {
		Size      int64
		CreatedAt time.Time
	}
	require.NoError(t, m.To.Reader.NewRaw("SELECT size, created_at FROM videos").Scan(t.Context(), &video))
	require.EqualValues(t, 9007199254740993, video.Size)
	var at time.Time
	require.NoError(t, m.To.Reader.NewRaw("SELECT created_at FROM accounts WHERE id = 'a'").Scan(t.Context(), &at))
	require.Equal(t, time.Date(2026, 1, 2, 1, 4, 5, 500_000_000, time.UTC), at.UTC())
	var name string
	require.NoError(t, m.To.Reader.NewRaw("SELECT name FROM accounts WHERE id = 'b'").Scan(t.Context(), &name))
	require.Equal(t, "B\uFFFDo\uFFFD", name)
	var key []byte
	require.NoError(t, m.To.Reader.NewRaw("SELECT grant_key FROM instance").Scan(t.Context(), &key))
	require.Equal(t, []byte{0, 0xff}, key)
	waiting, err := jobs.Unfinished(t.Context(), m.To)
	require.NoError(t, err)
	require.Equal(t, []jobs.Wanted{
		{Args: jobs.Span{VideoID: "v", Span: 3}, Priority: jobs.Waiting}, {Args: jobs.Mail{Template: "x", To: "ada@example.org", Ref: "r"}, Priority: jobs.Bulk},
	}, waiting)

	_, err = m.Copy(t.Context())
	require.ErrorIs(t, err, transfer.ErrDone)
	require.Equal(t, 1, count(t, m.To, "videos"))
}

// TestEveryTableComesAlong: a table that is added later is copied, or is said to
// stay behind on purpose.
func TestEveryTableComesAlong(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	moved, err := m.Copy(t.Context())
	require.NoError(t, err)
	var tables []string
	require.NoError(t, m.From.Reader.NewRaw(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'river_%'
		AND name NOT IN ('goose_db_version', 'schema_floor', 'workers', 'turns', 'events')`).Scan(t.Context(), &tables))
	require.Len(t, tables, moved.Tables, "%v", tables)
}

func TestAnInstallationIsNotOverwritten(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	for _, statement := range []string{
		"INSERT INTO instance (id, grant_key, created_at) VALUES (1, 'another', now())",
		"INSERT INTO accounts (id, email, name, password_hash, created_at) VALUES ('z', 'zoe@example.org', 'Zoe', '', now())",
	} {
		_, err := m.To.Writer.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	_, err := m.Copy(t.Context())
	require.ErrorIs(t, err, transfer.ErrOccupied)
	require.Equal(t, 1, count(t, m.To, "accounts"))
	require.Zero(t, count(t, m.To, "videos"))
}

// TestAServerThatLookedAtTheNewDatabaseIsNoOccupant: it leaves an instance with
// a setup token, and nobody's account.
func TestAServerThatLookedAtTheNewDatabaseIsNoOccupant(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	_, err := m.To.Writer.ExecContext(t.Context(), "INSERT INTO instance (id, grant_key, created_at) VALUES (1, 'fresh', now())")
	require.NoError(t, err)
	_, err = m.Copy(t.Context())
	require.NoError(t, err)
}

type broken struct{}

func (broken) InsertAll(context.Context, bun.Tx, []jobs.Wanted) error { return errors.New("cut off") }

func TestCutOffAtTheEndLeavesNothing(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	m.Queue = broken{}
	_, err := m.Copy(t.Context())
	require.ErrorContains(t, err, "cut off")
	require.Zero(t, count(t, m.To, "accounts"))
	require.Zero(t, count(t, m.To, "river_job"))
	m.Queue = m.queue
	_, err = m.Copy(t.Context())
	require.NoError(t, err)
}
