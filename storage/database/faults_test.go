package database_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

const (
	testTime = 3 * time.Minute
	tick     = 10 * time.Millisecond
)

// ledger is what a database has acknowledged.
type ledger struct {
	mu    sync.Mutex
	acked map[int]bool
}

func (l *ledger) add(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[n] = true
}

func insert(ctx context.Context, db *database.DB, n int) error {
	return db.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO x VALUES (?)", n)
		return err
	})
}

// TestARestartLosesNothing (F13): while PostgreSQL is restarted, in order and as
// by a power cut, changes and queries wait or are told that it is away, no row
// that was acknowledged is lost, and everything works again by itself.
func TestARestartLosesNothing(t *testing.T) {
	t.Parallel()
	server := databasetest.NewServer(t)
	db := databasetest.Open(t, server.URL())
	_, err := db.Writer.ExecContext(t.Context(), "CREATE TABLE x (y BIGINT PRIMARY KEY)")
	require.NoError(t, err)
	kept := ledger{acked: map[int]bool{}}
	var next, reads atomic.Int64
	stop, clock := make(chan struct{}), storestest.NewAwake(t.Context())
	var all sync.WaitGroup
	going := func(do func()) {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					do()
				}
			}
		})
	}
	told := func(err error) {
		if !errors.Is(err, database.ErrUnavailable) && !errors.Is(err, database.ErrUncertain) {
			t.Errorf("somebody was told %v", err)
		}
	}
	for range 4 {
		going(func() {
			n := int(next.Add(1))
			begun := clock.Elapsed()
			if err := insert(t.Context(), db, n); err != nil {
				told(err)
			} else {
				kept.add(n)
			}
			if took := clock.Elapsed() - begun; took > 25*time.Second { // a statement without an answer would wait for 35
				t.Errorf("somebody waited %v", took)
			}
		})
		going(func() {
			var n int
			if err := db.Reader.NewRaw("SELECT count(*) FROM x").Scan(t.Context(), &n); err != nil {
				told(err)
			}
			reads.Add(1)
		})
	}
	for _, mode := range []string{"fast", "immediate", "fast", "immediate"} {
		progress(t, &next, &reads)
		server.Stop(t, mode)
		server.Start(t)
	}
	progress(t, &next, &reads)
	close(stop)
	all.Wait()
	var found []int
	require.NoError(t, db.Reader.NewRaw("SELECT y FROM x").Scan(t.Context(), &found))
	for _, n := range found {
		delete(kept.acked, n)
	}
	require.Empty(t, kept.acked, "acknowledged rows are lost")
}

// progress waits until more was written and read.
func progress(t *testing.T, counters ...*atomic.Int64) {
	t.Helper()
	for _, c := range counters {
		before := c.Load()
		require.Eventually(t, func() bool { return c.Load() > before+20 }, testTime, tick)
	}
}

// TestAServerThatStaysAway: whoever asks is told so within some seconds.
func TestAServerThatStaysAway(t *testing.T) {
	t.Parallel()
	server := databasetest.NewServer(t)
	db := databasetest.Open(t, server.URL())
	server.Stop(t, "fast")
	require.ErrorIs(t, insert(t.Context(), db, 1), database.ErrUnavailable)
	require.ErrorIs(t, db.Reader.NewRaw("SELECT 1").Scan(t.Context(), new(int)), database.ErrUnavailable)
	_, err := database.Open(t.Context(), server.URL())
	require.Error(t, err)
}

