package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/trace"
)

// Watch is told of each attempt at a job.
type Watch struct {
	// Tracer puts jobs into the trace in which they were put in.
	Tracer *trace.Tracer
	// Done counts attempts that have ended; it may be nil.
	Done func(Ended)
}

// Ended is an attempt at a job that has ended.
type Ended struct {
	Kind, Queue string
	Outcome     Outcome
	// Waited is how long the job lay there before, Took how long it ran.
	Waited, Took time.Duration
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes of an attempt.
const (
	Done      Outcome = "done"
	Retried   Outcome = "retried" // it failed and is tried again
	Failed    Outcome = "failed"  // it failed for the last time
	PutOff    Outcome = "put_off" // it could not begin, or the process stops
	traceName         = "traceparent"
)

// middleware stands around every job, and adds the trace to what is put in: beside
// the arguments, for what they say alone makes two jobs one.
type middleware struct {
	river.MiddlewareDefaults
	watch Watch
	clock *clocks.Clock
}

// InsertMany implements rivertype.JobInsertMiddleware.
func (m *middleware) InsertMany(ctx context.Context, all []*rivertype.JobInsertParams, insert func(context.Context) ([]*rivertype.JobInsertResult, error)) ([]*rivertype.JobInsertResult, error) {
	parent := trace.Parent(ctx)
	for _, params := range all {
		if parent != "" {
			params.Metadata = noted(params.Metadata, parent)
		}
	}
	return insert(ctx)
}

// noted adds a traceparent to what is noted of a job.
func noted(metadata []byte, parent string) []byte {
	all := map[string]any{}
	if len(metadata) > 0 && json.Unmarshal(metadata, &all) != nil {
		return metadata
	}
	all[traceName] = parent
	raw, err := json.Marshal(all)
	if err != nil {
		return metadata
	}
	return raw
}

// Work implements rivertype.WorkerMiddleware.
func (m *middleware) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	began := time.Now()
	waited := lay(job, m.clock.Here())
	ctx, end := m.follow(ctx, job, waited)
	err := work(ctx)
	outcome := outcomeOf(job, err)
	end(outcome, err)
	if m.watch.Done != nil {
		m.watch.Done(Ended{Kind: job.Kind, Queue: job.Queue, Outcome: outcome, Waited: waited, Took: time.Since(began)})
	}
	return err
}

// follow begins the span of a job that belongs to a trace; others, such as those that
// keep the house, make none.
func (m *middleware) follow(ctx context.Context, job *rivertype.JobRow, waited time.Duration) (context.Context, func(Outcome, error)) {
	parent := parentOf(job)
	if parent == "" {
		return ctx, func(Outcome, error) {}
	}
	ctx, span := m.watch.Tracer.Begin(ctx, "job "+job.Kind, trace.Origin{Parent: parent}, attributesOf(m.watch.Tracer, job, waited)...)
	return ctx, func(outcome Outcome, err error) {
		span.Set(trace.Text("job.outcome", string(outcome)))
		if outcome == Done || outcome == PutOff {
			err = nil
		}
		span.End(err)
	}
}

func attributesOf(tracer *trace.Tracer, job *rivertype.JobRow, waited time.Duration) []trace.Attribute {
	if !tracer.On() {
		return nil
	}
	worker := ""
	if n := len(job.AttemptedBy); n > 0 {
		worker = job.AttemptedBy[n-1]
	}
	var about struct {
		VideoID string `json:"video_id"`
	}
	_ = json.Unmarshal(job.EncodedArgs, &about) // not every job is about a video
	return []trace.Attribute{
		trace.Number("job.id", job.ID), trace.Number("job.attempt", int64(job.Attempt)), trace.Text("job.queue", job.Queue), trace.Number("job.priority", int64(job.Priority)),
		trace.Text("job.worker", worker), trace.Measure("job.waited_seconds", waited.Seconds()), trace.Text("video.id", about.VideoID),
	}
}

// parentOf is the trace that a job belongs to.
func parentOf(job *rivertype.JobRow) string {
	var noted struct {
		Parent string `json:"traceparent"`
	}
	if json.Unmarshal(job.Metadata, &noted) != nil {
		return ""
	}
	return noted.Parent
}

// lay is how long a job lay in its queue. The first time it counts from when it was
// put in: the time at which it is scheduled orders it, and is earlier.
func lay(job *rivertype.JobRow, now time.Time) time.Duration {
	since := job.CreatedAt
	if job.Attempt > 1 && job.ScheduledAt.After(since) {
		since = job.ScheduledAt
	}
	return max(0, now.Sub(since))
}

func outcomeOf(job *rivertype.JobRow, err error) Outcome {
	if err == nil {
		return Done
	}
	if _, later := errors.AsType[*rivertype.JobSnoozeError](err); later {
		return PutOff
	}
	if _, cancelled := errors.AsType[*rivertype.JobCancelError](err); cancelled || job.Attempt >= job.MaxAttempts {
		return Failed
	}
	return Retried
}

// FailedSince counts the jobs that were given up since a time.
func (q *Queue) FailedSince(ctx context.Context, since time.Time) (int, error) {
	var n int
	err := q.db.Reader.NewRaw("SELECT count(*) FROM river_job WHERE state IN ('discarded', 'cancelled') AND "+q.toMS("finalized_at")+" >= ?", since.UnixMilli()).Scan(ctx, &n)
	if err != nil {
		return 0, fmt.Errorf("jobs: failed: %w", err)
	}
	return n, nil
}
