package clocks_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
)

// machine is one with a clock of its own.
type machine struct{ time time.Time }

func (m *machine) now() time.Time { return m.time }

func TestAClockFollowsTheOther(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	here := &machine{time.Unix(1_000_000, 0)}
	c := clocks.OfDatabase(here.now, slog.New(slog.NewTextHandler(&log, nil)))
	require.False(t, c.Known())
	require.Equal(t, here.time, c.Now(), "until it was heard")

	hear := func(took, ahead time.Duration) {
		asked := c.Here()
		here.time = here.time.Add(took)
		c.Heard(t.Context(), asked, asked.Add(took/2+ahead))
	}
	hear(0, 90*time.Millisecond)
	require.True(t, c.Known())
	require.Equal(t, here.time, c.Now(), "that does no harm")
	hear(20*time.Millisecond, 10*time.Minute)
	require.Equal(t, here.time.Add(10*time.Minute), c.Now())
	require.Contains(t, log.String(), "database_ahead=10m0s")
	hear(time.Minute, 9*time.Minute+10*time.Second)
	require.Equal(t, here.time.Add(10*time.Minute), c.Now(), "an answer that took long says little")
	hear(time.Second, -time.Hour)
	require.Equal(t, here.time.Add(-time.Hour), c.Now())
	require.Equal(t, here.time, c.Back(c.There(here.time)))
	hear(0, 0)
	require.Equal(t, here.time, c.Now(), "somebody has set it right")
}

// TestAClockOfFullSeconds does not step for what its answers do not say.
func TestAClockOfFullSeconds(t *testing.T) {
	t.Parallel()
	here := &machine{time.Unix(1_000_000, 900_000_000)}
	c := clocks.OfHTTP(here.now)
	c.Heard(t.Context(), c.Here(), here.time.Truncate(time.Second))
	require.Equal(t, here.time, c.Now())
	c.Heard(t.Context(), c.Here(), here.time.Add(-45*time.Second).Truncate(time.Second))
	require.WithinDuration(t, here.time.Add(-45*time.Second), c.Now(), time.Second)
}
