package scale

import (
	"context"
	crypto "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/meanwhile-app/meanwhile/bench/figure"
	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// queueSlots is how many of the jobs, which do nothing, run at once.
const queueSlots = 8

// queues measures, on both engines, how soon a job is taken up by a queue that
// waits, and how many jobs a second one process gets done.
func queues(ctx context.Context, l Lab, stores *cluster.Stores) ([]figure.Figure, error) {
	name := "bench-" + strings.ToLower(crypto.Text())
	if err := stores.Postgres.Create(ctx, name, ""); err != nil {
		return nil, err
	}
	var found []figure.Figure
	for _, address := range []string{"sqlite:" + filepath.Join(l.Folder, name, "queue.db"), stores.Postgres.URL(stores.Postgres.Addr(), name)} {
		some, err := l.queue(ctx, address)
		found = append(found, some...)
		if err != nil {
			return found, err
		}
	}
	return found, stores.Postgres.Drop(ctx, name)
}

func (l Lab) queue(ctx context.Context, address string) (found []figure.Figure, err error) {
	db, err := database.Open(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	log := slog.New(slog.DiscardHandler)
	if err := errors.Join(db.Migrate(ctx, log), jobs.Migrate(ctx, db, log)); err != nil {
		return nil, err
	}
	taken, handlers := make(chan time.Time, 1), jobs.NewHandlers()
	var done atomic.Int64
	jobs.Handle(handlers, func(_ context.Context, job jobs.Job[jobs.Span]) error {
		done.Add(1)
		if job.Args.Take == 0 {
			taken <- time.Now()
		}
		return nil
	})
	jobs.Handle(handlers, func(context.Context, jobs.Job[jobs.Housekeeping]) error { return nil })
	q, err := jobs.Open(jobs.Options{DB: db, Log: log, Slots: queueSlots, Handlers: handlers, Kind: jobs.KindWorker})
	if err != nil {
		return nil, err
	}
	records := record.NewStore(record.Options{DB: db, Queue: q, Log: log})
	put := func(all ...jobs.Wanted) error {
		return records.WriteBeside(ctx, func(ctx context.Context, tx record.Change) error {
			for _, w := range all {
				if err := tx.Enqueue(ctx, w.Args, w.Priority); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := q.Start(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, q.Stop(ctx)) }()

	waits, err := pickUps(l.pick(200, 30), taken, put)
	if err != nil {
		return nil, err
	}
	rate, err := throughput(l.pick(2000, 200), &done, put)
	engine := string(db.Engine())
	return []figure.Figure{
		figure.AtMost("jobs: pick-up p50, "+engine, figure.Milliseconds(figure.Quantile(waits, 0.5)), "ms", 50),
		told("jobs: pick-up p99, "+engine, figure.Milliseconds(figure.Quantile(waits, 0.99)), "ms"),
		figure.AtLeast("jobs: done, "+engine, rate, "1/s", 100),
	}, err
}

// pickUps puts jobs in one by one, at odd moments, and waits for each.
func pickUps(n int, taken <-chan time.Time, put func(...jobs.Wanted) error) ([]time.Duration, error) {
	var waits []time.Duration
	for i := range n {
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		if err := put(jobs.Wanted{Args: jobs.Span{VideoID: "v", Span: i}, Priority: jobs.Waiting}); err != nil {
			return nil, err
		}
		start := time.Now()
		select {
		case at := <-taken:
			waits = append(waits, max(0, at.Sub(start)))
		case <-time.After(10 * time.Second):
			return nil, errors.New("nobody takes a job up")
		}
	}
	return waits, nil
}

// throughput puts many jobs in, as a burst of imports does, and waits for the last.
func throughput(n int, done *atomic.Int64, put func(...jobs.Wanted) error) (float64, error) {
	const batch = 100
	before, start := done.Load(), time.Now()
	for i := 0; i < n; i += batch {
		all := make([]jobs.Wanted, batch)
		for j := range all {
			all[j] = jobs.Wanted{Args: jobs.Span{VideoID: fmt.Sprint("v", i), Span: j, Take: 1}, Priority: jobs.Bulk}
		}
		if err := put(all...); err != nil {
			return 0, err
		}
	}
	for done.Load() < before+int64(n) {
		if time.Since(start) > time.Minute {
			return 0, errors.New("the jobs are not done within a minute")
		}
		time.Sleep(time.Millisecond)
	}
	return float64(n) / time.Since(start).Seconds(), nil
}
