package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

const (
	testTime = 2 * time.Minute
	tick     = 10 * time.Millisecond
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newQueue makes a queue whose span jobs are done by handle; nil only inserts.
func newQueue(t *testing.T, db *database.DB, handle func(ctx context.Context, job jobs.Job[jobs.Span]) error) *jobs.Queue {
	t.Helper()
	o := jobs.Options{DB: db, Log: quiet()}
	if handle != nil {
		o.Slots, o.Handlers = 2, jobs.NewHandlers()
		jobs.Handle(o.Handlers, handle)
		jobs.Handle(o.Handlers, func(context.Context, jobs.Job[jobs.Housekeeping]) error { return nil })
	}
	q, err := jobs.Open(o)
	require.NoError(t, err)
	return q
}

func insert(t *testing.T, db *database.DB, q *jobs.Queue, args jobs.Args, result error) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		if err := q.Insert(ctx, tx, args, jobs.Live); err != nil {
			return err
		}
		return result
	})
	require.ErrorIs(t, err, result)
}

type row struct {
	State   string
	Attempt int
}

func rows(t *testing.T, db *database.DB) []row {
	t.Helper()
	var found []row
	require.NoError(t, db.Reader.NewRaw("SELECT state, attempt FROM river_job WHERE kind = 'span' ORDER BY id").Scan(t.Context(), &found))
	return found
}

// list is how an engine keeps who has tried a job.
func list(engine database.Engine, names ...string) string {
	if engine == database.PostgreSQL {
		return "{" + strings.Join(names, ",") + "}"
	}
	return `["` + strings.Join(names, `","`) + `"]`
}

var errUndo = errors.New("undo")

func TestAJobExistsOnlyIfItsChangeDoes(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		q := newQueue(t, db, nil)
		insert(t, db, q, jobs.Span{VideoID: "v", Span: 1}, errUndo)
		require.Empty(t, rows(t, db))
		insert(t, db, q, jobs.Span{VideoID: "v", Span: 1}, nil)
		insert(t, db, q, jobs.Span{VideoID: "v", Span: 1}, nil)
		require.Len(t, rows(t, db), 1, "one that waits already is not added again")
		insert(t, db, q, jobs.Span{VideoID: "v", Span: 1, Take: 1}, nil)
		insert(t, db, q, jobs.Span{VideoID: "v", Span: 2}, nil)
		require.Len(t, rows(t, db), 3)
		depths, err := q.Depths(t.Context())
		require.NoError(t, err)
		require.Len(t, depths, 1)
		require.Equal(t, "available", depths[0].State)
		require.Equal(t, 3, depths[0].N)
	})
}

func TestAnAbandonedJobIsFreed(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		insert(t, db, newQueue(t, db, nil), jobs.Span{VideoID: "v"}, nil)
		// As a process leaves it that was killed in the middle of its second attempt.
		_, err := db.Writer.ExecContext(t.Context(), "UPDATE river_job SET state = 'running', attempt = 2, attempted_by = ?", list(engine, "dead"))
		require.NoError(t, err)
		seen := make(chan jobs.Job[jobs.Span], 1)
		q := newQueue(t, db, func(_ context.Context, job jobs.Job[jobs.Span]) error {
			seen <- job
			return nil
		})
		require.NoError(t, q.Start(t.Context()))
		defer func() { require.NoError(t, q.Stop(context.WithoutCancel(t.Context()))) }()
		select {
		case job := <-seen:
			require.Equal(t, 2, job.Attempt, "the lost attempt was not its fault")
			require.False(t, job.Last)
		case <-time.After(testTime):
			require.FailNow(t, "nobody took the job over")
		}
	})
}

// TestAJobThatKeepsKillingItsProcess does not run for ever: after some losses
// its attempts count, and the last one says so.
func TestAJobThatKeepsKillingItsProcess(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		insert(t, db, newQueue(t, db, nil), jobs.Span{VideoID: "v"}, nil)
		_, err := db.Writer.ExecContext(t.Context(), "UPDATE river_job SET state = 'running', attempt = 2, attempted_by = ?", list(engine, "a", "b", "c", "d", "e", "f"))
		require.NoError(t, err)
		seen := make(chan jobs.Job[jobs.Span], 1)
		q := newQueue(t, db, func(_ context.Context, job jobs.Job[jobs.Span]) error {
			seen <- job
			return nil
		})
		require.NoError(t, q.Start(t.Context()))
		defer func() { require.NoError(t, q.Stop(context.WithoutCancel(t.Context()))) }()
		select {
		case job := <-seen:
			require.Equal(t, 3, job.Attempt)
			require.True(t, job.Last)
		case <-time.After(testTime):
			require.FailNow(t, "nobody took the job over")
		}
	})
}

