package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
)

// Unbounded lifts the time limits of a session from a transaction on
// PostgreSQL: for what moves a whole installation.
func (db *DB) Unbounded(ctx context.Context, tx bun.Tx) error {
	for _, limit := range []string{"statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"} {
		if _, err := tx.ExecContext(ctx, "SET LOCAL "+limit+" = 0"); err != nil {
			return fmt.Errorf("database: lift %s: %w", limit, err)
		}
	}
	return nil
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
