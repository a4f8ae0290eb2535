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

// AddToken makes an API token and returns it in clear, for the only time.
func (c *People) AddToken(ctx context.Context, accountID, name string, scope Scope) (*APIToken, string, error) {
	name, err := NormalName(name)
	if err != nil {
		return nil, "", err
	}
	if scope.rank() == 0 {
		return nil, "", &record.InvalidError{Field: "scope", Message: "A scope is read, write or admin."}
	}
	random, _ := record.Secret()
	shown := TokenPrefix + random
	token := &APIToken{ID: record.NewID(), Hash: record.HashToken(shown), AccountID: accountID, Name: name, Scope: scope, CreatedAt: c.Now()}
	return token, shown, c.write(ctx, func(ctx context.Context, tx change) error {
		n, err := tx.NewSelect().Model((*APIToken)(nil)).Where("account_id = ?", accountID).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxTokens {
			return record.ErrTooMany
		}
		_, err = tx.NewInsert().Model(token).Exec(ctx)
		return err
	})
}

// Token finds an API token, with its account, by the hash of its clear form.
func (c *People) Token(ctx context.Context, hash []byte) (*APIToken, error) {
	token := new(APIToken)
	err := c.DB.Reader.NewSelect().Model(token).Relation("Account").Relation("Account.Memberships").Where("token.hash = ?", hash).Scan(ctx)
	return token, record.Translate(err)
}

// Tokens lists the API tokens of an account, the newest first.
func (c *People) Tokens(ctx context.Context, accountID string) ([]APIToken, error) {
	var all []APIToken
	err := c.DB.Reader.NewSelect().Model(&all).Where("account_id = ?", accountID).OrderExpr("created_at DESC, id").Scan(ctx)
	return all, record.Translate(err)
}

// DropToken ends an API token of this account.
func (c *People) DropToken(ctx context.Context, accountID, id string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		return record.Must(tx.NewDelete().Model((*APIToken)(nil)).Where("id = ? AND account_id = ?", id, accountID).Exec(ctx))
	})
}
