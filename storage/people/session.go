package people

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// SessionLife is how long a session lives after it was last extended.
const SessionLife = 30 * 24 * time.Hour

// freshFor is how long after proving who it is a session may change who can
// sign in.
const freshFor = 10 * time.Minute

// touchEvery is how often it is noted that a session or a token is in use.
const touchEvery = 5 * time.Minute

// maxAgent bounds what is kept of what a browser calls itself.
const maxAgent = 300

// The methods by which people sign in. A second step adds SecondStep.
const (
	ByPassword = "password"
	ByPasskey  = "passkey"
	ByOIDC     = "oidc"
	ByLink     = "link"
	SecondStep = "+totp"
)

// Entry says how somebody signs in, and from where.
type Entry struct {
	Method string
	// Agent is what the browser calls itself, Address the network it is in.
	Agent, Address string
}

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
	// ProvedAt is when its holder last proved who it is.
	ProvedAt  bun.NullTime `bun:"proved_at"`
	ExpiresAt time.Time    `bun:"expires_at"`
	Account   *Account     `bun:"rel:belongs-to,join:account_id=id"`
}

// Fresh says whether its holder has proved lately who it is.
func (s *Session) Fresh(now time.Time) bool {
	return !s.ProvedAt.IsZero() && now.Sub(s.ProvedAt.Time) < freshFor
}

// Stale says whether it should be noted that the session is in use.
func (s *Session) Stale(now time.Time) bool { return now.Sub(s.SeenAt.Time) >= touchEvery }

// StartSession signs an account in and returns the session's token, which is
// not stored. The account is the one whose password was checked: if the password
// has been changed meanwhile, or the account disabled, it returns
// record.ErrNotFound.
func (c *People) StartSession(ctx context.Context, account *Account, entry Entry) (string, error) {
	token, hash := record.Secret()
	now := c.Now()
	seen := bun.NullTime{Time: now}
	session := &Session{
		Hash: hash, ID: record.NewID(), AccountID: account.ID, Agent: agent(entry.Agent), Address: entry.Address, Method: entry.Method,
		CreatedAt: now, SeenAt: seen, ProvedAt: seen, ExpiresAt: now.Add(SessionLife),
	}
	if err := c.endLapsed(ctx, now); err != nil {
		return "", err
	}
	return token, c.write(ctx, func(ctx context.Context, tx change) error {
		current, err := tx.NewSelect().Model((*Account)(nil)).
			Where("id = ? AND password_hash = ? AND disabled_at IS NULL", account.ID, account.PasswordHash).Exists(ctx)
		if err != nil {
			return err
		}
		if !current {
			return record.ErrNotFound
		}
		if _, err = tx.NewInsert().Model(session).Exec(ctx); err != nil {
			return err
		}
		return tx.Audit(record.WithActor(ctx, account.actor(entry.Address)), record.Audit{
			WorkspaceID: account.WorkspaceID, Action: record.SignedIn, Detail: map[string]string{"method": entry.Method},
		})
	})
}

// endLapsed drops sessions that have lapsed. It is no part of a sign-in: those
// that come at once would all wait for each other.
func (c *People) endLapsed(ctx context.Context, now time.Time) error {
	lapsed, err := c.DB.Reader.NewSelect().Model((*Session)(nil)).Where("expires_at <= ?", now).Exists(ctx)
	if err != nil || !lapsed {
		return record.Translate(err)
	}
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewDelete().Model((*Session)(nil)).Where("expires_at <= ?", now).Exec(ctx)
		return err
	})
}

// NoteRefused notes that a sign-in to an account was refused. For an account that
// does not exist it takes as long and notes nothing.
func (c *People) NoteRefused(ctx context.Context, account *Account, method string) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		return auditEverywhere(ctx, tx.Change, account.ID, record.Audit{
			Action: record.SignInFailed, Detail: map[string]string{"account": account.Email, "method": method}, Once: true,
		})
	})
}

// actor is the account as the audit log names it.
func (a *Account) actor(address string) record.Actor {
	return record.Actor{AccountID: a.ID, Name: a.Name, Email: a.Email, Address: address}
}

// agent is what is kept of a User-Agent header: text of a bounded length.
func agent(said string) string {
	said = strings.ToValidUTF8(said[:min(len(said), maxAgent)], "")
	return strings.Map(func(r rune) rune {
		if Unprintable(r) {
			return -1
		}
		return r
	}, said)
}

