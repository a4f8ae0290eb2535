package jobs_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// heard keeps what is said, until it is asked for it.
type heard struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said.Write(p)
}

func (h *heard) has(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.Contains(h.said.Bytes(), []byte(text))
}

// TestTheDatabaseFallsSilent (F13): the queue notices, whether it fetches jobs or
// waits to be told of some, and does them when the line is back.
func TestTheDatabaseFallsSilent(t *testing.T) {
	t.Parallel()
	line := databasetest.NewServer(t).NewLine(t)
	db := databasetest.Open(t, line.URL())
	t.Cleanup(func() { line.Mute(false) })
	require.NoError(t, db.Migrate(t.Context(), quiet()))
	require.NoError(t, jobs.Migrate(t.Context(), db, quiet()))
	var log heard
	done := make(chan string, 100)
	o := jobs.Options{DB: db, Log: slog.New(slog.NewTextHandler(&log, nil)), Slots: 1, Handlers: jobs.NewHandlers()}
	jobs.Handle(o.Handlers, func(_ context.Context, job jobs.Job[jobs.Span]) error { done <- job.Args.VideoID; return nil })
	jobs.Handle(o.Handlers, func(context.Context, jobs.Job[jobs.Housekeeping]) error { return nil })
	q, err := jobs.Open(o)
	require.NoError(t, err)
	require.NoError(t, q.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, q.Stop(context.WithoutCancel(t.Context()))) })
	insert(t, db, q, jobs.Span{VideoID: "before"}, nil)
	require.Equal(t, "before", receive(t, done, "nobody does it"))
	line.Mute(true)
	for _, said := range []string{"Error running listener", "Error fetching jobs"} {
		require.Eventually(t, func() bool { return log.has(said) }, testTime, tick, said)
	}
	line.Mute(false)
	require.Eventually(t, func() bool {
		return db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return q.Insert(ctx, tx, jobs.Span{VideoID: "after"}, jobs.Live)
		}) == nil
	}, testTime, tick)
	for receive(t, done, "nobody does it") != "after" { // the end of the first may have had to wait, and it is done again
	}
}
