package database

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

// ErrNewerSchema is returned when a newer release has already changed this
// database; running an older one on it could damage data.
var ErrNewerSchema = errors.New("the database was written by a newer release of Meanwhile; start that release, or restore the backup taken before the upgrade")

// Migrate brings the schema to this release's version, each step in a
// transaction of its own. It returns ErrNewerSchema if the database is ahead.
func (db *DB) Migrate(ctx context.Context, log *slog.Logger) error {
	provider, err := db.provider()
	if err != nil {
		return err
	}
	current, latest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("database: read schema version: %w", err)
	}
	if current > latest {
		return fmt.Errorf("%w (its schema is %d, this release knows %d)", ErrNewerSchema, current, latest)
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		log.Info("migrated", "version", r.Source.Version, "took", r.Duration.String())
	}
	if err != nil {
		return fmt.Errorf("database: migrate: %w", err)
	}
	return nil
}

// SchemaVersion tells the version of the open database and the newest one that
// this release knows.
func (db *DB) SchemaVersion(ctx context.Context) (current, latest int64, err error) {
	provider, err := db.provider()
	if err != nil {
		return 0, 0, err
	}
	return provider.GetVersions(ctx)
}

func (db *DB) provider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return nil, fmt.Errorf("database: migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db.Writer.DB, files)
	if err != nil {
		return nil, fmt.Errorf("database: migrations: %w", err)
	}
	return provider, nil
}
