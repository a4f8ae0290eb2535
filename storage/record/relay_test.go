package record_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const soon = 3 * time.Minute

// listening is the connection of a listener, as the database sees it: it says that it
// listens, and after a silence that it is still there.
const listening = "FROM pg_stat_activity WHERE datname = current_database() AND (query LIKE 'LISTEN %' OR query = '-- ping')"

// pair is two servers over one database.
type pair struct {
	db            *database.DB
	first, second *record.Store
}

func newPair(t *testing.T) *pair {
	t.Helper()
	if databasetest.Engines()[len(databasetest.Engines())-1] != database.PostgreSQL {
		t.Skip("two servers need PostgreSQL")
	}
	quiet := slog.New(slog.DiscardHandler)
	p := &pair{db: databasetest.New(t, database.PostgreSQL)}
	require.NoError(t, p.db.Writer.NewRaw("SELECT 1").Scan(t.Context(), new(int))) // or its ping at the start would look like a listener's
	p.first, p.second = record.NewStore(record.Options{DB: p.db, Log: quiet}), record.NewStore(record.Options{DB: p.db, Log: quiet})
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, s := range []*record.Store{p.first, p.second} {
		all.Go(func() { s.Relay(ctx) })
	}
	t.Cleanup(func() { stop(); all.Wait() })
	p.listens(t, 2)
	return p
}

// listens waits until so many servers listen.
func (p *pair) listens(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var now int
		err := p.db.Reader.NewRaw("SELECT count(*) "+listening).Scan(t.Context(), &now)
		return err == nil && now == n
	}, soon, time.Millisecond)
}

func tell(ctx context.Context, s *record.Store, events ...record.Event) error {
	return s.Write(ctx, func(_ context.Context, tx record.Change) error {
		for _, e := range events {
			tx.Tell(e)
		}
		return nil
	})
}

func about(n int) record.Event {
	return record.Event{Kind: record.VideoChanged, VideoID: fmt.Sprintf("v%d", n)}
}

// heard takes the next event.
func heard(t *testing.T, sub *record.Subscription) record.Event {
	t.Helper()
	select {
	case e, ok := <-sub.C:
		require.True(t, ok, "the subscription has ended")
		return e
	case <-time.After(soon):
		require.FailNow(t, "no event")
	}
	return record.Event{}
}

func silent(t *testing.T, sub *record.Subscription) {
	t.Helper()
	select {
	case e := <-sub.C:
		require.FailNow(t, "too much", "%v", e)
	default:
	}
}

// TestAnEventReachesOtherServers: once, soon, as it was told, and back to nobody.
func TestAnEventReachesOtherServers(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	here, there := p.first.Subscribe(""), p.second.Subscribe("")
	t.Cleanup(here.Close)
	t.Cleanup(there.Close)
	full := record.Event{Kind: record.VideoHidden, VideoID: "v", CommentID: "c", AccountID: "a", WorkspaceID: "w", Epoch: 7}
	began := time.Now()
	for range 30 {
		require.NoError(t, tell(t.Context(), p.first, full))
		require.Equal(t, full, heard(t, there))
		require.Equal(t, full, heard(t, here), "and the one that made it")
	}
	require.Less(t, time.Since(began), 40*time.Second, "by the hint: polling every other second takes a minute")
	require.ErrorIs(t, p.first.Write(t.Context(), func(_ context.Context, tx record.Change) error {
		tx.Tell(about(1))
		return errUndone
	}), errUndone)
	require.NoError(t, tell(t.Context(), p.second, about(2)))
	require.Equal(t, about(2), heard(t, here))
	require.Equal(t, about(2), heard(t, there))
	silent(t, here)
	silent(t, there)
}

var errUndone = errors.New("undone")

// TestEventsArriveWithoutNotifications: the connection that listens is killed;
// what is told meanwhile is found by polling, and then it listens again.
func TestEventsArriveWithoutNotifications(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	there := p.second.Subscribe("")
	t.Cleanup(there.Close)
	for n := range 3 {
		_, err := p.db.Writer.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) "+listening)
		require.NoError(t, err)
		require.NoError(t, tell(t.Context(), p.first, about(n)))
		require.Equal(t, about(n), heard(t, there))
	}
	p.listens(t, 2)
	silent(t, there)
}

