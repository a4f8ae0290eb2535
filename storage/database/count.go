package database

import (
	"context"
	"sync/atomic"

	"github.com/uptrace/bun"
)

// counter counts queries, to show that what is asked for most costs none. It
// sees what they fail of, too.
type counter struct{ n atomic.Int64 }

// BeforeQuery implements bun.QueryHook.
func (c *counter) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	c.n.Add(1)
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (c *counter) AfterQuery(ctx context.Context, event *bun.QueryEvent) {
	noteObstacle(ctx, event.Err)
}

// Queries is how many queries the records have made since the database was
// opened. The queue's own are not among them.
func (db *DB) Queries() int64 { return db.queries.n.Load() }
