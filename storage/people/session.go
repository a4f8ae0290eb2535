package people

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// SessionLife is how long a session lives after it was last extended.
const SessionLife = 30 * 24 * time.Hour

// Session is one browser that somebody signed in with.
type Session struct {
	bun.BaseModel `bun:"table:sessions,alias:session"`

	Hash      []byte `bun:"hash,pk"`
	ID        string `bun:"id"`
	AccountID string `bun:"account_id"`
	// Agent and Address are what the browser said of itself when it signed in,
	// Method how it did.
	Agent     string       `bun:"agent"`
	Address   string       `bun:"address"`
	Method    string       `bun:"method"`
	CreatedAt time.Time    `bun:"created_at"`
	SeenAt    bun.NullTime `bun:"seen_at"`
	ExpiresAt time.Time    `bun:"expires_at"`
	Account   *Account     `bun:"rel:belongs-to,join:account_id=id"`
}

// StartSession signs an account in and returns the session's token, which is
// not stored. The account is the one whose password was checked: if the password
// has been changed meanwhile, it returns record.ErrNotFound.
func (c *People) StartSession(ctx context.Context, account *Account) (string, error) {
	token, hash := record.Secret()
	now := c.Now()
	session := &Session{Hash: hash, ID: record.NewID(), AccountID: account.ID, CreatedAt: now, ExpiresAt: now.Add(SessionLife)}
	return token, c.write(ctx, func(ctx context.Context, tx change) error {
		current, err := tx.NewSelect().Model((*Account)(nil)).
			Where("id = ? AND password_hash = ?", account.ID, account.PasswordHash).Exists(ctx)
		if err != nil {
			return err
		}
		if !current {
			return record.ErrNotFound
		}
		if _, err := tx.NewDelete().Model((*Session)(nil)).Where("expires_at <= ?", now).Exec(ctx); err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(session).Exec(ctx)
		return err
	})
}

// Session finds a living session, with its account, by the token's hash.
func (c *People) Session(ctx context.Context, hash []byte) (*Session, error) {
	session := new(Session)
	err := c.DB.Reader.NewSelect().Model(session).Relation("Account").Relation("Account.Memberships").
		Where("session.hash = ? AND session.expires_at > ?", hash, c.Now()).Scan(ctx)
	return session, record.Translate(err)
}

// ExtendSession lets a session live for another SessionLife from now on.
func (c *People) ExtendSession(ctx context.Context, hash []byte) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		return record.Must(tx.NewUpdate().Model((*Session)(nil)).Set("expires_at = ?", c.Now().Add(SessionLife)).Where("hash = ?", hash).Exec(ctx))
	})
}

// EndSession signs one browser out. A session that is gone already is no error.
func (c *People) EndSession(ctx context.Context, hash []byte) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewDelete().Model((*Session)(nil)).Where("hash = ?", hash).Exec(ctx)
		return err
	})
}
