// Package jobs is the queue of work that must happen: River, in the same
// database as the records, so that a change and the jobs it causes commit
// together or not at all.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// attempts is how often a job is tried before it counts as failed.
const attempts = 3

// mailAttempts is how often a letter is tried, over a day: mail servers that
// do not know a sender turn him away at first (RFC 6647), and have bad nights.
const mailAttempts = 14

// mailAtOnce is how many letters are under way at a time.
const mailAtOnce = 2

// webhookAttempts is how often a look at a webhook is tried that the database
// did not allow. What a receiver does not take is tried again by new jobs.
const webhookAttempts = 10

// webhooksAtOnce is how many receivers are told something at a time. Each has one
// slot at most, so that a slow one takes little from the others.
const webhooksAtOnce = 8

// housekeepingEvery is how often silent uploads and leftovers are looked for.
const housekeepingEvery = 15 * time.Second

// Job is one delivery of work to a handler.
type Job[A Args] struct {
	// ID is the same in all attempts.
	ID   int64
	Args A
	// Attempt counts from 1. Last says that no other attempt follows, so that
	// the handler can tell the owner.
	Attempt int
	Last    bool
}

// Handlers collects what does each kind of job.
type Handlers struct{ workers *river.Workers }

// NewHandlers makes an empty collection.
func NewHandlers() *Handlers { return &Handlers{workers: river.NewWorkers()} }

// Handle registers handle for the kind of A. A handler returns nil when the
// work is done or no longer needed, an error to be tried again, and an error
// wrapped by Permanent when another try is useless.
func Handle[A Args](h *Handlers, handle func(ctx context.Context, job Job[A]) error) {
	river.AddWorker(h.workers, &worker[A]{handle: handle})
}

// Permanent marks an error that another attempt would only repeat.
func Permanent(err error) error { return river.JobCancel(err) }

type worker[A Args] struct {
	river.WorkerDefaults[A]
	handle func(ctx context.Context, job Job[A]) error
}

// Work implements river.Worker.
func (w *worker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	err := w.handle(ctx, Job[A]{ID: job.ID, Args: job.Args, Attempt: job.Attempt, Last: job.Attempt >= job.MaxAttempts})
	if err != nil && ctx.Err() != nil {
		// The process stops: the job goes back as it came, no attempt used.
		return river.JobSnooze(0)
	}
	return err
}

// Timeout implements river.Worker: the handlers bound their own time, by the
// length of what they work on.
func (w *worker[A]) Timeout(*river.Job[A]) time.Duration { return -1 }

// NextRetry implements river.Worker: somebody may be waiting, so the second try
// follows within seconds. Letters wait longer and longer: the last for hours.
func (w *worker[A]) NextRetry(job *river.Job[A]) time.Time {
	if _, mail := any(job.Args).(Mail); mail {
		return time.Now().Add(time.Duration(job.Attempt*job.Attempt*job.Attempt*job.Attempt) * time.Second)
	}
	return time.Now().Add(time.Duration(job.Attempt*job.Attempt) * 2 * time.Second)
}

// Queue puts jobs in and, when started, works on them.
type Queue struct {
	client *river.Client[*sql.Tx]
	db     *database.DB
	log    *slog.Logger
	mail   bool
}

// Options set up a Queue.
type Options struct {
	DB  *database.DB
	Log *slog.Logger
	// Slots is how many media jobs run at once; with 0 they wait.
	Slots int
	// Webhooks says that the handlers send to webhooks here.
	Webhooks bool
	// Mail says that letters can be sent. If not, none is put in: who should get
	// one is given a link to pass on.
	Mail bool
	// Handlers do the jobs; without them jobs are only put in, and Start fails.
	Handlers *Handlers
}

