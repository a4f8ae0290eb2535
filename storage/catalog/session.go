package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// SessionLife is how long a session lives after it was last extended.
const SessionLife = 30 * 24 * time.Hour

// Session is one browser that somebody signed in with.
type Session struct {
	bun.BaseModel `bun:"table:sessions,alias:session"`

	Hash      []byte    `bun:"hash,pk"`
	AccountID string    `bun:"account_id"`
	CreatedAt time.Time `bun:"created_at"`
	ExpiresAt time.Time `bun:"expires_at"`
	Account   *Account  `bun:"rel:belongs-to,join:account_id=id"`
}

// StartSession signs an account in and returns the session's token, which is
// not stored. The account is the one whose password was checked: if the password
// has been changed meanwhile, it returns ErrNotFound.
func (c *Catalog) StartSession(ctx context.Context, account *Account) (string, error) {
	token, hash := secret()
	now := c.now()
	session := &Session{Hash: hash, AccountID: account.ID, CreatedAt: now, ExpiresAt: now.Add(SessionLife)}
	return token, c.write(ctx, func(ctx context.Context, tx change) error {
		current, err := tx.NewSelect().Model((*Account)(nil)).
			Where("id = ? AND password_hash = ?", account.ID, account.PasswordHash).Exists(ctx)
		if err != nil {
			return err
		}
		if !current {
			return ErrNotFound
		}
		if _, err := tx.NewDelete().Model((*Session)(nil)).Where("expires_at <= ?", now).Exec(ctx); err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(session).Exec(ctx)
		return err
	})
}

// Session finds a living session, with its account, by the token's hash.
func (c *Catalog) Session(ctx context.Context, hash []byte) (*Session, error) {
	session := new(Session)
	err := c.db.Reader.NewSelect().Model(session).Relation("Account").
		Where("session.hash = ? AND session.expires_at > ?", hash, c.now()).Scan(ctx)
	return session, translate(err)
}

// ExtendSession lets a session live for another SessionLife from now on.
func (c *Catalog) ExtendSession(ctx context.Context, hash []byte) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		return must(tx.NewUpdate().Model((*Session)(nil)).Set("expires_at = ?", c.now().Add(SessionLife)).Where("hash = ?", hash).Exec(ctx))
	})
}

// EndSession signs one browser out. A session that is gone already is no error.
func (c *Catalog) EndSession(ctx context.Context, hash []byte) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewDelete().Model((*Session)(nil)).Where("hash = ?", hash).Exec(ctx)
		return err
	})
}

// Scope is how much of its account's rights an API token may use; each includes
// the ones before it.
type Scope string

// The scopes: look, change videos and comments, and everything.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write"
	ScopeAdmin Scope = "admin"
)

// Allows says whether a token of this scope may do what needs the other one.
func (s Scope) Allows(need Scope) bool { return s.rank() >= need.rank() && need.rank() > 0 }

func (s Scope) rank() int {
	switch s {
	case ScopeRead:
		return 1
	case ScopeWrite:
		return 2
	case ScopeAdmin:
		return 3
	}
	return 0
}

// TokenPrefix begins every API token, so that scanners for leaked secrets and
// people know one when they see it.
const TokenPrefix = "mw_"

// maxTokens is how many API tokens an account may hold.
const maxTokens = 100

// APIToken lets a program act for an account.
type APIToken struct {
	bun.BaseModel `bun:"table:api_tokens,alias:token"`

	ID        string    `bun:"id,pk"`
	Hash      []byte    `bun:"hash"`
	AccountID string    `bun:"account_id"`
	Name      string    `bun:"name"`
	Scope     Scope     `bun:"scope"`
	CreatedAt time.Time `bun:"created_at"`
	Account   *Account  `bun:"rel:belongs-to,join:account_id=id"`
}

// AddToken makes an API token and returns it in clear, for the only time.
func (c *Catalog) AddToken(ctx context.Context, accountID, name string, scope Scope) (*APIToken, string, error) {
	name, err := NormalName(name)
	if err != nil {
		return nil, "", err
	}
	if scope.rank() == 0 {
		return nil, "", &InvalidError{Field: "scope", Message: "A scope is read, write or admin."}
	}
	random, _ := secret()
	shown := TokenPrefix + random
	token := &APIToken{ID: NewID(), Hash: HashToken(shown), AccountID: accountID, Name: name, Scope: scope, CreatedAt: c.now()}
	return token, shown, c.write(ctx, func(ctx context.Context, tx change) error {
		n, err := tx.NewSelect().Model((*APIToken)(nil)).Where("account_id = ?", accountID).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxTokens {
			return ErrTooMany
		}
		_, err = tx.NewInsert().Model(token).Exec(ctx)
		return err
	})
}

// Token finds an API token, with its account, by the hash of its clear form.
func (c *Catalog) Token(ctx context.Context, hash []byte) (*APIToken, error) {
	token := new(APIToken)
	err := c.db.Reader.NewSelect().Model(token).Relation("Account").Where("token.hash = ?", hash).Scan(ctx)
	return token, translate(err)
}

