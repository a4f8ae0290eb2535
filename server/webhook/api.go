package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// API is how admins look after the webhooks of the workspace that they work in.
// The gate has made sure that they are admins there; a webhook of another
// workspace does not exist for them.
type API struct {
	store *webhook.Store
	guard *Guard
}

// New makes an API. Without a guard, nothing inside is called.
func New(store *webhook.Store, guard *Guard) *API {
	if guard == nil {
		guard = new(Guard)
	}
	return &API{store, guard}
}

var errOff = reply.New(409, "webhook_off", "This webhook is switched off. Switch it on first.")

// Webhook is one as admins see it. Its secret is not shown again.
type Webhook struct {
	ID     string         `json:"id"`
	URL    string         `json:"url"`
	Events []webhook.Kind `json:"events" nullable:"false" enum:"video.created,video.finished,video.ready,video.failed,comment.created,access.requested"`
	// Enabled and why not.
	Enabled     bool       `json:"enabled"`
	DisabledWhy string     `json:"disabled_why,omitempty" enum:"failing,gone,backlog" doc:"Why the server switched it off: nothing was taken for a day; the receiver answered 410; too many messages waited"`
	Failures    int        `json:"failures" doc:"Attempts that failed since the last that did not"`
	FailingFrom *time.Time `json:"failing_since,omitempty"`
	NextTryAt   *time.Time `json:"next_try_at,omitempty" doc:"Nothing is sent before"`
	OldSecretTo *time.Time `json:"old_secret_until,omitempty" doc:"Messages are signed by the secret before, too, until then"`
	CreatedAt   time.Time  `json:"created_at"`
}

func (a *API) view(w *webhook.Webhook) Webhook {
	out := Webhook{
		ID: w.ID, URL: w.URL, Events: w.Events(), Enabled: w.Enabled, DisabledWhy: w.DisabledWhy, Failures: w.Failures,
		FailingFrom: moment(w.FailingSince.Time), CreatedAt: w.CreatedAt.UTC(),
	}
	if now := a.store.Now(); w.NextTryAt.After(now) {
		out.NextTryAt = moment(w.NextTryAt.Time)
	}
	if w.OldSecretUntil.After(a.store.Now()) {
		out.OldSecretTo = moment(w.OldSecretUntil.Time)
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

// WebhooksOutput lists webhooks.
type WebhooksOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items []Webhook `json:"items" nullable:"false"`
	}
}

// List is GET /api/webhooks.
func (a *API) List(ctx context.Context, _ *struct{}) (*WebhooksOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	all, err := a.store.Webhooks(ctx, account.WorkspaceID)
	if err != nil {
		return nil, err
	}
	out := &WebhooksOutput{CacheControl: "no-store"}
	out.Body.Items = make([]Webhook, len(all))
	for i, w := range all {
		out.Body.Items[i] = a.view(w)
	}
	return out, nil
}

// NewWebhookInput is a new webhook.
type NewWebhookInput struct {
	Body struct {
		URL    string         `json:"url" maxLength:"2000" doc:"Where messages go; with https"`
		Events []webhook.Kind `json:"events" maxItems:"20" nullable:"false" doc:"What it is told of"`
	}
}

// ShownOutput is a webhook with its new secret, which is shown this once.
type ShownOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Webhook Webhook `json:"webhook"`
		Secret  string  `json:"secret" doc:"Signs messages; shown only now"`
	}
}

func (a *API) shown(w *webhook.Webhook) *ShownOutput {
	out := &ShownOutput{CacheControl: "no-store"}
	out.Body.Webhook, out.Body.Secret = a.view(w), w.Secret
	return out
}

// Create is POST /api/webhooks.
func (a *API) Create(ctx context.Context, in *NewWebhookInput) (*ShownOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	address, err := a.guard.Check(in.Body.URL)
	if err != nil {
		return nil, err
	}
	w, err := a.store.Create(ctx, webhook.NewWebhook{WorkspaceID: account.WorkspaceID, By: account.ID, URL: address, Events: in.Body.Events})
	if err != nil {
		return nil, err
	}
	return a.shown(w), nil
}

// ByID names a webhook.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The webhook"`
}

// Output is one webhook.
type Output struct {
	CacheControl string `header:"Cache-Control"`
	Body         Webhook
}

// UpdateInput changes some of a webhook.
type UpdateInput struct {
	ByID
	Body struct {
		URL     *string        `json:"url,omitempty" maxLength:"2000"`
		Events  []webhook.Kind `json:"events,omitempty" maxItems:"20"`
		Enabled *bool          `json:"enabled,omitempty" doc:"Switched off, it forgets what waits"`
	}
}

