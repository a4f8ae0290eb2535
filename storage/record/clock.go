package record

import (
	"context"
	"fmt"
	"time"
)

// Servers over one database go by its clock: what one writes, another judges – when
// a session ends, whether an upload is silent, whom a limit lets through. A server
// measures how far its own clock is from it, and makes up for that.

// clockEvery is how often the clocks are compared. A process that does jobs compares
// them with each of its beats, too.
const clockEvery = time.Minute

// Now is the time as records hold it: UTC, in whole microseconds, by the clock of
// the database where several servers share one.
func (s *Store) Now() time.Time { return s.clock.Now().UTC().Truncate(time.Microsecond) }

// SyncClock compares this machine's clock with the database's. A server does it
// before it listens; Relay goes on with it.
func (s *Store) SyncClock(ctx context.Context) error {
	if s.embedded() {
		return nil
	}
	var theirs int64
	asked := s.clock.Here()
	if err := s.DB.Reader.NewRaw("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(ctx, &theirs); err != nil {
		return fmt.Errorf("record: clock: %w", err)
	}
	s.clock.Heard(ctx, asked, time.UnixMicro(theirs))
	return nil
}