// Tokens lists the API tokens of an account, the newest first.
func (c *Catalog) Tokens(ctx context.Context, accountID string) ([]APIToken, error) {
	var all []APIToken
	err := c.db.Reader.NewSelect().Model(&all).Where("account_id = ?", accountID).OrderExpr("created_at DESC, id").Scan(ctx)
	return all, translate(err)
}

// DropToken ends an API token of this account.
func (c *Catalog) DropToken(ctx context.Context, accountID, id string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		return must(tx.NewDelete().Model((*APIToken)(nil)).Where("id = ? AND account_id = ?", id, accountID).Exec(ctx))
	})
}

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 7 * 24 * time.Hour

// maxInvitations is how many invitations may be open at once.
const maxInvitations = 100

// Invitation lets one person make an account.
type Invitation struct {
	bun.BaseModel `bun:"table:invitations,alias:invitation"`

	ID        string    `bun:"id,pk"`
	Hash      []byte    `bun:"hash"`
	Email     string    `bun:"email"` // empty: for whoever holds the link
	InviterID string    `bun:"inviter_id"`
	CreatedAt time.Time `bun:"created_at"`
	ExpiresAt time.Time `bun:"expires_at"`
	Inviter   *Account  `bun:"rel:belongs-to,join:inviter_id=id"`
}

// Invite makes an invitation and returns its token, which is not stored. With an
// e-mail address only that address may accept it.
func (c *Catalog) Invite(ctx context.Context, inviterID, email string) (*Invitation, string, error) {
	if email != "" {
		normal, err := NormalEmail(email)
		if err != nil {
			return nil, "", err
		}
		email = normal
	}
	token, hash := secret()
	now := c.now()
	invitation := &Invitation{ID: NewID(), Hash: hash, Email: email, InviterID: inviterID, CreatedAt: now, ExpiresAt: now.Add(InvitationLife)}
	return invitation, token, c.write(ctx, func(ctx context.Context, tx change) error {
		if err := tx.roomForInvitation(ctx, email); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(invitation).Exec(ctx)
		return err
	})
}

// roomForInvitation drops lapsed invitations and older ones to the same address.
func (t change) roomForInvitation(ctx context.Context, email string) error {
	if _, err := t.NewDelete().Model((*Invitation)(nil)).
		Where("expires_at <= ? OR (email = ? AND email <> '')", t.catalog.now(), email).Exec(ctx); err != nil {
		return err
	}
	taken, err := t.NewSelect().Model((*Account)(nil)).Where("email = ?", email).Exists(ctx)
	if err != nil {
		return err
	}
	if taken {
		return ErrEmailTaken
	}
	open, err := t.NewSelect().Model((*Invitation)(nil)).Count(ctx)
	if err == nil && open >= maxInvitations {
		return ErrTooMany
	}
	return err
}

// Invitations lists those that can still be accepted, the newest first.
func (c *Catalog) Invitations(ctx context.Context) ([]Invitation, error) {
	var open []Invitation
	err := c.db.Reader.NewSelect().Model(&open).Where("expires_at > ?", c.now()).OrderExpr("created_at DESC, id").Scan(ctx)
	return open, translate(err)
}

// DropInvitation takes an invitation back.
func (c *Catalog) DropInvitation(ctx context.Context, id string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		return must(tx.NewDelete().Model((*Invitation)(nil)).Where("id = ?", id).Exec(ctx))
	})
}

// Invitation finds an open invitation, with who sent it, by its token. It
// returns ErrToken if there is none.
func (c *Catalog) Invitation(ctx context.Context, token string) (*Invitation, error) {
	return c.invitation(ctx, c.db.Reader, token)
}

func (c *Catalog) invitation(ctx context.Context, db bun.IDB, token string) (*Invitation, error) {
	found := new(Invitation)
	err := translate(db.NewSelect().Model(found).Relation("Inviter").
		Where("invitation.hash = ? AND invitation.expires_at > ?", HashToken(token), c.now()).Scan(ctx))
	if errors.Is(err, ErrNotFound) {
		return nil, ErrToken
	}
	return found, err
}

// AcceptInvitation makes a member's account and uses the invitation up.
func (c *Catalog) AcceptInvitation(ctx context.Context, token string, n NewAccount) (*Account, error) {
	account, err := c.newAccount(n, Member)
	if err != nil {
		return nil, err
	}
	return account, c.write(ctx, func(ctx context.Context, tx change) error {
		invitation, err := c.invitation(ctx, tx, token)
		if err != nil {
			return err
		}
		if invitation.Email != "" && invitation.Email != account.Email {
			return &InvalidError{Field: "email", Message: "This invitation is for another e-mail address."}
		}
		if err := must(tx.NewDelete().Model(invitation).WherePK().Exec(ctx)); err != nil {
			return err
		}
		return tx.insertAccount(ctx, account)
	})
}
