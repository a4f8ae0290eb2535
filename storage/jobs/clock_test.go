package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// skewed starts a process that does span jobs, and whose clock is off. It knows by how
// much when this returns: an answer that took long says little of that.
func skewed(t *testing.T, db *database.DB, by time.Duration, o jobs.Options, handle func(ctx context.Context, job spanJob) error) *jobs.Queue {
	t.Helper()
	o.DB, o.Log, o.Slots, o.Handlers = db, quiet(), 1, jobs.NewHandlers()
	o.Clock = clocks.OfDatabase(func() time.Time { return time.Now().Add(by) }, quiet())
	jobs.Handle(o.Handlers, handle)
	q, err := jobs.Open(o)
	require.NoError(t, err)
	require.NoError(t, q.Start(t.Context()))
	require.Eventually(t, func() bool { return time.Until(o.Clock.Now()).Abs() < 200*time.Millisecond }, testTime, tick)
	return q
}

// skews are a clock that is ten minutes fast and one that is slow.
func skews() map[string]time.Duration {
	return map[string]time.Duration{"fast": 10 * time.Minute, "slow": -10 * time.Minute}
}

// TestAClockThatIsOff is F17 in the queue: what failed and what was put off comes
// again after its pause, whatever the clock of its process says, and what has no time
// is done at once.
func TestAClockThatIsOff(t *testing.T) {
	t.Parallel()
	for name, by := range skews() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := databasetest.New(t, database.PostgreSQL)
			began, waited := make(chan time.Time, 10), make(chan time.Duration, 10)
			next := make(chan error, 10)
			o := jobs.Options{Watch: jobs.Watch{Done: func(e jobs.Ended) {
				if e.Kind == "span" {
					waited <- e.Waited
				}
			}}}
			q := skewed(t, db, by, o, func(ctx context.Context, _ spanJob) error {
				began <- time.Now()
				select {
				case err := <-next:
					return err
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			defer stop(t, q)
			insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
			receive(t, began, "nobody begins")
			for _, again := range []struct {
				after error
				pause time.Duration
			}{
				{errors.New("it failed"), 2 * time.Second},
				{jobs.Later(time.Second), time.Second},
				{jobs.Later(6 * time.Second), 6 * time.Second}, // which River has another look at
			} {
				ended := time.Now()
				next <- again.after
				pause := receive(t, began, "it does not come again").Sub(ended)
				require.Greater(t, pause, again.pause-500*time.Millisecond, again.after)
				require.Less(t, pause, again.pause+time.Minute, again.after)
				require.Less(t, receive(t, waited, "it has not ended"), testTime)
			}
			next <- nil

			insert(t, db, q, jobs.Housekeeping{}, nil)
			var ahead, finalized float64
			require.NoError(t, db.Reader.NewRaw("SELECT max(extract(epoch FROM greatest(scheduled_at, created_at) - clock_timestamp())) FROM river_job WHERE kind = 'housekeeping'").Scan(t.Context(), &ahead))
			require.InDelta(t, 0, ahead, 60, "it is due")
			require.Eventually(t, func() bool { return rows(t, db)[0].State == "completed" }, testTime, tick)
			require.NoError(t, db.Reader.NewRaw("SELECT extract(epoch FROM finalized_at - clock_timestamp()) FROM river_job WHERE kind = 'span'").Scan(t.Context(), &finalized))
			require.InDelta(t, 0, finalized, 60)
		})
	}
}

// TestAClockThatIsOffHandsBack: what a process lets go that ends is another's at once.
func TestAClockThatIsOffHandsBack(t *testing.T) {
	t.Parallel()
	for name, by := range skews() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := databasetest.New(t, database.PostgreSQL)
			began := make(chan spanJob, 1)
			q := skewed(t, db, by, jobs.Options{}, func(ctx context.Context, job spanJob) error {
				began <- job
				<-ctx.Done()
				return ctx.Err()
			})
			insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
			receive(t, began, "nobody begins")
			stop(t, q)
			var ahead float64
			require.NoError(t, db.Reader.NewRaw("SELECT extract(epoch FROM scheduled_at - clock_timestamp()) FROM river_job WHERE kind = 'span'").Scan(t.Context(), &ahead))
			require.InDelta(t, 0, ahead, 60, "it is due")
			done := make(chan spanJob, 1)
			other := crew(t, db, 0, func(_ context.Context, job spanJob) error {
				done <- job
				return nil
			})
			defer stop(t, other)
			require.Equal(t, 1, receive(t, done, "nobody takes it over").Attempt)
		})
	}
}

// TestAClockThatIsSet: a process goes on by the database's clock when its own is set.
func TestAClockThatIsSet(t *testing.T) {
	t.Parallel()
	db := databasetest.New(t, database.PostgreSQL)
	var off settable
	theirs := clocks.OfDatabase(off.now, quiet())
	handlers := jobs.NewHandlers()
	jobs.Handle(handlers, func(context.Context, spanJob) error { return nil })
	q, err := jobs.Open(jobs.Options{DB: db, Log: quiet(), Slots: 1, Handlers: handlers, Kind: jobs.KindWorker, Beat: quick, Clock: theirs})
	require.NoError(t, err)
	require.NoError(t, q.Start(t.Context()))
	defer stop(t, q)
	for _, by := range []time.Duration{0, time.Hour, -10 * time.Minute} {
		off.set(by)
		require.Eventually(t, func() bool { return time.Until(theirs.Now()).Abs() < time.Second }, testTime, tick, by)
	}
}

// settable is a clock that somebody sets.
type settable struct{ by atomic.Int64 }

func (s *settable) now() time.Time       { return time.Now().Add(time.Duration(s.by.Load())) }
func (s *settable) set(by time.Duration) { s.by.Store(int64(by)) }