// TestAPoolThatIsUsedUp: who comes too late is told so, and everything works
// again by itself.
func TestAPoolThatIsUsedUp(t *testing.T) {
	t.Parallel()
	address := databasetest.URL(t, database.PostgreSQL)
	db := databasetest.Open(t, strings.Replace(address, "pool_max_conns=10", "pool_max_conns=8", 1))
	_, err := db.Writer.ExecContext(t.Context(), "CREATE TABLE x (y BIGINT PRIMARY KEY)")
	require.NoError(t, err)
	let := make(chan struct{})
	var held, all sync.WaitGroup
	for range 2 { // the fewest that there are
		held.Add(1)
		all.Go(func() {
			err := db.WriteBeside(t.Context(), func(context.Context, bun.Tx) error {
				held.Done()
				<-let
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	held.Wait()
	require.ErrorIs(t, insert(t.Context(), db, 1), database.ErrUnavailable)
	require.NoError(t, db.Reader.NewRaw("SELECT 1").Scan(t.Context(), new(int)), "readers have their own")
	close(let)
	require.NoError(t, insert(t.Context(), db, 1))
	all.Wait()
}

// TestChangesAreAsIfAlone: two that read what the other writes cannot both
// happen as if the other had not, and neither is told of that.
func TestChangesAreAsIfAlone(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		_, err := db.Writer.ExecContext(t.Context(), "CREATE TABLE x (y BIGINT)")
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				err := databasetest.Insist(func() error {
					return db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
						var n int
						if err := tx.NewRaw("SELECT count(*) FROM x").Scan(ctx, &n); err != nil {
							return err
						}
						_, err := tx.ExecContext(ctx, "INSERT INTO x VALUES (?)", n)
						return err
					})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		var different int
		require.NoError(t, db.Reader.NewRaw("SELECT count(DISTINCT y) FROM x").Scan(t.Context(), &different))
		require.Equal(t, 8, different, "each has seen all that came before")
	})
}

// TestAnObstacleIsNotMistaken: a change that takes every error for its own is
// still run again where another one was in its way.
func TestAnObstacleIsNotMistaken(t *testing.T) {
	t.Parallel()
	db := databasetest.New(t, database.PostgreSQL)
	_, err := db.Writer.ExecContext(t.Context(), "CREATE TABLE x (y BIGINT); INSERT INTO x VALUES (0)")
	require.NoError(t, err)
	runs := 0
	require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		runs++
		if err := tx.NewRaw("SELECT y FROM x").Scan(ctx, new(int)); err != nil {
			return err
		}
		if runs == 1 { // somebody else is faster
			if _, err := db.Writer.ExecContext(ctx, "UPDATE x SET y = 10"); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "UPDATE x SET y = y + 1"); err != nil {
			return errUndo
		}
		return nil
	}))
	require.Equal(t, 2, runs)
	require.EqualValues(t, 1, db.Retries())
	var y int
	require.NoError(t, db.Reader.NewRaw("SELECT y FROM x").Scan(t.Context(), &y))
	require.Equal(t, 11, y)
}

// TestManyWritersAndALongReader (F14): on SQLite nobody is told that it is
// locked, and the log of changes does not grow without end.
func TestManyWritersAndALongReader(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	db := open(t, path)
	_, err := db.Writer.ExecContext(t.Context(), "CREATE TABLE x (y BIGINT)")
	require.NoError(t, err)
	reading, err := db.Reader.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, reading.NewRaw("SELECT count(*) FROM x").Scan(t.Context(), new(int)))
	hammer := func(writers, each int) {
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for i := range each {
					if err := insert(t.Context(), db, w*each+i); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	}
	hammer(50, 20)
	var seen int
	require.NoError(t, reading.NewRaw("SELECT count(*) FROM x").Scan(t.Context(), &seen))
	require.Zero(t, seen, "it sees the moment at which it began")
	require.NoError(t, reading.Rollback())
	hammer(10, 20)
	grown, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	hammer(50, 20)
	after, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	require.LessOrEqual(t, after.Size(), max(grown.Size(), 8<<20), "it is used again once nobody reads its beginning")
	require.NoError(t, db.Reader.NewRaw("SELECT count(*) FROM x").Scan(t.Context(), &seen))
	require.Equal(t, 2200, seen)
}

// TestManyServersStartAtOnce: each migrates, and one does it.
func TestManyServersStartAtOnce(t *testing.T) {
	t.Parallel()
	address := databasetest.URL(t, database.PostgreSQL)
	var all sync.WaitGroup
	for range 6 {
		db := databasetest.Open(t, address)
		all.Go(func() {
			if err := db.Migrate(t.Context(), quiet()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestErrorsOfPostgreSQL: what they mean is known by their codes.
func TestErrorsOfPostgreSQL(t *testing.T) {
	t.Parallel()
	db := databasetest.New(t, database.PostgreSQL)
	raise := func(code string) error {
		return db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '"+code+"'; END $$")
			return err
		})
	}
	require.True(t, database.IsFull(raise("53100")), "the disk is full")
	require.True(t, database.IsDuplicate(raise("23505")))
	require.ErrorIs(t, raise("57P03"), database.ErrUnavailable, "it starts")
	require.ErrorIs(t, raise("40P01"), database.ErrUnavailable, "one that never gets its turn")
	other := raise("22012")
	require.Error(t, other)
	require.False(t, database.IsUnavailable(other) || database.IsFull(other) || database.IsDuplicate(other))
}

// TestCheckNamesWhatDoesNotHold on PostgreSQL.
func TestCheckNamesWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	db := databasetest.New(t, database.PostgreSQL)
	require.NoError(t, db.Check(t.Context()))
	_, err := db.Writer.ExecContext(t.Context(), "ALTER TABLE accounts ADD CONSTRAINT doubtful CHECK (name <> '') NOT VALID")
	require.NoError(t, err)
	require.ErrorContains(t, db.Check(t.Context()), "constraint doubtful")
}
