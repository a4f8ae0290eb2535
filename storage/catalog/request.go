package catalog

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// RequestState is how far a request for access has come.
type RequestState string

// The states of a request.
const (
	RequestOpen    RequestState = "open"
	RequestGranted RequestState = "granted"
	RequestDenied  RequestState = "denied"
)

// AccessRequest is somebody's wish to watch a video.
type AccessRequest struct {
	bun.BaseModel `bun:"table:access_requests,alias:request"`

	ID         string       `bun:"id,pk"`
	VideoID    string       `bun:"video_id"`
	AccountID  string       `bun:"account_id"`
	Message    string       `bun:"message"`
	State      RequestState `bun:"state"`
	CreatedAt  time.Time    `bun:"created_at"`
	AnsweredAt bun.NullTime `bun:"answered_at"`
	AnsweredBy string       `bun:"answered_by,nullzero"`

	Account *people.Account `bun:"rel:belongs-to,join:account_id=id"`
}

// Letters about requests; their record is the AccessRequest.
const (
	MailRequest = "access_request"
	MailGranted = "access_granted"
	MailDenied  = "access_denied"
)

// Bounds on requests.
const (
	// maxAsks is how often an account may ask within askDay.
	maxAsks = 40
	askDay  = 24 * time.Hour
	// askAgain is how long a denial holds before one may ask for the same again.
	askAgain      = 24 * time.Hour
	maxAskMessage = 500
)

// Ask is somebody's wish to watch.
type Ask struct {
	AccountID string
	// VideoID is "" where there is nothing to ask for; whoever asks does not
	// learn that.
	VideoID string
	Message string
}

// AskAccess asks the owner of a video to let somebody watch it. A request that
// is open stays as it is, and one that was denied lately is not made again. It
// takes as long, and writes as durably, where there is nothing to ask for. It
// returns record.ErrTooMany for who has asked too often, for whatever.
func (c *Catalog) AskAccess(ctx context.Context, ask Ask) error {
	message, err := normalMessage(ask.Message)
	if err != nil {
		return err
	}
	return c.write(ctx, func(ctx context.Context, tx change) error {
		if err := tx.countAsk(ctx, ask.AccountID); err != nil || ask.VideoID == "" {
			return err
		}
		video, err := tx.lockVideo(ctx, ask.VideoID)
		if err != nil {
			return err
		}
		barred, err := tx.NewSelect().Model((*AccessRequest)(nil)).Where("video_id = ? AND account_id = ?", ask.VideoID, ask.AccountID).
			Where("(state = ? OR state = ? AND answered_at > ?)", RequestOpen, RequestDenied, tx.Now().Add(-askAgain)).Exists(ctx)
		if err != nil || barred {
			return err
		}
		request := &AccessRequest{ID: record.NewID(), VideoID: video.ID, AccountID: ask.AccountID, Message: message, State: RequestOpen, CreatedAt: tx.Now()}
		if _, err := tx.NewInsert().Model(request).Exec(ctx); err != nil {
			return err
		}
		return tx.tellOwner(ctx, video, request)
	})
}

func (t change) countAsk(ctx context.Context, accountID string) error {
	since := t.Now().Add(-askDay)
	if _, err := t.NewRaw("DELETE FROM access_asks WHERE account_id = ? AND asked_at <= ?", accountID, since).Exec(ctx); err != nil {
		return err
	}
	var asked int
	if err := t.NewRaw("SELECT count(*) FROM access_asks WHERE account_id = ?", accountID).Scan(ctx, &asked); err != nil {
		return err
	}
	if asked >= maxAsks {
		return record.ErrTooMany
	}
	_, err := t.NewRaw("INSERT INTO access_asks (account_id, asked_at) VALUES (?, ?) ON CONFLICT DO NOTHING", accountID, t.Now()).Exec(ctx)
	return err
}

// tellOwner brings a request before the owner of its video.
func (t change) tellOwner(ctx context.Context, video *Video, request *AccessRequest) error {
	notice := Notice{AccountID: video.OwnerID, Kind: NoticeRequest, VideoID: video.ID, RequestID: request.ID}
	if err := t.inform(ctx, notice, request.AccountID); err != nil {
		return err
	}
	if err := t.audit(ctx, video, record.AccessRequested, nil); err != nil {
		return err
	}
	var name string
	if err := t.NewRaw("SELECT name FROM accounts WHERE id = ?", request.AccountID).Scan(ctx, &name); err != nil {
		return err
	}
	if err := t.emit(ctx, video, webhook.Event{Kind: webhook.AccessRequested, Data: webhook.Data{Request: &webhook.Request{ID: request.ID, From: name}}}); err != nil {
		return err
	}
	return t.write(ctx, MailRequest, video.OwnerID, request.ID)
}

