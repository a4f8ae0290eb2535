package share

import (
	"cmp"
	"context"
	"net/http"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// OpenInput opens a share link.
type OpenInput struct {
	Slug string `path:"slug" maxLength:"64" doc:"The end of the link's address"`
	Body struct {
		Password string `json:"password,omitempty" maxLength:"1024" doc:"If the link asks for one"`
	}
}

// OpenOutput lets somebody in.
type OpenOutput struct {
	SetCookie    []http.Cookie `header:"Set-Cookie" hidden:"true"`
	CacheControl string        `header:"Cache-Control"`
	Body         struct {
		Video any     `json:"video" doc:"As GET /api/videos/{id} answers"`
		Pass  *string `json:"pass" doc:"Goes into the Meanwhile-Pass header of every request about the video; null for who may watch without the link"`
	}
}

// What a link that asks for a password answers. Links that are not there, not
// open any more, paused or used up all answer as reply.NotFound.
//
//nolint:errname // they are answers
var (
	errPasswordNeeded = reply.New(http.StatusUnauthorized, "password_needed", "This link asks for a password.")
	errWrongPassword  = reply.New(http.StatusForbidden, "password_wrong", "This is not the password.").At("body.password")
)

// OpenLink is POST /api/links/{slug}/open. It is for everybody: whoever has the
// link is let in, once they have given the password if there is one. A browser
// that a link with a view limit has let in counts once.
func (a *API) OpenLink(ctx context.Context, in *OpenInput) (*OpenOutput, error) {
	p := auth.From(ctx)
	link, err := a.Catalog.ShareLinkBySlug(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	video, err := a.Finder.Find(ctx, auth.Principal{Account: p.Account}, catalog.VideoID, link.VideoID)
	if err != nil {
		return nil, err
	}
	if access.Without(p, video) {
		return a.admitted(ctx, p, video, nil) // a pass would let them take others along
	}
	if ok, err := a.Finder.Admits(ctx, p, video, link); !ok {
		return nil, cmp.Or(err, record.ErrNotFound)
	}
	if err := a.checkPassword(ctx, video, link, in.Body.Password); err != nil {
		return nil, err
	}
	out := &OpenOutput{}
	if link.MaxViews > 0 && p.GuestHash == nil {
		cookie, hash := a.Auth.NewGuest()
		p.GuestHash, out.SetCookie = hash, append(out.SetCookie, cookie)
	}
	if err := a.Catalog.EnterShareLink(ctx, link, p.GuestHash); err != nil {
		return nil, err
	}
	video.Via = link
	entered, err := a.admitted(ctx, p, video, link)
	if err != nil {
		return nil, err
	}
	entered.SetCookie = append(out.SetCookie, entered.SetCookie...)
	return entered, nil
}

// admitted describes the video for somebody who may watch it, with a pass if
// they came by a link.
func (a *API) admitted(ctx context.Context, p auth.Principal, v *catalog.Video, link *catalog.ShareLink) (*OpenOutput, error) {
	view, err := a.Video(access.WithVideo(auth.With(ctx, p), p, v), v)
	if err != nil {
		return nil, err
	}
	out := &OpenOutput{CacheControl: "no-store"}
	out.Body.Video = view
	if link != nil {
		pass := a.Finder.Pass(link, p.GuestHash)
		out.Body.Pass = &pass
		out.SetCookie = append(out.SetCookie, a.Auth.PassCookie(link.Slug, pass))
	}
	return out, nil
}

// checkPassword compares a password with the link's, if it has one. Each try is
// counted before it is looked at.
func (a *API) checkPassword(ctx context.Context, video *catalog.Video, link *catalog.ShareLink, password string) error {
	if link.PasswordHash == "" {
		return nil
	}
	if password == "" {
		return errPasswordNeeded
	}
	guess := limit.Guess{Kind: limit.LinkPassword, Subject: link.ID, Network: auth.Address(ctx)}
	if err := a.Limits.Attempt(ctx, guess); err != nil {
		a.Log.WarnContext(ctx, "too many tries at the password of a share link", "link", link.ID, "video", link.VideoID)
		return err
	}
	right, err := a.Hasher.Verify(ctx, link.PasswordHash, password)
	if err != nil {
		return err
	}
	if !right {
		a.Log.InfoContext(ctx, "a wrong password for a share link", "link", link.ID, "video", link.VideoID)
		err := a.Catalog.AuditAlone(ctx, record.Audit{
			WorkspaceID: video.WorkspaceID, Action: record.LinkRefused, VideoID: video.ID, VideoTitle: video.Title, Detail: map[string]string{"link": link.Name}, Once: true,
		})
		if err != nil {
			a.Log.WarnContext(ctx, "a wrong password for a share link is not in the audit log", "error", err)
		}
		return errWrongPassword
	}
	a.Limits.Succeeded(ctx, guess)
	return nil
}
