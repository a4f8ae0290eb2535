package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

var letter = jobs.Mail{Template: "invitation", To: "ada@example.org", Ref: "i"}

func letters(t *testing.T, db *database.DB) []row {
	t.Helper()
	var found []row
	require.NoError(t, db.Reader.NewRaw("SELECT state, attempt FROM river_job WHERE kind = 'mail' AND queue = 'mail' ORDER BY id").Scan(t.Context(), &found))
	return found
}

func TestWithoutAMailServerNoLetterWaits(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		insert(t, db, newQueue(t, db, nil), letter, nil)
		require.Empty(t, letters(t, db))
	})
}

// TestLettersAreSentWithoutSlots: mail goes out from a server that converts
// nothing, and a letter that fails is tried for a day.
func TestLettersAreSentWithoutSlots(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		seen, began := make(chan jobs.Job[jobs.Mail], 10), make(chan time.Time, 10)
		handlers := jobs.NewHandlers()
		jobs.Handle(handlers, func(context.Context, jobs.Job[jobs.Housekeeping]) error { return nil })
		jobs.Handle(handlers, func(_ context.Context, job jobs.Job[jobs.Mail]) error {
			began <- time.Now()
			seen <- job
			return errors.New("try again")
		})
		q, err := jobs.Open(jobs.Options{DB: db, Log: quiet(), Handlers: handlers, Mail: true})
		require.NoError(t, err)
		insert(t, db, q, letter, nil)
		insert(t, db, q, letter, nil)
		require.Len(t, letters(t, db), 1, "one that waits already is not added again")
		require.NoError(t, q.Start(t.Context()))
		var first, second jobs.Job[jobs.Mail]
		for _, job := range []*jobs.Job[jobs.Mail]{&first, &second} {
			select {
			case *job = <-seen:
			case <-time.After(testTime):
				t.Fatal("nobody sends it")
			}
		}
		require.Equal(t, letter, first.Args)
		require.Positive(t, first.ID)
		require.Equal(t, first.ID, second.ID)
		require.Equal(t, 2, second.Attempt)
		receive(t, began, "the first")
		failed := receive(t, began, "the second")
		require.Eventually(t, func() bool { return letters(t, db)[0].State == "retryable" }, testTime, tick)
		noted := time.Now()
		require.NoError(t, q.Stop(t.Context()))
		var wait struct {
			ScheduledAt time.Time
			MaxAttempts int
		}
		require.NoError(t, db.Reader.NewRaw("SELECT scheduled_at, max_attempts FROM river_job WHERE kind = 'mail'").Scan(t.Context(), &wait))
		require.WithinRange(t, wait.ScheduledAt, failed.Add(15*time.Second), noted.Add(17*time.Second), "sixteen seconds after it failed")
		require.Equal(t, 14, wait.MaxAttempts)
	})
}
