package share

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// AskInput asks for access to whatever an address names.
type AskInput struct {
	Body struct {
		Slug    string `json:"slug" maxLength:"64" doc:"The end of the address that does not open"`
		Message string `json:"message,omitempty" maxLength:"4000" doc:"For the owner, up to 500 characters"`
	}
}

// askWeight is how many invitations a request counts for: it writes to somebody
// who has not asked for it.
const askWeight = 10

// Ask is POST /api/requests. It answers the same whether there is such a video or
// not, and whether it may be watched already: nobody finds out by asking.
func (a *API) Ask(ctx context.Context, in *AskInput) (*Empty, error) {
	if err := a.Limits.Requests(ctx, limit.Invite, who(ctx), askWeight); err != nil {
		return nil, err
	}
	video, err := a.askedFor(ctx, in.Body.Slug)
	if err != nil {
		return nil, err
	}
	err = a.Catalog.AskAccess(ctx, catalog.Ask{AccountID: auth.From(ctx).AccountID(), VideoID: video, Message: in.Body.Message})
	if errors.Is(err, record.ErrTooMany) {
		return nil, reply.New(http.StatusTooManyRequests, reply.TooMany.Code, "You have asked for a lot today. Ask again tomorrow, or write to the owners.").After(time.Hour)
	}
	return &Empty{}, err
}

// askedFor is the video that somebody asks for, by its own address or by that of
// a share link, open or not. It is "" if there is none, or nothing to ask.
func (a *API) askedFor(ctx context.Context, slug string) (string, error) {
	if strings.ContainsRune(slug, 0) {
		return "", nil // SQL text cannot hold it
	}
	p := auth.From(ctx)
	video, err := a.Finder.Find(ctx, p, catalog.VideoSlug, slug)
	if errors.Is(err, record.ErrNotFound) {
		video, err = a.Finder.Find(ctx, p, catalog.VideoShareLink, slug)
	}
	if errors.Is(err, record.ErrNotFound) || err == nil && (video.Trashed() || access.RightsOf(p, video).Watch) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return video.ID, nil
}

// ByRequest names a request in the path.
type ByRequest struct {
	ID string `path:"id" maxLength:"64" doc:"The request"`
}

// Request is somebody's wish to watch, as whoever may answer it sees it.
type Request struct {
	ID         string     `json:"id"`
	State      string     `json:"state" enum:"open,granted,denied"`
	Message    string     `json:"message"`
	From       Person     `json:"from"`
	Proved     bool       `json:"proved" doc:"They have proved that the address is their own"`
	VideoID    string     `json:"video_id"`
	VideoTitle string     `json:"video_title"`
	Visibility string     `json:"visibility" enum:"private,people,workspace,link" doc:"Of the video; a private one becomes one for named people"`
	CreatedAt  time.Time  `json:"created_at"`
	AnsweredAt *time.Time `json:"answered_at"`
}

// RequestOutput is one request.
type RequestOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Request
}

