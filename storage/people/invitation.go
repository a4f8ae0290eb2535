package people

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 7 * 24 * time.Hour

// MailInvitation is the letter that invites somebody; its record is the
// invitation.
const MailInvitation = "invitation"

// maxInvitations is how many invitations may be open at once.
const maxInvitations = 100

// Invitation lets one person make an account.
type Invitation struct {
	bun.BaseModel `bun:"table:invitations,alias:invitation"`

	ID   string `bun:"id,pk"`
	Hash []byte `bun:"hash"`
	// MailHash is the hash of the token in the letter, if one was sent.
	MailHash  []byte `bun:"mail_hash"`
	Email     string `bun:"email"` // empty: for whoever holds the link
	InviterID string `bun:"inviter_id"`
	// WorkspaceID and Role are what it leads to.
	WorkspaceID string     `bun:"workspace_id,nullzero"`
	Role        Role       `bun:"role"`
	CreatedAt   time.Time  `bun:"created_at"`
	ExpiresAt   time.Time  `bun:"expires_at"`
	Inviter     *Account   `bun:"rel:belongs-to,join:inviter_id=id"`
	Workspace   *Workspace `bun:"rel:belongs-to,join:workspace_id=id"`

	// byMail says that it was found by the token in the letter.
	byMail bool
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
		if err := tx.mayInvite(ctx, n); err != nil {
			return err
		}
		if err := tx.roomForInvitation(ctx, n.WorkspaceID, email); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(invitation).Exec(ctx); err != nil {
			return err
		}
		if email != "" {
			if err := tx.Enqueue(ctx, jobs.Mail{Template: MailInvitation, To: email, Ref: invitation.ID}, jobs.Waiting); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, record.Audit{WorkspaceID: n.WorkspaceID, Action: record.InvitationCreated, Detail: invitation.detail()})
	})
}

// InvitationLetter finds an invitation that a letter is about, and makes the
// token that the letter carries; that of an earlier letter is void. It returns
// record.ErrNotFound if the invitation is not open any more.
func (c *People) InvitationLetter(ctx context.Context, id string) (*Invitation, string, error) {
	token, hash := record.Secret()
	found := new(Invitation)
	err := c.write(ctx, func(ctx context.Context, tx change) error {
		err := tx.NewSelect().Model(found).Relation("Inviter").Relation("Workspace").Where("invitation.id = ? AND invitation.expires_at > ?", id, c.Now()).Scan(ctx)
		if err != nil {
			return err
		}
		return record.Must(tx.NewUpdate().Model((*Invitation)(nil)).Set("mail_hash = ?", hash).Where("id = ?", id).Exec(ctx))
	})
	return found, token, err
}

// detail is what the audit log says of an invitation.
func (i *Invitation) detail() map[string]string {
	return map[string]string{"email": i.Email, "role": string(i.Role)}
}

// mayInvite refuses whoever does not look after the workspace any more, or would
// hand out more than they have.
func (t change) mayInvite(ctx context.Context, n NewInvitation) error {
	inviter, err := t.membership(ctx, n.WorkspaceID, n.InviterID)
	if errors.Is(record.Translate(err), record.ErrNotFound) || err == nil && (!inviter.Role.AtLeast(Admin) || !inviter.Role.AtLeast(n.Role)) {
		return ErrRole
	}
	return err
}

// takeBackInvitations drops the invitations of somebody who has lost a role, as far
// as they could not make them any more: with one that they kept they would come back
// by another account as what they were.
func (t change) takeBackInvitations(ctx context.Context, workspaceID, inviterID string, role Role) error {
	made := t.NewDelete().Model((*Invitation)(nil)).Where("workspace_id = ? AND inviter_id = ?", workspaceID, inviterID)
	if role == Admin {
		made = made.Where("role = ?", Owner)
	}
	_, err := made.Exec(ctx)
	return err
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
		dropped := new(Invitation)
		if err := tx.NewSelect().Model(dropped).Where("id = ? AND workspace_id = ?", id, workspaceID).Scan(ctx); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(dropped).WherePK().Exec(ctx); err != nil {
			return err
		}
		return tx.Audit(ctx, record.Audit{WorkspaceID: workspaceID, Action: record.InvitationDropped, Detail: dropped.detail()})
	})
}

// Invitation finds an open invitation, with who sent it, by its token. It
// returns ErrToken if there is none.
func (c *People) Invitation(ctx context.Context, token string) (*Invitation, error) {
	return c.invitation(ctx, c.DB.Reader, token)
}

func (c *People) invitation(ctx context.Context, db bun.IDB, token string) (*Invitation, error) {
	found, hash := new(Invitation), record.HashToken(token)
	err := record.Translate(db.NewSelect().Model(found).Relation("Inviter").Relation("Workspace").
		Where("(invitation.hash = ? OR invitation.mail_hash = ?) AND invitation.expires_at > ?", hash, hash, c.Now()).Scan(ctx))
	if errors.Is(err, record.ErrNotFound) {
		return nil, ErrToken
	}
	found.byMail = subtle.ConstantTimeCompare(found.MailHash, hash) == 1
	return found, err
}

// AcceptInvitation makes an account that belongs to the workspace, and uses the
// invitation up.
func (c *People) AcceptInvitation(ctx context.Context, token string, n NewAccount) (*Account, error) {
	account, err := newAccount(c.Now(), n)
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
		if invitation.byMail {
			// Whoever has the token of the letter has the address. A link that was
			// copied proves nothing: its maker has it too.
			account.VerifiedAt = bun.NullTime{Time: account.CreatedAt}
		}
		if err := record.Must(tx.NewDelete().Model(invitation).WherePK().Exec(ctx)); err != nil {
			return err
		}
		if err := tx.insertAccount(ctx, account); err != nil {
			return err
		}
		if err := tx.join(ctx, account, invitation.Workspace, invitation.Role); err != nil {
			return err
		}
		ctx = record.WithActor(ctx, record.Actor{AccountID: account.ID, Name: account.Name, Email: account.Email, Address: record.ActorOf(ctx).Address})
		return tx.auditJoined(ctx, account, invitation)
	})
}
