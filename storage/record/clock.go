package record

import (
	"context"
	"fmt"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// Servers over one database go by its clock: what one writes, another judges – when
// a session ends, whether an upload is silent, whom a limit lets through. A server
// measures how far its own clock is from it, and makes up for that.

const (
	// clockEvery is how often the clocks are compared.
	clockEvery = time.Minute
	// clockSlack is what two clocks may differ by without any harm; time does not
	// step for less.
	clockSlack = 100 * time.Millisecond
	// clockWorry is what whoever runs the server should know of.
	clockWorry = 5 * time.Second
)

// Now is the time as records hold it: UTC, in whole microseconds, by the clock of
// the database where several servers share one.
func (s *Store) Now() time.Time {
	return s.clock().Add(time.Duration(s.ahead.Load())).UTC().Truncate(time.Microsecond)
}

// SyncClock compares this machine's clock with the database's. A server does it
// before it listens; Relay goes on with it.
func (s *Store) SyncClock(ctx context.Context) error {
	if s.DB.Engine() == database.SQLite {
		return nil
	}
	var theirs int64
	asked := time.Now()
	before := s.clock()
	if err := s.DB.Reader.NewRaw("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(ctx, &theirs); err != nil {
		return fmt.Errorf("record: clock: %w", err)
	}
	took := time.Since(asked)
	ahead := time.UnixMicro(theirs).Sub(before.Add(took / 2))
	was := time.Duration(s.ahead.Load())
	if (ahead - was).Abs() <= max(clockSlack, took) {
		return nil
	}
	s.ahead.Store(int64(ahead))
	if ahead.Abs() >= clockWorry {
		s.Log.WarnContext(ctx, "this machine's clock is not the database's, which counts; set it by NTP", "database_ahead", ahead.Round(time.Millisecond).String())
	}
	return nil
}
