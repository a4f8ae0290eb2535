package share

import (
	"context"
	"net/http"
	"time"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// NamedPerson is somebody who was named for a video.
type NamedPerson struct {
	ID          string    `json:"id"`
	Email       string    `json:"email"`
	Name        *string   `json:"name" doc:"Null for who is outside of the workspace and has not watched yet: whether they have an account is not told"`
	AccountID   *string   `json:"account_id"`
	Pending     bool      `json:"pending" doc:"They must sign in with this address first, as far as we may say"`
	MayComment  bool      `json:"may_comment"`
	MayDownload bool      `json:"may_download"`
	CreatedAt   time.Time `json:"created_at"`
}

func namedView(n *catalog.Named, around circle) NamedPerson {
	out := NamedPerson{ID: n.ID, Email: n.Email, Pending: true, MayComment: n.MayComment, MayDownload: n.MayDownload, CreatedAt: n.CreatedAt.UTC()}
	if n.AccountID != "" && (around[n.AccountID] != nil || n.Seen) {
		out.Name, out.AccountID, out.Pending = &n.Name, &n.AccountID, false
	}
	return out
}

// PeopleOutput lists who was named for a video.
type PeopleOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items []NamedPerson `json:"items" nullable:"false"`
		Mail  bool          `json:"mail" doc:"Letters can be sent from here"`
	}
}

// ListPeople is GET /api/videos/{id}/people. Needs the right to edit.
func (a *API) ListPeople(ctx context.Context, _ *ByVideo) (*PeopleOutput, error) {
	v := access.Video(ctx)
	named, err := a.Catalog.NamedPeople(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	around, err := a.circleOf(ctx, v)
	if err != nil {
		return nil, err
	}
	out := &PeopleOutput{CacheControl: "no-store"}
	out.Body.Items, out.Body.Mail = make([]NamedPerson, len(named)), a.Mail
	for i, n := range named {
		out.Body.Items[i] = namedView(n, around)
	}
	return out, nil
}

// Invitee is somebody to be named: one of the two.
type Invitee struct {
	AccountID string `json:"account_id,omitempty" maxLength:"64" doc:"Somebody of the video's workspace"`
	Email     string `json:"email,omitempty" maxLength:"254" doc:"Anybody; counts once they have proved that the address is theirs"`
}

// NameInput names people for a video.
type NameInput struct {
	ByVideo
	Body struct {
		People      []Invitee `json:"people" minItems:"1" maxItems:"200" nullable:"false"`
		MayComment  *bool     `json:"may_comment,omitempty" doc:"True unless said otherwise"`
		MayDownload *bool     `json:"may_download,omitempty" doc:"False unless said otherwise"`
		Raise       bool      `json:"raise,omitempty" doc:"A private video becomes one for named people"`
		Mail        bool      `json:"mail,omitempty" doc:"Write to those who are new, if letters can be sent"`
	}
}

var errOutside = reply.New(http.StatusUnprocessableEntity, "outside", "Somebody outside of the workspace is named by their e-mail address.").At("body.people")

// NamePeople is POST /api/videos/{id}/people. Needs the right to edit. Who was
// named before may do from now on what this says.
func (a *API) NamePeople(ctx context.Context, in *NameInput) (*PeopleOutput, error) {
	v := access.Video(ctx)
	around, err := a.circleOf(ctx, v)
	if err != nil {
		return nil, err
	}
	naming := catalog.Naming{
		VideoID: v.ID, By: auth.From(ctx).AccountID(), Raise: in.Body.Raise, Write: in.Body.Mail,
		MayComment: in.Body.MayComment == nil || *in.Body.MayComment, MayDownload: in.Body.MayDownload != nil && *in.Body.MayDownload,
	}
	for _, one := range in.Body.People {
		if one.AccountID != "" && around[one.AccountID] == nil {
			return nil, errOutside
		}
		naming.People = append(naming.People, catalog.Invitee(one))
	}
	if naming.Write && a.Mail {
		if err := a.Limits.Requests(ctx, limit.Invite, who(ctx), len(naming.People)); err != nil {
			return nil, err
		}
	}
	if err := a.Catalog.NamePeople(ctx, naming); err != nil {
		return nil, err
	}
	return a.ListPeople(ctx, &in.ByVideo)
}

// ByPerson names somebody who was named for a video.
type ByPerson struct {
	ByVideo
	Person string `path:"person" maxLength:"64" doc:"The id that the list says"`
}

// ChangePersonInput changes what somebody who was named may do.
type ChangePersonInput struct {
	ByPerson
	Body struct {
		MayComment  *bool `json:"may_comment,omitempty"`
		MayDownload *bool `json:"may_download,omitempty"`
	}
}

// ChangePerson is PATCH /api/videos/{id}/people/{person}. Needs the right to edit.
func (a *API) ChangePerson(ctx context.Context, in *ChangePersonInput) (*PeopleOutput, error) {
	wanted := catalog.NamedChange{MayComment: in.Body.MayComment, MayDownload: in.Body.MayDownload}
	if err := a.Catalog.ChangeNamed(ctx, access.Video(ctx).ID, in.Person, wanted); err != nil {
		return nil, err
	}
	return a.ListPeople(ctx, &in.ByVideo)
}

// DropPerson is DELETE /api/videos/{id}/people/{person}. Needs the right to edit.
func (a *API) DropPerson(ctx context.Context, in *ByPerson) (*Empty, error) {
	return &Empty{}, a.Catalog.UnnamePerson(ctx, access.Video(ctx).ID, in.Person)
}
