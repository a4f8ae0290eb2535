// Package transfer moves the records of an installation on one machine, with
// SQLite, to PostgreSQL.
//
// All of them are copied in one transaction: either the new database holds
// everything, read back and compared row by row, or it holds nothing. The old
// installation is only read.
package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// Errors that callers tell apart.
var (
	// ErrOccupied says that the new database holds another installation.
	ErrOccupied = errors.New("the new database already holds another installation; give an empty one")
	// ErrDone says that the records were copied before.
	ErrDone = errors.New("the records were copied before: the new database holds this installation. To copy them again, give an empty database")
	// ErrDiffers says that what was read back is not what was written.
	ErrDiffers = errors.New("what was read back differs from what was copied; nothing of it was kept")
)

// Queue takes over the jobs that are still to be done.
type Queue interface {
	InsertAll(ctx context.Context, tx bun.Tx, all []jobs.Wanted) error
}

// Records are what Records copies between: two migrated databases of the same
// release, and the queue of the new one.
type Records struct {
	From, To *database.DB
	Queue    Queue
	Log      *slog.Logger
}

// Moved is what came over.
type Moved struct {
	Tables, Jobs int
	Rows         int64
	// Mended counts texts with bytes that PostgreSQL does not keep, NUL and
	// invalid UTF-8, which were replaced.
	Mended int64
}

// Copy copies all records in one transaction and compares them.
func (r Records) Copy(ctx context.Context) (Moved, error) {
	var moved Moved
	if r.From.Engine() != database.SQLite || r.To.Engine() != database.PostgreSQL {
		return moved, errors.New("records are copied from SQLite to PostgreSQL")
	}
	tables, err := r.tables(ctx)
	if err != nil {
		return moved, err
	}
	err = r.To.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
		moved = Moved{}
		if err := r.To.Unbounded(ctx, tx); err != nil {
			return err
		}
		if err := r.vacant(ctx, tx); err != nil {
			return err
		}
		for _, t := range tables {
			if err := r.table(ctx, tx, t, &moved); err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
		}
		waiting, err := jobs.Unfinished(ctx, r.From)
		if err != nil {
			return err
		}
		moved.Jobs = len(waiting)
		return r.Queue.InsertAll(ctx, tx, waiting)
	})
	return moved, err
}

// vacant makes sure that nobody else's records are there. What a server writes
// when it starts on an empty database, before anybody has an account, makes room.
func (r Records) vacant(ctx context.Context, tx bun.Tx) error {
	var accounts int
	if err := tx.NewRaw("SELECT count(*) FROM accounts").Scan(ctx, &accounts); err != nil {
		return err
	}
	if accounts == 0 {
		_, err := tx.ExecContext(ctx, "TRUNCATE instance, workspaces, samples, limits CASCADE")
		return err
	}
	var here, there []byte
	if err := tx.NewRaw("SELECT grant_key FROM instance").Scan(ctx, &there); err != nil {
		return errors.Join(ErrOccupied, err)
	}
	err := r.From.Reader.NewRaw("SELECT grant_key FROM instance").Scan(ctx, &here)
	if err == nil && bytes.Equal(here, there) {
		return ErrDone
	}
	return errors.Join(ErrOccupied, err)
}
