package jobs

import (
	"context"
	"slices"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
)

// driver is River's driver for PostgreSQL.
//
// River says when a job is due by the clock of its own process, and looks what is
// due by the database's. So times are translated on their way, both ways; a database
// that is embedded has the clock of its process.
type driver struct {
	*riverpgxv5.Driver

	clock *clocks.Clock
}

// GetExecutor implements riverdriver.Driver.
func (d *driver) GetExecutor() riverdriver.Executor {
	return executor{d.Driver.GetExecutor(), d.clock}
}

// UnwrapExecutor implements riverdriver.Driver.
func (d *driver) UnwrapExecutor(tx database.PostgresTx) riverdriver.ExecutorTx {
	inner := d.Driver.UnwrapExecutor(tx)
	return executorTx{executor{inner, d.clock}, inner}
}

// GetListener implements riverdriver.Driver.
func (d *driver) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return listener{d.Driver.GetListener(params)}
}

// pongTime is how long a database may take to show who listens that it is there.
const pongTime = 5 * time.Second

// listener hears of jobs, and notices when there is nobody any more to tell of them:
// River asks then, and would wait for an answer without end.
type listener struct{ riverdriver.Listener }

// Ping implements riverdriver.Listener.
func (l listener) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pongTime)
	defer cancel()
	return l.Listener.Ping(ctx)
}

type executor struct {
	riverdriver.Executor

	clock *clocks.Clock
}

// executorTx is an executor within a transaction.
type executorTx struct {
	executor

	tx riverdriver.ExecutorTx
}

// Commit implements riverdriver.ExecutorTx.
func (e executorTx) Commit(ctx context.Context) error { return e.tx.Commit(ctx) }

// Rollback implements riverdriver.ExecutorTx.
func (e executorTx) Rollback(ctx context.Context) error { return e.tx.Rollback(ctx) }

// Begin implements riverdriver.Executor.
func (e executor) Begin(ctx context.Context) (riverdriver.ExecutorTx, error) {
	tx, err := e.Executor.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return executorTx{executor{tx, e.clock}, tx}, nil
}

// JobInsertFastMany implements riverdriver.Executor. Whoever names a time has it from
// the database, but not River, which puts in what comes again and again when it is due.
func (e executor) JobInsertFastMany(ctx context.Context, params *riverdriver.JobInsertFastManyParams) ([]*riverdriver.JobInsertFastResult, error) {
	now := e.clock.Now().UTC()
	for _, job := range params.Jobs {
		if job.CreatedAt == nil {
			job.CreatedAt = &now
		}
		if job.ScheduledAt == nil || job.Kind == (Housekeeping{}).Kind() {
			job.ScheduledAt = &now
		}
	}
	return e.Executor.JobInsertFastMany(ctx, params)
}

// JobGetAvailable implements riverdriver.Executor.
func (e executor) JobGetAvailable(ctx context.Context, params *riverdriver.JobGetAvailableParams) ([]*rivertype.JobRow, error) {
	found, err := e.Executor.JobGetAvailable(ctx, params)
	for _, job := range found {
		job.CreatedAt, job.ScheduledAt = e.clock.Back(job.CreatedAt), e.clock.Back(job.ScheduledAt)
	}
	return found, err
}

// JobSchedule implements riverdriver.Executor.
func (e executor) JobSchedule(ctx context.Context, params *riverdriver.JobScheduleParams) ([]*riverdriver.JobScheduleResult, error) {
	there := *params
	there.Now = e.there(params.Now)
	return e.Executor.JobSchedule(ctx, &there)
}

// JobSetStateIfRunningMany implements riverdriver.Executor. It is deaf to attempts
// that are over.
//
// The statement that notes the end of attempts returns each job, and one that is
// being given to another process meanwhile as it was before: running. River before
// 0.48 takes that for a bug of its own and panics (its pull request 1383).
func (e executor) JobSetStateIfRunningMany(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	there := *params // which is used again if the database was away
	there.FinalizedAt, there.ScheduledAt = e.allThere(params.FinalizedAt), e.allThere(params.ScheduledAt)
	noted, err := e.Executor.JobSetStateIfRunningMany(ctx, &there)
	return slices.DeleteFunc(noted, func(job *rivertype.JobRow) bool {
		return job.State == rivertype.JobStateRunning
	}), err
}

func (e executor) allThere(here []*time.Time) []*time.Time {
	there := make([]*time.Time, len(here))
	for i, t := range here {
		there[i] = e.there(t)
	}
	return there
}

func (e executor) there(here *time.Time) *time.Time {
	if here == nil {
		return nil
	}
	t := e.clock.There(*here)
	return &t
}

// ownTime gives River the clock of its process. Durations by it stay right when the
// clock is set, as those by the database's would not.
type ownTime struct{ clock *clocks.Clock }

// Now implements rivertype.TimeGenerator.
func (o ownTime) Now() time.Time { return o.clock.Here() }

// NowOrNil implements rivertype.TimeGenerator: where it can, the database is to say
// what time it is.
func (o ownTime) NowOrNil() *time.Time { return nil }
