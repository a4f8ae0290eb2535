package talk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// MaxBodyBytes is how much an operation that takes a comment reads: 10,000
// characters, each escaped as two code units of JSON, and the rest.
const MaxBodyBytes = 10_000*12 + 8_000

// ByVideo names a video in the path.
type ByVideo struct {
	ID string `path:"id" maxLength:"64"`
}

// ByComment names a comment in the path.
type ByComment struct {
	ID string `path:"id" maxLength:"64"`
}

// NewComment is what somebody says.
type NewComment struct {
	AtMS      *int64  `json:"at_ms,omitempty" nullable:"true" doc:"The moment of the video in milliseconds; an answer may leave it out. After the end counts as the end"`
	Body      string  `json:"body" doc:"Plain text, 1 to 10,000 characters"`
	ParentID  *string `json:"parent_id,omitempty" nullable:"true" maxLength:"64" doc:"The comment that this one answers"`
	GuestName *string `json:"guest_name,omitempty" nullable:"true" doc:"Who speaks, 1 to 80 characters; for those without an account, where guests may comment"`
}

// CreateCommentInput says something about a video.
type CreateCommentInput struct {
	ByVideo
	Body NewComment
}

// CommentOutput answers with a comment.
type CommentOutput struct {
	SetCookie string `header:"Set-Cookie" hidden:"true"`
	Body      Comment
}

// CreateComment is POST /api/videos/{id}/comments. Needs the right to comment.
func (a *API) CreateComment(ctx context.Context, in *CreateCommentInput) (*CommentOutput, error) {
	n := catalog.NewComment{VideoID: access.Video(ctx).ID, Body: in.Body.Body, ParentID: orEmpty(in.Body.ParentID)}
	if in.Body.AtMS != nil {
		at := duration(*in.Body.AtMS)
		n.At = &at
	}
	p := auth.From(ctx)
	if p.Account == nil {
		return a.createAsGuest(ctx, n, orEmpty(in.Body.GuestName))
	}
	n.AuthorID = p.Account.ID
	comment, err := a.catalog.AddComment(ctx, n)
	if err != nil {
		return nil, explain(err)
	}
	return &CommentOutput{Body: readerOf(ctx).view(comment)}, nil
}

// createAsGuest signs a comment with a guest's name, and gives a new guest the
// cookie that will let them change it.
func (a *API) createAsGuest(ctx context.Context, n catalog.NewComment, name string) (*CommentOutput, error) {
	if _, err := catalog.NormalGuestName(name); err != nil {
		return nil, err
	}
	n.ID, n.GuestName, n.GuestHash = record.NewID(), name, auth.From(ctx).GuestHash
	fresh, newGuest := n.GuestHash == nil, a.newGuest(ctx)
	if fresh {
		_, n.GuestHash = newGuest(n.ID)
	}
	comment, err := a.catalog.AddComment(ctx, n)
	if err != nil {
		return nil, explain(err)
	}
	r, out := readerOf(ctx), &CommentOutput{}
	if fresh {
		var cookie http.Cookie
		cookie, r.guest = newGuest(comment.ID)
		out.SetCookie = cookie.String()
	}
	out.Body = r.view(comment)
	return out, nil
}

// newGuest is whoever makes a comment. The answer may be lost, and with it the
// cookie; so whoever asks again by the same key gets the same one, on any server and
// as long as the key is remembered. Later the key leads to another comment, and tells
// nothing about this one. Without a key nobody can ask again.
func (a *API) newGuest(ctx context.Context) func(commentID string) (http.Cookie, []byte) {
	secret := record.SecretOf(ctx)
	if secret == nil {
		cookie, hash := a.auth.NewGuest()
		return func(string) (http.Cookie, []byte) { return cookie, hash }
	}
	return func(commentID string) (http.Cookie, []byte) {
		mac := hmac.New(sha256.New, a.secret)
		_, _ = fmt.Fprintf(mac, "guest\x00%s\x00%x", commentID, secret) // a hash never fails
		return a.auth.Guest(base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	}
}

// explain gives the errors of the records that only talk knows their answers.
func explain(err error) error {
	if errors.Is(err, catalog.ErrTooManyComments) {
		return reply.New(http.StatusConflict, "too_many_comments", "This video has as many comments as it can hold.").Because(err)
	}
	return err
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// duration turns milliseconds of a request into a duration without overflow:
// what is beyond a century stays beyond any video.
func duration(ms int64) time.Duration {
	const century = int64(100 * 365 * 24 * time.Hour / time.Millisecond)
	return time.Duration(min(max(ms, -century), century)) * time.Millisecond
}

// ChangeCommentInput changes a comment; what is left out stays.
type ChangeCommentInput struct {
	ByComment
	Body struct {
		Body     *string `json:"body,omitempty" doc:"The new words; for who wrote it"`
		Resolved *bool   `json:"resolved,omitempty" doc:"Whether it is dealt with; for who wrote it and for the video's owner"`
	}
}

// ChangeComment is PATCH /api/comments/{id}. Needs the right to watch; who wrote
// the comment decides about the rest.
func (a *API) ChangeComment(ctx context.Context, in *ChangeCommentInput) (*CommentOutput, error) {
	comment, err := a.catalog.Comment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	r := readerOf(ctx)
	may := r.view(comment).May
	if in.Body.Body != nil && !may.Edit || in.Body.Resolved != nil && !may.Resolve {
		return nil, reply.Forbidden
	}
	if in.Body.Body != nil {
		if err := a.catalog.EditComment(ctx, in.ID, *in.Body.Body); err != nil {
			return nil, err
		}
	}
	if in.Body.Resolved != nil {
		if err := a.catalog.ResolveComment(ctx, in.ID, *in.Body.Resolved); err != nil {
			return nil, err
		}
	}
	if comment, err = a.catalog.Comment(ctx, in.ID); err != nil {
		return nil, err
	}
	return &CommentOutput{Body: r.view(comment)}, nil
}

// DeleteComment is DELETE /api/comments/{id}; its answers go too. Needs the
// right to watch; it is for who wrote the comment and for the video's owner.
func (a *API) DeleteComment(ctx context.Context, in *ByComment) (*auth.Empty, error) {
	comment, err := a.catalog.Comment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !readerOf(ctx).view(comment).May.Delete {
		return nil, reply.Forbidden
	}
	return &auth.Empty{}, a.catalog.DeleteComment(ctx, in.ID)
}
