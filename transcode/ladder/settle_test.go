package ladder

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/transcode/source"
)

// TestAStoreThatIsAwayCostsAJobNothing: F11 and F13, a job that was tried often waits
// all the same for S3 and for PostgreSQL, and no video fails; also where nobody knows
// whether what was made is kept.
func TestAStoreThatIsAwayCostsAJobNothing(t *testing.T) {
	t.Parallel()
	j := &Jobs{Log: slog.New(slog.DiscardHandler)}
	last := jobs.Job[jobs.Span]{Last: true, Since: time.Now()}
	for _, away := range []error{objects.ErrUnavailable, record.ErrUnavailable, database.ErrUncertain} {
		err := settle(t.Context(), j, last, "video", func() error { return fmt.Errorf("read: %w", away) })
		require.Equal(t, jobs.Later(10*time.Second), err)
	}
}

// TestWhatRecordsMayNameStays: F13, a commit whose answer was lost may have
// happened, and then the video plays these objects.
func TestWhatRecordsMayNameStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := objects.OpenFolder(filepath.Join(dir, "objects"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	desk, err := source.NewDesk(store, filepath.Join(dir, "scratch"), 0)
	require.NoError(t, err)
	made := filepath.Join(dir, "made.mp4")
	require.NoError(t, os.WriteFile(made, []byte("media"), 0o600))
	j := &Jobs{Desk: desk, Log: slog.New(slog.DiscardHandler)}
	keep := func(name string, outcome error) error {
		tracks := []catalog.Track{{ObjectKey: "v/x/ladder/" + name + "/0.mp4"}}
		require.ErrorIs(t, j.keep(t.Context(), "v/x/ladder/"+name+"/", []Output{{Path: made}}, tracks, func() error { return outcome }), outcome)
		_, err := store.Size(t.Context(), tracks[0].ObjectKey)
		return err
	}
	require.NoError(t, keep("unsure", fmt.Errorf("%w: unexpected EOF", database.ErrUncertain)))
	require.ErrorIs(t, keep("refused", catalog.ErrAlreadyDone), objects.ErrNotFound)
}
