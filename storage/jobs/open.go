package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
)

// How soon a job is taken up. PostgreSQL tells of new ones and is asked seldom;
// SQLite cannot tell, and to ask it as often as this takes a fortieth of a core.
const (
	mediaPoll    = 70 * time.Millisecond
	fetchPause   = 20 * time.Millisecond
	postgresPoll = time.Second
)

// client is River on either engine.
type client interface {
	Start(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
	insert(ctx context.Context, tx bun.Tx, all []river.InsertManyParams) error
}

// newClient makes River's client for the engine of a database.
func newClient(db *database.DB, config *river.Config, theirs *clocks.Clock) (client, error) {
	config.FetchCooldown = fetchPause
	config.FetchPollInterval = postgresPoll
	config.Test.Time, config.RetryPolicy = ownTime{theirs}, retries{theirs}
	if db.Engine() == database.PostgreSQL {
		c, err := river.NewClient(&driver{riverpgxv5.New(db.Pool()), theirs}, config)
		return &onPostgres{c, db}, err
	}
	if media, ok := config.Queues[QueueMedia]; ok {
		media.FetchPollInterval = mediaPoll
		config.Queues[QueueMedia] = media
	}
	c, err := river.NewClient(riversqlite.New(db.Writer.DB), config)
	return &onSQLite{c}, err
}

type onSQLite struct{ *river.Client[*sql.Tx] }

func (c *onSQLite) insert(ctx context.Context, tx bun.Tx, all []river.InsertManyParams) error {
	_, err := c.InsertManyTx(ctx, tx.Tx, all)
	return err
}

type onPostgres struct {
	*river.Client[database.PostgresTx]
	db *database.DB
}

func (c *onPostgres) insert(ctx context.Context, tx bun.Tx, all []river.InsertManyParams) error {
	return c.db.Beneath(tx, func(tx database.PostgresTx) error {
		_, err := c.InsertManyTx(ctx, tx, all)
		return err
	})
}

// Migrate brings the queue's own tables up to date. Many processes may call it
// at once.
func Migrate(ctx context.Context, db *database.DB, log *slog.Logger) error {
	return db.Alone(ctx, func(ctx context.Context, _ *sql.DB) error {
		if db.Engine() == database.PostgreSQL {
			return migrate(ctx, riverpgxv5.New(db.Pool()), log)
		}
		return migrate(ctx, riversqlite.New(db.Writer.DB), log)
	})
}

func migrate[T any](ctx context.Context, driver riverdriver.Driver[T], log *slog.Logger) error {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet(log)})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("jobs: migrate: %w", err)
	}
	return nil
}
