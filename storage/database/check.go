package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
)

// maxFaults is how many faults Check names.
const maxFaults = 10

// Check looks for damage and returns an error that names what is broken, if
// anything. On SQLite it reads the whole database. On PostgreSQL it reads every
// row of every table, which finds pages that cannot be read and, where the server
// keeps checksums, those that have changed; and it names indexes and constraints
// that do not hold. It does not compare indexes with their tables: pg_amcheck does.
func (db *DB) Check(ctx context.Context) error {
	look := db.integrity
	if db.engine == PostgreSQL {
		look = db.readAll
	}
	faults, err := look(ctx)
	if err != nil {
		return fmt.Errorf("database: check: %w", err)
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("database: damaged: %s", strings.Join(faults, "; "))
}

func (db *DB) integrity(ctx context.Context) (faults []string, err error) {
	err = db.Reader.NewRaw(fmt.Sprintf("PRAGMA integrity_check(%d)", maxFaults)).Scan(ctx, &faults)
	if len(faults) == 1 && faults[0] == "ok" {
		return nil, err
	}
	return faults, err
}

func (db *DB) readAll(ctx context.Context) (faults []string, err error) {
	err = db.Reader.RunInTx(unbounded(ctx), &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, tx bun.Tx) error {
		err := tx.NewRaw(`SELECT 'index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
				AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)
			UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE NOT convalidated AND connamespace = current_schema()::regnamespace
			LIMIT ?`, maxFaults).Scan(ctx, &faults)
		if err != nil {
			return err
		}
		var tables []string
		if err := tx.NewRaw("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename").Scan(ctx, &tables); err != nil {
			return err
		}
		// The rows themselves, however many there are, and not an index of them.
		for _, setting := range []string{"statement_timeout = 0", "enable_indexonlyscan = off", "enable_indexscan = off", "enable_bitmapscan = off"} {
			if _, err := tx.ExecContext(ctx, "SET LOCAL "+setting); err != nil {
				return err
			}
		}
		for _, table := range tables {
			var n int64
			err := tx.NewRaw("SELECT count(t.*) FROM ? AS t", bun.Ident(table)).Scan(ctx, &n)
			if code(err) != "" && !IsUnavailable(err) {
				return errors.Join(fmt.Errorf("table %s", table), err)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return faults, err
}
