package team

import (
	"context"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// Member is somebody who belongs to a workspace.
type Member struct {
	ID       string      `json:"id" doc:"The account"`
	Name     string      `json:"name"`
	Email    string      `json:"email"`
	Role     people.Role `json:"role" enum:"owner,admin,member,viewer"`
	JoinedAt time.Time   `json:"joined_at"`
	Videos   int         `json:"videos" doc:"How many videos somebody must take over when they go; told to admins and to themselves"`
}

// MembersOutput lists members.
type MembersOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items []Member `json:"items" nullable:"false"`
	}
}

// ListMembers is GET /api/workspaces/{id}/members.
func (a *API) ListMembers(ctx context.Context, in *ByID) (*MembersOutput, error) {
	me, err := auth.Need(ctx, people.ScopeRead)
	if err != nil {
		return nil, err
	}
	members, err := a.catalog.Members(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	owned, err := a.catalog.VideosOwned(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &MembersOutput{CacheControl: "no-store"}
	out.Body.Items = make([]Member, len(members))
	for i, m := range members {
		member := Member{ID: m.AccountID, Name: m.Account.Name, Email: m.Account.Email, Role: m.Role, JoinedAt: m.CreatedAt.UTC()}
		if m.AccountID == me.ID || me.RoleIn(in.ID).AtLeast(people.Admin) {
			member.Videos = owned[m.AccountID]
		}
		out.Body.Items[i] = member
	}
	return out, nil
}

// ByMember names a member of a workspace.
type ByMember struct {
	ByID
	AccountID string `path:"account" maxLength:"64" doc:"The member's account"`
}

// RoleInput gives somebody another role.
type RoleInput struct {
	ByMember
	Body struct {
		Role people.Role `json:"role" enum:"owner,admin,member,viewer"`
	}
}

// ChangeRole is PATCH /api/workspaces/{id}/members/{account}.
func (a *API) ChangeRole(ctx context.Context, in *RoleInput) (*Empty, error) {
	me, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	return &Empty{}, a.catalog.ChangeRole(ctx, people.RoleChange{WorkspaceID: in.ID, By: me.ID, AccountID: in.AccountID, Role: in.Body.Role})
}

// RemoveInput lets somebody go.
type RemoveInput struct {
	ByMember
	Heir string `query:"heir" maxLength:"64" doc:"The member who takes over the videos; needed if there are any"`
}

// Remove is DELETE /api/workspaces/{id}/members/{account}: an admin removes
// somebody, or somebody leaves.
func (a *API) Remove(ctx context.Context, in *RemoveInput) (*Empty, error) {
	me, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	return &Empty{}, a.catalog.RemoveMember(ctx, people.Removal{WorkspaceID: in.ID, By: me.ID, AccountID: in.AccountID, HeirID: in.Heir})
}

// JoinInput is the token of an invitation.
type JoinInput struct {
	Body struct {
		Token string `json:"token" maxLength:"200"`
	}
}

// Join is POST /api/invitations/join: an account that is signed in joins a
// further workspace, and works in it from now on.
func (a *API) Join(ctx context.Context, in *JoinInput) (*WorkspaceOutput, error) {
	me, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	if err := a.limits.Attempt(ctx, limit.Guess{Kind: limit.Token, Network: auth.Address(ctx)}); err != nil {
		return nil, err
	}
	w, err := a.catalog.JoinByInvitation(ctx, in.Body.Token, me.ID)
	if err != nil {
		return nil, err
	}
	me, err = a.catalog.Account(ctx, me.ID)
	if err != nil {
		return nil, err
	}
	return a.view(w, me, me.RoleIn(w.ID)), nil
}
