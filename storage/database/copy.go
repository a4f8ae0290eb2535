package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// CopyTo writes the database as of this moment to a file of its own, while others
// read and write. It is for SQLite.
func (db *DB) CopyTo(ctx context.Context, path string) error {
	if db.engine != SQLite {
		return errors.New("database: only SQLite is a file that can be copied")
	}
	unfinished := path + ".unfinished"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("database: copy: %w", err)
	}
	if _, err := db.Writer.ExecContext(ctx, "VACUUM INTO ?", unfinished); err != nil {
		return fmt.Errorf("database: copy: %w", err)
	}
	if err := keep(unfinished); err != nil {
		return fmt.Errorf("database: copy: %w", err)
	}
	if err := os.Rename(unfinished, path); err != nil {
		return fmt.Errorf("database: copy: %w", err)
	}
	return nil
}

// keep makes a file survive a power cut, and private.
func keep(path string) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return errors.Join(file.Chmod(0o600), file.Sync())
}

// OpenCopy opens what CopyTo wrote, to be read only: not one byte of it changes,
// and nothing is written beside it.
func OpenCopy(ctx context.Context, path string) (*DB, error) {
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&immutable=1&_pragma=query_only(1)&_time_format=sqlite")
	if err != nil {
		return nil, fmt.Errorf("database: open a copy: %w", err)
	}
	reader := bun.NewDB(pool, sqlitedialect.New())
	db := &DB{Writer: reader, Reader: reader, engine: SQLite}
	if err := reader.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: open a copy of %s: %w", path, err), reader.Close())
	}
	return db, nil
}
