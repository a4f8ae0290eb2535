package transfer

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"
)

// behind says that a table stays behind: what only its process or its queue
// knows, and the schema's own.
func behind(table string) bool {
	return slices.Contains([]string{"goose_db_version", "workers", "turns", "events", "schema_floor"}, table) || strings.HasPrefix(table, "river_")
}

// table is what is copied as one.
type table struct {
	name    string
	columns []column
}

type column struct{ name, kind string }

func (t table) names() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

func (t table) query() string {
	return `SELECT "` + strings.Join(t.names(), `", "`) + `" FROM "` + t.name + `"`
}

// tables lists what is copied, each behind those that it refers to.
func (r Records) tables(ctx context.Context) ([]table, error) {
	var rows []struct{ TableName, ColumnName, DataType string }
	err := r.To.Reader.NewRaw(`SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
		JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
		WHERE c.table_schema = current_schema() AND c.is_generated = 'NEVER' ORDER BY c.table_name, c.ordinal_position`).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read the new schema: %w", err)
	}
	var all []table
	for _, row := range rows {
		if behind(row.TableName) {
			continue
		}
		if len(all) == 0 || all[len(all)-1].name != row.TableName {
			all = append(all, table{name: row.TableName})
		}
		last := &all[len(all)-1]
		last.columns = append(last.columns, column{row.ColumnName, row.DataType})
	}
	refers, err := r.references(ctx)
	if err != nil {
		return nil, err
	}
	return inOrder(all, refers)
}

// references tells which tables a table refers to.
func (r Records) references(ctx context.Context) (map[string][]string, error) {
	var rows []struct{ Child, Parent string }
	err := r.To.Reader.NewRaw(`SELECT child.relname AS child, parent.relname AS parent FROM pg_constraint
		JOIN pg_class child ON child.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid
		WHERE contype = 'f' AND connamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())`).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read the new schema: %w", err)
	}
	refers := map[string][]string{}
	for _, row := range rows {
		if row.Child != row.Parent && !behind(row.Parent) {
			refers[row.Child] = append(refers[row.Child], row.Parent)
		}
	}
	return refers, nil
}

func inOrder(all []table, refers map[string][]string) ([]table, error) {
	ordered, placed := make([]table, 0, len(all)), map[string]bool{}
	for len(ordered) < len(all) {
		before := len(ordered)
		for _, t := range all {
			if placed[t.name] || slices.ContainsFunc(refers[t.name], func(parent string) bool { return !placed[parent] }) {
				continue
			}
			ordered, placed[t.name] = append(ordered, t), true
		}
		if len(ordered) == before {
			return nil, errors.New("the schema's tables refer to each other in a circle")
		}
	}
	return ordered, nil
}

// table copies one table, reads it back and compares the sums of both.
func (r Records) table(ctx context.Context, tx bun.Tx, t table, moved *Moved) error {
	rows, err := r.From.Reader.QueryContext(ctx, t.query())
	if err != nil {
		return err
	}
	defer rows.Close()
	var written sum
	n, err := r.To.Fill(ctx, tx, t.name, t.names(), func() ([]any, error) {
		values, mended, err := t.next(rows)
		moved.Mended += mended
		if values != nil {
			written.add(values)
		}
		return values, err
	})
	if err := errors.Join(err, rows.Err()); err != nil {
		return err
	}
	back, err := t.sum(ctx, tx)
	if err != nil {
		return err
	}
	if back != written || written.rows != uint64(n) {
		return fmt.Errorf("%w (%d rows written, %d read)", ErrDiffers, written.rows, back.rows)
	}
	moved.Tables, moved.Rows = moved.Tables+1, moved.Rows+n
	r.Log.Debug("copied", "table", t.name, "rows", n)
	return nil
}

// sum reads a table whole.
func (t table) sum(ctx context.Context, tx bun.Tx) (sum, error) {
	rows, err := tx.QueryContext(ctx, t.query())
	if err != nil {
		return sum{}, err
	}
	defer rows.Close()
	var s sum
	for {
		values, _, err := t.next(rows)
		if values == nil || err != nil {
			return s, err
		}
		s.add(values)
	}
}

// next reads a row as its columns' types in PostgreSQL say; nil is the end.
func (t table) next(rows *sql.Rows) (values []any, mended int64, err error) {
	if !rows.Next() {
		return nil, 0, rows.Err()
	}
	values = make([]any, len(t.columns))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, 0, err
	}
	for i, c := range t.columns {
		value, changed, err := c.value(values[i])
		if err != nil {
			return nil, 0, fmt.Errorf("column %s: %w", c.name, err)
		}
		values[i] = value
		if changed {
			mended++
		}
	}
	return values, mended, nil
}

// value is what both engines agree on.
func (c column) value(v any) (value any, mended bool, err error) {
	if v == nil {
		return nil, false, nil
	}
	switch c.kind {
	case "text":
		text, ok := asText(v)
		if clean := tidy(text); ok {
			return clean, clean != text, nil
		}
	case "bytea":
		if text, ok := asText(v); ok {
			return []byte(text), false, nil
		}
	case "bigint", "integer":
		if n, ok := v.(int64); ok {
			return n, false, nil
		}
	case "boolean":
		switch b := v.(type) {
		case bool:
			return b, false, nil
		case int64:
			return b != 0, false, nil
		}
	case "double precision":
		switch f := v.(type) {
		case float64:
			return f, false, nil
		case int64:
			return float64(f), false, nil
		}
	case "timestamp with time zone":
		if at, ok := v.(time.Time); ok {
			return at.UTC().Truncate(time.Microsecond), false, nil
		}
	}
	return nil, false, fmt.Errorf("a value of type %T is no %s", v, c.kind)
}

func asText(v any) (string, bool) {
	switch text := v.(type) {
	case string:
		return text, true
	case []byte:
		return string(text), true
	}
	return "", false
}

// tidy replaces what PostgreSQL keeps in no text.
func tidy(text string) string {
	if !strings.ContainsRune(text, 0) && utf8.ValidString(text) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// sum is the same for the same rows in any order: the sum of their hashes.
type sum struct {
	rows  uint64
	parts [sha256.Size / 8]uint64
}

func (s *sum) add(values []any) {
	h := sha256.New()
	for _, v := range values {
		_, _ = h.Write(plain(v)) // never fails
	}
	digest := h.Sum(nil)
	for i := range s.parts {
		s.parts[i] += binary.BigEndian.Uint64(digest[8*i:])
	}
	s.rows++
}

// plain writes a value so that no two are written alike: its type, its length
// and its bytes.
func plain(v any) []byte {
	var kind byte
	var raw []byte
	switch v := v.(type) {
	case nil:
	case string:
		kind, raw = 's', []byte(v)
	case []byte:
		kind, raw = 'x', v
	case bool:
		kind, raw = 'b', []byte{0}
		if v {
			raw[0] = 1
		}
	case int64:
		kind, raw = 'i', binary.BigEndian.AppendUint64(nil, uint64(v))
	case float64:
		kind, raw = 'f', binary.BigEndian.AppendUint64(nil, math.Float64bits(v))
	case time.Time:
		kind, raw = 't', binary.BigEndian.AppendUint64(nil, uint64(v.UnixMicro()))
	}
	return append(binary.BigEndian.AppendUint64([]byte{kind}, uint64(len(raw))), raw...)
}
