// Package database opens the relational store, keeps its schema current and
// hands out its two doors: one writer and a few readers.
//
// SQLite is the embedded default. It allows one writer at a time, so every
// change goes through a pool of exactly one connection: writers queue in Go,
// fairly and without busy time-outs, while readers work beside them on WAL
// snapshots. synchronous=FULL makes a commit survive a power cut; that is what
// an acknowledged upload promises.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the "sqlite" driver
)

// readers is how many SQLite connections read at once. More do not help on the
// machines that run the embedded default, and each holds a page cache.
const readers = 4

// DB is an open database.
type DB struct {
	// Writer runs changes, one at a time.
	Writer *bun.DB
	// Reader runs queries beside the writer. It cannot change anything.
	Reader *bun.DB

	queries counter
}

// Open opens the database that rawURL names: sqlite:PATH. The folder is made if
// it is missing. It does not migrate.
func Open(ctx context.Context, rawURL string) (*DB, error) {
	path, ok := strings.CutPrefix(rawURL, "sqlite:")
	if !ok {
		return nil, fmt.Errorf("database: %q is not a database address; use sqlite:PATH", redact(rawURL))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("database: make folder: %w", err)
	}
	writer, err := open(path, "_txlock=immediate", 1)
	if err != nil {
		return nil, err
	}
	db := &DB{Writer: writer}
	if err := db.Writer.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: open %s: %w", path, err), db.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("database: protect %s: %w", path, err), db.Close())
	}
	if db.Reader, err = open(path, "_pragma=query_only(1)", readers); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.Writer = db.Writer.WithQueryHook(&db.queries)
	db.Reader = db.Reader.WithQueryHook(&db.queries)
	return db, nil
}

func open(path, extra string, connections int) (*bun.DB, error) {
	options := []string{
		// The wait comes first: switching to WAL needs a lock of its own.
		"_pragma=busy_timeout(10000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
		"_pragma=foreign_keys(1)", "_pragma=temp_store(2)", "_time_format=sqlite", extra,
	}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+strings.Join(options, "&"))
	if err != nil {
		return nil, fmt.Errorf("database: open: %w", err)
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return bun.NewDB(pool, sqlitedialect.New()), nil
}

// ErrUncertain says that a commit failed in a way that leaves open whether it
// happened: what it names must not be deleted.
var ErrUncertain = errors.New("database: the commit may or may not have happened")

// Write runs change in one transaction: all of it happens, or nothing.
func (db *DB) Write(ctx context.Context, change func(ctx context.Context, tx bun.Tx) error) error {
	wanted := false
	err := db.Writer.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		err := change(ctx, tx)
		wanted = err == nil
		return err
	})
	if err != nil && wanted {
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return err
}

// Close ends all connections. It may be called twice.
func (db *DB) Close() error {
	var errs []error
	for _, pool := range []*bun.DB{db.Reader, db.Writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// redact drops the credentials of a URL so that it can be printed.
func redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "…"
	}
	return u.Redacted()
}