func TestAStopHandsJobsBack(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		began := make(chan struct{})
		q := newQueue(t, db, func(ctx context.Context, _ jobs.Job[jobs.Span]) error {
			close(began)
			<-ctx.Done()
			return ctx.Err()
		})
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		require.NoError(t, q.Start(t.Context()))
		<-began
		require.NoError(t, q.Stop(t.Context()))
		require.Equal(t, []row{{State: "available", Attempt: 0}}, rows(t, db), "no attempt used")

		done := make(chan jobs.Job[jobs.Span], 1)
		next := newQueue(t, db, func(_ context.Context, job jobs.Job[jobs.Span]) error {
			done <- job
			return nil
		})
		require.NoError(t, next.Start(t.Context()))
		require.Equal(t, 1, (<-done).Attempt)
		require.Eventually(t, func() bool { return rows(t, db)[0].State == "completed" }, testTime, tick)
		require.NoError(t, next.Stop(t.Context()))
	})
}

func TestAJobIsTriedThreeTimes(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		seen := make(chan jobs.Job[jobs.Span], 10)
		q := newQueue(t, db, func(_ context.Context, job jobs.Job[jobs.Span]) error {
			seen <- job
			return errUndo
		})
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		require.NoError(t, q.Start(t.Context()))
		for attempt := 1; attempt <= 3; attempt++ {
			select {
			case job := <-seen:
				require.Equal(t, attempt, job.Attempt)
				require.Equal(t, attempt == 3, job.Last)
			case <-time.After(testTime):
				require.FailNow(t, "no other attempt", "%d: %v", attempt, rows(t, db))
			}
		}
		require.Eventually(t, func() bool { return rows(t, db)[0].State == "discarded" }, testTime, tick)
		require.NoError(t, q.Stop(t.Context()))
		require.Empty(t, seen)
	})
}

func TestAPermanentErrorEndsAJob(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		q := newQueue(t, db, func(_ context.Context, job jobs.Job[jobs.Span]) error {
			if job.Args.VideoID == "panic" {
				panic("a bug")
			}
			return jobs.Permanent(errUndo)
		})
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		require.NoError(t, q.Start(t.Context()))
		require.Eventually(t, func() bool { return rows(t, db)[0].State == "cancelled" }, testTime, tick)
		insert(t, db, q, jobs.Span{VideoID: "panic"}, nil)
		require.Eventually(t, func() bool {
			panicked := rows(t, db)[1]
			return panicked.Attempt > 0 && slices.Contains([]string{"available", "retryable", "discarded"}, panicked.State)
		}, testTime, tick, "a panic is an error")
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		require.Eventually(t, func() bool { return len(rows(t, db)) == 3 && rows(t, db)[2].State == "cancelled" }, testTime, tick, "what ended may be set going again")
		require.NoError(t, q.Stop(t.Context()))
	})
}

func TestMigratingTwiceIsFine(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		require.NoError(t, jobs.Migrate(t.Context(), db, quiet()))
	})
}

// TestWithoutSlotsTheHouseIsStillKept: a server that converts nothing still
// closes silent takes; media jobs wait for a process that takes them.
func TestWithoutSlotsTheHouseIsStillKept(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		kept := make(chan struct{}, 10)
		handlers := jobs.NewHandlers()
		jobs.Handle(handlers, func(context.Context, jobs.Job[jobs.Span]) error { return errUndo })
		jobs.Handle(handlers, func(context.Context, jobs.Job[jobs.Housekeeping]) error {
			kept <- struct{}{}
			return nil
		})
		q, err := jobs.Open(jobs.Options{DB: db, Log: quiet(), Handlers: handlers})
		require.NoError(t, err)
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		require.NoError(t, q.Start(t.Context()))
		select {
		case <-kept:
		case <-time.After(testTime):
			t.Fatal("no housekeeping")
		}
		require.Equal(t, "available", rows(t, db)[0].State)
		require.NoError(t, q.Stop(t.Context()))
	})
}
