package credential

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Identity is an account at another service, by which somebody signs in here.
// Issuer and subject name it for good; its address may change or be given to
// somebody else, so it is for people to read only.
type Identity struct {
	bun.BaseModel `bun:"table:identities,alias:identity"`

	Issuer    string          `bun:"issuer,pk"`
	Subject   string          `bun:"subject,pk"`
	ID        string          `bun:"id"`
	AccountID string          `bun:"account_id"`
	Email     string          `bun:"email"`
	CreatedAt time.Time       `bun:"created_at"`
	Account   *people.Account `bun:"rel:belongs-to,join:account_id=id"`
}

// Identity finds who signs in as a subject of an issuer.
func (s *Store) Identity(ctx context.Context, issuer, subject string) (*Identity, error) {
	found := new(Identity)
	err := s.DB.Reader.NewSelect().Model(found).Relation("Account").Relation("Account.Memberships").
		Where("identity.issuer = ? AND identity.subject = ?", issuer, subject).Scan(ctx)
	return found, record.Translate(err)
}

// Identities lists those of an account.
func (s *Store) Identities(ctx context.Context, accountID string) ([]Identity, error) {
	var all []Identity
	err := s.DB.Reader.NewSelect().Model(&all).Where("account_id = ?", accountID).OrderExpr("created_at, id").Scan(ctx)
	return all, record.Translate(err)
}

// LinkIdentity lets an account sign in by an identity from now on. It returns
// record.ErrDuplicate if somebody has it already.
func (s *Store) LinkIdentity(ctx context.Context, account *people.Account, i Identity, from string) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		if err := insertIdentity(ctx, tx, account, i); err != nil {
			return err
		}
		return people.Warn(ctx, tx, people.Warning{Account: account, Event: "login_linked", From: from})
	})
}

// AddByIdentity makes an account for somebody who came with an identity. With a
// role it joins the first workspace.
func (s *Store) AddByIdentity(ctx context.Context, n people.NewAccount, i Identity, role people.Role) (account *people.Account, err error) {
	return account, s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		if account, err = people.Add(ctx, tx, n, role); err != nil {
			return err
		}
		return insertIdentity(ctx, tx, account, i)
	})
}

func insertIdentity(ctx context.Context, tx record.Change, account *people.Account, i Identity) error {
	i.ID, i.AccountID, i.CreatedAt = record.NewID(), account.ID, tx.Now()
	_, err := tx.NewInsert().Model(&i).Exec(ctx)
	return err
}

// DropIdentity takes an identity from this account.
func (s *Store) DropIdentity(ctx context.Context, account *people.Account, id, from string) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		if err := record.Must(tx.NewDelete().Model((*Identity)(nil)).Where("id = ? AND account_id = ?", id, account.ID).Exec(ctx)); err != nil {
			return err
		}
		return people.Warn(ctx, tx, people.Warning{Account: account, Event: "login_unlinked", From: from})
	})
}
