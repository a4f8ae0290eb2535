package database

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

// ErrNewerSchema is returned when a newer release has changed this database in a
// way that an older one cannot live with; running it could damage data.
var ErrNewerSchema = errors.New("the database was written by a newer release of Meanwhile; start that release, or restore the backup taken before the upgrade")

// compatible begins the line of a migration that names the oldest schema whose
// servers can run beside it. A migration without it is for its own release on.
const compatible = "-- compatible with: "

// Migrate brings the schema to this release's version, each step in a
// transaction of its own. Many servers may call it at once. A newer schema stays
// as it is: it returns ErrNewerSchema if this release cannot run on it.
func (db *DB) Migrate(ctx context.Context, log *slog.Logger) error {
	return db.Alone(ctx, func(ctx context.Context, pool *sql.DB) error {
		provider, err := db.provider(pool)
		if err != nil {
			return err
		}
		current, latest, err := provider.GetVersions(ctx)
		if err != nil {
			return fmt.Errorf("database: read schema version: %w", err)
		}
		floor, err := db.floor(ctx, pool, current)
		if err != nil {
			return fmt.Errorf("database: read schema version: %w", err)
		}
		if floor > latest {
			return fmt.Errorf("%w (its schema is %d and needs at least %d, this release knows %d)", ErrNewerSchema, current, floor, latest)
		}
		if current >= latest {
			return nil
		}
		// Before the steps, so that who is cut off in the midst of them leaves
		// nothing that an older server takes for its own.
		if err := db.raiseFloor(ctx, pool, current); err != nil {
			return fmt.Errorf("database: migrate: %w", err)
		}
		results, err := provider.Up(ctx)
		for _, r := range results {
			log.Info("migrated", "version", r.Source.Version, "took", r.Duration.String())
		}
		if err != nil {
			return fmt.Errorf("database: migrate: %w", err)
		}
		return nil
	})
}

// SchemaVersion tells the version of the open database and the newest one that
// this release knows.
func (db *DB) SchemaVersion(ctx context.Context) (current, latest int64, err error) {
	provider, err := db.provider(db.Writer.DB)
	if err != nil {
		return 0, 0, err
	}
	return provider.GetVersions(ctx)
}

// Alone runs do while no other process changes the schema. On PostgreSQL that is
// a lock of the session, which ends with the process; on SQLite the caller has
// locked the folder. The pool is for what do changes: it has no time limits.
func (db *DB) Alone(ctx context.Context, do func(ctx context.Context, pool *sql.DB) error) error {
	if db.engine == SQLite {
		return do(ctx, db.Writer.DB)
	}
	config := db.server.config.ConnConfig.Copy()
	config.RuntimeParams["statement_timeout"], config.Tracer = "0", nil
	ctx = unbounded(ctx)
	pool := stdlib.OpenDB(*config)
	defer func() { _ = pool.Close() }() // nothing of it is used any more
	session, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	if err != nil {
		return fmt.Errorf("database: lock the schema: %w", err)
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("database: lock the schema: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := session.SessionLock(ctx, conn); err != nil {
		return fmt.Errorf("database: lock the schema: %w", err)
	}
	return errors.Join(do(ctx, pool), session.SessionUnlock(context.WithoutCancel(ctx), conn))
}

// floor is the oldest release, as the number of its schema, that may run on the
// database. One that has never been told lets in its own and later ones.
func (db *DB) floor(ctx context.Context, pool *sql.DB, current int64) (int64, error) {
	if _, err := pool.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema_floor (id BIGINT PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL)"); err != nil {
		return 0, err
	}
	var floor int64
	err := pool.QueryRowContext(ctx, "SELECT version FROM schema_floor").Scan(&floor)
	if IsNotFound(err) {
		return current, nil
	}
	return floor, err
}

// raiseFloor notes what the migrations behind a version demand.
func (db *DB) raiseFloor(ctx context.Context, pool *sql.DB, current int64) error {
	files, err := db.files()
	if err != nil {
		return err
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return err
	}
	var floor int64
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		version, oldest, err := demands(name, text)
		if err != nil {
			return err
		}
		if version > current {
			floor = max(floor, oldest)
		}
	}
	_, err = pool.ExecContext(ctx, fmt.Sprintf(`INSERT INTO schema_floor (id, version) VALUES (1, %d)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version WHERE schema_floor.version < excluded.version`, floor))
	return err
}

// demands reads the number of a migration, and the oldest schema whose servers
// can run on it.
func demands(name string, text []byte) (version, oldest int64, err error) {
	number, _, _ := strings.Cut(name, "_")
	if version, err = strconv.ParseInt(number, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("migration %s: %w", name, err)
	}
	oldest = version
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if said, ok := strings.CutPrefix(lines.Text(), compatible); ok {
			if oldest, err = strconv.ParseInt(strings.TrimSpace(said), 10, 64); err != nil {
				return 0, 0, fmt.Errorf("migration %s: %w", name, err)
			}
		}
	}
	return version, oldest, nil
}

func (db *DB) files() (fs.FS, error) {
	files, err := fs.Sub(migrations, "migrations/"+string(db.engine))
	if err != nil {
		return nil, fmt.Errorf("database: migrations: %w", err)
	}
	return files, nil
}

func (db *DB) provider(pool *sql.DB) (*goose.Provider, error) {
	files, err := db.files()
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if db.engine == PostgreSQL {
		dialect = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(dialect, pool, files)
	if err != nil {
		return nil, fmt.Errorf("database: migrations: %w", err)
	}
	return provider, nil
}
