package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const (
	// leaseTime is how long a job that sends is believed to live without a sign
	// of it: more than the longest attempt.
	leaseTime = 30 * time.Second
	// lines is how many of a workspace's webhooks are told something at a time, and
	// lineWait how long the next one waits before it looks again: no workspace
	// takes all slots.
	lines    = 2
	lineWait = 2 * time.Second
	// giveUp is how long a message is tried, and how long a webhook may fail.
	giveUp = 24 * time.Hour
	// longestWait is the most time between two attempts.
	longestWait = time.Hour
	// maxWaiting is how many messages may wait for a webhook that fails.
	maxWaiting = 10_000
	// wasDown is how many failures in a row say that the receiver was away, and
	// not that it dislikes one message.
	wasDown = 3
)

// Backoff is how long to wait after a number of failures: seconds at first, for
// a receiver may just be restarting, then up to an hour.
func Backoff(failures int) time.Duration {
	steps := []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}
	if failures < 1 {
		return 0
	}
	if failures > len(steps) {
		return longestWait
	}
	return steps[failures-1]
}

// Take gives a job the lease of a webhook, so that it alone sends to it. It
// returns nil if there is nothing to do now: the webhook is gone or off, it is not
// its time yet, another job has it, which will see what this one came for, or its
// workspace has its lines in use; then another job follows.
func (s *Store) Take(ctx context.Context, args jobs.Webhook, job int64) (*Webhook, error) {
	w := new(Webhook)
	err := s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		now := tx.Now()
		var beside int
		err := tx.NewRaw(`SELECT count(*) FROM webhooks WHERE id <> ? AND lease_until > ? AND workspace_id = (SELECT workspace_id FROM webhooks WHERE id = ?)`,
			args.WebhookID, now, args.WebhookID).Scan(ctx, &beside)
		if err != nil {
			return err
		}
		if beside >= lines {
			*w = Webhook{}
			// One job looks again, however many came: those with the same input are one.
			again := jobs.Webhook{WebhookID: args.WebhookID, At: now.Truncate(lineWait).Add(2 * lineWait)}
			return tx.Enqueue(ctx, again, jobs.Live)
		}
		return tx.NewUpdate().Model(w).Set("lease_job = ?", job).Set("lease_until = ?", now.Add(leaseTime)).
			Where("id = ? AND enabled AND (next_try_at IS NULL OR next_try_at <= ?)", args.WebhookID, now).
			Where("(lease_until IS NULL OR lease_until <= ? OR lease_job = ?)", now, job).Returning("*").Scan(ctx)
	})
	if errors.Is(err, record.ErrNotFound) || err == nil && w.ID == "" {
		return nil, nil //nolint:nilnil // nothing to do is no error
	}
	return w, err
}

// Next takes the message that is due first. It drops those that may not be told
// any more, and returns nil when none is left or the lease is lost; the lease has
// ended then.
func (s *Store) Next(ctx context.Context, w *Webhook) (*Delivery, error) {
	var next *Delivery
	err := s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		next = nil
		renewed := tx.NewUpdate().Table("webhooks").Set("lease_until = ?", tx.Now().Add(leaseTime)).
			Where("id = ? AND enabled AND lease_job = ?", w.ID, w.LeaseJob)
		if err := record.Must(renewed.Exec(ctx)); err != nil {
			return err
		}
		for {
			found := new(Delivery)
			err := tx.NewSelect().Model(found).Where("webhook_id = ? AND state = ? AND next_at <= ?", w.ID, Waiting, tx.Now()).
				Order("next_at", "happened_at", "event_id").Limit(1).Scan(ctx)
			if errors.Is(record.Translate(err), record.ErrNotFound) {
				return release(ctx, tx, w)
			}
			if err != nil {
				return err
			}
			told, err := mayBeTold(ctx, tx, w, found)
			if err != nil {
				return err
			}
			if told {
				next = found
				return nil
			}
			if err := drop(ctx, tx, found); err != nil {
				return err
			}
		}
	})
	if errors.Is(err, record.ErrNotFound) { // it was switched off, or another has it
		return nil, s.Write(ctx, func(ctx context.Context, tx record.Change) error { return release(ctx, tx, w) })
	}
	return next, err
}

// Release ends the lease of a job that lets others have their turn, and puts in
// another for what is left.
func (s *Store) Release(ctx context.Context, w *Webhook, eventID string) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		if err := release(ctx, tx, w); err != nil {
			return err
		}
		return tx.Enqueue(ctx, jobs.Webhook{WebhookID: w.ID, EventID: eventID, At: tx.Now()}, jobs.Live)
	})
}

func release(ctx context.Context, tx record.Change, w *Webhook) error {
	_, err := tx.NewRaw("UPDATE webhooks SET lease_job = NULL, lease_until = NULL WHERE id = ? AND lease_job = ?", w.ID, w.LeaseJob).Exec(ctx)
	return err
}

// mayBeTold says whether the workspace may still see what a message speaks of.
func mayBeTold(ctx context.Context, tx record.Change, w *Webhook, d *Delivery) (bool, error) {
	if d.VideoID == "" {
		return true, nil
	}
	seen, err := tx.NewSelect().Table("videos").Where("id = ? AND workspace_id = ? AND trashed_at IS NULL", d.VideoID, w.WorkspaceID).
		Where("visibility IN ('workspace', 'link')").Exists(ctx)
	if err != nil || !seen || d.CommentID == "" {
		return seen, err
	}
	return tx.NewSelect().Table("comments").Where("id = ? AND video_id = ?", d.CommentID, d.VideoID).Exists(ctx)
}

