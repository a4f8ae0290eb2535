package auth

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Empty answers without a body.
type Empty struct{}

// ByID names a record in the path.
type ByID struct {
	ID string `path:"id" maxLength:"64"`
}

// RenameInput is a new name.
type RenameInput struct {
	Body struct {
		Name string `json:"name" maxLength:"1000"`
	}
}

// Rename is PATCH /api/account.
func (a *Auth) Rename(ctx context.Context, in *RenameInput) (*AccountOutput, error) {
	account, err := Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	if account, err = a.catalog.RenameAccount(ctx, account.ID, in.Body.Name); err != nil {
		return nil, err
	}
	return &AccountOutput{Body: View(account)}, nil
}

// PasswordInput is a password and the one to follow it.
type PasswordInput struct {
	Body struct {
		CurrentPassword string `json:"current_password,omitempty" maxLength:"4000" doc:"Not needed by who has none, or has just signed in without it"`
		NewPassword     string `json:"new_password" maxLength:"4000"`
	}
}

// ChangePassword is PUT /api/account/password. It ends all other sessions and
// all API tokens of the account.
func (a *Auth) ChangePassword(ctx context.Context, in *PasswordInput) (*Empty, error) {
	account, err := Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	guess := limit.Guess{Kind: limit.Password, Subject: account.Email, Network: Address(ctx)}
	if err := a.limits.Attempt(ctx, guess); err != nil {
		return nil, err
	}
	if err := CheckPassword(in.Body.NewPassword); err != nil {
		return nil, reply.Of(err).At("body.new_password")
	}
	if err := a.mayReplace(ctx, account, in.Body.CurrentPassword); err != nil {
		return nil, reply.Of(err).At("body.current_password")
	}
	hash, err := a.hasher.Hash(ctx, in.Body.NewPassword)
	if err != nil {
		return nil, err
	}
	a.limits.Succeeded(ctx, guess)
	err = a.catalog.ChangePassword(ctx, people.PasswordChange{
		Account: account, NewHash: hash, KeepSession: From(ctx).SessionHash, From: Origin(ctx),
	})
	if errors.Is(err, record.ErrNotFound) {
		err = wrongCredentials() // it was changed in between
	}
	return &Empty{}, err
}

// mayReplace says whether the current password is right, or not needed: the
// holder of a session that has just been opened by other means may have
// forgotten it.
func (a *Auth) mayReplace(ctx context.Context, account *people.Account, current string) error {
	session := From(ctx).Session
	other := session != nil && (account.PasswordHash == "" || !strings.HasPrefix(session.Method, people.ByPassword))
	if current == "" && other {
		_, err := a.NeedFresh(ctx)
		return err
	}
	return a.verify(ctx, account, current)
}

// AccountsOutput lists accounts.
type AccountsOutput struct {
	Body struct {
		Items []Account `json:"items" nullable:"false"`
	}
}

// ListAccounts is GET /api/accounts: those in the workspace that the account
// works in. Who else has an account here is nobody's business.
func (a *Auth) ListAccounts(ctx context.Context, _ *struct{}) (*AccountsOutput, error) {
	me, err := Need(ctx, people.ScopeRead)
	if err != nil {
		return nil, err
	}
	members, err := a.catalog.Members(ctx, me.WorkspaceID)
	if err != nil {
		return nil, err
	}
	out := &AccountsOutput{}
	out.Body.Items = make([]Account, len(members))
	for i := range members {
		out.Body.Items[i] = View(members[i].Account)
		out.Body.Items[i].Role, out.Body.Items[i].WorkspaceID = members[i].Role, me.WorkspaceID
	}
	return out, nil
}

// Invitation is an open invitation.
type Invitation struct {
	ID        string      `json:"id"`
	URL       string      `json:"url,omitempty" doc:"The link to send; it is told once, when the invitation is made"`
	Email     string      `json:"email" doc:"Who may accept it; empty: whoever has the link"`
	Role      people.Role `json:"role" enum:"owner,admin,member,viewer"`
	CreatedAt time.Time   `json:"created_at"`
	ExpiresAt time.Time   `json:"expires_at"`
}

func invitationView(i *people.Invitation) Invitation {
	return Invitation{ID: i.ID, Email: i.Email, Role: i.Role, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt}
}

