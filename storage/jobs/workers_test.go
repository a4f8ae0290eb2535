package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// How often a process says that it lives. With the product's own beat one that lives
// is never taken for dead, however busy this machine is. Quick is for whom that does
// no harm: its jobs may be done more than once.
const (
	usual = 0
	quick = 200 * time.Millisecond
)

type spanJob = jobs.Job[jobs.Span]

// crew starts a process that does span jobs, one at a time.
func crew(t *testing.T, db *database.DB, beat time.Duration, handle func(ctx context.Context, job spanJob) error) *jobs.Queue {
	t.Helper()
	handlers := jobs.NewHandlers()
	jobs.Handle(handlers, handle)
	return start(t, jobs.Options{DB: db, Slots: 1, Handlers: handlers, Kind: jobs.KindWorker, Beat: beat})
}

// judge starts a process that does no media jobs, and looks after those that died.
func judge(t *testing.T, db *database.DB) *jobs.Queue {
	t.Helper()
	return start(t, jobs.Options{DB: db, Handlers: jobs.NewHandlers(), Beat: quick})
}

func start(t *testing.T, o jobs.Options) *jobs.Queue {
	t.Helper()
	o.Log, o.Version = quiet(), "1.2.3"
	q, err := jobs.Open(o)
	require.NoError(t, err)
	require.NoError(t, q.Start(t.Context()))
	return q
}

func stop(t *testing.T, q *jobs.Queue) {
	t.Helper()
	require.NoError(t, q.Stop(context.WithoutCancel(t.Context())))
}

func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(testTime):
		require.FailNow(t, what)
		panic("unreachable")
	}
}

// migrated is the address of a fresh database with its tables.
func migrated(t *testing.T, engine database.Engine) string {
	t.Helper()
	address := databasetest.URL(t, engine)
	db := databasetest.Open(t, address)
	require.NoError(t, db.Migrate(t.Context(), quiet()))
	require.NoError(t, jobs.Migrate(t.Context(), db, quiet()))
	return address
}

// TestAWorkerThatDies is F5 in the queue: the process is gone in the middle of a
// job, and another has it at once when it was not heard of for five beats.
func TestAWorkerThatDies(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		address := migrated(t, engine)
		db, dying := databasetest.Open(t, address), databasetest.Open(t, address)
		began, end := make(chan spanJob, 1), make(chan struct{})
		defer close(end)
		crew(t, dying, usual, func(_ context.Context, job spanJob) error {
			began <- job
			<-end
			return nil
		})
		insert(t, db, newQueue(t, db, nil), jobs.Span{VideoID: "v"}, nil)
		first := receive(t, began, "nobody begins")
		require.NoError(t, dying.Close())
		done := make(chan spanJob, 100)
		survivor := crew(t, db, quick, func(_ context.Context, job spanJob) error {
			done <- job
			return nil
		})
		again := receive(t, done, "nobody took the job over")
		require.Equal(t, first, again, "the same job, and the lost attempt was not its fault")
		require.Eventually(t, func() bool {
			all, err := survivor.Workers(t.Context())
			return err == nil && len(all) == 1 && rows(t, db)[0].State == "completed"
		}, testTime, tick)
		stop(t, survivor)
	})
}

// TestAWorkerThatIsOnlySlow is F9 in the queue: its job is given to another, it is
// told so when it comes back, and what it says of the end of its attempt is not
// taken for what the other one does.
func TestAWorkerThatIsOnlySlow(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		address := migrated(t, engine)
		db := databasetest.Open(t, address)
		began, told, taken := make(chan spanJob, 1), make(chan error, 1), make(chan struct{})
		late := crew(t, db, usual, func(ctx context.Context, job spanJob) error {
			began <- job
			<-ctx.Done()
			told <- context.Cause(ctx)
			<-taken    // or it might take the job itself once more
			return nil // as if it had been done at the last moment
		})
		insert(t, db, newQueue(t, db, nil), jobs.Span{VideoID: "v"}, nil)
		first := receive(t, began, "nobody begins")
		impatient := judge(t, databasetest.Open(t, address))
		require.Eventually(t, func() bool { return rows(t, db)[0].State == "available" }, testTime, tick, "nobody misses it")
		stop(t, impatient) // before it gives up others
		took, finish := make(chan spanJob, 1), make(chan struct{})
		other := crew(t, databasetest.Open(t, address), usual, func(_ context.Context, job spanJob) error {
			took <- job
			<-finish
			return nil
		})
		require.Equal(t, first, receive(t, took, "nobody took the job over"))
		require.ErrorIs(t, receive(t, told, "it was not told"), jobs.ErrLost)
		close(taken)
		stop(t, late) // which waits until all it has to say is said
		require.Equal(t, []row{{State: "running", Attempt: 1}}, rows(t, db), "the other one's attempt")
		close(finish)
		require.Eventually(t, func() bool { return rows(t, db)[0].State == "completed" }, testTime, tick)
		stop(t, other)
	})
}

