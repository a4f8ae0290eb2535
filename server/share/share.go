// Package share is who may watch: share links and who comes in by them, people
// who were named, the question of who could not open a video and what to do
// about it, requests to watch, and the inbox they arrive in.
//
// The gate has run before every handler here. Where a handler answers for
// somebody whom the gate cannot judge, because a link or a page lets nobody in
// yet, it says so and asks the same rules (access.RightsOf).
package share

import (
	"context"
	"log/slog"
	"net/url"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// Options set up an API.
type Options struct {
	Catalog *catalog.Catalog
	Finder  *access.Finder
	Auth    *auth.Auth
	Hasher  *auth.Hasher
	Limits  *limit.Limiter
	// BaseURL is where people reach the server.
	BaseURL *url.URL
	// Video makes what GET /api/videos/{id} answers.
	Video func(ctx context.Context, v *catalog.Video) (any, error)
	// Mail says that letters can be sent.
	Mail bool
	Log  *slog.Logger
}

// API answers the operations of sharing.
type API struct{ Options }

// New makes an API.
func New(o Options) *API { return &API{o} }

// ByVideo names a video in the path.
type ByVideo struct {
	ID string `path:"id" maxLength:"64" doc:"The video"`
}

// Empty is an answer without a body.
type Empty struct{}

// who asks, as limits count.
func who(ctx context.Context) limit.Who {
	return limit.Who{Account: auth.From(ctx).AccountID(), Network: auth.Address(ctx)}
}

// Person is somebody with an account, as far as others know.
type Person struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// circle is whom an account may know of by address: who belongs to the workspace
// of the video. Whether anybody else has an account is not told.
type circle map[string]*people.Membership

// circleOf reads who belongs to the workspace of a video, by account.
func (a *API) circleOf(ctx context.Context, v *catalog.Video) (circle, error) {
	members, err := a.Catalog.Members(ctx, v.WorkspaceID)
	found := make(circle, len(members))
	for i := range members {
		if m := &members[i]; m.Account != nil && m.Account.DisabledAt.IsZero() {
			found[m.AccountID] = m
		}
	}
	return found, err
}

// byEmail finds a member by address.
func (c circle) byEmail(email string) *people.Membership {
	for _, m := range c {
		if m.Account.Email == email {
			return m
		}
	}
	return nil
}

// principal is a member as the gate would see them.
func principal(m *people.Membership) auth.Principal {
	account := *m.Account
	account.Memberships = []people.Membership{{WorkspaceID: m.WorkspaceID, AccountID: m.AccountID, Role: m.Role}}
	return auth.Principal{Account: &account}
}
