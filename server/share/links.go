package share

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// Link is a share link as whoever looks after the video sees it.
type Link struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Slug        string     `json:"slug"`
	URL         string     `json:"url"`
	HasPassword bool       `json:"has_password"`
	MayComment  bool       `json:"may_comment"`
	MayDownload bool       `json:"may_download"`
	ExpiresAt   *time.Time `json:"expires_at"`
	MaxViews    int        `json:"max_views" doc:"How many browsers it lets in; 0 for any number"`
	Views       int        `json:"views" doc:"How many it has let in, if it counts"`
	CreatedAt   time.Time  `json:"created_at"`
	State       string     `json:"state" enum:"open,paused,expired,full" doc:"Paused: the video is private or in the trash, and no link opens it"`
}

func (a *API) link(v *catalog.Video, l *catalog.ShareLink) Link {
	out := Link{
		ID: l.ID, Name: l.Name, Slug: l.Slug, URL: a.BaseURL.JoinPath("v", l.Slug).String(), HasPassword: l.PasswordHash != "",
		MayComment: l.MayComment, MayDownload: l.MayDownload, MaxViews: l.MaxViews, Views: l.Views, CreatedAt: l.CreatedAt.UTC(), State: "open",
	}
	if !l.ExpiresAt.IsZero() {
		at := l.ExpiresAt.UTC()
		out.ExpiresAt = &at
	}
	switch {
	case !l.Open(a.Catalog.Now()):
		out.State = "expired"
	case l.MaxViews > 0 && l.Views >= l.MaxViews:
		out.State = "full"
	case v.Visibility == catalog.Private || v.Trashed():
		out.State = "paused"
	}
	return out
}

// LinksOutput lists share links.
type LinksOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items []Link `json:"items" nullable:"false"`
	}
}

// ListLinks is GET /api/videos/{id}/links. Needs the right to edit.
func (a *API) ListLinks(ctx context.Context, _ *ByVideo) (*LinksOutput, error) {
	v := access.Video(ctx)
	links, err := a.Catalog.ShareLinks(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	out := &LinksOutput{CacheControl: "no-store"}
	out.Body.Items = make([]Link, len(links))
	for i, l := range links {
		out.Body.Items[i] = a.link(v, l)
	}
	return out, nil
}

// Moment is a time that may be taken away with null, and left as it is by not
// being sent.
type Moment struct {
	Sent bool
	At   time.Time
}

// UnmarshalJSON reads a time or null.
func (m *Moment) UnmarshalJSON(raw []byte) error {
	m.Sent = true
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	return json.Unmarshal(raw, &m.At)
}

// MarshalJSON writes a time or null.
func (m Moment) MarshalJSON() ([]byte, error) {
	if m.At.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(m.At)
}

// Schema describes it; huma asks for it.
func (Moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true}
}

// LinkTerms say what a link lets people do; what is left out stays as it is.
type LinkTerms struct {
	Name        *string `json:"name,omitempty" maxLength:"400" doc:"To know it again by"`
	Password    *string `json:"password,omitempty" maxLength:"1024" doc:"At least 8 characters; empty for none"`
	MayComment  *bool   `json:"may_comment,omitempty"`
	MayDownload *bool   `json:"may_download,omitempty"`
	ExpiresAt   Moment  `json:"expires_at,omitzero" required:"false" doc:"Null for never"`
	MaxViews    *int    `json:"max_views,omitempty" minimum:"0" doc:"How many browsers it lets in; 0 for any number"`
}

// change is what the terms are for the records.
func (a *API) change(ctx context.Context, t LinkTerms) (catalog.LinkChange, error) {
	wanted := catalog.LinkChange{Name: t.Name, MayComment: t.MayComment, MayDownload: t.MayDownload, MaxViews: t.MaxViews}
	if t.ExpiresAt.Sent {
		wanted.ExpiresAt = &t.ExpiresAt.At
	}
	if t.Password == nil {
		return wanted, nil
	}
	hash := ""
	if *t.Password != "" {
		made, err := a.Hasher.Hash(ctx, *t.Password)
		if err != nil {
			return wanted, err
		}
		hash = made
	}
	wanted.PasswordHash = &hash
	return wanted, nil
}

// CreateLinkInput makes a share link.
type CreateLinkInput struct {
	ByVideo
	Body LinkTerms
}

// LinkOutput is one share link.
type LinkOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Link
}

// CreateLink is POST /api/videos/{id}/links. Needs the right to edit.
func (a *API) CreateLink(ctx context.Context, in *CreateLinkInput) (*LinkOutput, error) {
	wanted, err := a.change(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	v := access.Video(ctx)
	link, err := a.Catalog.AddShareLink(ctx, v.ID, auth.From(ctx).AccountID(), wanted)
	if err != nil {
		return nil, err
	}
	return &LinkOutput{CacheControl: "no-store", Body: a.link(v, link)}, nil
}

// ByLink names a share link in the path.
type ByLink struct {
	ID string `path:"id" maxLength:"64" doc:"The share link"`
}

// ChangeLinkInput changes some of a link's terms.
type ChangeLinkInput struct {
	ByLink
	Body LinkTerms
}

// ChangeLink is PATCH /api/links/{id}. Needs the right to edit the video.
func (a *API) ChangeLink(ctx context.Context, in *ChangeLinkInput) (*LinkOutput, error) {
	wanted, err := a.change(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	link, err := a.Catalog.ChangeShareLink(ctx, in.ID, wanted)
	if err != nil {
		return nil, err
	}
	return &LinkOutput{CacheControl: "no-store", Body: a.link(access.Video(ctx), link)}, nil
}

// RevokeLink is DELETE /api/links/{id}. Needs the right to edit the video.
func (a *API) RevokeLink(ctx context.Context, in *ByLink) (*Empty, error) {
	return &Empty{}, a.Catalog.RevokeShareLink(ctx, in.ID)
}
