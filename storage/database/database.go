// Package database opens the relational store, keeps its schema current and
// hands out its two doors: one for changes and one for reading.
//
// SQLite is the embedded default. It allows one writer at a time, so every
// change goes through a pool of exactly one connection: writers queue in Go,
// fairly and without busy time-outs, while readers work beside them on WAL
// snapshots. synchronous=FULL makes a commit survive a power cut; that is what
// an acknowledged upload promises.
//
// PostgreSQL serves many servers at once. A change is written as if it were
// alone (Write) and is run again where it was not, or it locks the few rows that
// it reads (WriteBeside).
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
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the "sqlite" driver
)

// Engine names what keeps the records.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
)

// readers is how many SQLite connections read at once. More do not help on the
// machines that run the embedded default, and each holds a page cache.
const readers = 4

// DB is an open database.
type DB struct {
	// Writer runs changes, on SQLite one at a time.
	Writer *bun.DB
	// Reader runs queries beside the writer. It cannot change anything.
	Reader *bun.DB

	engine  Engine
	queries counter
	retries atomic.Int64
	server  *server // for PostgreSQL
	// open holds the connection below each transaction that runs on PostgreSQL.
	open sync.Map // *sql.Tx → *sql.Conn
}

// Open opens the database that rawURL names: sqlite:PATH, whose folder is made
// if it is missing, or postgres://USER:PASSWORD@HOST/NAME. It does not migrate.
func Open(ctx context.Context, rawURL string) (*DB, error) {
	scheme, _, _ := strings.Cut(rawURL, ":")
	db := new(DB)
	var err error
	switch scheme {
	case "sqlite":
		err = db.openSQLite(ctx, strings.TrimPrefix(rawURL, "sqlite:"))
	case "postgres", "postgresql":
		err = db.openPostgres(ctx, rawURL)
	default:
		return nil, fmt.Errorf("database: %q is not a database address; use sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME", redact(rawURL))
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.Writer = db.Writer.WithQueryHook(&db.queries)
	db.Reader = db.Reader.WithQueryHook(&db.queries)
	return db, nil
}

// Engine tells what keeps the records.
func (db *DB) Engine() Engine { return db.engine }

// Pool is where the queue gets its connections from; nil on SQLite.
func (db *DB) Pool() *pgxpool.Pool {
	if db.server == nil {
		return nil
	}
	return db.server.queue
}

func (db *DB) openSQLite(ctx context.Context, path string) (err error) {
	db.engine = SQLite
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("database: make folder: %w", err)
	}
	if db.Writer, err = open(path, "_txlock=immediate", 1); err != nil {
		return err
	}
	if err := db.Writer.PingContext(ctx); err != nil {
		return fmt.Errorf("database: open %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("database: protect %s: %w", path, err)
	}
	db.Reader, err = open(path, "_pragma=query_only(1)", readers)
	return err
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
	return bun.NewDB(pool, sqlitedialect.New(), tolerant()), nil
}

// Close ends all connections. It may be called twice.
func (db *DB) Close() error {
	var errs []error
	for _, pool := range []*bun.DB{db.Reader, db.Writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	if db.server != nil {
		db.server.close()
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

// tolerant lets rows have columns that this version does not know of: a newer
// server has added them, and this one still runs.
func tolerant() bun.DBOption { return bun.WithDiscardUnknownColumns() }