// write puts in a letter to an account about a record.
func (t change) write(ctx context.Context, template, accountID, ref string) error {
	var email string
	if err := t.NewRaw("SELECT email FROM accounts WHERE id = ?", accountID).Scan(ctx, &email); err != nil {
		return err
	}
	return t.Enqueue(ctx, jobs.Mail{Template: template, To: email, Ref: ref}, jobs.Waiting)
}

func normalMessage(text string) (string, error) {
	text = norm.NFC.String(strings.TrimSpace(text))
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return people.Unprintable(r) && r != '\n' }):
		return "", &record.InvalidError{Field: "message", Message: "This message has characters that cannot be shown."}
	case utf8.RuneCountInString(text) > maxAskMessage:
		return "", &record.InvalidError{Field: "message", Message: "This message is too long."}
	}
	return text, nil
}

// Request finds a request with the account that asks.
func (c *Catalog) Request(ctx context.Context, id string) (*AccessRequest, error) {
	request := new(AccessRequest)
	err := c.DB.Reader.NewSelect().Model(request).Relation("Account").Where("request.id = ?", id).Scan(ctx)
	return request, record.Translate(err)
}

// Answer is an owner's answer to a request.
type Answer struct {
	RequestID string
	By        string
	Grant     bool
	// What whoever asked may do, if they may watch.
	MayComment, MayDownload bool
}

// AnswerRequest answers a request once. To grant it names the account for the
// video, which is no longer private then. It returns ErrAlreadyDone if somebody
// was faster.
func (c *Catalog) AnswerRequest(ctx context.Context, a Answer) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		request := new(AccessRequest)
		if err := tx.NewSelect().Model(request).Relation("Account").Where("request.id = ?", a.RequestID).Scan(ctx); err != nil {
			return err
		}
		video, err := tx.lockVideo(ctx, request.VideoID)
		if err != nil {
			return err
		}
		if err := tx.closeRequest(ctx, request, a); err != nil {
			return err
		}
		if a.Grant {
			if err := tx.grant(ctx, video, request, a); err != nil {
				return err
			}
		}
		return tx.tellRequester(ctx, video, request, a.By)
	})
}

func (t change) closeRequest(ctx context.Context, request *AccessRequest, a Answer) error {
	request.State = RequestDenied
	if a.Grant {
		request.State = RequestGranted
	}
	err := record.Must(t.NewUpdate().Model(request).Set("state = ?", request.State).Set("answered_at = ?", t.Now()).Set("answered_by = ?", a.By).
		Where("id = ? AND state = ?", request.ID, RequestOpen).Exec(ctx))
	if errors.Is(err, record.ErrNotFound) {
		return ErrAlreadyDone
	}
	return err
}

func (t change) grant(ctx context.Context, video *Video, request *AccessRequest, a Answer) error {
	if err := t.raise(ctx, video, a.By, true); err != nil {
		return err
	}
	found := new(Named)
	err := record.Translate(t.NewSelect().Model(found).Where("video_id = ? AND account_id = ?", video.ID, request.AccountID).Scan(ctx))
	if err == nil {
		return t.changeNamed(ctx, video, found, found.MayComment || a.MayComment, found.MayDownload || a.MayDownload)
	}
	if !errors.Is(err, record.ErrNotFound) {
		return err
	}
	t.Tell(record.Event{Kind: record.VideoChanged, VideoID: video.ID})
	made := &Named{
		ID: record.NewID(), VideoID: video.ID, Email: request.Account.Email, AccountID: request.AccountID,
		MayComment: a.MayComment, MayDownload: a.MayDownload, NamedBy: a.By, CreatedAt: t.Now(),
	}
	// The address may have been named before it was proved: then it is theirs now.
	_, err = t.NewInsert().Model(made).On("CONFLICT (video_id, email) DO UPDATE").
		Set("account_id = EXCLUDED.account_id, may_comment = EXCLUDED.may_comment, may_download = EXCLUDED.may_download").Exec(ctx)
	return err
}

