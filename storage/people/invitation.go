package people

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 7 * 24 * time.Hour

// maxInvitations is how many invitations may be open at once.
const maxInvitations = 100

// Invitation lets one person make an account.
type Invitation struct {
	bun.BaseModel `bun:"table:invitations,alias:invitation"`

	ID        string `bun:"id,pk"`
	Hash      []byte `bun:"hash"`
	Email     string `bun:"email"` // empty: for whoever holds the link
	InviterID string `bun:"inviter_id"`
	// WorkspaceID and Role are what it leads to.
	WorkspaceID string     `bun:"workspace_id,nullzero"`
	Role        Role       `bun:"role"`
	CreatedAt   time.Time  `bun:"created_at"`
	ExpiresAt   time.Time  `bun:"expires_at"`
	Inviter     *Account   `bun:"rel:belongs-to,join:inviter_id=id"`
	Workspace   *Workspace `bun:"rel:belongs-to,join:workspace_id=id"`
}

// NewInvitation says who is invited by whom, and to what.
type NewInvitation struct {
	InviterID, WorkspaceID string
	Role                   Role
	// Email is the one address that may accept it; "" is whoever has the link.
	Email string
}

// Invite makes an invitation and returns its token, which is not stored. With an
// e-mail address only that address may accept it.
func (c *People) Invite(ctx context.Context, n NewInvitation) (*Invitation, string, error) {
	if n.Role.rank() == 0 {
		return nil, "", &record.InvalidError{Field: "role", Message: "A role is owner, admin, member or viewer."}
	}
	email := n.Email
	if email != "" {
		normal, err := NormalEmail(email)
		if err != nil {
			return nil, "", err
		}
		email = normal
	}
	token, hash := record.Secret()
	now := c.Now()
	invitation := &Invitation{
		ID: record.NewID(), Hash: hash, Email: email, InviterID: n.InviterID, WorkspaceID: n.WorkspaceID, Role: n.Role,
		CreatedAt: now, ExpiresAt: now.Add(InvitationLife),
	}
	return invitation, token, c.write(ctx, func(ctx context.Context, tx change) error {
		if err := tx.roomForInvitation(ctx, n.WorkspaceID, email); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(invitation).Exec(ctx)
		return err
	})
}

// roomForInvitation drops lapsed invitations and older ones to the same address.
func (t change) roomForInvitation(ctx context.Context, workspaceID, email string) error {
	if _, err := t.NewDelete().Model((*Invitation)(nil)).
		Where("expires_at <= ? OR (workspace_id = ? AND email = ? AND email <> '')", t.Now(), workspaceID, email).Exec(ctx); err != nil {
		return err
	}
	belongs, err := t.NewSelect().Model((*Membership)(nil)).
		Where("workspace_id = ? AND account_id IN (SELECT id FROM accounts WHERE email = ?)", workspaceID, email).Exists(ctx)
	if err != nil {
		return err
	}
	if belongs {
		return ErrEmailTaken
	}
	open, err := t.NewSelect().Model((*Invitation)(nil)).Where("workspace_id = ?", workspaceID).Count(ctx)
	if err == nil && open >= maxInvitations {
		return record.ErrTooMany
	}
	return err
}

// Invitations lists those to a workspace that can still be accepted, the newest
// first.
func (c *People) Invitations(ctx context.Context, workspaceID string) ([]Invitation, error) {
	var open []Invitation
	err := c.DB.Reader.NewSelect().Model(&open).Where("workspace_id = ? AND expires_at > ?", workspaceID, c.Now()).OrderExpr("created_at DESC, id").Scan(ctx)
	return open, record.Translate(err)
}

// DropInvitation takes an invitation to a workspace back.
func (c *People) DropInvitation(ctx context.Context, workspaceID, id string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		return record.Must(tx.NewDelete().Model((*Invitation)(nil)).Where("id = ? AND workspace_id = ?", id, workspaceID).Exec(ctx))
	})
}

// Invitation finds an open invitation, with who sent it, by its token. It
// returns ErrToken if there is none.
func (c *People) Invitation(ctx context.Context, token string) (*Invitation, error) {
	return c.invitation(ctx, c.DB.Reader, token)
}

func (c *People) invitation(ctx context.Context, db bun.IDB, token string) (*Invitation, error) {
	found := new(Invitation)
	err := record.Translate(db.NewSelect().Model(found).Relation("Inviter").Relation("Workspace").
		Where("invitation.hash = ? AND invitation.expires_at > ?", record.HashToken(token), c.Now()).Scan(ctx))
	if errors.Is(err, record.ErrNotFound) {
		return nil, ErrToken
	}
	return found, err
}

// AcceptInvitation makes an account that belongs to the workspace, and uses the
// invitation up.
func (c *People) AcceptInvitation(ctx context.Context, token string, n NewAccount) (*Account, error) {
	account, err := c.newAccount(n)
	if err != nil {
		return nil, err
	}
	return account, c.write(ctx, func(ctx context.Context, tx change) error {
		invitation, err := c.invitation(ctx, tx, token)
		if err != nil {
			return err
		}
		if invitation.Email != "" && invitation.Email != account.Email {
			return &record.InvalidError{Field: "email", Message: "This invitation is for another e-mail address."}
		}
		if err := record.Must(tx.NewDelete().Model(invitation).WherePK().Exec(ctx)); err != nil {
			return err
		}
		if err := tx.insertAccount(ctx, account); err != nil {
			return err
		}
		return tx.join(ctx, account, invitation.Workspace, invitation.Role)
	})
}
