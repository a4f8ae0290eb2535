package record

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
)

// What a change writes and does not read again waits for its end. PostgreSQL then
// gets it as one statement, for what a statement costs there is mostly that it is
// one. The embedded database, where that costs next to nothing, gets one after
// another.

// end is what is left to write at the end of a change.
type end struct {
	later []bun.Query
	last  []wish
}

// wish is a query that should find something to change.
type wish struct {
	query bun.Query
	none  error
}

// Later writes something when all else of the transaction is done. Such queries do
// not see what the others do, and no two of them may change the same row.
func (t Change) Later(all ...bun.Query) { t.left.later = append(t.left.later, all...) }

// AtLast is Later for a row that many want: it comes after everything, so that the
// row is locked for as short as can be. Two of them may change the same row. If it
// changes none, the change fails with an error, unless that is nil.
func (t Change) AtLast(query bun.Query, none error) {
	t.left.last = append(t.left.last, wish{query, none})
}

// finish writes what is left.
func (t Change) finish(ctx context.Context, told []bun.Query) error {
	all := slices.Concat(t.left.later, told)
	if len(t.left.last) == 0 {
		return t.Together(ctx, all...)
	}
	for i, w := range t.left.last {
		if i > 0 {
			all = nil
		}
		changed, err := t.together(ctx, append(all, w.query))
		if err != nil {
			return err
		}
		if changed == 0 && w.none != nil {
			return w.none
		}
	}
	return nil
}

// Together writes what Later would, now.
func (t Change) Together(ctx context.Context, all ...bun.Query) error {
	if len(all) == 0 {
		return nil
	}
	_, err := t.together(ctx, all)
	return err
}

// together returns how many rows the last one changed.
func (t Change) together(ctx context.Context, all []bun.Query) (int64, error) {
	if t.store.embedded() {
		for _, query := range all[:len(all)-1] {
			if _, err := t.NewRaw("?", query).Exec(ctx); err != nil {
				return 0, err
			}
		}
		all = all[len(all)-1:]
	}
	args, with := make([]any, len(all)), make([]string, len(all)-1)
	for i, query := range all {
		args[i] = query
	}
	for i := range with {
		with[i] = "w" + strconv.Itoa(i) + " AS (?)"
	}
	text := "?"
	if len(with) > 0 {
		text = "WITH " + strings.Join(with, ", ") + " ?"
	}
	result, err := t.NewRaw(text, args...).Exec(ctx)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
