package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
)

// TestKilledWhileItMigrates (F27): however far it came, the next run completes it.
func TestKilledWhileItMigrates(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		fresh := databasetest.URL(t, engine)
		began := time.Now()
		_, err := program(t, t.TempDir(), "", "migrate", "--database-url", fresh)
		require.NoError(t, err)
		whole := time.Since(began)
		cut := 0
		for range 20 {
			data, address := t.TempDir(), databasetest.URL(t, engine)
			cmd := command(t, data, "migrate", "--database-url", address)
			require.NoError(t, cmd.Start())
			// At a random moment, most of them in its second half: before, it starts.
			timer := time.AfterFunc(whole/3+rand.N(whole), func() { _ = cmd.Process.Kill() })
			if cmd.Wait() != nil {
				cut++
			}
			timer.Stop()
			_, err := program(t, data, "", "migrate", "--database-url", address)
			require.NoError(t, err)
			current, latest, err := databasetest.Open(t, address).SchemaVersion(t.Context())
			require.NoError(t, err)
			require.Equal(t, latest, current)
			_, err = program(t, data, "a password that is long", "user", "add", "--email", "ada@example.org", "--name", "Ada", "--role", "owner", "--database-url", address)
			require.NoError(t, err)
		}
		require.Positive(t, cut, "none was killed in the midst of it")
		t.Log("killed", cut)
	})
}

// TestAnOlderServerRefusesInWords (F27): it does not touch what a newer release
// has changed for good, and runs on what it can live with.
func TestAnOlderServerRefusesInWords(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		data, address := t.TempDir(), databasetest.URL(t, engine)
		_, err := program(t, data, "", "migrate", "--database-url", address)
		require.NoError(t, err)
		db := databasetest.Open(t, address)
		insert := "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"
		if engine == database.PostgreSQL {
			insert = "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)"
		}
		_, err = db.Writer.ExecContext(t.Context(), insert)
		require.NoError(t, err)
		_, err = program(t, data, "", "migrate", "--database-url", address)
		require.NoError(t, err, "which it can live with")
		_, err = db.Writer.ExecContext(t.Context(), "UPDATE schema_floor SET version = 99999")
		require.NoError(t, err)
		for _, args := range [][]string{{"migrate"}, {"serve"}, {"user", "add", "--email", "a@example.org", "--name", "A"}} {
			_, err = program(t, data, "a password that is long", append(args, "--database-url", address)...)
			require.ErrorContains(t, err, "a newer release of Meanwhile", args)
		}
	})
}
