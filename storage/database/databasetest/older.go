package databasetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// First gives an empty database the first schema of the records. The folder holds
// one with the migrations of each engine.
func First(t testing.TB, db *database.DB, folder string) {
	t.Helper()
	dialect := goose.DialectSQLite3
	if db.Engine() == database.PostgreSQL {
		dialect = goose.DialectPostgres
	}
	steps, err := goose.NewProvider(dialect, db.Writer.DB, os.DirFS(filepath.Join(folder, string(db.Engine()))))
	require.NoError(t, err)
	_, err = steps.UpTo(t.Context(), 1)
	require.NoError(t, err)
}
