package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

const (
	// beatEvery is how often a process that does jobs says that it lives.
	beatEvery = 3 * time.Second
	// lostBeats is how many times it may fail to before its jobs are given to
	// others: 15 s.
	lostBeats = 5
	// surely is how many beats may lie between two of our own if we are to judge
	// others: when the database was away, nobody could be heard of.
	surely = 3
)

// Kinds of process.
const (
	KindServer = "server"
	KindWorker = "worker"
)

// Worker is a process that does jobs.
type Worker struct {
	ID string
	// Kind is KindServer or KindWorker.
	Kind    string
	Host    string
	Version string
	// Slots is how many media jobs it does at once, Busy how many run.
	Slots, Busy int
	StartedAt   time.Time
	SeenAt      time.Time
}

// Workers lists the processes that do jobs, the longest at work first.
func (q *Queue) Workers(ctx context.Context) ([]Worker, error) {
	var rows []struct {
		Worker
		StartedMS int64 `bun:"started_ms"`
		SeenMS    int64 `bun:"seen_ms"`
	}
	if err := q.db.Reader.NewRaw("SELECT id, kind, host, version, slots, busy, started_ms, seen_ms FROM workers ORDER BY started_ms, id").Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("jobs: workers: %w", err)
	}
	found := make([]Worker, len(rows))
	for i, row := range rows {
		found[i] = row.Worker
		found[i].StartedAt, found[i].SeenAt = time.UnixMilli(row.StartedMS).UTC(), time.UnixMilli(row.SeenMS).UTC()
	}
	return found, nil
}

// postgres says which of two ways to write some SQL is understood.
func (q *Queue) postgres() bool { return q.db.Engine() == database.PostgreSQL }

// nowMS is the database's own clock in milliseconds since 1970: those of the
// machines around it may be minutes apart.
func (q *Queue) nowMS() string {
	if q.postgres() {
		return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
	}
	return "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
}

// toMS is a time of the queue's tables in milliseconds since 1970.
func (q *Queue) toMS(column string) string {
	if q.postgres() {
		return "CAST(extract(epoch FROM " + column + ") * 1000 AS BIGINT)"
	}
	return "CAST(round(unixepoch(" + column + ", 'subsec') * 1000) AS INTEGER)"
}

// identity is how a process is known; the name is new with each start.
func identity(o Options) Worker {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	id := host[:min(len(host), 60)] + "-" + strings.ToLower(rand.Text()[:12])
	return Worker{ID: id, Kind: cmp.Or(o.Kind, KindServer), Host: host, Version: o.Version, Slots: o.Slots}
}

// register makes this process known.
func (q *Queue) register(ctx context.Context) error {
	err := q.heard(ctx, `INSERT INTO workers (id, kind, host, version, slots, busy, started_ms, seen_ms)
			VALUES (?, ?, ?, ?, ?, 0, `+q.nowMS()+`, `+q.nowMS()+`)
			ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms`,
		q.self.ID, q.self.Kind, q.self.Host, q.self.Version, q.self.Slots)
	if err != nil {
		return fmt.Errorf("jobs: register: %w", err)
	}
	return nil
}

// heard changes this process's row, and sees by when the database says that it was
// seen how far its own clock is from there.
func (q *Queue) heard(ctx context.Context, change string, values ...any) error {
	var seenMS int64
	asked := q.clock.Here()
	err := q.db.Writer.NewRaw(change+" RETURNING seen_ms", values...).Scan(ctx, &seenMS)
	if err == nil && q.postgres() {
		q.clock.Heard(ctx, asked, time.UnixMilli(seenMS))
	}
	return err
}

// live says again and again that this process lives, and looks after those that
// do not any more, until the context ends.
func (q *Queue) live(ctx context.Context) {
	ticker := time.NewTicker(q.beat)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		if err := q.pulse(ctx, now.Sub(last) < surely*q.beat); err != nil {
			if ctx.Err() == nil {
				q.log.Warn("the database did not hear that this process lives", "error", err)
			}
			continue
		}
		last = now
	}
}

// pulse is one beat. Only who was heard without a gap may judge others.
func (q *Queue) pulse(ctx context.Context, judge bool) error {
	ctx, cancel := context.WithTimeout(ctx, lostBeats*q.beat)
	defer cancel()
	err := q.heard(ctx, "UPDATE workers SET seen_ms = "+q.nowMS()+", busy = ? WHERE id = ?", q.lease.busy(), q.self.ID)
	if database.IsNotFound(err) {
		q.log.Warn("this process was not heard of for long, and its jobs were given to others")
		q.lease.lose()
		return q.register(ctx)
	}
	if err != nil {
		return err
	}
	if judge {
		if err := q.rescue(ctx); err != nil {
			return err
		}
	}
	if err := q.reclaim(ctx); err != nil {
		return err
	}
	return q.keepTurns(ctx)
}

