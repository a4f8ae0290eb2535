package database

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// PoolUse is how the connections of a pool are used.
type PoolUse struct {
	InUse, Idle int
	// Max is how many there may be; 0 is no bound.
	Max int
	// Waits is how often a connection was waited for, Waited how long altogether.
	Waits  int64
	Waited time.Duration
}

// Pools tells how the connections are used, by pool.
func (db *DB) Pools() map[string]PoolUse {
	use := func(s sql.DBStats) PoolUse {
		return PoolUse{InUse: s.InUse, Idle: s.Idle, Max: s.MaxOpenConnections, Waits: s.WaitCount, Waited: s.WaitDuration}
	}
	if db.server == nil {
		return map[string]PoolUse{"writer": use(db.Writer.Stats()), "reader": use(db.Reader.Stats())}
	}
	pools := map[string]PoolUse{}
	for name, pool := range map[string]*pgxpool.Pool{"writer": db.server.writing, "reader": db.server.reading, "queue": db.server.queue} {
		s := pool.Stat()
		pools[name] = PoolUse{
			InUse: int(s.AcquiredConns()), Idle: int(s.IdleConns()), Max: int(s.MaxConns()), Waits: s.EmptyAcquireCount(), Waited: s.EmptyAcquireWaitTime(),
		}
	}
	return pools
}

// Kind is the engine's name and version, and Size what it holds on its disk.
func (db *DB) Kind(ctx context.Context) (name string, size int64, err error) {
	query := "SELECT 'SQLite ' || sqlite_version(), page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	if db.engine == PostgreSQL {
		query = "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1), pg_database_size(current_database())"
	}
	err = db.Reader.NewRaw(query).Scan(ctx, &name, &size)
	return name, size, err
}
