package jobs_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// furnish makes a workspace for each name, with one video that has its name.
func furnish(t *testing.T, db *database.DB, names ...string) {
	t.Helper()
	now := time.Now().UTC()
	do := func(statement string, values ...any) {
		_, err := db.Writer.NewRaw(statement, values...).Exec(t.Context())
		require.NoError(t, err)
	}
	do("INSERT INTO accounts (id, email, name, password_hash, created_at) VALUES ('a', 'a@example.org', 'Ada', '', ?)", now)
	for _, name := range names {
		do("INSERT INTO workspaces (id, name, created_at) VALUES (?, ?, ?)", name, name, now)
		do(`INSERT INTO videos (id, slug, owner_id, title, title_folded, state, visibility, workspace_id, created_at, updated_at)
			VALUES (?, ?, 'a', '', '', 'processing', 'private', ?, ?, ?)`, name, name, name, now, now)
	}
}

// load is n spans of a video, at a priority.
type load struct {
	video       string
	n, priority int
}

func putIn(t *testing.T, db *database.DB, q *jobs.Queue, l load) {
	t.Helper()
	all := make([]jobs.Wanted, l.n)
	for i := range all {
		all[i] = jobs.Wanted{Args: jobs.Span{VideoID: l.video, Span: i, Take: l.priority}, Priority: l.priority}
	}
	require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error { return q.InsertAll(ctx, tx, all) }))
}

// TestWorkspacesTakeTurns: whoever brings a few jobs while hundreds of another
// workspace wait is served among the next.
func TestWorkspacesTakeTurns(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		furnish(t, db, "many", "few")
		began, goOn := make(chan string), make(chan struct{})
		q := crew(t, db, usual, func(ctx context.Context, job spanJob) error {
			select {
			case began <- job.Args.VideoID:
			case <-ctx.Done():
				return ctx.Err()
			}
			<-goOn
			return nil
		})
		putIn(t, db, q, load{"many", 200, jobs.Bulk})
		for range 20 {
			require.Equal(t, "many", receive(t, began, "nobody works"))
			goOn <- struct{}{}
		}
		require.Equal(t, "many", receive(t, began, "nobody works"))
		// A process that only puts in looks where the queue stands by itself.
		putIn(t, db, newQueue(t, db, nil), load{"few", 5, jobs.Bulk})
		goOn <- struct{}{}
		served := 0
		for range 12 {
			if receive(t, began, "nobody works") == "few" {
				served++
			}
			goOn <- struct{}{}
		}
		require.Equal(t, 5, served)
		stop(t, q)
	})
}

// TestWhoeverWaitsPassesAFlood: a hundred jobs of imports wait; work that somebody
// waits for is the very next, then what keeps up with a recording, and a job that
// comes back does not wait for all of them.
func TestWhoeverWaitsPassesAFlood(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		furnish(t, db, "import", "live", "talk")
		began, goOn := make(chan spanJob), make(chan error)
		q := crew(t, db, usual, func(ctx context.Context, job spanJob) error {
			select {
			case began <- job:
			case <-ctx.Done():
				return ctx.Err()
			}
			return <-goOn
		})
		putIn(t, db, q, load{"import", 100, jobs.Bulk})
		receive(t, began, "nobody works")
		putIn(t, db, q, load{"live", 1, jobs.Live})
		putIn(t, db, q, load{"talk", 1, jobs.Waiting})
		goOn <- errUndo // it comes back in two seconds
		require.Equal(t, jobs.Waiting, receive(t, began, "nobody works").Args.Take)
		goOn <- nil
		require.Equal(t, jobs.Live, receive(t, began, "nobody works").Args.Take)
		goOn <- nil
		require.Equal(t, 1, receive(t, began, "nobody works").Attempt)
		require.Eventually(t, func() bool { return cameBack(t, db) }, testTime, tick, "a job that comes back gets no turn")
		goOn <- nil
		again := false
		for i := 0; i < 5 && !again; i++ {
			again = receive(t, began, "nobody works").Attempt == 2
			goOn <- nil
		}
		require.True(t, again, "a job that comes back does not wait for all others")
		stop(t, q)
	})
}

// cameBack says that a job that failed waits for its turn again.
func cameBack(t *testing.T, db *database.DB) bool {
	t.Helper()
	var n int
	require.NoError(t, db.Reader.NewRaw("SELECT count(*) FROM river_job WHERE state = 'available' AND attempt = 1 AND scheduled_at < ?", time.Now().AddDate(-5, 0, 0).UTC()).Scan(t.Context(), &n))
	return n == 1
}

// TestWhatIsWaitedForMovesUp: spans that were put in while the recording ran are
// wanted more when it has ended.
func TestWhatIsWaitedForMovesUp(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		furnish(t, db, "v", "w")
		q := newQueue(t, db, nil)
		putIn(t, db, q, load{"v", 3, jobs.Live})
		putIn(t, db, q, load{"w", 1, jobs.Live})
		insertAt(t, db, q, jobs.Span{VideoID: "v", Span: 9}, jobs.Waiting)
		var found []struct{ Video, Priority string }
		video := "json_extract(args, '$.video_id')"
		if db.Engine() == database.PostgreSQL {
			video = "args ->> 'video_id'"
		}
		require.NoError(t, db.Reader.NewRaw("SELECT "+video+" AS video, priority FROM river_job ORDER BY id").Scan(t.Context(), &found))
		require.Equal(t, "[{v 1} {v 1} {v 1} {w 2} {v 1}]", fmt.Sprint(found))
	})
}

func insertAt(t *testing.T, db *database.DB, q *jobs.Queue, args jobs.Args, priority int) {
	t.Helper()
	require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error { return q.Insert(ctx, tx, args, priority) }))
}

// TestPuttingInDoesNotContend: writers of one workspace wait for one another no
// longer than a commit takes, and none fails.
func TestPuttingInDoesNotContend(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		furnish(t, db, "v")
		q := newQueue(t, db, nil)
		const writers, each = 8, 25
		var all sync.WaitGroup
		began := time.Now()
		for w := range writers {
			all.Go(func() {
				for i := range each {
					err := databasetest.Insist(func() error {
						return db.WriteBeside(t.Context(), func(ctx context.Context, tx bun.Tx) error {
							return q.Insert(ctx, tx, jobs.Span{VideoID: "v", Span: i, Take: w}, jobs.Live)
						})
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		t.Logf("%d jobs in %s", writers*each, time.Since(began))
		var n, places int
		require.NoError(t, db.Reader.NewRaw("SELECT count(*), count(DISTINCT scheduled_at) FROM river_job").Scan(t.Context(), &n, &places))
		require.Equal(t, writers*each, n)
		require.Equal(t, n, places, "each has a place of its own")
	})
}
