package database_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
)

// TestColumnsOfANewerSchema (F27): a server that is older than the schema reads
// rows that have columns it never heard of.
func TestColumnsOfANewerSchema(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		_, err := db.Writer.ExecContext(t.Context(), "ALTER TABLE instance ADD COLUMN newer TEXT NOT NULL DEFAULT 'x'")
		require.NoError(t, err)
		_, err = db.Writer.ExecContext(t.Context(), "INSERT INTO instance (id, grant_key, created_at) VALUES (1, ?, CURRENT_TIMESTAMP)", []byte("k"))
		require.NoError(t, err)
		var row struct {
			GrantKey []byte
		}
		require.NoError(t, db.Reader.NewRaw("SELECT grant_key, newer FROM instance").Scan(t.Context(), &row))
		require.Equal(t, []byte("k"), row.GrantKey)
	})
}
