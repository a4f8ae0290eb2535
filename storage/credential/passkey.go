package credential

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// maxPasskeys is how many passkeys an account may have.
const maxPasskeys = 20

// StoredPasskey is a passkey (WebAuthn) of an account.
type StoredPasskey struct {
	bun.BaseModel `bun:"table:passkeys,alias:passkey"`

	ID        []byte `bun:"id,pk"`
	AccountID string `bun:"account_id"`
	Name      string `bun:"name"`
	// Credential is what checks its signatures; package server/auth/passkey reads it.
	Credential json.RawMessage `bun:"credential,type:text"`
	CreatedAt  time.Time       `bun:"created_at"`
	UsedAt     bun.NullTime    `bun:"used_at"`
}

// AddPasskey keeps a passkey of an account.
func (s *Store) AddPasskey(ctx context.Context, account *people.Account, p StoredPasskey, from string) (*StoredPasskey, error) {
	name, err := people.NormalName(p.Name)
	if err != nil {
		return nil, err
	}
	p.Name, p.AccountID, p.CreatedAt = name, account.ID, s.Now()
	return &p, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		held, err := tx.NewSelect().Model((*StoredPasskey)(nil)).Where("account_id = ?", account.ID).Count(ctx)
		if err != nil {
			return err
		}
		if held >= maxPasskeys {
			return record.ErrTooMany
		}
		if _, err := tx.NewInsert().Model(&p).Exec(ctx); err != nil {
			return err
		}
		return people.Warn(ctx, tx, people.Warning{Account: account, Event: "passkey_added", From: from})
	})
}

// Passkeys lists those of an account, the oldest first.
func (s *Store) Passkeys(ctx context.Context, accountID string) ([]StoredPasskey, error) {
	var all []StoredPasskey
	err := s.DB.Reader.NewSelect().Model(&all).Where("account_id = ?", accountID).OrderExpr("created_at, id").Scan(ctx)
	return all, record.Translate(err)
}

// UsePasskey notes that a passkey has signed, and what is known of it now.
func (s *Store) UsePasskey(ctx context.Context, id []byte, credential json.RawMessage) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		return record.Must(tx.NewUpdate().Model((*StoredPasskey)(nil)).Set("credential = ?, used_at = ?", string(credential), tx.Now()).Where("id = ?", id).Exec(ctx))
	})
}

// RenamePasskey gives a passkey of this account another name.
func (s *Store) RenamePasskey(ctx context.Context, accountID string, id []byte, name string) error {
	name, err := people.NormalName(name)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		return record.Must(tx.NewUpdate().Model((*StoredPasskey)(nil)).Set("name = ?", name).Where("id = ? AND account_id = ?", id, accountID).Exec(ctx))
	})
}

// DropPasskey removes a passkey of this account.
func (s *Store) DropPasskey(ctx context.Context, account *people.Account, id []byte, from string) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		if err := record.Must(tx.NewDelete().Model((*StoredPasskey)(nil)).Where("id = ? AND account_id = ?", id, account.ID).Exec(ctx)); err != nil {
			return err
		}
		return people.Warn(ctx, tx, people.Warning{Account: account, Event: "passkey_removed", From: from})
	})
}
