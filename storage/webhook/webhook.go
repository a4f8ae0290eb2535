// Package webhook holds the addresses that workspaces are told of their events
// at, and the messages to them.
//
// An event is one row for each webhook that wants it, written by Emit in the
// transaction of the change that it tells of, together with a job: so it exists
// exactly if the change does. Its id is the same in every attempt and at every
// webhook. Only one job at a time sends to a webhook; it holds a lease, takes what
// is due, and notes what came of it. What was not taken is tried again later and
// later, for a day. A webhook that has taken nothing for a day is switched off.
package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Kind says what happened.
type Kind string

// The kinds of event. Test is what an admin sends by hand.
const (
	VideoCreated    Kind = "video.created"
	VideoFinished   Kind = "video.finished" // all of it has arrived, and plays
	VideoReady      Kind = "video.ready"    // all that is made of it is made
	VideoFailed     Kind = "video.failed"
	CommentCreated  Kind = "comment.created"
	AccessRequested Kind = "access.requested"
	Test            Kind = "webhook.test"
)

// Kinds lists what a webhook may be told.
func Kinds() []Kind {
	return []Kind{VideoCreated, VideoFinished, VideoReady, VideoFailed, CommentCreated, AccessRequested}
}

// Bounds on webhooks.
const (
	// maxWebhooks is how many a workspace may have.
	maxWebhooks = 10
	maxURLBytes = 2000
	// oldSecretLife is how long messages are signed by the secret before, too, so
	// that receivers can change over.
	oldSecretLife = 24 * time.Hour
)

// Webhook is an address that is told of events.
type Webhook struct {
	bun.BaseModel `bun:"table:webhooks,alias:webhook"`

	ID          string `bun:"id,pk"`
	WorkspaceID string `bun:"workspace_id"`
	// CreatedBy is who made it, "" if that account is gone.
	CreatedBy string          `bun:"created_by,nullzero"`
	URL       string          `bun:"url"`
	EventsRaw json.RawMessage `bun:"events,type:text"`
	// Secret signs messages. It must be known in clear for that, so only its
	// maker ever sees it, once.
	Secret         string       `bun:"secret"`
	OldSecret      string       `bun:"old_secret"`
	OldSecretUntil bun.NullTime `bun:"old_secret_until"`
	Enabled        bool         `bun:"enabled"`
	// DisabledWhy is why the server switched it off, or "".
	DisabledWhy string `bun:"disabled_why"`
	// Failures counts those since the last success, and FailingSince is the first
	// of them.
	Failures     int          `bun:"failures"`
	FailingSince bun.NullTime `bun:"failing_since"`
	NextTryAt    bun.NullTime `bun:"next_try_at"`
	LeaseJob     int64        `bun:"lease_job,nullzero"`
	LeaseUntil   bun.NullTime `bun:"lease_until"`
	CreatedAt    time.Time    `bun:"created_at"`
	UpdatedAt    time.Time    `bun:"updated_at"`
}

// Events are the kinds that it is told.
func (w *Webhook) Events() []Kind {
	var kinds []Kind
	_ = json.Unmarshal(w.EventsRaw, &kinds) // only this package writes it
	return kinds
}

// Host is the part of its address that is no secret.
func (w *Webhook) Host() string {
	u, err := url.Parse(w.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Secrets are what messages are signed with at a time, the newest first.
func (w *Webhook) Secrets(now time.Time) []string {
	if w.OldSecret != "" && now.Before(w.OldSecretUntil.Time) {
		return []string{w.Secret, w.OldSecret}
	}
	return []string{w.Secret}
}

// secretBytes is the strength of a signing secret; Standard Webhooks wants 24 to 64.
const secretBytes = 32

// newSecret makes a signing secret as Standard Webhooks writes them.
func newSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}

// Store is the door to webhooks. Its methods may be called at the same time.
type Store struct{ *record.Store }

// New makes a door over the store of all records.
func New(records *record.Store) *Store { return &Store{records} }

// Webhooks lists those of a workspace, the oldest first.
func (s *Store) Webhooks(ctx context.Context, workspaceID string) ([]*Webhook, error) {
	all := []*Webhook{}
	err := s.DB.Reader.NewSelect().Model(&all).Where("workspace_id = ?", workspaceID).Order("created_at", "id").Scan(ctx)
	return all, record.Translate(err)
}

// Webhook finds one of a workspace.
func (s *Store) Webhook(ctx context.Context, workspaceID, id string) (*Webhook, error) {
	return find(ctx, s.DB.Reader, workspaceID, id)
}

// Any finds a webhook, whosever it is: for letters about it.
func (s *Store) Any(ctx context.Context, id string) (*Webhook, error) {
	w := new(Webhook)
	err := s.DB.Reader.NewSelect().Model(w).Where("id = ?", id).Scan(ctx)
	return w, record.Translate(err)
}

func find(ctx context.Context, db bun.IDB, workspaceID, id string) (*Webhook, error) {
	w := new(Webhook)
	if strings.ContainsRune(id, 0) { // which SQL text cannot hold
		return nil, record.ErrNotFound
	}
	err := db.NewSelect().Model(w).Where("id = ? AND workspace_id = ?", id, workspaceID).Scan(ctx)
	return w, record.Translate(err)
}

// normalKinds checks a list of kinds; each stays once.
func normalKinds(kinds []Kind) (json.RawMessage, error) {
	kept := []Kind{}
	for _, known := range Kinds() {
		if slices.Contains(kinds, known) {
			kept = append(kept, known)
		}
	}
	unknown := slices.ContainsFunc(kinds, func(k Kind) bool { return !slices.Contains(Kinds(), k) })
	if len(kept) == 0 || unknown {
		return nil, &record.InvalidError{Field: "events", Message: "Choose at least one event, of those that there are."}
	}
	return json.Marshal(kept)
}
