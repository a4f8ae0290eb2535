package credential

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// LinkLife is how long a mailed link is good for.
const LinkLife = 30 * time.Minute

// toSignIn is what a link is for.
const toSignIn = "sign_in"

type link struct {
	bun.BaseModel `bun:"table:one_time_links"`

	Hash      []byte    `bun:"hash,pk"`
	Purpose   string    `bun:"purpose"`
	Email     string    `bun:"email"`
	AccountID string    `bun:"account_id,nullzero"`
	CreatedAt time.Time `bun:"created_at"`
	ExpiresAt time.Time `bun:"expires_at"`
}

// MakeLink makes the token of a link to sign in, to be mailed to an address at
// once. Those before it are void. It returns record.ErrNotFound for an address
// that nobody here has and that nothing was shared with.
func (s *Store) MakeLink(ctx context.Context, email string) (token string, expires time.Time, err error) {
	if email, err = people.NormalEmail(email); err != nil {
		return "", expires, record.ErrNotFound
	}
	token, hash := record.Secret()
	now := s.Now()
	row := &link{Hash: hash, Purpose: toSignIn, Email: email, CreatedAt: now, ExpiresAt: now.Add(LinkLife)}
	return token, row.ExpiresAt, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		if row.AccountID, err = mayHaveLink(ctx, tx, email); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*link)(nil)).Where("(email = ? AND purpose = ?) OR expires_at <= ?", email, toSignIn, now).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(row).Exec(ctx)
		return err
	})
}

// mayHaveLink finds whose address this is. Somebody without an account may have
// a link if a video was shared with the address.
func mayHaveLink(ctx context.Context, tx record.Change, email string) (string, error) {
	account := new(people.Account)
	err := record.Translate(tx.NewSelect().Model(account).Where("email = ?", email).Scan(ctx))
	switch {
	case err == nil && !account.DisabledAt.IsZero():
		return "", record.ErrNotFound
	case err == nil:
		return account.ID, nil
	case !errors.Is(err, record.ErrNotFound):
		return "", err
	}
	named, err := tx.NewSelect().Table("video_people").Where("email = ?", email).Exists(ctx)
	if err == nil && !named {
		err = record.ErrNotFound
	}
	return "", err
}

// UseLink uses a link up and returns the account whose address it went to, which
// is proved by that. Somebody without an account gets one.
//
// asks is the account that the browser is signed in as, or nil. If the address
// was not proved before and the browser is not the account's own, the account may
// have been made by somebody else, who waits for the owner of the address to
// fill it: all that he could come back with is void then.
func (s *Store) UseLink(ctx context.Context, token string, asks *people.Account) (*people.Account, error) {
	var id string
	err := s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		used := new(link)
		err := tx.NewDelete().Model(used).Where("hash = ? AND purpose = ? AND expires_at > ?", record.HashToken(token), toSignIn, tx.Now()).Returning("*").Scan(ctx)
		if err = record.Translate(err); errors.Is(err, record.ErrNotFound) {
			return people.ErrToken
		}
		if err != nil {
			return err
		}
		account, err := owner(ctx, tx, used)
		if err != nil {
			return err
		}
		id = account.ID
		if account.Verified() {
			return nil
		}
		if asks == nil || asks.ID != account.ID {
			if err := disown(ctx, tx, account); err != nil {
				return err
			}
		}
		return people.Verify(ctx, tx, account)
	})
	if err != nil {
		return nil, err
	}
	return s.Account(ctx, id)
}

// owner is the account that a link was sent to.
func owner(ctx context.Context, tx record.Change, used *link) (*people.Account, error) {
	account := new(people.Account)
	err := record.Translate(tx.NewSelect().Model(account).Where("email = ?", used.Email).Scan(ctx))
	if errors.Is(err, record.ErrNotFound) && used.AccountID == "" {
		name, _, _ := strings.Cut(used.Email, "@")
		return people.Add(ctx, tx, people.NewAccount{Name: name, Email: used.Email, Verified: true}, "")
	}
	gone := err == nil && (!account.DisabledAt.IsZero() || used.AccountID != "" && used.AccountID != account.ID)
	if gone || errors.Is(err, record.ErrNotFound) {
		return nil, people.ErrToken
	}
	return account, err
}

// disown takes from an account all that lets anybody sign in to it.
func disown(ctx context.Context, tx record.Change, account *people.Account) error {
	if err := people.EndEverything(ctx, tx, account.ID, nil); err != nil {
		return err
	}
	for _, table := range []string{"passkeys", "identities", "second_factors", "recovery_codes"} {
		if _, err := tx.NewDelete().Table(table).Where("account_id = ?", account.ID).Exec(ctx); err != nil {
			return err
		}
	}
	_, err := tx.NewUpdate().Model(account).Set("password_hash = ''").WherePK().Exec(ctx)
	return err
}
