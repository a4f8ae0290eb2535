package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
)

// TestKilledWhileItMigrates (F27): a database of the first schema, with rows, is migrated
// by a process that is killed as soon as it has come to each of the next ones. The next
// run completes it, and every row is there as it was.
func TestKilledWhileItMigrates(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		midst := 0
		for schema, latest := int64(2), int64(3); schema < latest; schema++ {
			address, rows := older(t, engine)
			data := t.TempDir()
			var came int64
			came, latest = cutOff(t, data, address, schema)
			_, err := program(t, data, "", "migrate", "--database-url", address)
			require.NoError(t, err)
			db := databasetest.Open(t, address)
			current, _, err := db.SchemaVersion(t.Context())
			require.NoError(t, err)
			require.Equal(t, latest, current)
			require.Equal(t, rows, rowsOf(t, db), "killed at schema %d", came)
			var shown int
			require.NoError(t, db.Reader.NewRaw(`SELECT count(*) FROM videos v JOIN workspaces w ON w.id = v.workspace_id JOIN accounts a ON a.workspace_id = w.id
				WHERE v.visibility = 'workspace' AND v.owner_id = a.id`).Scan(t.Context(), &shown))
			require.Equal(t, 1000, shown, "killed at schema %d: whoever saw them sees them", came)
			_, err = program(t, data, "a password that is long", "user", "add", "--email", "eve@example.org", "--name", "Eve", "--role", "owner", "--database-url", address)
			require.NoError(t, err)
			if came < latest {
				midst++
			}
		}
		t.Log("killed in the midst of it", midst)
		require.Positive(t, midst)
	})
}

// cutOff kills a migration as soon as it has come to a schema, and returns the one that
// it came to, and the last.
func cutOff(t *testing.T, data, address string, schema int64) (came, latest int64) {
	t.Helper()
	db := databasetest.Open(t, address)
	cmd := command(t, data, "migrate", "--database-url", address)
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // a process that is killed ends with an error
		close(ended)
	}()
	for waiting := true; waiting && came < schema; { // it may be faster than we look
		require.NoError(t, db.Reader.NewRaw("SELECT max(version_id) FROM goose_db_version").Scan(t.Context(), &came))
		select {
		case <-ended:
			waiting = false
		default:
		}
	}
	_ = cmd.Process.Kill()
	<-ended
	came, latest, err := db.SchemaVersion(t.Context())
	require.NoError(t, err)
	return came, latest
}

// older is a database of the first schema with a few thousand rows.
func older(t *testing.T, engine database.Engine) (address, rows string) {
	t.Helper()
	address = databasetest.URL(t, engine)
	db := databasetest.Open(t, address)
	databasetest.First(t, db, filepath.Join("..", "..", "storage", "database", "migrations"))
	const many = " FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n) AS numbers"
	const at = "'2026-01-01 00:00:00+00:00'"
	people := []string{ // on SQLite the first releases knew no workspaces
		"INSERT INTO accounts (id, email, name, role, password_hash, created_at) VALUES ('a', 'ada@example.org', 'Ada', 'owner', 'x', " + at + ")",
		`INSERT INTO videos (id, slug, owner_id, title, title_folded, visibility, state, size, created_at, updated_at)
			SELECT 'v' || i, 's' || i, 'a', 'Title ' || i, 'title ' || i, 'members', 'ready', i, ` + at + ", " + at + many,
	}
	if engine == database.PostgreSQL {
		people = []string{
			"INSERT INTO workspaces (id, name, created_at) VALUES ('w', 'Team', " + at + ")",
			"INSERT INTO accounts (id, email, name, password_hash, created_at, workspace_id) VALUES ('a', 'ada@example.org', 'Ada', 'x', " + at + ", 'w')",
			`INSERT INTO videos (id, slug, owner_id, title, title_folded, visibility, state, size, created_at, updated_at, workspace_id)
				SELECT 'v' || i, 's' || i, 'a', 'Title ' || i, 'title ' || i, 'workspace', 'ready', i, ` + at + ", " + at + ", 'w'" + many,
		}
	}
	for _, statement := range append(people,
		"INSERT INTO uploads (id, video_id, received, state, created_at, touched_at) SELECT 'u' || i, 'v' || i, i, 'finished', "+at+", "+at+many,
		"INSERT INTO parts (video_id, start, length, object_key) SELECT 'v' || i, 0, i, 'v/v' || i || '/src/0'"+many,
		"INSERT INTO spans (video_id, n, first_fragment, fragments, start_us, end_us, done) SELECT 'v' || i, 0, 0, 1, 0, i, TRUE"+many,
		`INSERT INTO tracks (video_id, name, span, kind, width, height, frame_rate, codecs, bandwidth, average_bandwidth, object_key, init_length, size, segments)
			SELECT 'v' || i, '144p', 0, 'video', 256, 144, 12, 'avc1', i, i, 'v/v' || i || '/ladder/0', 1, i, '[]'`+many,
		"INSERT INTO comments (id, video_id, author_id, at_us, body, created_at) SELECT 'c' || i, 'v' || i, 'a', i, 'Word ' || i, "+at+many,
	) {
		_, err := db.Writer.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	return address, rowsOf(t, db)
}

// rowsOf is what the rows of the first schema say.
func rowsOf(t *testing.T, db *database.DB) string {
	t.Helper()
	var all []string
	require.NoError(t, db.Reader.NewRaw(`
		SELECT id || ' ' || email || ' ' || password_hash || ' ' || created_at FROM accounts UNION ALL
		SELECT id || ' ' || slug || ' ' || owner_id || ' ' || title || ' ' || state || ' ' || size FROM videos UNION ALL
		SELECT id || ' ' || video_id || ' ' || received || ' ' || state FROM uploads UNION ALL
		SELECT video_id || ' ' || start || ' ' || length || ' ' || object_key FROM parts UNION ALL
		SELECT video_id || ' ' || n || ' ' || fragments || ' ' || end_us FROM spans UNION ALL
		SELECT video_id || ' ' || name || ' ' || object_key || ' ' || size || ' ' || segments FROM tracks UNION ALL
		SELECT id || ' ' || video_id || ' ' || author_id || ' ' || at_us || ' ' || body FROM comments`).Scan(t.Context(), &all))
	require.Len(t, all, 6001)
	slices.Sort(all)
	return strings.Join(all, "\n")
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
