package database_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
)

// table is what both engines must agree on: lines that say it, in any order.
type table []string

// ours chooses the tables of the records; goose and River keep theirs.
func ours(name string) string {
	return name + " NOT LIKE 'river%' AND " + name + " NOT LIKE 'goose%' AND " + name + " NOT LIKE 'sqlite%'"
}

func TestBothEnginesHaveOneSchema(t *testing.T) {
	t.Parallel()
	lite := liteSchema(t, databasetest.New(t, database.SQLite))
	post := postSchema(t, databasetest.New(t, database.PostgreSQL))
	names := func(of map[string]table) (all []string) {
		for name := range of {
			all = append(all, name)
		}
		slices.Sort(all)
		return all
	}
	require.Greater(t, len(lite), 20)
	require.Equal(t, names(lite), names(post))
	for name := range lite {
		slices.Sort(lite[name])
		slices.Sort(post[name])
		require.Equal(t, lite[name], post[name], name)
	}
}

// family is what a type holds, whatever an engine calls it.
func family(name string) string {
	switch strings.ToLower(name) {
	case "integer", "bigint", "smallint":
		return "number"
	case "real", "double precision":
		return "float"
	case "blob", "bytea":
		return "bytes"
	case "timestamp", "timestamp with time zone":
		return "time"
	}
	return strings.ToLower(name)
}

// plain drops what the engines write differently: casts, brackets, spaces, case.
func plain(expression string) string {
	expression = regexp.MustCompile(`::[a-z ]+`).ReplaceAllString(strings.ToLower(expression), "")
	if strings.HasPrefix(expression, "nextval(") {
		return ""
	}
	return regexp.MustCompile(`[\s()"]+`).ReplaceAllString(expression, "")
}

func column(name, kind, initial string, required bool) string {
	return fmt.Sprintf("column %s %s required=%t default=%s", name, family(kind), required, plain(initial))
}

func index(unique bool, columns []string, where string) string {
	return fmt.Sprintf("index unique=%t %s where=%s", unique, strings.Join(columns, ","), plain(where))
}

func reference(column, table, target, gone string) string {
	return fmt.Sprintf("reference %s to %s.%s, gone: %s", column, table, target, strings.ToLower(gone))
}

func liteSchema(t *testing.T, db *database.DB) map[string]table {
	t.Helper()
	var names []string
	require.NoError(t, db.Reader.NewRaw("SELECT name FROM sqlite_master WHERE type = 'table' AND "+ours("name")).Scan(t.Context(), &names))
	schema := map[string]table{}
	for _, name := range names {
		var columns []struct {
			Name, Type, Initial string
			Required            bool
			PK                  int
		}
		require.NoError(t, db.Reader.NewRaw(`SELECT name, type, coalesce(dflt_value, '') AS initial, "notnull" OR pk > 0 AS required, pk FROM pragma_table_info(?)`, name).Scan(t.Context(), &columns))
		var keys []string
		for _, c := range columns {
			schema[name] = append(schema[name], column(c.Name, c.Type, c.Initial, c.Required))
			if c.PK > 0 {
				keys = append(keys, fmt.Sprintf("%d %s", c.PK, c.Name))
			}
		}
		slices.Sort(keys)
		schema[name] = append(schema[name], "key "+strings.Join(keys, ","))
		schema[name] = append(schema[name], liteIndexes(t, db, name)...)
		var references []struct{ Column, Other, Target, Gone string }
		require.NoError(t, db.Reader.NewRaw(`SELECT "from" AS "column", "table" AS other, "to" AS target, on_delete AS gone FROM pragma_foreign_key_list(?)`, name).Scan(t.Context(), &references))
		for _, r := range references {
			schema[name] = append(schema[name], reference(r.Column, r.Other, r.Target, r.Gone))
		}
	}
	return schema
}

