package jobs_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// TestAPoisonJob is F7: a job that always fails, and says so in bytes that no
// database takes, is tried three times with pauses and parked with its reason in
// clean text; the one slot is free for others meanwhile. It can be set going again.
func TestAPoisonJob(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		furnish(t, db, "poison", "good")
		ended, fail := make(chan spanJob, 20), make(chan struct{})
		var heal atomic.Bool
		q := crew(t, db, usual, func(_ context.Context, job spanJob) error {
			ended <- job
			if job.Args.VideoID == "good" || heal.Load() {
				return nil
			}
			<-fail
			return errors.New("broken \x00 beyond \xff\xfe repair\x1b[31m")
		})
		putIn(t, db, q, load{"poison", 1, jobs.Live})
		require.Equal(t, "poison", receive(t, ended, "nobody works").Args.VideoID)
		putIn(t, db, q, load{"good", 5, jobs.Live})
		close(fail) // now that the others wait, however long it took to put them in
		for range 5 {
			require.Equal(t, "good", receive(t, ended, "nobody works").Args.VideoID, "it stands in nobody's way")
		}
		for attempt := 2; attempt <= 3; attempt++ {
			job := receive(t, ended, "no other attempt")
			require.Equal(t, attempt, job.Attempt)
			require.Equal(t, attempt == 3, job.Last)
		}
		var all []jobs.Failure
		require.Eventually(t, func() bool {
			var err error
			all, err = q.Failures(t.Context(), jobs.FailureQuery{WorkspaceID: "poison", VideoID: "poison", Limit: 5})
			return err == nil && len(all) == 1
		}, testTime, tick)
		f := all[0]
		require.Equal(t, "broken  beyond \uFFFD repair[31m", f.Reason)
		require.Equal(t, jobs.Failure{ID: f.ID, Kind: "span", VideoID: "poison", WorkspaceID: "poison", Attempt: 3, Reason: f.Reason, At: f.At}, f)
		require.WithinDuration(t, time.Now(), f.At, time.Minute)
		for _, none := range []jobs.FailureQuery{{WorkspaceID: "good"}, {VideoID: "good"}, {Before: f.ID}} {
			found, err := q.Failures(t.Context(), none)
			require.NoError(t, err)
			require.Empty(t, found)
		}
		heal.Store(true)
		require.NoError(t, q.Retry(t.Context(), f.ID))
		require.Equal(t, 1, receive(t, ended, "it was not set going").Attempt)
		require.Eventually(t, func() bool { return rows(t, db)[0].State == "completed" }, testTime, tick)
		found, err := q.Failures(t.Context(), jobs.FailureQuery{})
		require.NoError(t, err)
		require.Empty(t, found)
		require.True(t, database.IsNotFound(q.Retry(t.Context(), f.ID)), "it is done")
		stop(t, q)
	})
}

// TestAFailureThatWasPutInAgain is not listed, and is not set going twice.
func TestAFailureThatWasPutInAgain(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		q := crew(t, db, usual, func(context.Context, spanJob) error { return jobs.Permanent(errors.New("not a video")) })
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		var all []jobs.Failure
		require.Eventually(t, func() bool {
			var err error
			all, err = q.Failures(t.Context(), jobs.FailureQuery{})
			return err == nil && len(all) == 1
		}, testTime, tick)
		require.Equal(t, "not a video", all[0].Reason)
		require.Equal(t, "v", all[0].VideoID)
		require.Empty(t, all[0].WorkspaceID, "the video is gone")
		stop(t, q)
		insert(t, db, q, jobs.Span{VideoID: "v"}, nil)
		found, err := q.Failures(t.Context(), jobs.FailureQuery{})
		require.NoError(t, err)
		require.Empty(t, found)
		require.NoError(t, q.Retry(t.Context(), all[0].ID))
		require.Equal(t, "cancelled", rows(t, db)[0].State)
		depths, err := q.Depths(t.Context())
		require.NoError(t, err)
		depths = slices.DeleteFunc(depths, func(d jobs.Depth) bool { return d.Queue != "media" }) // the house may have come up meanwhile
		require.Len(t, depths, 1)
		require.WithinDuration(t, time.Now(), depths[0].OldestAt, time.Minute)
		require.Equal(t, jobs.Depth{Queue: "media", Priority: jobs.Live, State: "available", N: 1, OldestAt: depths[0].OldestAt}, depths[0])
	})
}
