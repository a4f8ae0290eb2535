// Package databasetest gives tests databases of their own, on both engines.
//
// A PostgreSQL server is started when the first test needs one, in a folder and
// on a socket of its own, and ends with the process however that ends. One that
// runs already is used instead when MEANWHILE_TEST_POSTGRES holds its address.
// With MEANWHILE_TEST_ENGINE tests run on that engine alone.
package databasetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// Engines lists what tests run on.
func Engines() []database.Engine {
	if only := os.Getenv("MEANWHILE_TEST_ENGINE"); only != "" {
		return []database.Engine{database.Engine(only)}
	}
	return []database.Engine{database.SQLite, database.PostgreSQL}
}

// Engine is what a test runs on that needs to run on one engine only.
func Engine() database.Engine { return Engines()[0] }

// Each runs a test on every engine, each with a fresh database.
func Each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, New(t, engine))
		})
	}
}

// EachEngine runs a test on every engine; it makes its databases itself.
func EachEngine(t *testing.T, test func(t *testing.T, engine database.Engine)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

// New opens a fresh database with the schema of the records and of the queue.
func New(t testing.TB, engine database.Engine) *database.DB {
	t.Helper()
	if engine == database.SQLite {
		address := URL(t, engine)
		require.NoError(t, os.WriteFile(strings.TrimPrefix(address, scheme), copied(t), 0o600))
		return Open(t, address)
	}
	return Open(t, create(t, " TEMPLATE "+filled(t)))
}

// Open opens a database until the test ends.
func Open(t testing.TB, address string) *database.DB {
	t.Helper()
	db := insist(t, address)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func insist(t testing.TB, address string) (db *database.DB) {
	t.Helper()
	require.NoError(t, Insist(func() (err error) {
		db, err = database.Open(t.Context(), address)
		return err
	}))
	return db
}

// URL is the address of a fresh database that holds nothing.
func URL(t testing.TB, engine database.Engine) string {
	t.Helper()
	if engine == database.SQLite {
		return scheme + filepath.Join(t.TempDir(), "m.db")
	}
	return create(t, "")
}

// scheme begins the address of a SQLite database.
const scheme = "sqlite:"

func migrate(t testing.TB, db *database.DB) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	require.NoError(t, db.Migrate(t.Context(), quiet))
	require.NoError(t, jobs.Migrate(t.Context(), db, quiet))
}

// create makes a database that is dropped when the test ends.
func create(t testing.TB, how string) string {
	t.Helper()
	name := "t_" + strings.ToLower(rand.Text())
	run(t, "CREATE DATABASE "+name+how)
	t.Cleanup(func() {
		vacate(t, name)
		run(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	})
	return named(t, name)
}

// vacate ends whoever is connected to a database, and waits for that: PostgreSQL itself
// waits for five seconds before it refuses to copy or to drop one, and a process of its
// may end much later than its connection.
func vacate(t testing.TB, name string) {
	t.Helper()
	run(t, "SELECT pg_terminate_backend(pid, 120000) FROM pg_stat_activity WHERE datname = '"+name+"' AND usename = current_user")
}

// named is the address of a database of the server.
func named(t testing.TB, name string) string {
	t.Helper()
	u, err := url.Parse(postgres(t))
	require.NoError(t, err)
	u.Path = "/" + name
	query := u.Query()
	query.Set("pool_max_conns", "10")  // many tests run at once
	query.Set("connect_timeout", "60") // on a machine that may stand still
	u.RawQuery = query.Encode()
	return u.String()
}

// run executes a statement in the server's own database.
func run(t testing.TB, statement string) {
	t.Helper()
	door, err := sql.Open("pgx", postgres(t)) // whose driver database registers
	require.NoError(t, err)
	defer func() { require.NoError(t, door.Close()) }()
	_, err = door.ExecContext(context.WithoutCancel(t.Context()), statement)
	require.NoError(t, err)
}

// migrated is what all databases of this process are copied from: one of the
// PostgreSQL server, and the bytes of one of SQLite.
var migrated struct { //nolint:gochecknoglobals // migrated once for all tests of a process
	server struct {
		once sync.Once
		name string
	}
	file struct {
		once  sync.Once
		bytes []byte
	}
}

// copied are the bytes of a migrated file that nobody has open.
func copied(t testing.TB) []byte {
	t.Helper()
	migrated.file.once.Do(func() {
		path := filepath.Join(t.TempDir(), "template.db")
		db, err := database.Open(t.Context(), scheme+path)
		require.NoError(t, err)
		migrate(t, db)
		require.NoError(t, db.Close())
		require.NoFileExists(t, path+"-wal", "all of it is in the file")
		migrated.file.bytes, err = os.ReadFile(path)
		require.NoError(t, err)
	})
	require.NotEmpty(t, migrated.file.bytes, "the template could not be made")
	return migrated.file.bytes
}

// filled is the name of a migrated database that nobody is connected to.
func filled(t testing.TB) string {
	t.Helper()
	migrated.server.once.Do(func() {
		name := "template_" + strings.ToLower(rand.Text())
		run(t, "CREATE DATABASE "+name)
		db := insist(t, named(t, name))
		migrate(t, db)
		require.NoError(t, db.Close())
		vacate(t, name)
		migrated.server.name = name
	})
	require.NotEmpty(t, migrated.server.name, "the template could not be made")
	return migrated.server.name
}

// Any opens a fresh database for a test that needs to run on one engine only.
func Any(t testing.TB) *database.DB {
	t.Helper()
	return New(t, Engine())
}
