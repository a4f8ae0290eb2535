package scale

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/meanwhile-app/meanwhile/bench/figure"
	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// readyTime is how long renditions may take here.
const readyTime = 10 * time.Minute

// sharing compares what one worker spends on a recording's renditions with what
// four spend on the same, which they share among them. Their stand-by, for the
// same time, is part of it.
func sharing(ctx context.Context, l Lab, stores *cluster.Stores) ([]figure.Figure, error) {
	seconds := l.pick(90, 30)
	content, err := l.read(ctx, Clip{"shared", 1920, 1080, 2500, seconds})
	if err != nil {
		return nil, err
	}
	var found []figure.Figure
	cost := map[int]float64{}
	for _, workers := range []int{1, 4} {
		spent, wall, err := l.convert(ctx, stores, workers, content)
		if err != nil {
			return found, err
		}
		cost[workers] = spent.Seconds() / float64(seconds)
		found = append(found,
			told(fmt.Sprintf("ladder: CPU a second, workers: %d", workers), cost[workers], "s"),
			told(fmt.Sprintf("ladder: wall, workers: %d", workers), wall.Seconds(), "s"))
	}
	return append(found, figure.AtMost("ladder: four workers against one", cost[4]/cost[1], "x", 1.05)), nil
}

func (l Lab) convert(ctx context.Context, stores *cluster.Stores, workers int, content []byte) (spent, wall time.Duration, err error) {
	r, err := l.open(ctx, stores, 1, workers)
	if err != nil {
		return 0, 0, err
	}
	defer r.close(ctx)
	before, start := r.spent(), time.Now()
	u, err := r.record(ctx, content, 1)
	if err != nil {
		return 0, 0, err
	}
	if err := r.ready(ctx, u.Video); err != nil {
		return 0, 0, err
	}
	return r.spent() - before, time.Since(start), nil
}

// spent is what all workers have used of the processors.
func (r *room) spent() time.Duration {
	var sum time.Duration
	for _, w := range r.Workers {
		sum += w.CPU()
	}
	return sum
}

// ready waits until a video has its renditions and nothing runs any more.
func (r *room) ready(ctx context.Context, id string) error {
	deadline := time.Now().Add(readyTime)
	for time.Now().Before(deadline) {
		v, err := r.api.Video(ctx, id)
		if err != nil {
			return err
		}
		switch v.State {
		case "ready":
			return r.quiet(ctx)
		case "failed":
			return errors.New("the video failed: " + v.Reason)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("the renditions do not come to an end")
}

// quiet waits until no job of media is left.
func (r *room) quiet(ctx context.Context) (err error) {
	db, err := database.Open(ctx, r.Stores.Postgres.URL(r.Stores.Postgres.Addr(), r.Name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for range 600 {
		var left int
		err := db.Reader.NewRaw("SELECT count(*) FROM river_job WHERE queue = ? AND state IN ('available', 'running', 'retryable')", jobs.QueueMedia).Scan(ctx, &left)
		if err != nil || left == 0 {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("jobs do not come to an end")
}
