package database_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// listening is how many connections of a process are in no pool: one that hears of
// events, and one that hears of jobs.
const listening = 2

// TestConnectionsAreSharedOut: pool_max_conns is the number of the whole process.
func TestConnectionsAreSharedOut(t *testing.T) {
	t.Parallel()
	address := databasetest.NewServer(t).URL()
	for settings, all := range map[string]int{"": 16, "&pool_max_conns=8": 8, "&pool_max_conns=9": 9, "&pool_max_conns=50": 50} {
		sum := listening
		for name, pool := range databasetest.Open(t, address+settings).Pools() {
			require.GreaterOrEqual(t, pool.Max, 2, name)
			sum += pool.Max
		}
		require.Equal(t, all, sum, settings)
	}
	_, err := database.Open(t.Context(), address+"&pool_max_conns=7")
	require.ErrorContains(t, err, "at least 8")
}

// TestNoMoreConnections: a process that has its hands full – with people, jobs,
// changes and events – has as many connections as it may, and not one more.
func TestNoMoreConnections(t *testing.T) {
	t.Parallel()
	const most = 8
	address := databasetest.NewServer(t).URL()
	look, err := pgx.Connect(t.Context(), address+"&application_name=look")
	require.NoError(t, err)
	t.Cleanup(func() { _ = look.Close(context.WithoutCancel(t.Context())) })
	db := databasetest.Open(t, fmt.Sprintf("%s&pool_max_conns=%d", address, most))
	ctx, end := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	t.Cleanup(func() { end(); busy.Wait() })
	count := func() int {
		var n int
		require.NoError(t, look.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'meanwhile'").Scan(&n))
		return n
	}
	migrated := make(chan error, 1)
	go func() {
		migrated <- db.Migrate(ctx, quiet())
		migrated <- jobs.Migrate(ctx, db, quiet())
	}()
	for range 2 {
		highest := 0
		require.Eventually(t, func() bool { highest = max(highest, count()); return len(migrated) > 0 }, testTime, tick)
		require.NoError(t, <-migrated)
		require.LessOrEqual(t, highest, most)
	}
	queue := work(t, db)
	busy.Go(func() { _ = db.Listen(ctx, "channel", func() {}, func(string) {}) })
	for range 10 {
		for _, do := range []func(){
			func() { _ = db.Reader.NewRaw("SELECT pg_sleep(0.02)").Scan(ctx, new(string)) },
			func() { _ = insertJob(ctx, db, queue) },
			func() { _, _ = db.Pool().Exec(ctx, "SELECT pg_sleep(0.02)") },
		} {
			busy.Go(func() {
				for ctx.Err() == nil {
					do()
				}
			})
		}
	}
	require.Eventually(t, func() bool { return count() >= most }, testTime, tick, "not all of them are used")
	for range 100 {
		// One that was closed may take a while to be gone; one too many stays.
		require.Eventually(t, func() bool { return count() <= most }, testTime, tick, "more than there may be")
	}
	end()
	busy.Wait()
}

// work starts a queue whose jobs take a moment.
func work(t *testing.T, db *database.DB) *jobs.Queue {
	t.Helper()
	o := jobs.Options{DB: db, Log: quiet(), Slots: 4, Handlers: jobs.NewHandlers()}
	jobs.Handle(o.Handlers, func(context.Context, jobs.Job[jobs.Span]) error { return nil })
	jobs.Handle(o.Handlers, func(context.Context, jobs.Job[jobs.Housekeeping]) error { return nil })
	queue, err := jobs.Open(o)
	require.NoError(t, err)
	require.NoError(t, queue.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), testTime)
		defer cancel()
		require.NoError(t, queue.Stop(ctx))
	})
	return queue
}

func insertJob(ctx context.Context, db *database.DB, queue *jobs.Queue) error {
	return db.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
		return queue.Insert(ctx, tx, jobs.Span{VideoID: strconv.FormatInt(time.Now().UnixNano(), 10)}, jobs.Live)
	})
}
