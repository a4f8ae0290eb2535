package database_test

import (
	"context"
	"database/sql"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"golang.org/x/sys/unix"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// allowed is what somebody waits for a server that says nothing: five seconds, and
// what this machine takes to notice. What it stands still for does not count.
const allowed = 8 * time.Second

// silent opens a database behind a line that can fall silent, with a table and
// connections that are open already.
func silent(t *testing.T, settings string) (*database.DB, *databasetest.Line) {
	t.Helper()
	server := databasetest.NewServer(t)
	_, err := databasetest.Open(t, server.URL()).Writer.ExecContext(t.Context(), "CREATE TABLE x (y BIGINT PRIMARY KEY)")
	require.NoError(t, err)
	line := server.NewLine(t)
	db := databasetest.Open(t, line.URL()+settings)
	t.Cleanup(func() { line.Mute(false) }) // before all is closed
	require.NoError(t, db.Writer.NewRaw("SELECT 1").Scan(t.Context(), new(int)))
	require.NoError(t, db.Reader.NewRaw("SELECT 1").Scan(t.Context(), new(int)))
	return db, line
}

// within wants something to end in time, and returns its error.
func within(t *testing.T, limit time.Duration, do func() error) error {
	t.Helper()
	return together(t, limit, do)[0]
}

// together wants several things that are done at once to end in time.
func together(t *testing.T, limit time.Duration, all ...func() error) []error {
	t.Helper()
	begun, clock := time.Now(), storestest.NewAwake(t.Context())
	ended := make([]chan error, len(all))
	for i, do := range all {
		ended[i] = make(chan error, 1)
		go func() { ended[i] <- do() }()
	}
	errs := make([]error, len(all))
	for i := range all {
		require.Eventually(t, func() bool { return len(ended[i]) > 0 || clock.Elapsed() > limit }, testTime, tick)
		select {
		case errs[i] = <-ended[i]:
			t.Logf("%d after at most %v: %v", i, time.Since(begun).Round(time.Millisecond), errs[i])
		default:
			t.Fatalf("%d does not end within %v", i, limit)
		}
	}
	return errs
}

// works wants everything back by itself.
func works(t *testing.T, db *database.DB) {
	t.Helper()
	begun := time.Now()
	defer func() { t.Logf("works again after %v", time.Since(begun).Round(time.Millisecond)) }()
	require.Eventually(t, func() bool {
		var n int
		return db.Reader.NewRaw("SELECT count(*) FROM x").Scan(t.Context(), &n) == nil && insert(t.Context(), db, int(time.Now().UnixNano())) == nil
	}, testTime, tick)
}

// TestASilentServer (F13): the line to PostgreSQL falls silent. Who is waited for
// is told so within five seconds, whether he reads or writes, on a connection that
// is open or on a new one.
func TestASilentServer(t *testing.T) {
	t.Parallel()
	db, line := silent(t, "")
	ctx := database.Promptly(context.WithoutCancel(t.Context()))
	line.Mute(true)
	for range 2 {
		for _, err := range together(t, allowed,
			func() error { return insert(ctx, db, 1) },
			func() error { return db.Reader.NewRaw("SELECT 1").Scan(ctx, new(int)) },
			func() error {
				_, err := db.Writer.ExecContext(ctx, "DELETE FROM x")
				return err
			},
		) {
			require.True(t, database.IsUnavailable(err), err)
			require.NotErrorIs(t, err, database.ErrUncertain)
		}
	}
	line.Mute(false)
	works(t, db)
}

// TestSilenceInAChange: what was not committed did not happen, and of a commit
// that was not answered nobody knows.
func TestSilenceInAChange(t *testing.T) {
	t.Parallel()
	db, line := silent(t, "")
	ctx := database.Promptly(context.WithoutCancel(t.Context()))
	muted := func(n int, before, after func()) error {
		return within(t, allowed, func() error {
			return db.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
				before()
				_, err := tx.ExecContext(ctx, "INSERT INTO x VALUES (?)", n)
				after()
				return err
			})
		})
	}
	mute := func() { line.Mute(true) }
	require.ErrorIs(t, muted(1, mute, func() {}), database.ErrUnavailable)
	line.Mute(false)
	works(t, db)
	var err error
	last := 1
	for late := true; late; last++ { // a change that this machine kept from its commit in time is known not to have happened
		asked := time.Now()
		err = muted(last+1, func() {}, func() { late = time.Since(asked) > 2*time.Second; mute() })
		line.Mute(false)
		works(t, db)
	}
	require.ErrorIs(t, err, database.ErrUncertain)
	var n int
	require.NoError(t, db.Reader.NewRaw("SELECT count(*) FROM x WHERE y = 1").Scan(t.Context(), &n))
	require.Zero(t, n)
	require.Eventually(t, func() bool {
		return db.Reader.NewRaw("SELECT count(*) FROM x WHERE y = ?", last).Scan(t.Context(), &n) == nil && n == 1
	}, testTime, tick, "it was not committed when the line came back")
}

