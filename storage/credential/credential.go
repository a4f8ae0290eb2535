// Package credential holds the records by which people prove who they are,
// beside passwords and sessions: links that are mailed, passkeys, accounts of
// other services, codes of an app, and what a sign-in of several steps must
// remember between them.
package credential

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Store is the door to these records. Its methods may be called at the same time.
type Store struct{ *people.People }

// New makes a door over the records of people.
func New(p *people.People) *Store { return &Store{People: p} }

// CeremonyLife is how long a sign-in of several steps may take.
const CeremonyLife = 10 * time.Minute

// Kind tells what a ceremony is for; one made for a purpose serves no other.
type Kind string

// The kinds of ceremony.
const (
	Second   Kind = "second"   // the first step of a sign-in was right
	Passkey  Kind = "passkey"  // a passkey has been asked to sign
	Register Kind = "register" // a passkey is being made
	OIDC     Kind = "oidc"     // the browser is with another service
)

type ceremony struct {
	bun.BaseModel `bun:"table:ceremonies"`

	Hash      []byte          `bun:"hash,pk"`
	Kind      Kind            `bun:"kind"`
	AccountID string          `bun:"account_id,nullzero"`
	Data      json.RawMessage `bun:"data,type:text"`
	ExpiresAt time.Time       `bun:"expires_at"`
}

// Start remembers what a ceremony needs later, for an account or, with "", for
// whoever it turns out to be. The token is for the browser alone.
func (s *Store) Start(ctx context.Context, kind Kind, accountID string, data any) (string, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return "", err
	}
	token, hash := record.Secret()
	row := &ceremony{Hash: hash, Kind: kind, AccountID: accountID, Data: raw, ExpiresAt: s.Now().Add(CeremonyLife)}
	if err := s.endLapsed(ctx); err != nil {
		return "", err
	}
	return token, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		_, err := tx.NewInsert().Model(row).Exec(ctx)
		return err
	})
}

// endLapsed drops what nobody came back to. It is no part of a sign-in: those that
// come at once would all wait for each other.
func (s *Store) endLapsed(ctx context.Context) error {
	lapsed, err := s.DB.Reader.NewSelect().Model((*ceremony)(nil)).Where("expires_at <= ?", s.Now()).Exists(ctx)
	if err != nil || !lapsed {
		return record.Translate(err)
	}
	return s.WriteBeside(ctx, func(ctx context.Context, tx record.Change) error {
		_, err := tx.NewDelete().Model((*ceremony)(nil)).Where("expires_at <= ?", tx.Now()).Exec(ctx)
		return err
	})
}

// Look reads a ceremony that goes on, and tells whose it is. It returns
// people.ErrToken if there is none.
func (s *Store) Look(ctx context.Context, kind Kind, token string, data any) (accountID string, err error) {
	row := new(ceremony)
	err = s.DB.Reader.NewSelect().Model(row).Where("hash = ? AND kind = ? AND expires_at > ?", record.HashToken(token), kind, s.Now()).Scan(ctx)
	return row.read(err, data)
}

// Take ends a ceremony: of several that try, one gets it.
func (s *Store) Take(ctx context.Context, kind Kind, token string, data any) (accountID string, err error) {
	row := new(ceremony)
	err = s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		return tx.NewDelete().Model(row).Where("hash = ? AND kind = ? AND expires_at > ?", record.HashToken(token), kind, tx.Now()).Returning("*").Scan(ctx)
	})
	return row.read(err, data)
}

func (c *ceremony) read(err error, data any) (string, error) {
	if err = record.Translate(err); errors.Is(err, record.ErrNotFound) {
		return "", people.ErrToken
	}
	if err != nil {
		return "", err
	}
	return c.AccountID, json.Unmarshal(c.Data, data)
}