// tellRequester brings the answer before whoever asked, and takes the question
// from the inbox of the owner.
func (t change) tellRequester(ctx context.Context, video *Video, request *AccessRequest, by string) error {
	var owners []string
	err := t.NewRaw("UPDATE notices SET read_at = coalesce(read_at, ?) WHERE request_id = ? RETURNING account_id", t.Now(), request.ID).Scan(ctx, &owners)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		t.Tell(record.Event{Kind: record.NoticeAdded, AccountID: owner})
	}
	kind, template := NoticeDenied, MailDenied
	if request.State == RequestGranted {
		kind, template = NoticeGranted, MailGranted
	}
	if err := t.inform(ctx, Notice{AccountID: request.AccountID, Kind: kind, VideoID: video.ID}, by); err != nil {
		return err
	}
	if err := t.audit(ctx, video, record.AccessAnswered, map[string]string{"request": string(request.State), "email": request.Account.Email}); err != nil {
		return err
	}
	return t.write(ctx, template, request.AccountID, request.ID)
}

// NoticeKind is what a notice is about.
type NoticeKind string

// The kinds of notice: somebody asks to watch one's video; one's own request was
// granted, or denied; somebody has named one for a video.
const (
	NoticeRequest NoticeKind = "access_request"
	NoticeGranted NoticeKind = "access_granted"
	NoticeDenied  NoticeKind = "access_denied"
	NoticeShared  NoticeKind = "shared"
)

// Notice is something that an account should know or answer.
type Notice struct {
	bun.BaseModel `bun:"table:notices,alias:notice"`

	ID        string       `bun:"id,pk"`
	AccountID string       `bun:"account_id"`
	Kind      NoticeKind   `bun:"kind"`
	VideoID   string       `bun:"video_id,nullzero"`
	RequestID string       `bun:"request_id,nullzero"`
	ActorName string       `bun:"actor_name"`
	CreatedAt time.Time    `bun:"created_at"`
	ReadAt    bun.NullTime `bun:"read_at"`

	Request *AccessRequest `bun:"rel:belongs-to,join:request_id=id"`
}

// keptNotices is how many notices an account keeps; older ones go.
const keptNotices = 200

// inform puts something into an account's inbox.
func (t change) inform(ctx context.Context, n Notice, actorID string) error {
	if err := t.NewRaw("SELECT coalesce((SELECT name FROM accounts WHERE id = ?), '')", actorID).Scan(ctx, &n.ActorName); err != nil {
		return err
	}
	n.ID, n.CreatedAt = record.NewID(), t.Now()
	if _, err := t.NewInsert().Model(&n).Exec(ctx); err != nil {
		return err
	}
	t.Tell(record.Event{Kind: record.NoticeAdded, AccountID: n.AccountID})
	_, err := t.NewRaw(`DELETE FROM notices WHERE account_id = ? AND id NOT IN
		(SELECT id FROM notices WHERE account_id = ? ORDER BY created_at DESC, id DESC LIMIT ?)`, n.AccountID, n.AccountID, keptNotices).Exec(ctx)
	return err
}

// Notices lists an account's inbox, the newest first.
func (c *Catalog) Notices(ctx context.Context, accountID string, limit int) ([]*Notice, error) {
	var all []*Notice
	err := c.DB.Reader.NewSelect().Model(&all).Relation("Request").Where("notice.account_id = ?", accountID).
		OrderExpr("notice.created_at DESC, notice.id DESC").Limit(int64(limit)).Scan(ctx)
	return all, record.Translate(err)
}

// UnreadNotices counts what an account has not read.
func (c *Catalog) UnreadNotices(ctx context.Context, accountID string) (int, error) {
	n, err := c.DB.Reader.NewSelect().Model((*Notice)(nil)).Where("account_id = ? AND read_at IS NULL", accountID).Count(ctx)
	return int(n), record.Translate(err)
}

// ReadNotices notes that an account has read some of its notices, or all of them
// up to now.
func (c *Catalog) ReadNotices(ctx context.Context, accountID string, ids []string, all bool) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		query := tx.NewUpdate().Model((*Notice)(nil)).Set("read_at = ?", tx.Now()).Where("account_id = ? AND read_at IS NULL", accountID)
		if !all {
			query = query.Where("id IN (?)", bun.List(append(ids, "")))
		}
		if _, err := query.Exec(ctx); err != nil {
			return err
		}
		tx.Tell(record.Event{Kind: record.NoticeAdded, AccountID: accountID})
		return nil
	})
}
