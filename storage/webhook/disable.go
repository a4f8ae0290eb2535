package webhook

import (
	"context"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Why the server switches a webhook off.
const (
	WhyFailing = "failing" // nothing was taken for a day
	WhyGone    = "gone"    // the receiver answered 410
	WhyBacklog = "backlog" // too much waits for it
)

// NoticeDisabled is the kind of notice that tells of a webhook that was switched
// off, and MailDisabled the letter, whose record is the webhook.
const (
	NoticeDisabled = "webhook_disabled"
	MailDisabled   = "webhook_disabled"
)

// disable switches a webhook off and tells whoever made it; if they look after
// the workspace no more, its owners.
func disable(ctx context.Context, tx record.Change, w *Webhook, why string) error {
	w.Enabled, w.DisabledWhy, w.UpdatedAt = false, why, tx.Now()
	if err := save(ctx, tx, w); err != nil {
		return err
	}
	if err := release(ctx, tx, w); err != nil {
		return err
	}
	if err := forget(ctx, tx, w.ID); err != nil {
		return err
	}
	if err := audit(ctx, tx, w, record.WebhookDisabled, map[string]string{"why": why}); err != nil {
		return err
	}
	people, err := keepers(ctx, tx, w)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := tell(ctx, tx, w, p); err != nil {
			return err
		}
	}
	return nil
}

type keeper struct{ ID, Email string }

// keepers are who is told of a webhook's end.
func keepers(ctx context.Context, tx record.Change, w *Webhook) ([]keeper, error) {
	const who = `SELECT accounts.id, accounts.email FROM memberships JOIN accounts ON accounts.id = memberships.account_id
		WHERE memberships.workspace_id = ? AND accounts.disabled_at IS NULL AND `
	var found []keeper
	err := tx.NewRaw(who+"accounts.id = ? AND memberships.role IN ('owner', 'admin')", w.WorkspaceID, w.CreatedBy).Scan(ctx, &found)
	if err != nil || len(found) > 0 {
		return found, err
	}
	err = tx.NewRaw(who+"memberships.role = 'owner'", w.WorkspaceID).Scan(ctx, &found)
	return found, err
}

// tell puts a notice into an inbox, and a letter on its way. The notice is from
// the receiver's host, which is all that it says.
func tell(ctx context.Context, tx record.Change, w *Webhook, to keeper) error {
	_, err := tx.NewRaw("INSERT INTO notices (id, account_id, kind, actor_name, created_at) VALUES (?, ?, ?, ?, ?)",
		record.NewID(), to.ID, NoticeDisabled, w.Host(), tx.Now()).Exec(ctx)
	if err != nil {
		return err
	}
	tx.Tell(record.Event{Kind: record.NoticeAdded, AccountID: to.ID})
	return tx.Enqueue(ctx, jobs.Mail{Template: MailDisabled, To: to.Email, Ref: w.ID}, jobs.Bulk)
}
