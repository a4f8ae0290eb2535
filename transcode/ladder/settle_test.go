package ladder

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// TestAStoreThatIsAwayCostsAJobNothing: F11, a job that was tried often waits all
// the same, and no video fails.
func TestAStoreThatIsAwayCostsAJobNothing(t *testing.T) {
	t.Parallel()
	j := &Jobs{Log: slog.New(slog.DiscardHandler)}
	last := jobs.Job[jobs.Span]{Last: true, Since: time.Now()}
	err := settle(t.Context(), j, last, "video", func() error { return fmt.Errorf("read: %w", objects.ErrUnavailable) })
	require.Equal(t, jobs.Later(10*time.Second), err)
}