// drop takes out what may not be told, and what it would have told.
func drop(ctx context.Context, tx record.Change, d *Delivery) error {
	_, err := tx.NewUpdate().Model(d).WherePK().Set("state = ?", Dropped).Set("problem = ?", problemHidden).Set("data = '{}'").Exec(ctx)
	return err
}

// Outcome is what came of one attempt.
type Outcome struct {
	// Status is the answer's, 0 if there was none.
	Status   int
	Duration time.Duration
	// Problem is a sentence for the admin, or "" if the message was taken.
	Problem string
	// Gone says that the receiver wants nothing any more (status 410).
	Gone bool
	// Wait is how long the receiver asked to be left alone.
	Wait time.Duration
}

// Settle notes what came of an attempt. It says whether the webhook takes more now.
func (s *Store) Settle(ctx context.Context, w *Webhook, d *Delivery, o Outcome) (goOn bool, err error) {
	return o.Problem == "", s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		d, now := *d, tx.Now()
		d.Attempts++
		d.TriedAt, d.Status, d.DurationMS, d.Problem = bun.NullTime{Time: now}, o.Status, o.Duration.Milliseconds(), o.Problem
		fresh := new(Webhook)
		if err := tx.NewSelect().Model(fresh).Where("id = ?", w.ID).Scan(ctx); err != nil {
			return ignoreGone(err)
		}
		fresh.LeaseJob = w.LeaseJob
		if o.Problem == "" {
			d.State = Delivered
			return succeeded(ctx, tx, fresh, &d)
		}
		return failed(ctx, tx, fresh, attempt{&d, o})
	})
}

// ignoreGone lets a webhook be deleted while something is sent to it.
func ignoreGone(err error) error {
	if errors.Is(record.Translate(err), record.ErrNotFound) {
		return nil
	}
	return err
}

type attempt struct {
	*Delivery
	Outcome
}

func succeeded(ctx context.Context, tx record.Change, w *Webhook, d *Delivery) error {
	if err := note(ctx, tx, d); err != nil {
		return err
	}
	if err := prune(ctx, tx, w.ID); err != nil || w.Failures == 0 {
		return err
	}
	back := w.Failures >= wasDown
	w.fresh()
	if err := save(ctx, tx, w); err != nil || !back {
		return err
	}
	return hurry(ctx, tx, w.ID)
}

// note writes an attempt into the message's row, unless it was given up or
// deleted meanwhile.
func note(ctx context.Context, tx record.Change, d *Delivery) error {
	_, err := tx.NewUpdate().Model(d).WherePK().Where("state = ?", Waiting).
		Column("state", "next_at", "attempts", "tried_at", "status", "duration_ms", "problem").Exec(ctx)
	return err
}

func failed(ctx context.Context, tx record.Change, w *Webhook, a attempt) error {
	now := tx.Now()
	w.Failures++
	if w.FailingSince.IsZero() {
		w.FailingSince = bun.NullTime{Time: now}
	}
	asked := min(a.Wait, longestWait)
	w.NextTryAt = bun.NullTime{Time: now.Add(max(Backoff(w.Failures), asked))}
	a.NextAt = now.Add(max(Backoff(a.Attempts), Backoff(w.Failures), asked))
	if now.Sub(a.WantedAt) >= giveUp {
		a.State = Failed
	}
	if err := note(ctx, tx, a.Delivery); err != nil {
		return err
	}
	if err := prune(ctx, tx, w.ID); err != nil {
		return err
	}
	why, err := hopeless(ctx, tx, w, a.Outcome)
	if err != nil {
		return err
	}
	if why != "" && w.Enabled {
		return disable(ctx, tx, w, why)
	}
	if err := save(ctx, tx, w); err != nil {
		return err
	}
	if err := release(ctx, tx, w); err != nil {
		return err
	}
	return wakeAfter(ctx, tx, w, a)
}

// wakeAfter puts in a job for when the webhook may be tried again, and one for
// when this message may, if that is later.
func wakeAfter(ctx context.Context, tx record.Change, w *Webhook, a attempt) error {
	if !w.Enabled {
		return nil
	}
	if err := tx.Enqueue(ctx, jobs.Webhook{WebhookID: w.ID, EventID: a.EventID, At: w.NextTryAt.Time}, jobs.Live); err != nil {
		return err
	}
	if a.State != Waiting || !a.NextAt.After(w.NextTryAt.Time) {
		return nil
	}
	return tx.Enqueue(ctx, jobs.Webhook{WebhookID: w.ID, EventID: a.EventID, At: a.NextAt}, jobs.Live)
}

// hopeless says why a webhook is to be switched off, or "".
func hopeless(ctx context.Context, tx record.Change, w *Webhook, o Outcome) (string, error) {
	if o.Gone {
		return WhyGone, nil
	}
	if tx.Now().Sub(w.FailingSince.Time) >= giveUp {
		return WhyFailing, nil
	}
	waiting, err := tx.NewSelect().Model((*Delivery)(nil)).Where("webhook_id = ? AND state = ?", w.ID, Waiting).Count(ctx)
	if err == nil && waiting >= maxWaiting {
		return WhyBacklog, nil
	}
	return "", err
}
