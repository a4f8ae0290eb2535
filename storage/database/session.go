package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
)

// PostgresTx is a transaction as PostgreSQL's own driver knows it.
type PostgresTx = pgx.Tx

var errForeign = errors.New("database: not a transaction of Write on PostgreSQL that goes on")

// Beneath lets do work within a transaction of Write by PostgreSQL's own driver,
// which the queue speaks to. It must not end the transaction.
func (db *DB) Beneath(tx bun.Tx, do func(tx PostgresTx) error) error {
	held, ok := db.open.Load(tx.Tx)
	if !ok {
		return errForeign
	}
	conn, ok := held.(*sql.Conn)
	if !ok {
		return errForeign
	}
	return conn.Raw(func(raw any) error {
		below, ok := raw.(*stdlib.Conn)
		if !ok || below.Conn().PgConn().TxStatus() != 'T' { // it was ended, or has failed
			return errForeign
		}
		return do(within{below.Conn()})
	})
}

// within is a transaction that somebody else begins and ends. Its statements
// have parameters and come again, so they are prepared.
type within struct{ conn *pgx.Conn }

func prepared(args []any) []any { return append([]any{pgx.QueryExecModeCacheStatement}, args...) }

// Exec implements pgx.Tx.
func (w within) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	tag, err := w.conn.Exec(ctx, query, prepared(args)...)
	noteObstacle(ctx, err)
	return tag, err
}

// Query implements pgx.Tx.
func (w within) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	rows, err := w.conn.Query(ctx, query, prepared(args)...)
	noteObstacle(ctx, err)
	return rows, err
}

// QueryRow implements pgx.Tx.
func (w within) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	return w.conn.QueryRow(ctx, query, prepared(args)...)
}

// Conn implements pgx.Tx.
func (w within) Conn() *pgx.Conn { return w.conn }

// Begin implements pgx.Tx: nothing nests here.
func (w within) Begin(context.Context) (pgx.Tx, error) { return nil, errForeign }

// Commit implements pgx.Tx.
func (w within) Commit(context.Context) error { return errForeign }

// Rollback implements pgx.Tx.
func (w within) Rollback(context.Context) error { return errForeign }

// CopyFrom implements pgx.Tx.
func (w within) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return w.conn.CopyFrom(ctx, table, columns, rows)
}

// SendBatch implements pgx.Tx.
func (w within) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	return w.conn.SendBatch(ctx, batch)
}

// LargeObjects implements pgx.Tx.
func (w within) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Prepare implements pgx.Tx.
func (w within) Prepare(ctx context.Context, name, query string) (*pgconn.StatementDescription, error) {
	return w.conn.Prepare(ctx, name, query)
}

// Fill adds rows to a table within a transaction of Write on PostgreSQL, by the
// fastest way there is (COPY), and returns how many. Next returns a row's values
// in the order of columns, and nil after the last.
func (db *DB) Fill(ctx context.Context, tx bun.Tx, table string, columns []string, next func() ([]any, error)) (n int64, err error) {
	if db.engine != PostgreSQL {
		return 0, errors.New("database: only PostgreSQL is filled")
	}
	err = db.Beneath(tx, func(tx PostgresTx) error {
		n, err = tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(next))
		return err
	})
	return n, err
}

// Listen calls heard for each notification on a channel, and begun once it
// listens: what was said before is not heard. It returns when ctx ends or the
// connection is lost; the caller listens anew and asks for what it may have
// missed. On SQLite nothing is ever said: it waits for ctx.
func (db *DB) Listen(ctx context.Context, channel string, begun func(), heard func(payload string)) error {
	if db.engine == SQLite {
		<-ctx.Done()
		return ctx.Err()
	}
	config := db.server.config.ConnConfig.Copy()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(Promptly(ctx), "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("database: listen: %w", err)
	}
	begun()
	for {
		said, err := hear(ctx, conn)
		if err != nil {
			return fmt.Errorf("database: listen: %w", err)
		}
		if said != nil {
			heard(said.Payload)
		}
	}
}

// hear waits for a notification. After a silence it makes sure that there is still
// somebody to say something, and returns nil.
func hear(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	waiting, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	said, err := conn.WaitForNotification(waiting)
	if err == nil || ctx.Err() != nil || !pgconn.Timeout(err) {
		return said, err
	}
	asking, cancel := context.WithTimeout(ctx, patience) // a ping is no statement
	defer cancel()
	return nil, conn.Ping(asking)
}
