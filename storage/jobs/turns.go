package jobs

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"
)

// Workspaces take turns. A job's place in its queue is its scheduled_at, and
// that is not the time at which it came but a virtual one: the larger of where
// its workspace's last job of that priority ends, and where the queue has come
// to. So whoever brings a few jobs while another's thousand wait is served among
// the next. This is start-time fair queueing (Goyal, Vin and Cheng 1996), with
// jobs of equal size.
//
// Virtual time lies in the past, so it orders and never delays. While nobody
// waits it is now without virtualPast; a job moves it on by virtualStep.
const (
	virtualPast = 10 * 365 * 24 * time.Hour
	virtualStep = 1 // millisecond
)

// turns is where the queue has come to, as last seen.
type turns struct {
	mu sync.Mutex
	// nowMS is the database's clock at the moment seen.
	nowMS int64
	seen  time.Time
	// served is the virtual time of each priority that has jobs.
	served map[int]int64
}

// at is the virtual time of a priority, or false if nobody has looked yet.
func (t *turns) at(priority int) (int64, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen.IsZero() {
		return 0, false
	}
	if ms, busy := t.served[priority]; busy {
		return ms, true
	}
	return t.nowMS + time.Since(t.seen).Milliseconds() - virtualPast.Milliseconds(), true
}

// take is where the next n jobs of a video begin. The row of its workspace is
// locked until the transaction ends.
func (q *Queue) take(ctx context.Context, tx bun.Tx, l lane, n int) (ms int64, err error) {
	virtual, known := q.turns.at(l.priority)
	if !known {
		_, served, nowMS, err := q.look(ctx, tx, l.priority)
		if err != nil {
			return 0, err
		}
		if virtual = served; virtual == 0 {
			virtual = nowMS - virtualPast.Milliseconds()
		}
	}
	column := map[int]string{Waiting: "waiting_ms", Live: "live_ms"}[l.priority]
	if column == "" {
		column = "bulk_ms"
	}
	step := int64(n * virtualStep)
	var end int64
	err = tx.NewRaw(`INSERT INTO turns (workspace_id, queue, `+column+`) SELECT workspace_id, ?, CAST(? AS BIGINT) FROM videos WHERE id = ? AND workspace_id IS NOT NULL
			ON CONFLICT (workspace_id, queue) DO UPDATE SET `+column+` = CASE
				WHEN excluded.`+column+` > turns.`+column+` + ? THEN excluded.`+column+` ELSE turns.`+column+` + ? END
			RETURNING `+column, QueueMedia, virtual+step, l.videoID, step, step).Scan(ctx, &end)
	if errors.Is(err, sql.ErrNoRows) {
		end, err = virtual+step, nil // a video that is gone has no workspace
	}
	return end - step, err
}

// placed lets jobs begin at once whose place lies in the past: River would let
// whatever is scheduled wait for its next look, some seconds later.
type placed struct{ river.HookDefaults }

// InsertBegin implements rivertype.HookInsertBegin.
func (*placed) InsertBegin(_ context.Context, params *rivertype.JobInsertParams) error {
	if params.State == rivertype.JobStateScheduled && params.ScheduledAt != nil && time.Since(*params.ScheduledAt) > virtualPast/2 {
		params.State = rivertype.JobStateAvailable
	}
	return nil
}

// keepTurns looks where the queue has come to, and gives jobs that come back to
// it, after an attempt or a wait, the place of those that are served now: they
// have had their turn, and are few.
func (q *Queue) keepTurns(ctx context.Context) error {
	found := turns{served: map[int]int64{}}
	for priority := Waiting; priority <= Bulk; priority++ {
		busy, ms, nowMS, err := q.look(ctx, q.db.Reader, priority)
		if err != nil {
			return err
		}
		found.nowMS, found.seen = nowMS, time.Now()
		if busy {
			found.served[priority] = ms
		} else {
			ms = nowMS - virtualPast.Milliseconds()
		}
		if err := q.place(ctx, priority, ms); err != nil {
			return err
		}
	}
	q.turns.mu.Lock()
	defer q.turns.mu.Unlock()
	q.turns.nowMS, q.turns.seen, q.turns.served = found.nowMS, found.seen, found.served
	return nil
}

// look finds the virtual time of a priority: the latest that runs, or the
// earliest that waits.
func (q *Queue) look(ctx context.Context, db bun.IDB, priority int) (busy bool, ms, nowMS int64, err error) {
	var row struct {
		Running sql.NullInt64
		Next    sql.NullInt64
		Now     int64
	}
	one := func(state, order string) string {
		return `(SELECT ` + q.toMS("scheduled_at") + ` FROM river_job WHERE state = '` + state + `' AND queue = ? AND priority = ?
			AND scheduled_at < ` + q.horizon() + ` ORDER BY scheduled_at ` + order + ` LIMIT 1)`
	}
	err = db.NewRaw("SELECT "+one("running", "DESC")+" AS running, "+one("available", "ASC")+" AS next, "+q.nowMS()+" AS now",
		QueueMedia, priority, QueueMedia, priority).Scan(ctx, &row)
	if row.Running.Valid {
		return true, row.Running.Int64, row.Now, err
	}
	return row.Next.Valid, row.Next.Int64, row.Now, err
}

// horizon is the time before which a job's scheduled_at is a place and not a time.
func (q *Queue) horizon() string {
	if q.postgres() {
		return "now() - interval '5 years'"
	}
	return "strftime('%Y-%m-%d %H:%M:%f', 'now', '-5 years')"
}

// place gives the jobs of a priority that wait since a real time a virtual one.
func (q *Queue) place(ctx context.Context, priority int, ms int64) error {
	at, due := any(time.UnixMilli(ms).UTC()), "scheduled_at <= now()"
	if !q.postgres() {
		at, due = time.UnixMilli(ms).UTC().Format(riverTime), "scheduled_at <= strftime('%Y-%m-%d %H:%M:%f', 'now')"
	}
	which := "state = 'available' AND queue = ? AND priority = ? AND scheduled_at >= " + q.horizon() + " AND " + due
	var waits bool
	if err := q.db.Reader.NewRaw("SELECT EXISTS (SELECT 1 FROM river_job WHERE "+which+")", QueueMedia, priority).Scan(ctx, &waits); err != nil || !waits {
		return err
	}
	_, err := q.db.Writer.NewRaw("UPDATE river_job SET scheduled_at = ? WHERE "+which, at, QueueMedia, priority).Exec(ctx)
	return err
}

// riverTime is how River keeps times in SQLite.
const riverTime = "2006-01-02 15:04:05.000"