// Change is PATCH /api/webhooks/{id}.
func (a *API) Change(ctx context.Context, in *UpdateInput) (*Output, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	change := webhook.Change{URL: in.Body.URL, Events: in.Body.Events, Enabled: in.Body.Enabled}
	if change.URL != nil {
		address, err := a.guard.Check(*change.URL)
		if err != nil {
			return nil, err
		}
		change.URL = &address
	}
	w, err := a.store.Change(ctx, account.WorkspaceID, in.ID, change)
	if err != nil {
		return nil, err
	}
	return &Output{CacheControl: "no-store", Body: a.view(w)}, nil
}

// Empty is an answer without a body.
type Empty struct{}

// Delete is DELETE /api/webhooks/{id}.
func (a *API) Delete(ctx context.Context, in *ByID) (*Empty, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	return &Empty{}, a.store.Delete(ctx, account.WorkspaceID, in.ID)
}

// RenewSecret is POST /api/webhooks/{id}/secret.
func (a *API) RenewSecret(ctx context.Context, in *ByID) (*ShownOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	w, err := a.store.RenewSecret(ctx, account.WorkspaceID, in.ID)
	if err != nil {
		return nil, err
	}
	return a.shown(w), nil
}

// Delivery is a message to a webhook and what came of it. What the receiver said
// beyond its status is not known.
type Delivery struct {
	ID         string        `json:"id" doc:"The event; the same in every attempt"`
	Event      webhook.Kind  `json:"event"`
	State      webhook.State `json:"state" enum:"waiting,delivered,failed,dropped"`
	HappenedAt time.Time     `json:"happened_at"`
	TriedAt    *time.Time    `json:"tried_at,omitempty" doc:"The last attempt"`
	NextAt     *time.Time    `json:"next_at,omitempty" doc:"The next attempt"`
	Attempts   int           `json:"attempts"`
	Status     int           `json:"status" doc:"HTTP status of the last attempt; 0 if there was no answer"`
	DurationMS int64         `json:"duration_ms" doc:"How long the last attempt took"`
	Problem    string        `json:"problem,omitempty" doc:"Why it was not taken, in a sentence"`
}

func delivery(d *webhook.Delivery) Delivery {
	out := Delivery{
		ID: d.EventID, Event: d.Kind, State: d.State, HappenedAt: d.HappenedAt.UTC(), TriedAt: moment(d.TriedAt.Time),
		Attempts: d.Attempts, Status: d.Status, DurationMS: d.DurationMS, Problem: d.Problem,
	}
	if d.State == webhook.Waiting && d.Attempts > 0 {
		out.NextAt = moment(d.NextAt)
	}
	return out
}

// DeliveriesOutput lists messages, the newest first.
type DeliveriesOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items []Delivery `json:"items" nullable:"false"`
	}
}

// ListDeliveries is GET /api/webhooks/{id}/deliveries.
func (a *API) ListDeliveries(ctx context.Context, in *ByID) (*DeliveriesOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	all, err := a.store.Deliveries(ctx, account.WorkspaceID, in.ID)
	if err != nil {
		return nil, err
	}
	out := &DeliveriesOutput{CacheControl: "no-store"}
	out.Body.Items = make([]Delivery, len(all))
	for i, d := range all {
		out.Body.Items[i] = delivery(d)
	}
	return out, nil
}

// DeliveryOutput is one message.
type DeliveryOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Delivery
}

func sent(d *webhook.Delivery, err error) (*DeliveryOutput, error) {
	if errors.Is(err, webhook.ErrOff) {
		return nil, errOff
	}
	if err != nil {
		return nil, err
	}
	return &DeliveryOutput{CacheControl: "no-store", Body: delivery(d)}, nil
}

// SendTest is POST /api/webhooks/{id}/test.
func (a *API) SendTest(ctx context.Context, in *ByID) (*DeliveryOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	return sent(a.store.SendTest(ctx, account.WorkspaceID, in.ID))
}

// AgainInput names a message.
type AgainInput struct {
	ByID
	Event string `path:"event" maxLength:"64" doc:"The event"`
}

// SendAgain is POST /api/webhooks/{id}/deliveries/{event}.
func (a *API) SendAgain(ctx context.Context, in *AgainInput) (*DeliveryOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	return sent(a.store.SendAgain(ctx, account.WorkspaceID, in.ID, in.Event))
}
