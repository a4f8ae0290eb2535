package webhook

import (
	"context"
	"errors"
	"net/url"

	"github.com/meanwhile-app/meanwhile/server/notify"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// Letters are the sources of the letters about webhooks, by template.
func Letters(store *webhook.Store, base *url.URL) map[string]notify.Source {
	return map[string]notify.Source{webhook.MailDisabled: func(ctx context.Context, ref, _ string) (notify.Letter, error) {
		w, err := store.Any(ctx, ref)
		if errors.Is(err, record.ErrNotFound) || err == nil && w.Enabled { // somebody was faster
			return nil, notify.ErrStale
		}
		if err != nil {
			return nil, err
		}
		return notify.WebhookOff{Host: w.Host(), Why: w.DisabledWhy, URL: base.JoinPath("settings").String() + "#webhooks"}, nil
	}}
}