// TestAChangeThatComesTooLate does not happen, and that is known.
func TestAChangeThatComesTooLate(t *testing.T) {
	t.Parallel()
	db, _ := silent(t, "")
	err := db.WriteBeside(database.Promptly(t.Context()), func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO x VALUES (1)")
		<-time.After(allowed) // the machine is busy
		return err
	})
	require.ErrorIs(t, err, database.ErrUnavailable)
	require.NotErrorIs(t, err, database.ErrUncertain)
	require.NoError(t, insert(t.Context(), db, 1))
}

// TestSilenceWhereNobodyWaits: work that nobody waits for, the queue's, and who
// listens give up, too, a little after PostgreSQL would have cut them off.
func TestSilenceWhereNobodyWaits(t *testing.T) {
	t.Parallel()
	db, line := silent(t, "&statement_timeout=3s")
	ctx := context.WithoutCancel(t.Context())
	listens, lost := make(chan struct{}), make(chan error, 1)
	go func() { lost <- db.Listen(ctx, "channel", func() { close(listens) }, func(string) {}) }()
	<-listens
	conn, err := db.Pool().Acquire(ctx)
	require.NoError(t, err)
	defer conn.Release()
	line.Mute(true)
	for _, err := range together(t, 20*time.Second,
		func() error { return insert(ctx, db, 1) },
		func() error { return db.Reader.NewRaw("SELECT 1").Scan(ctx, new(int)) },
		func() error { return <-lost },
		func() error {
			_, err := conn.Exec(ctx, "SELECT 1")
			return err
		},
	) {
		require.True(t, database.IsUnavailable(err), err)
	}
	line.Mute(false)
	works(t, db)
}

// TestWhatTakesLongOnPurpose is not cut off: what moves everything, changes the
// schema or reads every row.
func TestWhatTakesLongOnPurpose(t *testing.T) {
	t.Parallel()
	db := databasetest.Open(t, databasetest.URL(t, database.PostgreSQL)+"&statement_timeout=3s")
	const long = "SELECT pg_sleep(9)"
	for name, do := range map[string]func(ctx context.Context) error{
		"a move": func(ctx context.Context) error {
			return db.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
				if err := db.Unbounded(ctx, tx); err != nil {
					return err
				}
				_, err := tx.ExecContext(ctx, long)
				return err
			})
		},
		"a migration": func(ctx context.Context) error {
			return db.Alone(ctx, func(ctx context.Context, pool *sql.DB) error {
				_, err := pool.ExecContext(ctx, long)
				return err
			})
		},
		"a migration of the queue": func(ctx context.Context) error {
			return db.Alone(ctx, func(ctx context.Context, _ *sql.DB) error {
				_, err := db.Pool().Exec(ctx, long)
				return err
			})
		},
		"an index of the queue": func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, testTime)
			defer cancel()
			_, err := db.Pool().Exec(ctx, long)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, do(context.WithoutCancel(t.Context())))
		})
	}
}

// TestALineThatTakesNothing: the system gives up a connection whose bytes nobody
// confirms, which its keepalive does not.
func TestALineThatTakesNothing(t *testing.T) {
	t.Parallel()
	db, _ := silent(t, "")
	conn, err := db.Pool().Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	line, ok := conn.Conn().PgConn().Conn().(*net.TCPConn)
	require.True(t, ok)
	raw, err := line.SyscallConn()
	require.NoError(t, err)
	var after int
	require.NoError(t, raw.Control(func(fd uintptr) {
		after, err = unix.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}))
	require.NoError(t, err)
	require.Positive(t, after)
	require.LessOrEqual(t, after, 30_000)
}
