package people

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

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
	// ExpiresAt is zero for a token that lives until it is taken back.
	ExpiresAt bun.NullTime `bun:"expires_at"`
	UsedAt    bun.NullTime `bun:"used_at"`
	Account   *Account     `bun:"rel:belongs-to,join:account_id=id"`
}

// Expired says that the token is of no use any more.
func (t *APIToken) Expired(now time.Time) bool {
	return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt.Time)
}

// Stale says whether it should be noted that the token is in use.
func (t *APIToken) Stale(now time.Time) bool { return now.Sub(t.UsedAt.Time) >= touchEvery }

// NewToken says what an API token is for.
type NewToken struct {
	Account *Account
	Name    string
	Scope   Scope
	// Life is how long it is good for; 0 is until it is taken back.
	Life time.Duration
}

// AddToken makes an API token and returns it in clear, for the only time.
func (c *People) AddToken(ctx context.Context, n NewToken) (*APIToken, string, error) {
	name, err := NormalName(n.Name)
	if err != nil {
		return nil, "", err
	}
	if n.Scope.rank() == 0 {
		return nil, "", &record.InvalidError{Field: "scope", Message: "A scope is read, write or admin."}
	}
	random, _ := record.Secret()
	shown := TokenPrefix + random
	token := &APIToken{ID: record.NewID(), Hash: record.HashToken(shown), AccountID: n.Account.ID, Name: name, Scope: n.Scope, CreatedAt: c.Now()}
	if n.Life > 0 {
		token.ExpiresAt.Time = token.CreatedAt.Add(n.Life)
	}
	return token, shown, c.write(ctx, func(ctx context.Context, tx change) error {
		held, err := tx.NewSelect().Model((*APIToken)(nil)).Where("account_id = ?", n.Account.ID).Count(ctx)
		if err != nil {
			return err
		}
		if held >= maxTokens {
			return record.ErrTooMany
		}
		if _, err = tx.NewInsert().Model(token).Exec(ctx); err != nil {
			return err
		}
		return tx.Audit(ctx, record.Audit{
			WorkspaceID: n.Account.WorkspaceID, Action: record.TokenCreated, Detail: map[string]string{"name": name, "scope": string(n.Scope)},
		})
	})
}

// Token finds an API token, with its account, by the hash of its clear form. It
// may have expired.
func (c *People) Token(ctx context.Context, hash []byte) (*APIToken, error) {
	var rows []struct {
		APIToken `bun:",extend"`
		Inside   belonging `bun:"embed:inside_"`
	}
	err := withMemberships(c.DB.Reader.NewSelect().Model(&rows).ColumnExpr("token.*")).
		Where("token.hash = ? AND account.disabled_at IS NULL", hash).Scan(ctx)
	if err != nil {
		return nil, record.Translate(err)
	}
	if len(rows) == 0 {
		return nil, record.ErrNotFound
	}
	token := &rows[0].APIToken
	for _, r := range rows {
		token.Account.belongs(r.Inside)
	}
	return token, nil
}

// TouchToken notes that a token is in use.
func (c *People) TouchToken(ctx context.Context, id string) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewUpdate().Model((*APIToken)(nil)).Set("used_at = ?", c.Now()).Where("id = ?", id).Exec(ctx)
		return err
	})
}

// Tokens lists the API tokens of an account, the newest first.
func (c *People) Tokens(ctx context.Context, accountID string) ([]APIToken, error) {
	var all []APIToken
	err := c.DB.Reader.NewSelect().Model(&all).Where("account_id = ?", accountID).OrderExpr("created_at DESC, id").Scan(ctx)
	return all, record.Translate(err)
}

// DropToken ends an API token of this account.
func (c *People) DropToken(ctx context.Context, account *Account, id string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		if err := record.Must(tx.NewDelete().Model((*APIToken)(nil)).Where("id = ? AND account_id = ?", id, account.ID).Exec(ctx)); err != nil {
			return err
		}
		return tx.Audit(ctx, record.Audit{WorkspaceID: account.WorkspaceID, Action: record.TokenDropped})
	})
}
