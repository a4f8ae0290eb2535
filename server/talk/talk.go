// Package talk is the conversation about a video: comments at a moment of it,
// who has seen it, and the events that let a page follow both without asking
// again.
//
// The gate has run before every handler here: the video of the request, and
// what its principal may do with it, are in the context.
package talk

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// Options set up the conversation's API.
type Options struct {
	Catalog *catalog.Catalog
	Auth    *auth.Auth
	// Secret keys the names under which visitors without an account are
	// counted, so that their addresses cannot be found out from them.
	Secret []byte
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// API answers the operations about comments and views.
type API struct {
	catalog *catalog.Catalog
	auth    *auth.Auth
	secret  []byte
	now     func() time.Time
	shelf   *shelf
}

// New makes the API.
func New(o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &API{catalog: o.Catalog, auth: o.Auth, secret: o.Secret, now: o.Now, shelf: newShelf()}
}

// Author is who wrote a comment.
type Author struct {
	ID    *string `json:"id" doc:"The account; null for a guest"`
	Name  string  `json:"name"`
	Guest bool    `json:"guest"`
}

// May is what the one who asks may do with a comment.
type May struct {
	Edit    bool `json:"edit"`
	Delete  bool `json:"delete"`
	Resolve bool `json:"resolve"`
}

// Comment is what somebody said at a moment of a video.
type Comment struct {
	ID         string     `json:"id"`
	VideoID    string     `json:"video_id"`
	ParentID   *string    `json:"parent_id" doc:"The comment that this one answers, or null"`
	AtMS       int64      `json:"at_ms" doc:"The moment of the video in milliseconds"`
	Body       string     `json:"body" doc:"Plain text"`
	Author     Author     `json:"author"`
	CreatedAt  time.Time  `json:"created_at"`
	EditedAt   *time.Time `json:"edited_at"`
	ResolvedAt *time.Time `json:"resolved_at"`
	// May stands last: a kept list has everything before it in common for all
	// who read it.
	May May `json:"may"`
}

// viewOf is a comment without what depends on who asks.
func viewOf(c *catalog.Comment) Comment {
	return Comment{
		ID: c.ID, VideoID: c.VideoID, ParentID: textOrNull(c.ParentID), AtMS: c.At().Milliseconds(), Body: c.Body,
		Author:    Author{ID: textOrNull(c.AuthorID), Name: c.Name(), Guest: c.AuthorID == ""},
		CreatedAt: c.CreatedAt.UTC(), EditedAt: timeOrNull(c.EditedAt.Time), ResolvedAt: timeOrNull(c.ResolvedAt.Time),
	}
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func timeOrNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

// reader is who asks, as far as comments care.
type reader struct {
	account string
	guest   []byte
	rights  access.Rights
}

func readerOf(ctx context.Context) reader {
	p := auth.From(ctx)
	r := reader{guest: p.GuestHash, rights: access.May(ctx)}
	if p.Account != nil {
		r.account = p.Account.ID
	}
	return r
}

// may decides what a reader may do with a comment, given its author's account,
// its guest's hash, and whether it is an answer. Whoever wrote it may change it
// while he may comment at all, and take it back for as long as he may watch.
func (r reader) may(author string, guest []byte, answer bool) May {
	mine := author != "" && author == r.account ||
		len(guest) > 0 && len(r.guest) > 0 && subtle.ConstantTimeCompare(guest, r.guest) == 1
	return May{
		Edit:    mine && r.rights.Comment,
		Delete:  mine || r.rights.Edit,
		Resolve: !answer && (mine && r.rights.Comment || r.rights.Edit),
	}
}

func (r reader) view(c *catalog.Comment) Comment {
	view := viewOf(c)
	view.May = r.may(c.AuthorID, c.GuestHash, c.ParentID != "")
	return view
}
