package record_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// TestWhatIsLeftIsWritten: all that waits for the end of a change happens, also when
// two count in one row, or nothing does.
func TestWhatIsLeftIsWritten(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := record.NewStore(record.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
		keep := func(tx record.Change, key string) bun.Query {
			return tx.NewRaw("INSERT INTO idempotency (key, fingerprint, subject, at_ms) VALUES (?, ?, ?, 0)", []byte(key), []byte(key), "a ? of its own")
		}
		count := func(tx record.Change, key string) bun.Query {
			return tx.NewUpdate().Table("idempotency").Set("at_ms = at_ms + 1").Where("key = ?", []byte(key))
		}
		kept := func() (n, counted int) {
			require.NoError(t, db.Reader.NewRaw("SELECT count(*), CAST(coalesce(sum(at_ms), 0) AS BIGINT) FROM idempotency").Scan(t.Context(), &n, &counted))
			return n, counted
		}
		require.NoError(t, s.WriteBeside(t.Context(), func(ctx context.Context, tx record.Change) error {
			tx.Later(keep(tx, "a"))
			return tx.Together(ctx, keep(tx, "b"), keep(tx, "c"))
		}))
		n, counted := kept()
		require.Equal(t, []int{3, 0}, []int{n, counted})

		lost := errors.New("it is not there")
		change := func(last string) error {
			return s.WriteBeside(t.Context(), func(_ context.Context, tx record.Change) error {
				tx.Later(count(tx, "b"), count(tx, "c"))
				tx.Tell(about(1))
				tx.AtLast(count(tx, "a"), lost)
				tx.AtLast(count(tx, "a"), lost)
				tx.AtLast(count(tx, last), lost)
				tx.AtLast(count(tx, "nobody's"), nil)
				tx.Later(keep(tx, last+last))
				return nil
			})
		}
		require.ErrorIs(t, change("nobody's"), lost)
		n, counted = kept()
		require.Equal(t, []int{3, 0}, []int{n, counted}, "nothing of it happened")
		require.NoError(t, change("a"))
		n, counted = kept()
		require.Equal(t, []int{4, 5}, []int{n, counted})
	})
}
