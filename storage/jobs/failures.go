package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// Depth is how many jobs of one queue and priority are in one state: available,
// running, scheduled or retryable.
type Depth struct {
	Queue    string
	Priority int
	State    string
	N        int
	// OldestAt is when the first of them was put in.
	OldestAt time.Time
}

// Depths counts the jobs that wait or run.
func (q *Queue) Depths(ctx context.Context) ([]Depth, error) {
	var rows []struct {
		Depth
		OldestMS int64 `bun:"oldest_ms"`
	}
	err := q.db.Reader.NewRaw(`SELECT queue, priority, CAST(state AS TEXT) AS state, count(*) AS n, `+q.toMS("min(created_at)")+` AS oldest_ms
		FROM river_job WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled')
		GROUP BY queue, priority, state ORDER BY queue, priority, state`).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("jobs: depths: %w", err)
	}
	depths := make([]Depth, len(rows))
	for i, row := range rows {
		depths[i] = row.Depth
		depths[i].OldestAt = time.UnixMilli(row.OldestMS).UTC()
	}
	return depths, nil
}

// Failure is a job that was given up.
type Failure struct {
	ID   int64
	Kind string
	// VideoID and WorkspaceID are "" where a job is not about a video, or about
	// one that is gone.
	VideoID, WorkspaceID string
	// Attempt is how often it was tried.
	Attempt int
	// Reason is what the last attempt said.
	Reason string
	At     time.Time
}

// FailureQuery chooses failures; what is empty chooses all.
type FailureQuery struct {
	WorkspaceID, VideoID string
	// Before is the ID of the last one of the page before, or 0.
	Before int64
	// Limit is how many are wanted at most; 0 is 50.
	Limit int
}

// Failures lists the jobs that were given up and not put in again since, the
// latest first. They are forgotten after two weeks.
func (q *Queue) Failures(ctx context.Context, wanted FailureQuery) ([]Failure, error) {
	video, reason, some := "json_extract(job.args, '$.video_id')", "json_extract(job.errors, '$[#-1].error')", "coalesce(json_array_length(job.errors), 0) > 0"
	if q.postgres() {
		video, reason, some = "(job.args ->> 'video_id')", "job.errors[array_upper(job.errors, 1)] ->> 'error'", "cardinality(job.errors) > 0"
	}
	var rows []struct {
		Failure
		VideoID     sql.NullString
		WorkspaceID sql.NullString
		Reason      sql.NullString
		AtMS        int64 `bun:"at_ms"`
	}
	s := q.db.Reader.NewSelect().TableExpr("river_job AS job").
		ColumnExpr("job.id, job.kind, " + video + " AS video_id, videos.workspace_id, job.attempt, " + reason + " AS reason, " + q.toMS("job.finalized_at") + " AS at_ms").
		Join("LEFT JOIN videos ON videos.id = " + video).
		Where("job.state IN ('discarded', 'cancelled') AND " + some).
		Where("NOT EXISTS (SELECT 1 FROM river_job AS newer WHERE newer.unique_key = job.unique_key AND newer.id > job.id)").
		OrderExpr("job.id DESC").Limit(limitOf(wanted.Limit))
	if err := wanted.narrow(s, video).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("jobs: failures: %w", err)
	}
	found := make([]Failure, len(rows))
	for i, row := range rows {
		f := row.Failure
		f.VideoID, f.WorkspaceID = row.VideoID.String, row.WorkspaceID.String
		f.Reason, f.At = strings.TrimPrefix(row.Reason.String, cancelPrefix), time.UnixMilli(row.AtMS).UTC()
		found[i] = f
	}
	return found, nil
}

func limitOf(n int) int64 {
	if n <= 0 {
		return 50
	}
	return int64(min(n, 500))
}

func (w FailureQuery) narrow(s *bun.SelectQuery, video string) *bun.SelectQuery {
	if w.WorkspaceID != "" {
		s = s.Where("videos.workspace_id = ?", w.WorkspaceID)
	}
	if w.VideoID != "" {
		s = s.Where(video+" = ?", w.VideoID)
	}
	if w.Before > 0 {
		s = s.Where("job.id < ?", w.Before)
	}
	return s
}

// Retry sets a job going again that was given up or waits for its next attempt,
// with as many attempts as a new one. It is an error that database.IsNotFound
// knows if there is no such job. One that has been put in again is left alone.
func (q *Queue) Retry(ctx context.Context, id int64) error {
	now, nobody := any(time.Now().UTC().Format(riverTime)), "jsonb('[]')"
	if q.postgres() {
		now, nobody = bun.Safe("now()"), "'{}'"
	}
	changed, err := q.db.Writer.NewRaw(`UPDATE river_job SET state = 'available', attempt = 0, attempted_by = `+nobody+`, finalized_at = NULL, scheduled_at = ?
		WHERE id = ? AND state IN ('discarded', 'cancelled', 'retryable', 'scheduled')`, now, id).Exec(ctx)
	if database.IsDuplicate(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("jobs: retry: %w", err)
	}
	if n, err := changed.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fmt.Errorf("jobs: retry %d: %w", id, sql.ErrNoRows)
}