// TestNoEventIsLostOrDoubled: a thousand from two servers at once, each of whose
// changes commits when it likes, and so not in the order of their numbers. What
// is told of one video arrives in the order in which it was told.
func TestNoEventIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	const videos, each = 20, 50
	var followers, writers sync.WaitGroup
	for v := range videos {
		writer, reader := p.first, p.second
		if v%2 == 1 {
			writer, reader = reader, writer
		}
		sub := reader.Subscribe(about(v).VideoID)
		followers.Go(func() {
			defer sub.Close()
			for n := range each {
				select {
				case e, ok := <-sub.C:
					if !ok || e.Epoch != int64(n) {
						t.Errorf("video %d: event %d after %d, %t", v, e.Epoch, n, ok)
						return
					}
				case <-time.After(soon):
					t.Errorf("video %d: event %d does not come", v, n)
					return
				}
			}
		})
		writers.Go(func() {
			for n := range each {
				e := about(v)
				e.Epoch = int64(n)
				err := databasetest.Insist(func() error { return slowly(t.Context(), writer, e) })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	followers.Wait()
}

// slowly tells an event in a change that commits later than others with higher numbers.
func slowly(ctx context.Context, s *record.Store, e record.Event) error {
	return s.WriteBeside(ctx, func(ctx context.Context, tx record.Change) error {
		if _, err := tx.ExecContext(ctx, "SELECT pg_sleep(random() / 200)"); err != nil {
			return err
		}
		tx.Tell(e)
		// The row is written by now.
		tx.AtLast(tx.NewRaw("SELECT 1"), nil)
		tx.AtLast(tx.NewRaw("SELECT pg_sleep(random() / 100)"), nil)
		return nil
	})
}

// TestWhoeverMayHaveMissedSomethingBeginsAnew: numbers that begin again lower, as
// after a fail-over, end all subscriptions, and events go on.
func TestWhoeverMayHaveMissedSomethingBeginsAnew(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	there := p.second.Subscribe("")
	for n := range 5 {
		require.NoError(t, tell(t.Context(), p.first, about(n)))
		require.Equal(t, about(n), heard(t, there))
	}
	_, err := p.db.Writer.ExecContext(t.Context(), "TRUNCATE events RESTART IDENTITY")
	require.NoError(t, err)
	select {
	case _, ok := <-there.C:
		require.False(t, ok)
	case <-time.After(soon):
		require.FailNow(t, "the subscription goes on")
	}
	there = p.second.Subscribe("")
	t.Cleanup(there.Close)
	require.NoError(t, tell(t.Context(), p.first, about(9)))
	require.Equal(t, about(9), heard(t, there))
}

// TestEventsAreForgotten: and what is young stays.
func TestEventsAreForgotten(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	require.NoError(t, tell(t.Context(), p.first, about(1)))
	_, err := p.db.Writer.ExecContext(t.Context(), "UPDATE events SET at_ms = at_ms - 3600000")
	require.NoError(t, err)
	require.NoError(t, tell(t.Context(), p.first, about(2)))
	require.NoError(t, p.first.ForgetEvents(t.Context()))
	var kept int
	require.NoError(t, p.db.Reader.NewRaw("SELECT count(*) FROM events").Scan(t.Context(), &kept))
	require.Equal(t, 1, kept)
}

// TestAnEmbeddedDatabaseWritesNoEvents: there is nobody to read them.
func TestAnEmbeddedDatabaseWritesNoEvents(t *testing.T) {
	t.Parallel()
	db := databasetest.New(t, database.SQLite)
	s := record.NewStore(record.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
	s.Relay(t.Context())
	sub := s.Subscribe("")
	t.Cleanup(sub.Close)
	require.NoError(t, tell(t.Context(), s, about(1)))
	require.Equal(t, about(1), heard(t, sub))
	require.NoError(t, s.ForgetEvents(t.Context()))
	var kept int
	require.NoError(t, db.Reader.NewRaw("SELECT count(*) FROM events").Scan(t.Context(), &kept))
	require.Zero(t, kept)
}
