package webhook

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// NewWebhook is what an admin says of a new one. Whether its address may be
// called has been decided.
type NewWebhook struct {
	WorkspaceID, By string
	URL             string
	Events          []Kind
}

// Create makes a webhook with its secret. It returns record.ErrTooMany if the
// workspace has as many as it may.
func (s *Store) Create(ctx context.Context, n NewWebhook) (*Webhook, error) {
	events, err := normalKinds(n.Events)
	if err != nil {
		return nil, err
	}
	if err := checkLength(n.URL); err != nil {
		return nil, err
	}
	now := s.Now()
	w := &Webhook{
		ID: record.NewID(), WorkspaceID: n.WorkspaceID, CreatedBy: n.By, URL: n.URL, EventsRaw: events, Secret: newSecret(),
		Enabled: true, CreatedAt: now, UpdatedAt: now,
	}
	return w, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		count, err := tx.NewSelect().Model((*Webhook)(nil)).Where("workspace_id = ?", n.WorkspaceID).Count(ctx)
		if err != nil {
			return err
		}
		if count >= maxWebhooks {
			return record.ErrTooMany
		}
		if _, err := tx.NewInsert().Model(w).Exec(ctx); err != nil {
			return err
		}
		return audit(ctx, tx, w, record.WebhookCreated, map[string]string{"events": list(w)})
	})
}

func checkLength(url string) error {
	if len(url) > maxURLBytes {
		return &record.InvalidError{Field: "url", Message: "This address is too long."}
	}
	return nil
}

// audit names a webhook by its host alone: the rest of an address often is a secret.
func audit(ctx context.Context, tx record.Change, w *Webhook, action record.Action, detail map[string]string) error {
	if detail == nil {
		detail = map[string]string{}
	}
	detail["webhook"] = w.Host()
	return tx.Audit(ctx, record.Audit{WorkspaceID: w.WorkspaceID, Action: action, Detail: detail})
}

func list(w *Webhook) string {
	var words []string
	for _, kind := range w.Events() {
		words = append(words, string(kind))
	}
	return strings.Join(words, ", ")
}

// Change is what an admin may change; nil leaves a field as it is.
type Change struct {
	URL     *string
	Events  []Kind
	Enabled *bool
}

// Change changes a webhook. Switched off, it forgets what waits; switched on, or
// with another address, it begins anew.
func (s *Store) Change(ctx context.Context, workspaceID, id string, wanted Change) (*Webhook, error) {
	var w *Webhook
	return w, s.Write(ctx, func(ctx context.Context, tx record.Change) (err error) {
		if w, err = find(ctx, tx, workspaceID, id); err != nil {
			return err
		}
		detail := map[string]string{}
		if wanted.Events != nil {
			if w.EventsRaw, err = normalKinds(wanted.Events); err != nil {
				return err
			}
			detail["events"] = list(w)
		}
		if u := wanted.URL; u != nil && *u != w.URL {
			if err := checkLength(*u); err != nil {
				return err
			}
			w.URL = *u
			w.fresh()
			detail["url"] = w.Host()
		}
		if on := wanted.Enabled; on != nil && *on != w.Enabled {
			w.Enabled, w.DisabledWhy = *on, ""
			w.fresh()
			detail["enabled"] = map[bool]string{true: "true", false: "false"}[*on]
		}
		w.UpdatedAt = tx.Now()
		if err := save(ctx, tx, w); err != nil {
			return err
		}
		if err := afterChange(ctx, tx, w); err != nil {
			return err
		}
		return audit(ctx, tx, w, record.WebhookChanged, detail)
	})
}

// fresh forgets what went wrong before.
func (w *Webhook) fresh() {
	w.Failures, w.FailingSince, w.NextTryAt = 0, bun.NullTime{}, bun.NullTime{}
}

// save writes back all but the lease, which belongs to the job that sends.
func save(ctx context.Context, tx record.Change, w *Webhook) error {
	return record.Must(tx.NewUpdate().Model(w).WherePK().Column("url", "events", "secret", "old_secret", "old_secret_until", "enabled", "disabled_why",
		"failures", "failing_since", "next_try_at", "updated_at").Exec(ctx))
}

func afterChange(ctx context.Context, tx record.Change, w *Webhook) error {
	if !w.Enabled {
		return forget(ctx, tx, w.ID)
	}
	if w.Failures > 0 {
		return nil
	}
	return hurry(ctx, tx, w.ID)
}

// hurry makes all that waits due now.
func hurry(ctx context.Context, tx record.Change, id string) error {
	var waiting []string
	err := tx.NewRaw("UPDATE webhook_deliveries SET next_at = ? WHERE webhook_id = ? AND state = ? AND next_at > ? RETURNING event_id",
		tx.Now(), id, Waiting, tx.Now()).Scan(ctx, &waiting)
	if err != nil || len(waiting) == 0 {
		return err
	}
	return tx.Enqueue(ctx, jobs.Webhook{WebhookID: id, EventID: waiting[0]}, jobs.Waiting)
}

// forget gives up what waits for a webhook that is switched off.
func forget(ctx context.Context, tx record.Change, id string) error {
	_, err := tx.NewRaw("UPDATE webhook_deliveries SET state = ?, problem = ? WHERE webhook_id = ? AND state = ?", Failed, problemOff, id, Waiting).Exec(ctx)
	if err != nil {
		return err
	}
	return prune(ctx, tx, id)
}

// RenewSecret makes another secret. Messages are signed by the one before, too,
// for a day.
func (s *Store) RenewSecret(ctx context.Context, workspaceID, id string) (*Webhook, error) {
	var w *Webhook
	return w, s.Write(ctx, func(ctx context.Context, tx record.Change) (err error) {
		if w, err = find(ctx, tx, workspaceID, id); err != nil {
			return err
		}
		w.OldSecret, w.OldSecretUntil = w.Secret, bun.NullTime{Time: tx.Now().Add(oldSecretLife)}
		w.Secret, w.UpdatedAt = newSecret(), tx.Now()
		if err := save(ctx, tx, w); err != nil {
			return err
		}
		return audit(ctx, tx, w, record.WebhookChanged, map[string]string{"secret": "renewed"})
	})
}

// Delete removes a webhook and all that waits for it.
func (s *Store) Delete(ctx context.Context, workspaceID, id string) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		w, err := find(ctx, tx, workspaceID, id)
		if err != nil {
			return err
		}
		if err := record.Must(tx.NewDelete().Model(w).WherePK().Exec(ctx)); err != nil {
			return err // its deliveries go with it, by their foreign key
		}
		return audit(ctx, tx, w, record.WebhookRemoved, nil)
	})
}
