package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
	"unicode"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
)

// Job is one delivery of work to a handler.
type Job[A Args] struct {
	// ID is the same in all attempts.
	ID   int64
	Args A
	// Attempt counts from 1. Last says that no other attempt follows, so that
	// the handler can tell the owner.
	Attempt int
	Last    bool
	// Fatal says that the process died in every attempt before, so that the
	// handler tells the owner and does not try again.
	Fatal bool
	// Since is when it was put in.
	Since time.Time
}

// Handlers collects what does each kind of job.
type Handlers struct {
	workers *river.Workers
	lease   *lease
}

// NewHandlers makes an empty collection, for one Queue.
func NewHandlers() *Handlers { return &Handlers{workers: river.NewWorkers(), lease: newLease()} }

// Handle registers handle for the kind of A. A handler returns nil when the
// work is done or no longer needed, an error to be tried again, an error wrapped
// by Permanent when another try is useless, and Later when it cannot begin yet.
// Its context ends when the process stops, and when others have been told to do
// its job because it was not heard of.
func Handle[A Args](h *Handlers, handle func(ctx context.Context, job Job[A]) error) {
	river.AddWorker(h.workers, &worker[A]{handle: handle, lease: h.lease})
}

// complete adds the kinds that this process does not do. It may be the one that
// puts them in on time, or looks after those of others, and must know them.
func (h *Handlers) complete() {
	know[Span](h)
	know[Audio](h)
	know[Stills](h)
	know[Probe](h)
	know[Housekeeping](h)
	know[Mail](h)
	know[Webhook](h)
}

// know adds a kind unless there is a handler for it.
func know[A Args](h *Handlers) {
	elsewhere := &worker[A]{lease: h.lease, handle: func(context.Context, Job[A]) error { return Later(beatEvery) }}
	_ = river.AddWorkerSafely(h.workers, elsewhere) // an error says that there is one
}

// Permanent marks an error that another attempt would only repeat.
func Permanent(err error) error { return river.JobCancel(err) }

// Later puts a job off without using an attempt.
func Later(wait time.Duration) error { return river.JobSnooze(wait) }

type worker[A Args] struct {
	river.WorkerDefaults[A]
	handle func(ctx context.Context, job Job[A]) error
	lease  *lease
}

// Work implements river.Worker.
func (w *worker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	ctx, leave := w.lease.enter(ctx, job.Queue, job.ID)
	defer leave()
	err := guarded(func() error {
		return w.handle(ctx, Job[A]{
			ID: firstID(job.JobRow), Args: job.Args, Attempt: job.Attempt,
			Since: job.CreatedAt, Last: job.Attempt >= job.MaxAttempts, Fatal: job.Attempt > job.MaxAttempts,
		})
	})
	if err != nil && ctx.Err() != nil {
		// The process stops, or the job is another's by now: it goes back as it
		// came, no attempt used.
		return river.JobSnooze(0)
	}
	return presentable(err)
}

// guarded makes an error of a panic.
func guarded(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return work()
}

// firstID is the number that a job was given when it was put in. It gets another
// one each time it is taken from a process that died.
func firstID(row *rivertype.JobRow) int64 {
	var kept struct {
		First int64 `json:"first"`
	}
	if json.Unmarshal(row.Metadata, &kept) == nil && kept.First != 0 {
		return kept.First
	}
	return row.ID
}

// maxReason bounds what is kept of an error, in bytes.
const maxReason = 4 << 10

// presentable makes an error fit to be kept: PostgreSQL takes neither NUL nor
// broken UTF-8, and a job whose error cannot be noted would never end.
func presentable(err error) error {
	if err == nil {
		return nil
	}
	if _, later := errors.AsType[*rivertype.JobSnoozeError](err); later {
		return err
	}
	if cancelled, ok := errors.AsType[*rivertype.JobCancelError](err); ok {
		text := strings.Replace(err.Error(), cancelled.Error(), strings.TrimPrefix(cancelled.Error(), cancelPrefix), 1)
		return river.JobCancel(errors.New(clean(text)))
	}
	return errors.New(clean(err.Error()))
}

// cancelPrefix is what River puts before the text of an error that ends a job.
const cancelPrefix = "JobCancelError: "

func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

// Timeout implements river.Worker: the handlers bound their own time, by the
// length of what they work on.
func (w *worker[A]) Timeout(*river.Job[A]) time.Duration { return -1 }

// retries says when an attempt that failed is followed by another.
type retries struct{ clock *clocks.Clock }

// NextRetry implements river.ClientRetryPolicy: somebody may be waiting, so the second
// try follows within seconds. Letters wait longer and longer: the last for hours.
func (r retries) NextRetry(job *rivertype.JobRow) time.Time {
	wait := time.Duration(job.Attempt*job.Attempt) * 2 * time.Second
	if job.Kind == (Mail{}).Kind() {
		wait = time.Duration(job.Attempt*job.Attempt*job.Attempt*job.Attempt) * time.Second
	}
	return r.clock.Here().Add(wait)
}
