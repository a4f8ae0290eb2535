package database

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"golang.org/x/sys/unix"
)

// A server can fall silent: its machine is gone, or a proxy on the way holds all
// back. Nothing tells of that, so every statement has a time by which it must have
// been answered.
const (
	// patience is how long somebody who waits is kept waiting: for a connection,
	// for a server that restarts, and for one that says nothing.
	patience = 5 * time.Second
	// commitTime is the part of patience that a change leaves to its commit: one
	// that is given up leaves open whether it happened.
	commitTime = time.Second
	// margin is how much longer than its statement_timeout a statement may take, of
	// whom nobody waits for: it should be PostgreSQL that cuts it off.
	margin = 5 * time.Second
	// queueTime is for statements of the queue that it does not bound itself; the
	// others get as much.
	queueTime = 10 * time.Second
	// pingTime is how long a connection that was idle may take to show that it works,
	// and silence how long one that listens may hear nothing before it must show it.
	pingTime = 2 * time.Second
	silence  = 5 * time.Second
	// unconfirmed is how long bytes that were sent may stay without the system's
	// confirmation. Its keepalive does not count then.
	unconfirmed = 15 * time.Second
)

type (
	promptKey struct{}
	boundsKey struct{}
	cancelKey struct{}
)

// Promptly marks what somebody waits for: all that it asks of PostgreSQL is
// answered within five seconds, or it is ErrUnavailable.
func Promptly(ctx context.Context) context.Context { return context.WithValue(ctx, promptKey{}, true) }

func isPrompt(ctx context.Context) bool { return ctx.Value(promptKey{}) != nil }

// bounds are by when the statements of a query or of a change must have been
// answered, if they have bounds of their own.
type bounds struct {
	until, commit time.Time
	lifted        atomic.Bool
}

func boundsOf(ctx context.Context) *bounds {
	b, _ := ctx.Value(boundsKey{}).(*bounds)
	return b
}

// unbounded lifts the bounds from what takes long on purpose.
func unbounded(ctx context.Context) context.Context {
	b := &bounds{}
	b.lifted.Store(true)
	return context.WithValue(ctx, boundsKey{}, b)
}

// bound lets all that is asked with ctx be answered by a time, and not later than
// what it is a part of.
func bound(ctx context.Context, until time.Time) (context.Context, time.Time) {
	if outer := boundsOf(ctx); outer != nil && !outer.until.IsZero() && outer.until.Before(until) {
		until = outer.until
	}
	return context.WithValue(ctx, boundsKey{}, &bounds{until: until, commit: until}), until
}

// boundChange is for one change: it ends a little sooner than the commit must.
func boundChange(ctx context.Context) context.Context {
	b := &bounds{}
	if outer := boundsOf(ctx); outer != nil && !outer.until.IsZero() {
		b.until, b.commit = outer.until.Add(-commitTime), outer.until
	}
	return context.WithValue(ctx, boundsKey{}, b)
}

// Unbounded lifts the time limits of a session from a transaction on
// PostgreSQL: for what moves a whole installation.
func (db *DB) Unbounded(ctx context.Context, tx bun.Tx) error {
	for _, limit := range []string{"statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"} {
		if _, err := tx.ExecContext(ctx, "SET LOCAL "+limit+" = 0"); err != nil {
			return fmt.Errorf("database: lift %s: %w", limit, err)
		}
	}
	if b := boundsOf(ctx); b != nil {
		b.lifted.Store(true)
	}
	return nil
}

// over says that it is too late for the commit.
func (b *bounds) over() bool { return !b.commit.IsZero() && !time.Now().Before(b.commit) }

// watch bounds each statement of a connection. It implements pgx.QueryTracer and
// pgx.CopyFromTracer, whose contexts the statements run with.
type watch struct {
	// longest is for statements without bounds of their own; 0 is no bound.
	longest time.Duration
	// lenient leaves alone who has a deadline already, however far.
	lenient bool
}

func (w watch) begin(ctx context.Context, statement string) context.Context {
	b := boundsOf(ctx)
	var until time.Time
	switch {
	case b != nil && b.lifted.Load():
		return ctx
	case b != nil && !b.until.IsZero():
		if until = b.until; statement == "commit" {
			until = b.commit
		}
	case isPrompt(ctx):
		until = time.Now().Add(patience)
	case w.longest > 0:
		if _, has := ctx.Deadline(); has && w.lenient {
			return ctx
		}
		until = time.Now().Add(w.longest)
	default:
		return ctx
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	return context.WithValue(ctx, cancelKey{}, cancel)
}

func (w watch) end(ctx context.Context) {
	if cancel, ok := ctx.Value(cancelKey{}).(context.CancelFunc); ok {
		cancel()
	}
}

// TraceQueryStart implements pgx.QueryTracer.
func (w watch) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return w.begin(ctx, data.SQL)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (w watch) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) { w.end(ctx) }

// TraceCopyFromStart implements pgx.CopyFromTracer.
func (w watch) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return w.begin(ctx, "")
}

// TraceCopyFromEnd implements pgx.CopyFromTracer.
func (w watch) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromEndData) {
	w.end(ctx)
}

// longest is how long a statement may stay without an answer where PostgreSQL cuts
// it off after a time; 0 where it does not, or in words that we do not know.
func longest(statementTimeout string) time.Duration {
	text := strings.ReplaceAll(statementTimeout, " ", "")
	limit, err := time.ParseDuration(strings.Replace(text, "min", "m", 1))
	if ms, number := strconv.Atoi(text); number == nil {
		limit, err = time.Duration(ms)*time.Millisecond, nil
	}
	if err != nil || limit <= 0 {
		return 0
	}
	return limit + margin
}

// dialer opens connections that do not outlive their other end for long.
func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4},
		Control: func(network, _ string, c syscall.RawConn) (err error) {
			if !strings.HasPrefix(network, "tcp") {
				return nil
			}
			failed := c.Control(func(fd uintptr) {
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unconfirmed.Milliseconds()))
			})
			if failed != nil {
				return failed
			}
			return err
		},
	}
}