// TestAnEndThatMeetsARescue is F9 at the worst moment: the end of an attempt is
// noted while its job is being given to another. PostgreSQL shows the one that
// waits for the row what it was before, still running. SQLite has one writer.
func TestAnEndThatMeetsARescue(t *testing.T) {
	t.Parallel()
	address := migrated(t, database.PostgreSQL)
	db, rescuer := databasetest.Open(t, address), databasetest.Open(t, address)
	began, finish := make(chan spanJob, 2), make(chan struct{})
	q := crew(t, db, usual, func(_ context.Context, job spanJob) error {
		began <- job
		<-finish
		return nil
	})
	insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
	first := receive(t, began, "nobody begins")
	err := rescuer.WriteBeside(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(`UPDATE river_job SET state = 'available', id = nextval(pg_get_serial_sequence('river_job', 'id')),
			metadata = metadata || jsonb_build_object('first', id) WHERE kind = 'span'`).Exec(ctx)
		close(finish)
		require.Eventually(t, func() bool {
			var waits bool
			err := db.Reader.NewRaw(`SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
				AND wait_event_type = 'Lock' AND query LIKE '%river_job%')`).Scan(ctx, &waits)
			return err == nil && waits
		}, testTime, tick, "the end is not being noted")
		return err
	})
	require.NoError(t, err)
	require.Equal(t, first.ID, receive(t, began, "nobody does it again").ID)
	require.Eventually(t, func() bool { return rows(t, db)[0].State == "completed" }, testTime, tick)
	stop(t, q)
}

// TestAnEndThatWasNotNoted (F13): the database was away when a job was done, and
// still says that it runs, by a process that lives. It is done again.
func TestAnEndThatWasNotNoted(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		done := make(chan spanJob, 100)
		q := crew(t, db, quick, func(_ context.Context, job spanJob) error {
			done <- job
			return nil
		})
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		first := receive(t, done, "nobody does it")
		require.Eventually(t, func() bool { return rows(t, db)[0].State == "completed" }, testTime, tick)
		_, err := db.Writer.ExecContext(t.Context(), "UPDATE river_job SET state = 'running', finalized_at = NULL WHERE kind = 'span'")
		require.NoError(t, err)
		require.Equal(t, first.ID, receive(t, done, "nobody does it again").ID)
		require.Eventually(t, func() bool { return rows(t, db)[0].State == "completed" }, testTime, tick)
		stop(t, q)
	})
}

// TestWhoWorks lists the processes, and forgets one that stops.
func TestWhoWorks(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		began := make(chan spanJob, 1)
		q := crew(t, db, usual, func(ctx context.Context, job spanJob) error {
			began <- job
			<-ctx.Done()
			return ctx.Err()
		})
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		receive(t, began, "nobody begins")
		var all []jobs.Worker
		require.Eventually(t, func() bool {
			var err error
			all, err = q.Workers(t.Context())
			return err == nil && len(all) == 1 && all[0].Busy == 1
		}, testTime, tick)
		w := all[0]
		require.Equal(t, "worker", w.Kind)
		require.Equal(t, "1.2.3", w.Version)
		require.Equal(t, 1, w.Slots)
		require.NotEmpty(t, w.Host)
		require.WithinDuration(t, time.Now(), w.SeenAt, time.Minute)
		require.WithinDuration(t, time.Now(), w.StartedAt, time.Minute)
		stop(t, q)
		all, err := q.Workers(t.Context())
		require.NoError(t, err)
		require.Empty(t, all)
		require.Equal(t, []row{{State: "available"}}, rows(t, db))
	})
}

// TestAHandlerThatDoesNotLetGo keeps its process from stopping in time, but not
// its job from going back.
func TestAHandlerThatDoesNotLetGo(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		began, end := make(chan spanJob, 1), make(chan struct{})
		q := crew(t, db, usual, func(_ context.Context, job spanJob) error {
			began <- job
			<-end
			return nil
		})
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		receive(t, began, "nobody begins")
		short, cancel := context.WithTimeout(t.Context(), tick)
		defer cancel()
		require.Error(t, q.Stop(short))
		require.Equal(t, []row{{State: "available"}}, rows(t, db))
		close(end)
	})
}

// TestAJobThatKilledItsProcessToTheLast is not tried any more, but its owner is
// told.
func TestAJobThatKilledItsProcessToTheLast(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		insert(t, db, newQueue(t, db, nil), jobs.Span{VideoID: "v"}, nil)
		dead := `'["a","b","c","d","e","f","g"]'`
		if db.Engine() == database.PostgreSQL {
			dead = "'{a,b,c,d,e,f,g}'"
		}
		_, err := db.Writer.ExecContext(t.Context(), "UPDATE river_job SET state = 'running', attempt = 3, attempted_by = "+dead)
		require.NoError(t, err)
		seen := make(chan spanJob, 1)
		q := crew(t, db, usual, func(_ context.Context, job spanJob) error {
			seen <- job
			return jobs.Permanent(errors.New("told the owner"))
		})
		job := receive(t, seen, "nobody took the job over")
		require.True(t, job.Last)
		require.True(t, job.Fatal)
		require.Eventually(t, func() bool { return rows(t, db)[0].State == "cancelled" }, testTime, tick)
		stop(t, q)
	})
}
