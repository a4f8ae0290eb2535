package library

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// ByID names a video.
type ByID struct {
	ID string `path:"id" doc:"The video"`
}

// VideoOutput is one video.
type VideoOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Video
}

// Empty is an answer without a body.
type Empty struct{}

func (a *API) one(ctx context.Context, v *catalog.Video) *VideoOutput {
	return &VideoOutput{CacheControl: "no-store", Body: a.Describe(auth.From(ctx), v)}
}

func (a *API) reread(ctx context.Context, err error) (*VideoOutput, error) {
	if err != nil {
		return nil, err
	}
	v, err := a.finder.Find(ctx, auth.From(ctx), catalog.VideoID, access.Video(ctx).ID)
	if err != nil {
		return nil, err
	}
	return a.one(ctx, v), nil
}

// CreateInput begins a video.
type CreateInput struct {
	Body struct {
		Title      string `json:"title,omitempty" maxLength:"300" doc:"Empty for the date and time"`
		MIME       string `json:"mime,omitempty" maxLength:"200" doc:"What the recorder makes, e.g. video/mp4;codecs=avc3.640028,opus"`
		Visibility string `json:"visibility,omitempty" enum:"private,people,workspace,link"`
	}
}

// Created says where a new video is and where its bytes go.
type Created struct {
	ID        string `json:"id"`
	Slug      string `json:"slug"`
	WatchURL  string `json:"watch_url"`
	UploadURL string `json:"upload_url"`
}

// CreateOutput is the answer to Create.
type CreateOutput struct {
	Location string `header:"Location"`
	Body     Created
}

// Create begins a video: its link is valid before the first byte.
func (a *API) Create(ctx context.Context, in *CreateInput) (*CreateOutput, error) {
	v, err := a.ingest.Start(ctx, catalog.NewVideo{
		OwnerID: auth.From(ctx).Account.ID, WorkspaceID: auth.From(ctx).Account.WorkspaceID, Title: in.Body.Title, MIME: in.Body.MIME,
		Visibility: catalog.Visibility(in.Body.Visibility), Length: -1, Metadata: map[string]string{"filetype": in.Body.MIME},
	})
	if err != nil {
		return nil, err
	}
	return &CreateOutput{Location: "/api/videos/" + v.ID, Body: Created{
		ID: v.ID, Slug: v.Slug, WatchURL: a.base.JoinPath("v", v.Slug).String(), UploadURL: a.uploads + "/" + v.UploadID,
	}}, nil
}

// Read describes a video.
func (a *API) Read(ctx context.Context, _ *ByID) (*VideoOutput, error) {
	return a.one(ctx, access.Video(ctx)), nil
}

// ListInput asks for a page of videos.
type ListInput struct {
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before"`
	Query  string `query:"q" maxLength:"200" doc:"Words that the title must hold"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"24"`
	Filter string `query:"filter" enum:"all,mine,shared,trash" default:"all"`
}

// ListOutput is a page of videos, newest first.
type ListOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items      []Video `json:"items"`
		NextCursor *string `json:"next_cursor"`
	}
}

// List lists the videos that the one who asks may watch.
func (a *API) List(ctx context.Context, in *ListInput) (*ListOutput, error) {
	p := auth.From(ctx)
	page, err := a.catalog.Videos(ctx, catalog.ListQuery{
		AccountID: p.Account.ID, WorkspaceID: p.Account.WorkspaceID, Admin: p.Account.RoleIn(p.Account.WorkspaceID).AtLeast(people.Admin), Filter: catalog.Filter(in.Filter), Words: in.Query, Cursor: in.Cursor, Limit: in.Limit,
	})
	if errors.Is(err, catalog.ErrCursor) {
		return nil, reply.New(http.StatusUnprocessableEntity, "cursor", "This page marker is not one of ours; start from the first page.").At("query.cursor")
	}
	if err != nil {
		return nil, err
	}
	out := &ListOutput{CacheControl: "no-store"}
	out.Body.Items = make([]Video, len(page.Videos))
	for i, v := range page.Videos {
		out.Body.Items[i] = a.Describe(p, v)
	}
	if page.Next != "" {
		out.Body.NextCursor = &page.Next
	}
	return out, nil
}

// ChangeInput changes some of a video's settings.
type ChangeInput struct {
	ByID
	Body struct {
		Title             *string `json:"title,omitempty" minLength:"1" maxLength:"300"`
		Visibility        *string `json:"visibility,omitempty" enum:"private,people,workspace,link"`
		GuestsMayComment  *bool   `json:"guests_may_comment,omitempty"`
		GuestsMayDownload *bool   `json:"guests_may_download,omitempty"`
		Kept              *bool   `json:"kept,omitempty" doc:"Retention leaves it alone"`
	}
}

var errNoTitle = reply.New(http.StatusUnprocessableEntity, "title_empty", "A title needs at least one character that can be seen.").At("body.title")

// Change changes a video's title, who may watch it and who may comment.
func (a *API) Change(ctx context.Context, in *ChangeInput) (*VideoOutput, error) {
	change := catalog.VideoChange{GuestsMayComment: in.Body.GuestsMayComment, GuestsMayDownload: in.Body.GuestsMayDownload, Kept: in.Body.Kept}
	if in.Body.Title != nil {
		title := strings.TrimSpace(strings.Map(visible, *in.Body.Title))
		if title == "" {
			return nil, errNoTitle
		}
		change.Title = &title
	}
	if in.Body.Visibility != nil {
		change.Visibility = new(catalog.Visibility(*in.Body.Visibility))
	}
	_, err := a.catalog.ChangeVideo(ctx, in.ID, change)
	return a.reread(ctx, err)
}

// visible drops what cannot be shown in one line.
func visible(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// Trash puts a video into the trash, and one that lies there out of the world.
func (a *API) Trash(ctx context.Context, in *ByID) (*Empty, error) {
	if access.Video(ctx).Trashed() {
		return &Empty{}, a.catalog.RemoveVideo(ctx, in.ID)
	}
	return &Empty{}, a.catalog.TrashVideo(ctx, in.ID)
}

// Restore takes a video out of the trash.
func (a *API) Restore(ctx context.Context, in *ByID) (*VideoOutput, error) {
	return a.reread(ctx, a.catalog.RestoreVideo(ctx, in.ID))
}

// Retry sets a failed video going again.
func (a *API) Retry(ctx context.Context, in *ByID) (*VideoOutput, error) {
	return a.reread(ctx, a.catalog.RetryVideo(ctx, in.ID))
}

// Finish makes a video of what arrived; no more bytes are taken.
func (a *API) Finish(ctx context.Context, _ *ByID) (*VideoOutput, error) {
	return a.reread(ctx, a.ingest.Finish(ctx, access.Video(ctx).UploadID))
}
