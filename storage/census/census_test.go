package census_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/census"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

func execute(t *testing.T, db *database.DB, query string, args ...any) {
	t.Helper()
	_, err := db.Writer.NewRaw(query, args...).Exec(t.Context())
	require.NoError(t, err)
}

// fill makes two workspaces; the second has a video, one in the trash and an upload.
func fill(t *testing.T, db *database.DB) {
	t.Helper()
	now := time.Now().UTC()
	execute(t, db, "INSERT INTO accounts (id, email, name, password_hash, created_at) VALUES ('a', 'a@example.org', 'Ada', 'x', ?)", now)
	execute(t, db, "INSERT INTO workspaces (id, name, used_bytes, quota_bytes, created_at) VALUES ('w1', 'Small', 5, 0, ?), ('w2', 'Large', 500, 1000, ?)", now, now)
	for id, trashed := range map[string]any{"v1": nil, "v2": now} {
		execute(t, db, `INSERT INTO videos (id, slug, owner_id, workspace_id, title, title_folded, state, stored_bytes, created_at, updated_at, trashed_at)
			VALUES (?, ?, 'a', 'w2', 'Title of ' || ?, 't', 'ready', 250, ?, ?, ?)`, id, id, id, now, now, trashed)
	}
	execute(t, db, "INSERT INTO uploads (id, video_id, received, state, created_at, touched_at) VALUES ('u1', 'v1', 77, 'open', ?, ?)", now, now)
	execute(t, db, "INSERT INTO garbage (object_prefix, due_at) VALUES ('v/x/', ?)", now)
}

func TestWhatIsHeld(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		c := census.New(db)
		empty, err := c.Storage(t.Context())
		require.NoError(t, err)
		require.Equal(t, census.Storage{}, empty)
		fill(t, db)
		held, err := c.Storage(t.Context())
		require.NoError(t, err)
		require.Equal(t, census.Storage{Bytes: 505, Videos: 2, Trashed: 1, TrashedBytes: 250, Uploads: 1, UploadBytes: 77, Garbage: 1}, held)
		spaces, err := c.Workspaces(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, []census.Workspace{
			{ID: "w2", Name: "Large", Bytes: 500, Quota: 1000, Videos: 2, Trashed: 1, TrashedBytes: 250},
			{ID: "w1", Name: "Small", Bytes: 5},
		}, spaces)
		titles, err := c.Titles(t.Context(), []string{"v1", "gone"})
		require.NoError(t, err)
		require.Equal(t, map[string]census.Video{"v1": {ID: "v1", Title: "Title of v1", Workspace: "Large"}}, titles)
		titles, err = c.Titles(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, titles)
	})
}

func TestAMinuteIsSampledOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		c := census.New(db)
		fill(t, db)
		at := time.Date(2026, 11, 22, 10, 30, 20, 0, time.UTC)
		done, err := c.Sampled(t.Context(), at)
		require.NoError(t, err)
		require.False(t, done)
		require.NoError(t, c.Sample(t.Context(), at, map[census.Name]float64{census.JobsWaiting: 4}))
		done, err = c.Sampled(t.Context(), at.Add(39*time.Second))
		require.NoError(t, err)
		require.True(t, done)
		require.NoError(t, c.Sample(t.Context(), at.Add(30*time.Second), map[census.Name]float64{census.JobsWaiting: 99}))
		latest, err := c.Latest(t.Context(), at.Add(time.Minute))
		require.NoError(t, err)
		require.Equal(t, map[census.Name]float64{
			census.JobsWaiting: 4, census.Recordings: 1, census.Stored: 505, "videos_recording": 0, "videos_processing": 0, "videos_ready": 1, "videos_failed": 0,
		}, latest)
		latest, err = c.Latest(t.Context(), at.Add(time.Hour))
		require.NoError(t, err)
		require.Empty(t, latest, "nothing that old is called the latest")
	})
}

func TestStepsHoldPeaks(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		c := census.New(db)
		at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		for i, waiting := range []float64{1, 7, 2} {
			moment := at.Add(time.Duration(i) * time.Minute)
			require.NoError(t, c.Sample(t.Context(), moment, map[census.Name]float64{census.JobsWaiting: waiting}))
			for range 2 { // two servers
				require.NoError(t, c.Add(t.Context(), census.Received, moment, 150))
			}
		}
		require.NoError(t, c.Sample(t.Context(), at.Add(10*time.Minute), map[census.Name]float64{census.JobsWaiting: 3}))
		series, err := c.Series(t.Context(), at, 10*time.Minute)
		require.NoError(t, err)
		require.Equal(t, []census.Point{{AtS: at.Unix(), Value: 7}, {AtS: at.Unix() + 600, Value: 3}}, series[census.JobsWaiting])
		require.Equal(t, []census.Point{{AtS: at.Unix(), Value: 90}}, series[census.Received], "bytes a minute")
		series, err = c.Series(t.Context(), at.Add(time.Minute), time.Minute)
		require.NoError(t, err)
		require.Len(t, series[census.JobsWaiting], 3)

		require.NoError(t, c.Sample(t.Context(), at.Add(census.Keep+time.Hour), nil))
		series, err = c.Series(t.Context(), at, time.Minute)
		require.NoError(t, err)
		require.Empty(t, series[census.JobsWaiting], "what is too old is forgotten")
	})
}

// TestAMinuteIsTakenFromTheQueue on both engines, with what kind of database it is.
func TestAMinuteIsTakenFromTheQueue(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		c := census.New(db)
		queue, err := jobs.Open(jobs.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return queue.Insert(ctx, tx, jobs.Span{VideoID: "v1", Span: 1}, jobs.Waiting)
		}))
		require.NoError(t, c.Take(t.Context(), queue, time.Now()))
		execute(t, db, "UPDATE river_job SET state = 'discarded', finalized_at = ?", time.Now().UTC())
		require.NoError(t, c.Take(t.Context(), queue, time.Now().Add(time.Minute)))
		latest, err := c.Latest(t.Context(), time.Now().Add(2*time.Minute))
		require.NoError(t, err)
		require.Zero(t, latest[census.JobsWaiting])
		require.InDelta(t, 1, latest[census.Failures], 0)
		series, err := c.Series(t.Context(), time.Now().Add(-time.Hour), time.Minute)
		require.NoError(t, err)
		require.InDelta(t, 1, series[census.JobsWaiting][0].Value, 0)
		records, err := c.Database(t.Context())
		require.NoError(t, err)
		require.Regexp(t, "^(SQLite|PostgreSQL) [0-9.]+$", records.Kind)
		require.Positive(t, records.Bytes)
		require.Equal(t, records.Latest, records.Schema)
	})
}
