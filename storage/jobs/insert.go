package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"
)

// Wanted is a job to be put in.
type Wanted struct {
	Args     Args
	Priority int
}

// Insert adds a job in the caller's transaction: see InsertAll.
func (q *Queue) Insert(ctx context.Context, tx bun.Tx, args Args, priority int) error {
	return q.InsertAll(ctx, tx, []Wanted{{args, priority}})
}

// InsertAll adds jobs in the caller's transaction, near its end, for the row that
// holds a workspace's place in the queue is locked from here on. A job that waits
// already, with the same input, is not added again; a letter that cannot be sent
// is not added at all.
func (q *Queue) InsertAll(ctx context.Context, tx bun.Tx, all []Wanted) error {
	all, err := q.distinct(all)
	if err != nil || len(all) == 0 {
		return err
	}
	places, err := q.places(ctx, tx, all)
	if err != nil {
		return err
	}
	if err := q.hurry(ctx, tx, all); err != nil {
		return fmt.Errorf("jobs: hurry: %w", err)
	}
	params := make([]river.InsertManyParams, len(all))
	for i, w := range all {
		o := options(w.Args, w.Priority)
		if !places[i].IsZero() {
			o.ScheduledAt = places[i]
		}
		params[i] = river.InsertManyParams{Args: w.Args, InsertOpts: o}
	}
	if err := q.client.insert(ctx, tx, params); err != nil {
		return fmt.Errorf("jobs: insert %s: %w", all[0].Args.Kind(), err)
	}
	return nil
}

// hurry moves spans that are in line already to where they are wanted now: a
// recording that has ended is waited for.
func (q *Queue) hurry(ctx context.Context, tx bun.Tx, all []Wanted) error {
	done := map[string]bool{}
	for _, w := range all {
		span, ok := w.Args.(Span)
		if !ok || w.Priority != Waiting || done[span.VideoID] {
			continue
		}
		done[span.VideoID] = true
		about := "json_extract(args, '$.video_id') = ?"
		if q.postgres() {
			about = "args @> jsonb_build_object('video_id', CAST(? AS TEXT))" // which its index understands
		}
		if _, err := tx.NewRaw("UPDATE river_job SET priority = ? WHERE kind = ? AND state IN ('available', 'retryable') AND priority > ? AND "+about,
			Waiting, span.Kind(), Waiting, span.VideoID).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// distinct drops what is wanted twice, and letters that cannot be sent.
func (q *Queue) distinct(all []Wanted) ([]Wanted, error) {
	type name struct{ kind, args string }
	seen := make(map[name]bool, len(all))
	kept := make([]Wanted, 0, len(all))
	for _, w := range all {
		if _, letter := w.Args.(Mail); letter && !q.mail {
			continue
		}
		raw, err := json.Marshal(w.Args)
		if err != nil {
			return nil, fmt.Errorf("jobs: insert %s: %w", w.Args.Kind(), err)
		}
		n := name{w.Args.Kind(), string(raw)}
		if !seen[n] {
			seen[n], kept = true, append(kept, w)
		}
	}
	return kept, nil
}

// lane is what jobs of one video and priority stand in line for.
type lane struct {
	videoID  string
	priority int
}

// places gives jobs about videos their place in the queue, in the order in which
// they are wanted; others have none.
func (q *Queue) places(ctx context.Context, tx bun.Tx, all []Wanted) ([]time.Time, error) {
	places, members := make([]time.Time, len(all)), map[lane][]int{}
	var order []lane
	for i, w := range all {
		of, ok := w.Args.(ofVideo)
		if !ok {
			continue
		}
		l := lane{of.video(), w.Priority}
		if members[l] == nil {
			order = append(order, l)
		}
		members[l] = append(members[l], i)
	}
	for _, l := range order {
		ms, err := q.take(ctx, tx, l, len(members[l]))
		if err != nil {
			return nil, fmt.Errorf("jobs: place: %w", err)
		}
		for n, i := range members[l] {
			places[i] = time.UnixMilli(ms + int64(n*virtualStep)).UTC()
		}
	}
	return places, nil
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
