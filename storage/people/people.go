// Package people holds the records of who there is: accounts and how they sign
// in, workspaces and who belongs to them.
package people

import (
	"context"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// People is the door to the records of people. Its methods may be called at
// the same time.
type People struct{ *record.Store }

// New makes a door over a store.
func New(store *record.Store) *People { return &People{Store: store} }

// change is a transaction with what the records of people do within one.
type change struct{ record.Change }

func (c *People) write(ctx context.Context, do func(ctx context.Context, tx change) error) error {
	return c.Write(ctx, func(ctx context.Context, tx record.Change) error { return do(ctx, change{tx}) })
}

// beside is write for what happens often, and is about one row or only adds some.
func (c *People) beside(ctx context.Context, do func(ctx context.Context, tx change) error) error {
	return c.WriteBeside(ctx, func(ctx context.Context, tx record.Change) error { return do(ctx, change{tx}) })
}