func liteIndexes(t *testing.T, db *database.DB, name string) (lines []string) {
	t.Helper()
	var indexes []struct {
		Name, SQL string
		Only      bool
	}
	require.NoError(t, db.Reader.NewRaw(`SELECT list.name, list."unique" AS only, coalesce(master.sql, '') AS sql FROM pragma_index_list(?) AS list
		LEFT JOIN sqlite_master AS master ON master.name = list.name WHERE list.origin <> 'pk'`, name).Scan(t.Context(), &indexes))
	for _, i := range indexes {
		var columns []string
		require.NoError(t, db.Reader.NewRaw(`SELECT name || CASE WHEN "desc" THEN ' desc' ELSE '' END FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno`, i.Name).Scan(t.Context(), &columns))
		_, where, _ := strings.Cut(i.SQL, " WHERE ")
		lines = append(lines, index(i.Only, columns, where))
	}
	return lines
}

func postSchema(t *testing.T, db *database.DB) map[string]table {
	t.Helper()
	schema := map[string]table{}
	var columns []struct {
		Owner, Name, Type, Initial string
		Required                   bool
	}
	require.NoError(t, db.Reader.NewRaw(`SELECT table_name AS owner, column_name AS name, data_type AS type, coalesce(column_default, '') AS initial, is_nullable = 'NO' AS required
		FROM information_schema.columns WHERE table_schema = 'public' AND `+ours("table_name")).Scan(t.Context(), &columns))
	for _, c := range columns {
		schema[c.Owner] = append(schema[c.Owner], column(c.Name, c.Type, c.Initial, c.Required))
	}
	var indexes []struct {
		Owner, Columns, Condition string
		Only, PK                  bool
	}
	require.NoError(t, db.Reader.NewRaw(`SELECT c.relname AS owner, i.indisunique AS only, i.indisprimary AS pk, coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS condition,
			(SELECT string_agg(pg_get_indexdef(i.indexrelid, n, FALSE) || CASE WHEN i.indoption[n - 1] & 1 = 1 THEN ' desc' ELSE '' END, ',' ORDER BY n)
				FROM generate_series(1, i.indnkeyatts) AS n) AS columns
		FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace AND `+ours("c.relname")).Scan(t.Context(), &indexes))
	for _, i := range indexes {
		line := index(i.Only, strings.Split(strings.ReplaceAll(i.Columns, `"`, ""), ","), i.Condition)
		if i.PK {
			var keys []string
			for n, name := range strings.Split(i.Columns, ",") {
				keys = append(keys, fmt.Sprintf("%d %s", n+1, strings.Trim(name, `"`)))
			}
			line = "key " + strings.Join(keys, ",")
		}
		schema[i.Owner] = append(schema[i.Owner], line)
	}
	var references []struct{ Owner, Column, Other, Target, Gone string }
	require.NoError(t, db.Reader.NewRaw(`SELECT c.conrelid::regclass::text AS owner, a.attname AS column, c.confrelid::regclass::text AS other, b.attname AS target,
			CASE c.confdeltype WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'no action' END AS gone
		FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
		JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
		WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND `+ours("c.conrelid::regclass::text")).Scan(t.Context(), &references))
	for _, r := range references {
		schema[r.Owner] = append(schema[r.Owner], reference(r.Column, r.Other, r.Target, r.Gone))
	}
	return schema
}

// TestMigrationsSayWhoMayRunOnThem: servers of different releases run side by side
// while they are replaced one by one.
func TestMigrationsSayWhoMayRunOnThem(t *testing.T) {
	t.Parallel()
	said := map[string]string{}
	for _, engine := range []string{"sqlite", "postgres"} {
		files, err := filepath.Glob(filepath.Join("migrations", engine, "*.sql"))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			name, line := filepath.Base(file), regexp.MustCompile(`(?m)^-- compatible with: \d+$`).FindString(string(text))
			if name > "00003_limits.sql" {
				require.NotEmpty(t, line, "%s says nothing", file)
			}
			if other, both := said[name]; both {
				require.Equal(t, other, line, name)
				delete(said, name)
			} else {
				said[name] = line
			}
		}
	}
	require.Empty(t, said, "each migration exists for both engines")
}
