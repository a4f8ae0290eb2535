package still

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// TestWhatPassesCostsAJobNothing: F11 and F13, a store or a database that is away
// leaves no video without pictures; what is broken, or away for hours, does.
func TestWhatPassesCostsAJobNothing(t *testing.T) {
	t.Parallel()
	j := &Jobs{Log: slog.New(slog.DiscardHandler)}
	last := jobs.Job[jobs.Stills]{Last: true, Since: time.Now()}
	for _, away := range []error{objects.ErrUnavailable, record.ErrUnavailable, database.ErrUncertain} {
		require.Equal(t, jobs.Later(10*time.Second), j.settle(t.Context(), last, fmt.Errorf("read: %w", away)))
	}
	require.Equal(t, jobs.Permanent(io.ErrUnexpectedEOF), j.settle(t.Context(), last, io.ErrUnexpectedEOF))
	last.Since = time.Now().Add(-patience)
	require.Equal(t, jobs.Permanent(record.ErrUnavailable), j.settle(t.Context(), last, record.ErrUnavailable))
}