// reclaim makes jobs available again that this process was done with, but whose
// end was never noted: the database was away, and the queue tries that only so
// often. Nobody else would take them, as their process lives.
func (q *Queue) reclaim(ctx context.Context) error {
	var mine, lost []int64
	err := q.db.Writer.NewRaw("SELECT id FROM river_job WHERE state = 'running' AND "+q.lastAttemptedBy()+" = ?", q.self.ID).Scan(ctx, &mine)
	if err != nil {
		return err
	}
	ended := map[int64]int{}
	for _, id := range mine {
		if q.lease.holds(id) {
			continue
		}
		if ended[id] = q.ended[id] + 1; ended[id] > lostBeats {
			lost = append(lost, id)
		}
	}
	if q.ended = ended; len(lost) == 0 {
		return nil
	}
	q.log.Info("jobs whose end was not noted are done again", "jobs", len(lost))
	return q.db.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := q.free(ctx, tx, "id IN (?)", bun.List(lost))
		return err
	})
}

// rescue forgets the processes that were not heard of, and gives their jobs to
// others. Any number of processes may do so at once.
func (q *Queue) rescue(ctx context.Context) error {
	var freed int
	err := q.db.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
		age := (lostBeats * q.beat).Milliseconds()
		_, err := tx.NewRaw("DELETE FROM workers WHERE seen_ms < "+q.nowMS()+" - ?", age).Exec(ctx)
		if err != nil {
			return err
		}
		// A process that lost its place may have begun a job before it noticed.
		freed, err = q.free(ctx, tx, `NOT EXISTS (SELECT 1 FROM workers WHERE workers.id = `+q.lastAttemptedBy()+`)
			AND (attempted_at IS NULL OR `+q.toMS("attempted_at")+` < `+q.nowMS()+` - ?)`, age)
		return err
	})
	if err == nil && freed > 0 {
		q.log.Info("took over jobs that were cut off", "jobs", freed)
	}
	return err
}

func (q *Queue) lastAttemptedBy() string {
	if q.postgres() {
		return "attempted_by[array_upper(attempted_by, 1)]"
	}
	return "json_extract(attempted_by, '$[#-1]')"
}

// freeAll takes the whole queue back from processes that are no more.
func (q *Queue) freeAll(ctx context.Context) error {
	return q.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("DELETE FROM workers").Exec(ctx); err != nil {
			return err
		}
		freed, err := q.free(ctx, tx, "TRUE")
		if freed > 0 {
			q.log.Info("took over jobs that were cut off", "jobs", freed)
		}
		return err
	})
}

// leave makes this process unknown and hands back what it still holds.
func (q *Queue) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	return q.db.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("DELETE FROM workers WHERE id = ?", q.self.ID).Exec(ctx); err != nil {
			return err
		}
		_, err := q.free(ctx, tx, q.lastAttemptedBy()+" = ?", q.self.ID)
		return err
	})
}

// free makes running jobs available again. The lost attempt was mostly not the
// job's fault and is given back, but not for ever: a job may be what brought the
// process down.
//
// Each gets a new number, and that is a fence: what a process that was only slow
// still says of the end of its attempt is about a job that is not there.
func (q *Queue) free(ctx context.Context, tx bun.Tx, which string, values ...any) (int, error) {
	find, change := "SELECT id FROM river_job WHERE state = 'running' AND "+which, freeSQLite
	if q.postgres() {
		find, change = find+" FOR UPDATE SKIP LOCKED", freePostgres
	}
	var ids []int64
	if err := tx.NewRaw(find, values...).Scan(ctx, &ids); err != nil {
		return 0, err
	}
	for _, id := range ids {
		if _, err := tx.NewRaw(change, 2*attempts, id).Exec(ctx); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

const (
	freePostgres = `UPDATE river_job SET state = 'available', id = nextval(pg_get_serial_sequence('river_job', 'id')),
		metadata = metadata || jsonb_build_object('first', coalesce(metadata -> 'first', to_jsonb(id))),
		attempt = CASE WHEN coalesce(cardinality(attempted_by), 0) < ? THEN greatest(attempt - 1, 0) ELSE attempt END WHERE id = ?`
	freeSQLite = `UPDATE river_job SET state = 'available', id = (SELECT max(id) + 1 FROM river_job),
		metadata = jsonb_set(metadata, '$.first', coalesce(json_extract(metadata, '$.first'), id)),
		attempt = CASE WHEN coalesce(json_array_length(attempted_by), 0) < ? THEN max(attempt - 1, 0) ELSE attempt END WHERE id = ?`
)
