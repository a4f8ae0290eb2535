package database_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t *testing.T, path string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), "sqlite:"+path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestMigrateIsIdempotent(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "new", "folder", "m.db"))
	for range 3 {
		require.NoError(t, db.Migrate(t.Context(), quiet()))
	}
	current, latest, err := db.SchemaVersion(t.Context())
	require.NoError(t, err)
	require.Equal(t, latest, current)
	require.NoError(t, db.Check(t.Context()))
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	db := open(t, path)
	require.NoError(t, db.Migrate(t.Context(), quiet()))
	_, err := db.Writer.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	require.NoError(t, err)
	require.NoError(t, open(t, path).Migrate(t.Context(), quiet()), "one that this release can live with")
	_, err = db.Writer.ExecContext(t.Context(), "UPDATE schema_floor SET version = 99999")
	require.NoError(t, err)
	err = open(t, path).Migrate(t.Context(), quiet())
	require.ErrorIs(t, err, database.ErrNewerSchema)
	require.ErrorContains(t, err, "99999")
}

func TestTwoMigrateAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	first, second := open(t, path), open(t, path)
	var all sync.WaitGroup
	errs := make([]error, 2)
	for i, db := range []*database.DB{first, second} {
		all.Go(func() { errs[i] = db.Migrate(t.Context(), quiet()) })
	}
	all.Wait()
	if errs[0] != nil && errs[1] != nil {
		require.NoError(t, errors.Join(errs...), "one of them gets through")
	}
	require.NoError(t, second.Migrate(t.Context(), quiet()), "the other one on its next start")
}

func TestTheRecordsAreDurableAndPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	db := open(t, path)
	for _, pool := range []*bun.DB{db.Writer, db.Reader} {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
			var got string
			require.NoError(t, pool.NewRaw("PRAGMA "+pragma).Scan(t.Context(), &got))
			require.Equal(t, want, got, pragma)
		}
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	_, err = db.Reader.ExecContext(t.Context(), "CREATE TABLE x (y)")
	require.Error(t, err, "the reader cannot change anything")
}

func TestTwoOpensShareOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	first, second := open(t, path), open(t, path)
	_, err := first.Writer.ExecContext(t.Context(), "CREATE TABLE x (y INTEGER)")
	require.NoError(t, err)
	var all sync.WaitGroup
	for i := range 40 {
		db := []*database.DB{first, second}[i%2]
		all.Go(func() {
			err := db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO x VALUES (?)", i)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var n int
	require.NoError(t, first.Reader.NewRaw("SELECT count(*) FROM x").Scan(t.Context(), &n))
	require.Equal(t, 40, n)
}

var errUndo = errors.New("undo")

func TestAWriteIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "m.db"))
	_, err := db.Writer.ExecContext(t.Context(), "CREATE TABLE x (y INTEGER PRIMARY KEY)")
	require.NoError(t, err)
	add := func(values ...int) error {
		return db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			for _, v := range values {
				if _, err := tx.ExecContext(ctx, "INSERT INTO x VALUES (?)", v); err != nil {
					return err
				}
			}
			if len(values) > 2 {
				return errUndo
			}
			return nil
		})
	}
	require.NoError(t, add(1))
	require.ErrorIs(t, add(5, 6, 7), errUndo)
	err = add(2, 1)
	require.True(t, database.IsDuplicate(err), "%v", err)
	var all []int
	require.NoError(t, db.Reader.NewRaw("SELECT y FROM x").Scan(t.Context(), &all))
	require.Equal(t, []int{1}, all)
	err = db.Reader.NewRaw("SELECT y FROM x WHERE y = 9").Scan(t.Context(), new(int))
	require.True(t, database.IsNotFound(err))
	require.False(t, database.IsFull(err))
}

func TestWhatCannotBeOpened(t *testing.T) {
	t.Parallel()
	_, err := database.Open(t.Context(), "mysql://root:hunter2@host/x")
	require.ErrorContains(t, err, "sqlite:PATH")
	require.NotContains(t, err.Error(), "hunter2")
	path := filepath.Join(t.TempDir(), "m.db")
	require.NoError(t, os.WriteFile(path, []byte("this is no database, but long enough to look like one"), 0o600))
	db, err := database.Open(t.Context(), "sqlite:"+path)
	if err == nil {
		err = errors.Join(db.Migrate(t.Context(), quiet()), db.Close())
	}
	require.Error(t, err)
	odd := open(t, filepath.Join(t.TempDir(), "a b?c#d%20e.db"))
	require.NoError(t, odd.Migrate(t.Context(), quiet()))
}
