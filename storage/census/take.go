package census

import (
	"context"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// Take samples a minute, unless that has been done: what waits and runs, who works,
// what was given up, what is held.
func (c *Census) Take(ctx context.Context, queue *jobs.Queue, now time.Time) error {
	if done, err := c.Sampled(ctx, now); err != nil || done {
		return err
	}
	depths, err := queue.Depths(ctx)
	if err != nil {
		return err
	}
	workers, err := queue.Workers(ctx)
	if err != nil {
		return err
	}
	failures, err := queue.FailedSince(ctx, now.Add(-time.Hour))
	if err != nil {
		return err
	}
	seen := map[Name]float64{Workers: float64(len(workers)), Failures: float64(failures), JobsWaiting: 0, JobsRunning: 0, OldestWait: 0}
	for _, d := range depths {
		switch {
		case d.Queue == "default": // what keeps the house is no backlog
		case d.State == "running":
			seen[JobsRunning] += float64(d.N)
		case d.State == "available":
			seen[JobsWaiting] += float64(d.N)
			seen[OldestWait] = max(seen[OldestWait], now.Sub(d.OldestAt).Seconds())
		}
	}
	return c.Sample(ctx, now, seen)
}
