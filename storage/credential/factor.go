package credential

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Factor is an app that shows codes (RFC 6238).
type Factor struct {
	bun.BaseModel `bun:"table:second_factors,alias:factor"`

	AccountID string `bun:"account_id,pk"`
	// Secret is what the app shares with the server.
	Secret []byte `bun:"secret"`
	// ConfirmedAt is when the app has shown a right code; before, it is not asked
	// for any.
	ConfirmedAt bun.NullTime `bun:"confirmed_at"`
	// LastStep is the step of time whose code was used last.
	LastStep int64 `bun:"last_step"`
}

// On says whether codes are asked for.
func (f *Factor) On() bool { return f != nil && !f.ConfirmedAt.IsZero() }

// factorBytes is the size of a secret that RFC 4226, section 4, recommends.
const factorBytes = 20

// Factor finds the app of an account, confirmed or not.
func (s *Store) Factor(ctx context.Context, accountID string) (*Factor, error) {
	factor := new(Factor)
	err := s.DB.Reader.NewSelect().Model(factor).Where("account_id = ?", accountID).Scan(ctx)
	return factor, record.Translate(err)
}

// BeginFactor makes the secret of a new app. Nothing is asked of it until it is
// confirmed. It returns record.ErrDuplicate if an app is confirmed already.
func (s *Store) BeginFactor(ctx context.Context, accountID string) (*Factor, error) {
	secret := make([]byte, factorBytes)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	factor := &Factor{AccountID: accountID, Secret: secret}
	return factor, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		if _, err := tx.NewDelete().Model((*Factor)(nil)).Where("account_id = ? AND confirmed_at IS NULL", accountID).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(factor).Exec(ctx)
		return err
	})
}

// ConfirmFactor turns codes on, once the app has shown the one of a step. It
// returns the recovery codes in clear, for the only time.
func (s *Store) ConfirmFactor(ctx context.Context, account *people.Account, step int64, from string) (codes []string, err error) {
	return codes, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		err := record.Must(tx.NewUpdate().Model((*Factor)(nil)).Set("confirmed_at = ?, last_step = ?", tx.Now(), step).
			Where("account_id = ? AND confirmed_at IS NULL", account.ID).Exec(ctx))
		if err != nil {
			return err
		}
		if codes, err = newCodes(ctx, tx, account.ID); err != nil {
			return err
		}
		return people.Warn(ctx, tx, people.Warning{Account: account, Event: "totp_on", From: from})
	})
}

// UseStep uses the code of a step up. It returns record.ErrNotFound if that code,
// or a later one, was used before.
func (s *Store) UseStep(ctx context.Context, accountID string, step int64) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		return record.Must(tx.NewUpdate().Model((*Factor)(nil)).Set("last_step = ?", step).
			Where("account_id = ? AND last_step < ? AND confirmed_at IS NOT NULL", accountID, step).Exec(ctx))
	})
}

// DropFactor turns codes off.
func (s *Store) DropFactor(ctx context.Context, account *people.Account, from string) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		if err := record.Must(tx.NewDelete().Model((*Factor)(nil)).Where("account_id = ? AND confirmed_at IS NOT NULL", account.ID).Exec(ctx)); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*recoveryCode)(nil)).Where("account_id = ?", account.ID).Exec(ctx); err != nil {
			return err
		}
		return people.Warn(ctx, tx, people.Warning{Account: account, Event: "totp_off", From: from})
	})
}

// recoveryCodes is how many there are, and recoveryBytes how hard each is to
// guess: 80 bits, so that a plain hash is enough at rest.
const (
	recoveryCodes = 10
	recoveryBytes = 10
	recoveryGroup = 4
)

type recoveryCode struct {
	bun.BaseModel `bun:"table:recovery_codes"`

	AccountID string `bun:"account_id,pk"`
	Hash      []byte `bun:"hash,pk"`
}

// RenewCodes makes new recovery codes; those before are void.
func (s *Store) RenewCodes(ctx context.Context, account *people.Account, from string) (codes []string, err error) {
	return codes, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		on, err := tx.NewSelect().Model((*Factor)(nil)).Where("account_id = ? AND confirmed_at IS NOT NULL", account.ID).Exists(ctx)
		if err == nil && !on {
			err = record.ErrNotFound
		}
		if err != nil {
			return err
		}
		if codes, err = newCodes(ctx, tx, account.ID); err != nil {
			return err
		}
		return people.Warn(ctx, tx, people.Warning{Account: account, Event: "codes_renewed", From: from})
	})
}

func newCodes(ctx context.Context, tx record.Change, accountID string) ([]string, error) {
	if _, err := tx.NewDelete().Model((*recoveryCode)(nil)).Where("account_id = ?", accountID).Exec(ctx); err != nil {
		return nil, err
	}
	codes, rows := make([]string, recoveryCodes), make([]recoveryCode, recoveryCodes)
	for i := range codes {
		raw := make([]byte, recoveryBytes)
		_, _ = rand.Read(raw) // never fails since Go 1.24
		code := strings.ToLower(base32.StdEncoding.EncodeToString(raw))
		rows[i] = recoveryCode{AccountID: accountID, Hash: record.HashToken(code)}
		var groups []string
		for ; code != ""; code = code[recoveryGroup:] {
			groups = append(groups, code[:recoveryGroup])
		}
		codes[i] = strings.Join(groups, "-")
	}
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return codes, err
}

// UseCode uses a recovery code up, however it is typed. It returns
// record.ErrNotFound if there is no such code.
func (s *Store) UseCode(ctx context.Context, account *people.Account, code, from string) error {
	code = strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, code))
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		err := record.Must(tx.NewDelete().Model((*recoveryCode)(nil)).Where("account_id = ? AND hash = ?", account.ID, record.HashToken(code)).Exec(ctx))
		if err != nil {
			return err
		}
		return people.Warn(ctx, tx, people.Warning{Account: account, Event: "recovery_used", From: from})
	})
}

// CodesLeft is how many recovery codes an account has not used.
func (s *Store) CodesLeft(ctx context.Context, accountID string) (int, error) {
	n, err := s.DB.Reader.NewSelect().Model((*recoveryCode)(nil)).Where("account_id = ?", accountID).Count(ctx)
	return int(n), record.Translate(err)
}
