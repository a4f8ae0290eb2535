package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Event is something that happened in a workspace.
type Event struct {
	Kind        Kind
	WorkspaceID string
	// VideoID and CommentID are what it speaks of, or "": once that is gone, or
	// hidden from the workspace, it is not told any more.
	VideoID, CommentID string
	// Once names what can happen only once: noted twice, it has the same id.
	Once string
	Data Data
}

// Data is what an event tells. It holds no secrets.
type Data struct {
	WorkspaceID string   `json:"workspace_id"`
	Video       *Video   `json:"video,omitempty"`
	Comment     *Comment `json:"comment,omitempty"`
	Request     *Request `json:"request,omitempty"`
}

// Video is what an event tells of a video.
type Video struct {
	ID         string `json:"id"`
	Slug       string `json:"slug"`
	Title      string `json:"title"`
	State      string `json:"state"`
	Reason     string `json:"reason,omitempty"`
	DurationMS int64  `json:"duration_ms"`
	// Take counts how often the recording was continued after its end.
	Take int `json:"take"`
	// WatchURL is filled in when the event is sent.
	WatchURL string `json:"watch_url,omitempty"`
}

// Comment is what an event tells of a comment.
type Comment struct {
	ID       string `json:"id"`
	ParentID string `json:"parent_id,omitempty"`
	Author   string `json:"author"`
	AtMS     int64  `json:"at_ms"`
	Body     string `json:"body"`
}

// Request is what an event tells of somebody who would like to watch.
type Request struct {
	ID   string `json:"id"`
	From string `json:"from"`
}

// State is what became of a message.
type State string

// The states of a message. Dropped means that it was not to be told any more.
const (
	Waiting   State = "waiting"
	Delivered State = "delivered"
	Failed    State = "failed"
	Dropped   State = "dropped"
)

// Delivery is a message to one webhook.
type Delivery struct {
	bun.BaseModel `bun:"table:webhook_deliveries,alias:delivery"`

	WebhookID  string          `bun:"webhook_id,pk"`
	EventID    string          `bun:"event_id,pk"`
	Kind       Kind            `bun:"kind"`
	VideoID    string          `bun:"video_id,nullzero"`
	CommentID  string          `bun:"comment_id,nullzero"`
	Data       json.RawMessage `bun:"data,type:text"`
	HappenedAt time.Time       `bun:"happened_at"`
	State      State           `bun:"state"`
	WantedAt   time.Time       `bun:"wanted_at"`
	NextAt     time.Time       `bun:"next_at"`
	// Attempts counts all of them; what follows is of the last one.
	Attempts   int          `bun:"attempts"`
	TriedAt    bun.NullTime `bun:"tried_at"`
	Status     int          `bun:"status"`
	DurationMS int64        `bun:"duration_ms"`
	Problem    string       `bun:"problem"`
}

// Emit notes an event within the transaction of the change that it tells of, for
// each webhook of the workspace that wants it.
func Emit(ctx context.Context, tx record.Change, e Event) error {
	var wanting []*Webhook
	err := tx.Hold(tx.NewSelect().Model(&wanting).Column("id", "events").Where("workspace_id = ? AND enabled", e.WorkspaceID).Order("id")).Scan(ctx)
	if err != nil || len(wanting) == 0 {
		return err
	}
	row, err := newDelivery(tx, e)
	if err != nil {
		return err
	}
	for _, w := range wanting {
		if slices.Contains(w.Events(), e.Kind) {
			if err := add(ctx, tx, w.ID, *row); err != nil {
				return err
			}
		}
	}
	return nil
}

func newDelivery(tx record.Change, e Event) (*Delivery, error) {
	e.Data.WorkspaceID = e.WorkspaceID
	data, err := json.Marshal(e.Data)
	if err != nil {
		return nil, err
	}
	now := tx.Now()
	return &Delivery{
		EventID: eventID(e), Kind: e.Kind, VideoID: e.VideoID, CommentID: e.CommentID, Data: data,
		HappenedAt: now, State: Waiting, WantedAt: now, NextAt: now,
	}, nil
}

// eventID is random, save for what happens only once.
func eventID(e Event) string {
	if e.Once == "" {
		return "evt_" + record.NewID()
	}
	sum := sha256.Sum256([]byte(string(e.Kind) + "\x00" + e.Once))
	return "evt_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// add puts a message in with its job, unless it is there.
func add(ctx context.Context, tx record.Change, webhookID string, row Delivery) error {
	row.WebhookID = webhookID
	result, err := tx.NewInsert().Model(&row).On("CONFLICT (webhook_id, event_id) DO NOTHING").Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return tx.Enqueue(ctx, jobs.Webhook{WebhookID: webhookID, EventID: row.EventID}, jobs.Waiting)
}
