package admin

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// failuresAtOnce is a page of failures.
const failuresAtOnce = 50

// Failure is a job that was given up.
type Failure struct {
	ID        int64     `json:"id"`
	Kind      string    `json:"kind" doc:"What should have been done, e.g. span, audio, mail"`
	VideoID   string    `json:"video_id" doc:"Empty if it is about no video"`
	Title     string    `json:"title" doc:"The video's; empty if it is gone"`
	Workspace string    `json:"workspace" doc:"The video's"`
	Attempts  int       `json:"attempts" doc:"How often it was tried"`
	Reason    string    `json:"reason" doc:"What went wrong the last time"`
	At        time.Time `json:"at" doc:"When it was given up"`
}

// FailuresInput goes on behind what was read.
type FailuresInput struct {
	Cursor string `query:"cursor" maxLength:"20" doc:"next_cursor of the page before"`
}

// FailuresOutput is a page of failures, the newest first.
type FailuresOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items      []Failure `json:"items" nullable:"false"`
		NextCursor *string   `json:"next_cursor"`
	}
}

var errCursor = reply.New(422, "cursor", "This cursor is not one of ours.").At("query.cursor")

// ListFailures is GET /api/admin/failures.
func (a *API) ListFailures(ctx context.Context, in *FailuresInput) (*FailuresOutput, error) {
	query := jobs.FailureQuery{Limit: failuresAtOnce}
	if in.Cursor != "" {
		before, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil || before <= 0 {
			return nil, errCursor
		}
		query.Before = before
	}
	found, err := a.Queue.Failures(ctx, query)
	if err != nil {
		return nil, err
	}
	out := &FailuresOutput{CacheControl: noStore}
	if out.Body.Items, err = a.described(ctx, found); err != nil {
		return nil, err
	}
	if len(found) == failuresAtOnce {
		next := strconv.FormatInt(found[len(found)-1].ID, 10)
		out.Body.NextCursor = &next
	}
	return out, nil
}

// described says which videos failures are about.
func (a *API) described(ctx context.Context, found []jobs.Failure) ([]Failure, error) {
	var ids []string
	for _, f := range found {
		if f.VideoID != "" {
			ids = append(ids, f.VideoID)
		}
	}
	titles, err := a.Census.Titles(ctx, ids)
	if err != nil {
		return nil, err
	}
	items := make([]Failure, 0, len(found))
	for _, f := range found {
		about := titles[f.VideoID]
		items = append(items, Failure{
			ID: f.ID, Kind: f.Kind, VideoID: f.VideoID, Title: about.Title, Workspace: about.Workspace, Attempts: f.Attempt, Reason: f.Reason, At: f.At.UTC(),
		})
	}
	return items, nil
}

// RetryInput names a failure.
type RetryInput struct {
	ID int64 `path:"id" minimum:"1" doc:"The failure"`
}

// RetryFailure is POST /api/admin/failures/{id}/retry.
func (a *API) RetryFailure(ctx context.Context, in *RetryInput) (*Empty, error) {
	found, err := a.Queue.Failures(ctx, jobs.FailureQuery{Before: in.ID + 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].ID != in.ID {
		return nil, reply.NotFound
	}
	return nil, a.retry(ctx, found[0])
}

// retry sets a job going again. A video that counts as failed begins again itself,
// with this job and the others that it lacks.
func (a *API) retry(ctx context.Context, f jobs.Failure) error {
	if f.VideoID != "" {
		if err := a.Video(ctx, f.VideoID); err != nil && !errors.Is(err, record.ErrNotFound) {
			return err
		}
	}
	if err := record.Translate(a.Queue.Retry(ctx, f.ID)); err != nil && !errors.Is(err, record.ErrNotFound) {
		return err
	}
	return nil
}

// RetriedOutput says how many jobs are tried again.
type RetriedOutput struct {
	Body struct {
		Retried int  `json:"retried" doc:"How many jobs are tried again"`
		More    bool `json:"more" doc:"There may be others; ask again"`
	}
}

// mostRetried bounds what one request puts back.
const mostRetried = 500

// RetryFailures is POST /api/admin/failures/retry: all of them.
func (a *API) RetryFailures(ctx context.Context, _ *struct{}) (*RetriedOutput, error) {
	found, err := a.Queue.Failures(ctx, jobs.FailureQuery{Limit: mostRetried})
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		if err := a.retry(ctx, f); err != nil {
			return nil, err
		}
	}
	out := &RetriedOutput{}
	out.Body.Retried, out.Body.More = len(found), len(found) == mostRetried
	return out, nil
}