// needAdmin returns the account that asks if it looks after its workspace.
func needAdmin(ctx context.Context) (*people.Account, error) {
	account, err := Need(ctx, people.ScopeAdmin)
	if err == nil && !account.RoleIn(account.WorkspaceID).AtLeast(people.Admin) {
		return nil, reply.Forbidden
	}
	return account, err
}

// InviteInput says who may accept an invitation.
type InviteInput struct {
	Body struct {
		Email string      `json:"email,omitempty" maxLength:"1000" doc:"Who may accept it; empty: whoever has the link"`
		Role  people.Role `json:"role,omitempty" enum:"owner,admin,member,viewer" default:"member"`
	}
}

// InvitationOutput answers with an invitation.
type InvitationOutput struct {
	Body Invitation
}

// Invite is POST /api/invitations.
func (a *Auth) Invite(ctx context.Context, in *InviteInput) (*InvitationOutput, error) {
	account, err := needAdmin(ctx)
	if err != nil {
		return nil, err
	}
	if !account.RoleIn(account.WorkspaceID).AtLeast(in.Body.Role) {
		return nil, reply.Forbidden // nobody hands out more than he has
	}
	invitation, token, err := a.catalog.Invite(ctx, people.NewInvitation{
		InviterID: account.ID, WorkspaceID: account.WorkspaceID, Role: in.Body.Role, Email: in.Body.Email,
	})
	if err != nil {
		return nil, err
	}
	out := &InvitationOutput{Body: invitationView(invitation)}
	out.Body.URL = a.base.JoinPath("invite", url.PathEscape(token)).String()
	return out, nil
}

// InvitationsOutput lists invitations.
type InvitationsOutput struct {
	Body struct {
		Items []Invitation `json:"items" nullable:"false"`
	}
}

// ListInvitations is GET /api/invitations.
func (a *Auth) ListInvitations(ctx context.Context, _ *struct{}) (*InvitationsOutput, error) {
	account, err := needAdmin(ctx)
	if err != nil {
		return nil, err
	}
	open, err := a.catalog.Invitations(ctx, account.WorkspaceID)
	if err != nil {
		return nil, err
	}
	out := &InvitationsOutput{}
	out.Body.Items = make([]Invitation, len(open))
	for i := range open {
		out.Body.Items[i] = invitationView(&open[i])
	}
	return out, nil
}

// DropInvitation is DELETE /api/invitations/{id}.
func (a *Auth) DropInvitation(ctx context.Context, in *ByID) (*Empty, error) {
	account, err := needAdmin(ctx)
	if err != nil {
		return nil, err
	}
	return &Empty{}, a.catalog.DropInvitation(ctx, account.WorkspaceID, in.ID)
}

// LookUpInput is the token of an invitation.
type LookUpInput struct {
	Body struct {
		Token string `json:"token" maxLength:"200"`
	}
}

// LookUpOutput tells whoever holds an invitation about it.
type LookUpOutput struct {
	Body struct {
		InviterName string      `json:"inviter_name"`
		Workspace   string      `json:"workspace" doc:"The name of the workspace that it leads to"`
		Role        people.Role `json:"role" enum:"owner,admin,member,viewer" doc:"What one will be there"`
		Email       string      `json:"email" doc:"Who may accept it; empty: whoever has the link"`
	}
}

// LookUpInvitation is POST /api/invitations/lookup. It is a POST so that the
// token stays out of logs.
func (a *Auth) LookUpInvitation(ctx context.Context, in *LookUpInput) (*LookUpOutput, error) {
	invitation, err := a.catalog.Invitation(ctx, in.Body.Token)
	if err != nil {
		return nil, err
	}
	out := &LookUpOutput{}
	out.Body.InviterName, out.Body.Email = invitation.Inviter.Name, invitation.Email
	out.Body.Workspace, out.Body.Role = invitation.Workspace.Name, invitation.Role
	return out, nil
}

// AcceptInvitation is POST /api/invitations/accept: it makes an account.
func (a *Auth) AcceptInvitation(ctx context.Context, in *PersonInput) (*SignedInOutput, error) {
	check := func() error {
		_, err := a.catalog.Invitation(ctx, in.Body.Token)
		return err
	}
	return a.join(ctx, in.Body, check, a.catalog.AcceptInvitation)
}