// Session finds a living session, with its account, by the token's hash.
func (c *People) Session(ctx context.Context, hash []byte) (*Session, error) {
	var rows []struct {
		Session `bun:",extend"`
		Inside  belonging `bun:"embed:inside_"`
	}
	err := withMemberships(c.DB.Reader.NewSelect().Model(&rows).ColumnExpr("session.*")).
		Where("session.hash = ? AND session.expires_at > ? AND account.disabled_at IS NULL", hash, c.Now()).Scan(ctx)
	if err != nil {
		return nil, record.Translate(err)
	}
	if len(rows) == 0 {
		return nil, record.ErrNotFound
	}
	session := &rows[0].Session
	for _, r := range rows {
		session.Account.belongs(r.Inside)
	}
	return session, nil
}

// SessionLives says whether a session goes on: record.ErrNotFound if not.
func (c *People) SessionLives(ctx context.Context, id string) error {
	lives, err := c.DB.Reader.NewSelect().Model((*Session)(nil)).Relation("Account").
		Where("session.id = ? AND session.expires_at > ? AND account.disabled_at IS NULL", id, c.Now()).Exists(ctx)
	if err == nil && !lives {
		err = record.ErrNotFound
	}
	return record.Translate(err)
}

// ExtendSession lets a session live for another SessionLife from now on.
func (c *People) ExtendSession(ctx context.Context, hash []byte) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		return record.Must(tx.NewUpdate().Model((*Session)(nil)).Set("expires_at = ?, seen_at = ?", c.Now().Add(SessionLife), c.Now()).Where("hash = ?", hash).Exec(ctx))
	})
}

// TouchSession notes that a session is in use.
func (c *People) TouchSession(ctx context.Context, hash []byte) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewUpdate().Model((*Session)(nil)).Set("seen_at = ?", c.Now()).Where("hash = ?", hash).Exec(ctx)
		return err
	})
}

// RenewSession notes that its holder has proved who it is, and gives the session
// a new token: the one before is void.
func (c *People) RenewSession(ctx context.Context, hash []byte) (string, error) {
	token, next := record.Secret()
	return token, c.write(ctx, func(ctx context.Context, tx change) error {
		return record.Must(tx.NewUpdate().Model((*Session)(nil)).Set("hash = ?, proved_at = ?, seen_at = ?", next, c.Now(), c.Now()).Where("hash = ?", hash).Exec(ctx))
	})
}

// Sessions lists the living sessions of an account, the one used last first.
func (c *People) Sessions(ctx context.Context, accountID string) ([]Session, error) {
	var all []Session
	err := c.DB.Reader.NewSelect().Model(&all).Where("account_id = ? AND expires_at > ?", accountID, c.Now()).
		OrderExpr("seen_at DESC, created_at DESC, id").Scan(ctx)
	return all, record.Translate(err)
}

// EndSession signs one browser out. A session that is gone already is no error.
func (c *People) EndSession(ctx context.Context, hash []byte) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewDelete().Model((*Session)(nil)).Where("hash = ?", hash).Exec(ctx)
		return err
	})
}

// EndSessionOf signs one browser of this account out.
func (c *People) EndSessionOf(ctx context.Context, account *Account, id string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		if err := record.Must(tx.NewDelete().Model((*Session)(nil)).Where("account_id = ? AND id = ?", account.ID, id).Exec(ctx)); err != nil {
			return err
		}
		return tx.Audit(ctx, record.Audit{WorkspaceID: account.WorkspaceID, Action: record.SessionEnded})
	})
}

// EndOtherSessions signs every browser of an account out but the one with this
// hash; nil spares none.
func (c *People) EndOtherSessions(ctx context.Context, account *Account, keep []byte) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		if err := endSessions(ctx, tx.Change, account.ID, keep); err != nil {
			return err
		}
		return tx.Audit(ctx, record.Audit{WorkspaceID: account.WorkspaceID, Action: record.SessionEnded, Detail: map[string]string{"all": "true"}})
	})
}

func endSessions(ctx context.Context, tx record.Change, accountID string, keep []byte) error {
	sessions := tx.NewDelete().Model((*Session)(nil)).Where("account_id = ?", accountID)
	if keep != nil {
		sessions = sessions.Where("hash <> ?", keep)
	}
	_, err := sessions.Exec(ctx)
	return err
}

// EndEverything ends, within a transaction, what lets anybody act as an account:
// sessions, sign-ins under way, links that were mailed, API tokens, media grants.
// The session with the hash keep stays.
func EndEverything(ctx context.Context, tx record.Change, accountID string, keep []byte) error {
	if err := endSessions(ctx, tx, accountID, keep); err != nil {
		return err
	}
	for _, table := range []string{"api_tokens", "ceremonies", "one_time_links"} {
		if _, err := tx.NewDelete().Table(table).Where("account_id = ?", accountID).Exec(ctx); err != nil {
			return err
		}
	}
	return LoseRights(ctx, tx, accountID)
}
