package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
)

// ErrUncertain says that a commit failed in a way that leaves open whether it
// happened: what it names must not be deleted.
var ErrUncertain = errors.New("database: the commit may or may not have happened")

// Write runs change in one transaction: all of it happens, or nothing, and it
// happens as if it were alone. On PostgreSQL it may be run again, where others
// came between or the server was away: it must not leave behind, outside of the
// database, what the next run does not set anew.
func (db *DB) Write(ctx context.Context, change func(ctx context.Context, tx bun.Tx) error) error {
	return db.write(ctx, sql.LevelSerializable, change)
}

// WriteBeside is Write for what happens often: on PostgreSQL the change sees
// what others commit meanwhile, so it locks the rows that it reads and relies on
// (FOR UPDATE), always in the same order. It may be run again, too.
func (db *DB) WriteBeside(ctx context.Context, change func(ctx context.Context, tx bun.Tx) error) error {
	return db.write(ctx, sql.LevelReadCommitted, change)
}

func (db *DB) write(ctx context.Context, level sql.IsolationLevel, change func(ctx context.Context, tx bun.Tx) error) error {
	if db.engine == SQLite {
		return db.attempt(ctx, nil, change)
	}
	runs := 0
	return again(ctx, func(ctx context.Context) error {
		if runs++; runs > 1 {
			db.retries.Add(1)
		}
		return db.attempt(ctx, &sql.TxOptions{Isolation: level}, change)
	})
}

// attempt runs a change once.
func (db *DB) attempt(ctx context.Context, options *sql.TxOptions, change func(ctx context.Context, tx bun.Tx) error) (err error) {
	ctx = boundChange(ctx)
	conn, err := db.Writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back
	tx, err := conn.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	db.open.Store(tx.Tx, conn.Conn)
	defer db.open.Delete(tx.Tx)
	var cause obstacle
	done := false
	defer func() {
		if !done { // by an error or a panic
			_ = tx.Rollback() // which a lost connection has done by itself
		}
	}()
	if err := change(context.WithValue(ctx, obstacleKey{}, &cause), tx); err != nil {
		if cause.err != nil {
			// The change may have taken it for something else.
			return cause.err
		}
		return err
	}
	if boundsOf(ctx).over() {
		return fmt.Errorf("%w: the change took too long", ErrUnavailable)
	}
	done = true
	// The driver calls some errors safe to retry although the commit was sent.
	if err := tx.Commit(); err != nil {
		if repeatable(err) || errors.Is(err, pgx.ErrTxCommitRollback) { // which say that it did not happen
			return cmp.Or(cause.err, err)
		}
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return nil
}

// obstacle is the first error of a change's queries that is not of its own
// making: another change was faster, or the server went away.
type obstacle struct{ err error }

type obstacleKey struct{}

func noteObstacle(ctx context.Context, err error) {
	if err == nil {
		return
	}
	cause, ok := ctx.Value(obstacleKey{}).(*obstacle)
	if ok && cause.err == nil && (repeatable(err) || unavailable(err)) {
		cause.err = err
	}
}

// The waits between runs: the first is over before anybody notices, the last
// is about as long as a server takes to start.
const (
	firstPause = 2 * time.Millisecond
	lastPause  = 250 * time.Millisecond
)

// again runs do until it succeeds, fails for good, or patience ends; what others
// stood in the way of is ErrUnavailable then. What somebody waits for has no more
// time than that for all of its runs.
func again(ctx context.Context, do func(ctx context.Context) error) error {
	deadline := time.Now().Add(patience)
	if isPrompt(ctx) {
		ctx, deadline = bound(ctx, deadline)
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := do(ctx)
		if err == nil || errors.Is(err, ErrUncertain) {
			return err
		}
		away := unavailable(err)
		if ctx.Err() != nil || !away && !repeatable(err) {
			return err
		}
		wait := pause/2 + rand.N(pause) //nolint:gosec // a jitter
		if time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// Retries is how many changes were run again, because another one was faster or
// the server was away.
func (db *DB) Retries() int64 { return db.retries.Load() }