// Open sets up the queue. Nothing runs before Start.
func Open(o Options) (*Queue, error) {
	config := &river.Config{Logger: quiet(o.Log), MaxAttempts: attempts}
	if o.Handlers != nil {
		config.Workers = o.Handlers.workers
		config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}}
		if o.Slots > 0 {
			config.Queues[QueueMedia] = river.QueueConfig{MaxWorkers: o.Slots}
		}
		if o.Webhooks {
			config.Queues[QueueWebhook] = river.QueueConfig{MaxWorkers: webhooksAtOnce}
		}
		if o.Mail {
			config.Queues[QueueMail] = river.QueueConfig{MaxWorkers: mailAtOnce}
		}
		config.PeriodicJobs = []*river.PeriodicJob{river.NewPeriodicJob(
			river.PeriodicInterval(housekeepingEvery),
			func() (river.JobArgs, *river.InsertOpts) { return Housekeeping{}, options(Housekeeping{}, Waiting) },
			&river.PeriodicJobOpts{RunOnStart: true},
		)}
	}
	client, err := river.NewClient(riversqlite.New(o.DB.Writer.DB), config)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Queue{client: client, db: o.DB, log: o.Log, mail: o.Mail}, nil
}

// Migrate brings the queue's own tables up to date.
func Migrate(ctx context.Context, db *database.DB, log *slog.Logger) error {
	migrator, err := rivermigrate.New(riversqlite.New(db.Writer.DB), &rivermigrate.Config{Logger: quiet(log)})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("jobs: migrate: %w", err)
	}
	return nil
}

// Start frees the jobs of a process that died and begins to work.
func (q *Queue) Start(ctx context.Context) error {
	// One process owns an embedded database, so whatever still counts as running
	// was cut off. The lost attempt was mostly not the job's fault and is given
	// back, but not for ever: a job may be what brought the process down.
	// River by itself would wait an hour.
	freed, err := q.db.Writer.ExecContext(ctx, `UPDATE river_job SET state = 'available', attempt = CASE WHEN json_array_length(attempted_by) < ? THEN max(attempt - 1, 0) ELSE attempt END WHERE state = 'running'`, 2*attempts)
	if err != nil {
		return fmt.Errorf("jobs: free orphans: %w", err)
	}
	if n, _ := freed.RowsAffected(); n > 0 {
		q.log.Info("took over jobs that were cut off", "jobs", n)
	}
	if err := q.client.Start(ctx); err != nil {
		return fmt.Errorf("jobs: start: %w", err)
	}
	return nil
}

// Stop takes no more jobs, interrupts those that run and hands them back: the
// database holds them as available again when it returns.
func (q *Queue) Stop(ctx context.Context) error {
	if err := q.client.StopAndCancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("jobs: stop: %w", err)
	}
	return nil
}

// Insert adds a job in the caller's transaction. A job that waits already, with
// the same input, is not added again; a letter that cannot be sent is not added
// at all.
func (q *Queue) Insert(ctx context.Context, tx bun.Tx, args Args, priority int) error {
	if _, letter := args.(Mail); letter && !q.mail {
		return nil
	}
	if _, err := q.client.InsertTx(ctx, tx.Tx, args, options(args, priority)); err != nil {
		return fmt.Errorf("jobs: insert %s: %w", args.Kind(), err)
	}
	return nil
}

func options(args Args, priority int) *river.InsertOpts {
	queue, tries, at := QueueMedia, attempts, time.Time{}
	switch args := args.(type) {
	case Housekeeping:
		queue = river.QueueDefault
	case Mail:
		queue, tries = QueueMail, mailAttempts
	case Webhook:
		queue, tries, at = QueueWebhook, webhookAttempts, args.At
	}
	return &river.InsertOpts{
		Queue: queue, Priority: priority, MaxAttempts: tries, ScheduledAt: at,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	}
}

// Depth counts the jobs that wait or run, by state.
func (q *Queue) Depth(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		State string
		N     int
	}
	err := q.db.Reader.NewRaw(`SELECT state, count(*) AS n FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded') GROUP BY state`).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("jobs: depth: %w", err)
	}
	depth := make(map[string]int, len(rows))
	for _, row := range rows {
		depth[row.State] = row.N
	}
	return depth, nil
}

// quiet keeps River's own chatter out of the log; failures still show.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (w warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
