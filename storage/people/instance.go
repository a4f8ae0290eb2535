package people

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

var (
	// ErrToken says that a one-time token is unknown, used or has lapsed. Which
	// of these it is, the client is not told.
	ErrToken = errors.New("the link is not valid any more")
	// ErrSetUp says that the first account exists already.
	ErrSetUp = errors.New("the server is set up already")
)

// grantKeyBytes is the strength of the key that signs media addresses.
const grantKeyBytes = 32

// Instance is what the server knows of itself from its first start on.
type Instance struct {
	// GrantKey signs media addresses.
	GrantKey []byte
	// SetupToken lets its holder make the first account. It is empty once there
	// is one. On SQLite it is another one after each start without; servers that
	// share their records on PostgreSQL all print the same.
	SetupToken string
}

type instanceRow struct {
	bun.BaseModel `bun:"table:instance"`

	ID        int       `bun:"id,pk"`
	GrantKey  []byte    `bun:"grant_key"`
	SetupHash []byte    `bun:"setup_hash"`
	CreatedAt time.Time `bun:"created_at"`
}

// Begin is to be called once when a server starts. The first time ever it makes
// the grant key; while there is no account it makes a setup token.
func (c *People) Begin(ctx context.Context) (Instance, error) {
	var begun Instance
	err := c.write(ctx, func(ctx context.Context, tx change) error {
		key, err := tx.grantKey(ctx)
		if err != nil {
			return err
		}
		begun = Instance{GrantKey: key}
		return tx.renewSetup(ctx, c.DB.Engine(), &begun)
	})
	return begun, err
}

// GrantKey is the key that signs media addresses, for whoever starts nothing.
func (c *People) GrantKey(ctx context.Context) (key []byte, err error) {
	err = c.write(ctx, func(ctx context.Context, tx change) error {
		key, err = tx.grantKey(ctx)
		return err
	})
	return key, err
}

// grantKey reads the key, and makes it the first time ever.
func (t change) grantKey(ctx context.Context) ([]byte, error) {
	key := make([]byte, grantKeyBytes)
	_, _ = rand.Read(key) // never fails since Go 1.24
	row := &instanceRow{ID: 1, GrantKey: key, CreatedAt: t.Now()}
	if _, err := t.NewInsert().Model(row).On("CONFLICT (id) DO NOTHING").Exec(ctx); err != nil {
		return nil, err
	}
	err := t.NewSelect().Model(row).WherePK().Scan(ctx)
	return row.GrantKey, err
}

// renewSetup makes a setup token if there is no account. On SQLite it voids the
// last one; on PostgreSQL another server may just have printed that.
func (t change) renewSetup(ctx context.Context, engine database.Engine, begun *Instance) error {
	exists, err := t.NewSelect().Model((*Account)(nil)).Exists(ctx)
	if err != nil {
		return err
	}
	var hash []byte
	switch {
	case exists:
	case engine == database.PostgreSQL:
		begun.SetupToken = commonSetup(begun.GrantKey)
		hash = record.HashToken(begun.SetupToken)
	default:
		begun.SetupToken, hash = record.Secret()
	}
	return t.setSetupHash(ctx, hash)
}

// commonSetup is the setup token of all servers that share a grant key.
func commonSetup(grantKey []byte) string {
	mac := hmac.New(sha256.New, grantKey)
	mac.Write([]byte("setup token"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (t change) setSetupHash(ctx context.Context, hash []byte) error {
	_, err := t.NewUpdate().Model((*instanceRow)(nil)).Set("setup_hash = ?", hash).Where("id = 1").Exec(ctx)
	return err
}

// SetupNeeded says that there is no account yet.
func (c *People) SetupNeeded(ctx context.Context) (bool, error) {
	exists, err := c.DB.Reader.NewSelect().Model((*Account)(nil)).Exists(ctx)
	return !exists, record.Translate(err)
}

// CheckSetup says whether CreateOwner would take this token, without using it
// up: ErrSetUp or ErrToken if not.
func (c *People) CheckSetup(ctx context.Context, setupToken string) error {
	return record.Translate(checkSetup(ctx, c.DB.Reader, setupToken))
}

func checkSetup(ctx context.Context, db bun.IDB, setupToken string) error {
	exists, err := db.NewSelect().Model((*Account)(nil)).Exists(ctx)
	if err != nil {
		return err
	}
	if exists {
		return ErrSetUp
	}
	row := &instanceRow{ID: 1}
	if err := db.NewSelect().Model(row).WherePK().Scan(ctx); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(row.SetupHash, record.HashToken(setupToken)) != 1 {
		return ErrToken
	}
	return nil
}

// CreateOwner makes the first account and uses the setup token up. It returns
// ErrSetUp if there is an account and ErrToken if the token is not the last one.
func (c *People) CreateOwner(ctx context.Context, setupToken string, n NewAccount) (*Account, error) {
	account, err := newAccount(c.Now(), n)
	if err != nil {
		return nil, err
	}
	return account, c.write(ctx, func(ctx context.Context, tx change) error {
		if err := checkSetup(ctx, tx, setupToken); err != nil {
			return err
		}
		if err := tx.setSetupHash(ctx, nil); err != nil {
			return err
		}
		account.Operator = true
		// Nobody is there to be mistaken for, and no mail server may be set yet:
		// who holds the token of the console is believed.
		account.VerifiedAt = bun.NullTime{Time: account.CreatedAt}
		if err := tx.insertAccount(ctx, account); err != nil {
			return err
		}
		first, err := tx.firstWorkspace(ctx)
		if errors.Is(err, record.ErrNotFound) {
			first, err = tx.makeFirst(ctx)
		}
		if err != nil {
			return err
		}
		return tx.join(ctx, account, first, Owner)
	})
}
