// Package jobs is the queue of work that must happen: River, in the same
// database as the records, so that a change and the jobs it causes commit
// together or not at all.
package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
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

// deadRetention is how long a job that failed stays to be looked at.
const deadRetention = 14 * 24 * time.Hour

// housekeepingEvery is how often silent uploads and leftovers are looked for.
const housekeepingEvery = 15 * time.Second

// Queue puts jobs in and, when started, works on them.
type Queue struct {
	client client
	db     *database.DB
	log    *slog.Logger
	mail   bool
	clock  *clocks.Clock

	// self is this process, lease what its jobs stand on.
	self  Worker
	lease *lease
	// handlers may be added until Start.
	handlers *Handlers
	beat     time.Duration
	turns    turns
	// ended counts, by job, the beats since this process has been done with it
	// while the database still says that it runs.
	ended map[int64]int
	// still ends what says that this process lives.
	still func()
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
	// Kind is KindServer or KindWorker, which does media jobs alone, and Version
	// that of the program: what others see of this process.
	Kind, Version string
	// Clock is the database's, which the queue keeps right; nil makes one.
	Clock *clocks.Clock
	// Beat is how often it says that it lives; 0 is every 3 s.
	Beat time.Duration
	// Watch is told of each attempt.
	Watch Watch
}

// Open sets up the queue. Nothing runs before Start.
func Open(o Options) (*Queue, error) {
	if o.Clock == nil {
		o.Clock = clocks.OfDatabase(nil, o.Log)
	}
	self := identity(o)
	config := &river.Config{ID: self.ID, Logger: quiet(o.Log), MaxAttempts: attempts, CancelledJobRetentionPeriod: deadRetention, DiscardedJobRetentionPeriod: deadRetention}
	config.Hooks = []rivertype.Hook{&placed{}}
	config.Middleware = []rivertype.Middleware{&middleware{watch: o.Watch, clock: o.Clock}}
	if o.Handlers != nil {
		config.Workers = o.Handlers.workers
		config.Queues = map[string]river.QueueConfig{}
		if self.Kind != KindWorker {
			// Who closes silent uploads must be one who could receive more of them.
			config.Queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: 2}
		}
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
	client, err := newClient(o.DB, config, o.Clock)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	q := &Queue{client: client, db: o.DB, log: o.Log, clock: o.Clock, mail: o.Mail, self: self, beat: cmp.Or(o.Beat, beatEvery)}
	if o.Handlers != nil {
		q.handlers, q.lease = o.Handlers, o.Handlers.lease
	}
	return q, nil
}

// Start makes this process known and begins to work.
func (q *Queue) Start(ctx context.Context) error {
	if q.handlers == nil {
		return errors.New("jobs: this queue does nothing")
	}
	q.handlers.complete()
	if !q.postgres() {
		// One process owns an embedded database, so whatever still counts as
		// running was cut off.
		if err := q.freeAll(ctx); err != nil {
			return fmt.Errorf("jobs: free orphans: %w", err)
		}
	}
	if err := q.register(ctx); err != nil {
		return err
	}
	if err := q.keepTurns(ctx); err != nil {
		return err
	}
	living, end := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { q.live(living) })
	q.still = func() {
		end()
		beside.Wait()
	}
	if err := q.client.Start(ctx); err != nil {
		q.still()
		return fmt.Errorf("jobs: start: %w", err)
	}
	return nil
}

// Stop takes no more jobs, interrupts those that run and hands them back: the
// database holds them as available again when it returns. What does not let go
// in time is handed back, too.
func (q *Queue) Stop(ctx context.Context) error {
	err := q.client.StopAndCancel(ctx)
	if q.still != nil {
		q.still()
		err = errors.Join(err, q.leave(context.WithoutCancel(ctx)))
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("jobs: stop: %w", err)
	}
	return nil
}

// quiet keeps River's own chatter out of the log; failures still show.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (w warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
