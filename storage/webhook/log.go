package webhook

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Sentences for what was not even tried.
const (
	problemOff    = "Not sent: the webhook was switched off."
	problemHidden = "Not sent: what it tells of is gone, or the workspace may not see it any more."
)

const (
	// kept is how many messages that are settled stay in a webhook's log.
	kept = 100
	// overdue is how late a message is when its job must have been lost.
	overdue = 2 * time.Minute
)

// ErrOff says that a webhook is switched off, so that nothing is sent to it.
var ErrOff = errors.New("the webhook is switched off")

// Deliveries lists the messages to a webhook, the newest first.
func (s *Store) Deliveries(ctx context.Context, workspaceID, id string) ([]*Delivery, error) {
	if _, err := s.Webhook(ctx, workspaceID, id); err != nil {
		return nil, err
	}
	all := []*Delivery{}
	err := s.DB.Reader.NewSelect().Model(&all).ExcludeColumn("data").Where("webhook_id = ?", id).
		OrderExpr("happened_at DESC, event_id DESC").Limit(kept).Scan(ctx)
	return all, record.Translate(err)
}

// prune keeps the log of a webhook at its bound.
func prune(ctx context.Context, tx record.Change, id string) error {
	_, err := tx.NewRaw(`DELETE FROM webhook_deliveries WHERE webhook_id = ? AND state <> ? AND event_id NOT IN
		(SELECT event_id FROM webhook_deliveries WHERE webhook_id = ? AND state <> ? ORDER BY happened_at DESC, event_id DESC LIMIT ?)`,
		id, Waiting, id, Waiting, kept).Exec(ctx)
	return err
}

// SendTest puts in a message that says only that it is a test.
func (s *Store) SendTest(ctx context.Context, workspaceID, id string) (*Delivery, error) {
	var row *Delivery
	return row, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		w, err := sending(ctx, tx, workspaceID, id)
		if err != nil {
			return err
		}
		if row, err = newDelivery(tx, Event{Kind: Test, WorkspaceID: workspaceID}); err != nil {
			return err
		}
		return add(ctx, tx, w.ID, *row)
	})
}

// sending finds a webhook that somebody wants to be tried now: they may have just
// repaired its receiver, so it does not wait for its time.
func sending(ctx context.Context, tx record.Change, workspaceID, id string) (*Webhook, error) {
	w, err := find(ctx, tx, workspaceID, id)
	if err != nil {
		return nil, err
	}
	if !w.Enabled {
		return nil, ErrOff
	}
	_, err = tx.NewRaw("UPDATE webhooks SET next_try_at = NULL WHERE id = ?", id).Exec(ctx)
	return w, err
}

// SendAgain puts a message in once more, under the same id.
func (s *Store) SendAgain(ctx context.Context, workspaceID, id, eventID string) (*Delivery, error) {
	if strings.ContainsRune(eventID, 0) {
		return nil, record.ErrNotFound
	}
	row := new(Delivery)
	return row, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		if _, err := sending(ctx, tx, workspaceID, id); err != nil {
			return err
		}
		err := tx.NewUpdate().Model(row).Set("state = ?, attempts = 0", Waiting).Set("wanted_at = ?, next_at = ?", tx.Now(), tx.Now()).
			Where("webhook_id = ? AND event_id = ? AND state <> ?", id, eventID, Dropped).Returning("*").Scan(ctx)
		if err != nil {
			return err
		}
		return tx.Enqueue(ctx, jobs.Webhook{WebhookID: id, EventID: eventID}, jobs.Waiting)
	})
}

// Wake makes up for jobs that were lost: for every webhook that has been due for
// long and that nobody sends to, it puts in one.
func (s *Store) Wake(ctx context.Context) error {
	now := s.Now()
	var late []struct{ WebhookID, EventID string }
	err := s.DB.Reader.NewRaw(`SELECT webhook_id, min(event_id) AS event_id FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id
		WHERE state = ? AND next_at <= ? AND enabled AND (next_try_at IS NULL OR next_try_at <= ?) AND (lease_until IS NULL OR lease_until <= ?)
		GROUP BY webhook_id LIMIT 100`, Waiting, now.Add(-overdue), now.Add(-overdue), now).Scan(ctx, &late)
	if err != nil || len(late) == 0 {
		return record.Translate(err)
	}
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		for _, l := range late {
			if err := tx.Enqueue(ctx, jobs.Webhook{WebhookID: l.WebhookID, EventID: l.EventID}, jobs.Live); err != nil {
				return err
			}
		}
		return nil
	})
}
