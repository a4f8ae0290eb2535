package record

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"
)

// Action is what somebody did, as the audit log names it.
type Action string

// The actions that the audit log knows. What changed stands in a row's detail,
// as before and after.
const (
	VideoCreated    Action = "video.created"
	VideoWatched    Action = "video.watched" // the first view of each viewer
	VideoEdited     Action = "video.changed" // title, and what guests may do
	VideoShared     Action = "video.shared"  // visibility, named people, share links
	VideoDownloaded Action = "video.downloaded"
	VideoTrashed    Action = "video.trashed"
	VideoRestored   Action = "video.restored"
	VideoDeleted    Action = "video.removed" // for good
	VideoRetried    Action = "video.retried" // it had failed, and is tried again
	VideoMoved      Action = "video.moved"   // handed over to another member

	AccessRequested Action = "access.requested"
	AccessAnswered  Action = "access.answered"

	MemberJoined  Action = "member.joined"
	MemberChanged Action = "member.changed" // role
	MemberRemoved Action = "member.removed"
	MemberLeft    Action = "member.left"

	InvitationCreated Action = "invitation.created"
	InvitationDropped Action = "invitation.dropped"

	WorkspaceCreated Action = "workspace.created"
	WorkspaceChanged Action = "workspace.changed"

	WebhookCreated  Action = "webhook.created"
	WebhookChanged  Action = "webhook.changed"
	WebhookRemoved  Action = "webhook.removed"
	WebhookDisabled Action = "webhook.disabled" // by the server: nothing got through

	SignedIn        Action = "sign_in"
	SignInFailed    Action = "sign_in.failed"
	SignInChanged   Action = "sign_in.changed" // password, passkeys, second factor
	SessionEnded    Action = "session.ended"
	TokenCreated    Action = "token.created"
	TokenDropped    Action = "token.dropped"
	LinkRefused     Action = "link.refused" // a wrong password of a share link
	AccountDisabled Action = "account.disabled"
	AccountEnabled  Action = "account.enabled"
	AccountExported Action = "account.exported"
	AuditExported   Action = "audit.exported"
)

// Actor is who acts.
type Actor struct {
	// AccountID is "" for a guest, and for the server itself.
	AccountID string
	Name      string
	Email     string
	// Address is the network that the request came from.
	Address string
}

type actorKey struct{}

// WithActor says who acts in a context. Without it that is the server itself.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf tells who acts.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Name: "Meanwhile"}
}

// Audit is what the audit log of a workspace says of one act.
type Audit struct {
	// WorkspaceID is whose log it belongs into; "" writes nothing.
	WorkspaceID string
	Action      Action
	// VideoID and VideoTitle name a video, if it is about one.
	VideoID, VideoTitle string
	Detail              map[string]string
	// Once is for what strangers cause: the same is noted once a minute, so that a
	// flood does not fill the log.
	Once bool
}

// onceIn is how long the same is not noted again.
const onceIn = time.Minute

// AuditRow is a row of the audit log. It outlives what it speaks of, so it
// names that by value.
type AuditRow struct {
	bun.BaseModel `bun:"table:audit,alias:audit"`

	ID          string            `bun:"id,pk"`
	WorkspaceID string            `bun:"workspace_id"`
	At          time.Time         `bun:"at"`
	ActorID     string            `bun:"actor_id"`
	Actor       string            `bun:"actor"`
	ActorEmail  string            `bun:"actor_email"`
	Address     string            `bun:"address"`
	Action      Action            `bun:"action"`
	VideoID     string            `bun:"video_id"`
	VideoTitle  string            `bun:"video_title"`
	Detail      map[string]string `bun:"-"`
	DetailRaw   json.RawMessage   `bun:"detail,type:text"`
}

// Audit notes, within the transaction that does it, what the context's actor
// does.
func (t Change) Audit(ctx context.Context, a Audit) error {
	if a.WorkspaceID == "" {
		return nil
	}
	if a.Detail == nil {
		a.Detail = map[string]string{}
	}
	detail, err := json.Marshal(a.Detail)
	if err != nil {
		return err
	}
	if a.Once {
		noted, err := t.NewSelect().Model((*AuditRow)(nil)).Where("workspace_id = ? AND at > ? AND action = ? AND video_id = ?", a.WorkspaceID, t.Now().Add(-onceIn), a.Action, a.VideoID).
			Where("CAST(detail AS TEXT) = ?", string(detail)).Exists(ctx)
		if err != nil || noted {
			return err
		}
	}
	who := ActorOf(ctx)
	row := &AuditRow{
		ID: NewID(), WorkspaceID: a.WorkspaceID, At: t.Now(), ActorID: who.AccountID, Actor: who.Name, ActorEmail: who.Email, Address: who.Address,
		Action: a.Action, VideoID: a.VideoID, VideoTitle: a.VideoTitle, DetailRaw: detail,
	}
	_, err = t.NewInsert().Model(row).Exec(ctx)
	return err
}