// ReadRequest is GET /api/requests/{id}. Needs the right to edit the video.
func (a *API) ReadRequest(ctx context.Context, in *ByRequest) (*RequestOutput, error) {
	r, err := a.Catalog.Request(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v := access.Video(ctx)
	out := &RequestOutput{CacheControl: "no-store", Body: Request{
		ID: r.ID, State: string(r.State), Message: r.Message, From: Person{ID: r.AccountID, Name: r.Account.Name, Email: r.Account.Email}, Proved: r.Account.Verified(),
		VideoID: v.ID, VideoTitle: v.Title, Visibility: string(v.Visibility), CreatedAt: r.CreatedAt.UTC(),
	}}
	if !r.AnsweredAt.IsZero() {
		at := r.AnsweredAt.UTC()
		out.Body.AnsweredAt = &at
	}
	return out, nil
}

// AnswerInput answers a request.
type AnswerInput struct {
	ByRequest
	Body struct {
		Grant       bool `json:"grant"`
		MayComment  bool `json:"may_comment,omitempty" default:"true"`
		MayDownload bool `json:"may_download,omitempty"`
	}
}

// Answer is POST /api/requests/{id}. Needs the right to edit the video.
func (a *API) Answer(ctx context.Context, in *AnswerInput) (*RequestOutput, error) {
	err := a.Catalog.AnswerRequest(ctx, catalog.Answer{
		RequestID: in.ID, By: auth.From(ctx).AccountID(), Grant: in.Body.Grant, MayComment: in.Body.MayComment, MayDownload: in.Body.MayDownload,
	})
	if err != nil {
		return nil, err
	}
	// A private video may have become one for named people.
	v, err := a.Finder.Find(ctx, auth.From(ctx), catalog.VideoID, access.Video(ctx).ID)
	if err != nil {
		return nil, err
	}
	return a.ReadRequest(access.WithVideo(ctx, auth.From(ctx), v), &in.ByRequest)
}

// Notice is something that an account should know or answer.
type Notice struct {
	ID        string         `json:"id"`
	Kind      string         `json:"kind" enum:"access_request,access_granted,access_denied,shared,retention,webhook_disabled"`
	From      string         `json:"from" doc:"The name of who caused it, or nothing"`
	Video     *NoticeVideo   `json:"video,omitempty" doc:"As long as it may be watched"`
	Request   *NoticeRequest `json:"request,omitempty"`
	CreatedAt time.Time      `json:"created_at"`
	Read      bool           `json:"read"`
}

// NoticeVideo is the video that a notice is about.
type NoticeVideo struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	WatchURL string `json:"watch_url"`
}

// NoticeRequest is the request that a notice is about.
type NoticeRequest struct {
	ID      string `json:"id"`
	State   string `json:"state" enum:"open,granted,denied"`
	Message string `json:"message"`
}

// InboxOutput lists notices, the newest first.
type InboxOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items  []Notice `json:"items" nullable:"false"`
		Unread int      `json:"unread"`
	}
}

// InboxInput asks for the newest notices.
type InboxInput struct {
	Limit int `query:"limit" minimum:"0" maximum:"100" default:"50" doc:"0 for the count alone"`
}

// Inbox is GET /api/inbox.
func (a *API) Inbox(ctx context.Context, in *InboxInput) (*InboxOutput, error) {
	account := auth.From(ctx).AccountID()
	unread, err := a.Catalog.UnreadNotices(ctx, account)
	if err != nil {
		return nil, err
	}
	out := &InboxOutput{CacheControl: "no-store"}
	out.Body.Items, out.Body.Unread = []Notice{}, unread
	if in.Limit == 0 {
		return out, nil
	}
	notices, err := a.Catalog.Notices(ctx, account, in.Limit)
	if err != nil {
		return nil, err
	}
	for _, n := range notices {
		view, err := a.notice(ctx, n)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, view)
	}
	return out, nil
}

// notice tells of a video only what whoever reads it may see now.
func (a *API) notice(ctx context.Context, n *catalog.Notice) (Notice, error) {
	out := Notice{ID: n.ID, Kind: string(n.Kind), From: n.ActorName, CreatedAt: n.CreatedAt.UTC(), Read: !n.ReadAt.IsZero()}
	if n.VideoID == "" {
		return out, nil
	}
	p := auth.From(ctx)
	v, err := a.Finder.Find(ctx, p, catalog.VideoID, n.VideoID)
	if err != nil {
		return out, ignore(err, record.ErrNotFound)
	}
	rights := access.RightsOf(p, v)
	if rights.Watch {
		out.Video = &NoticeVideo{ID: v.ID, Title: v.Title, WatchURL: a.BaseURL.JoinPath("v", v.Slug).String()}
	}
	if n.Request != nil && rights.Edit {
		out.Request = &NoticeRequest{ID: n.RequestID, State: string(n.Request.State), Message: n.Request.Message}
	}
	return out, nil
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// ReadInput says what was read.
type ReadInput struct {
	Body struct {
		IDs []string `json:"ids,omitempty" maxItems:"200" nullable:"false"`
		All bool     `json:"all,omitempty"`
	}
}

// MarkRead is POST /api/inbox/read.
func (a *API) MarkRead(ctx context.Context, in *ReadInput) (*Empty, error) {
	ids := slices.DeleteFunc(in.Body.IDs, func(id string) bool { return strings.ContainsRune(id, 0) })
	return &Empty{}, a.Catalog.ReadNotices(ctx, auth.From(ctx).AccountID(), ids, in.Body.All)
}
