package catalog

import (
	"context"
	"errors"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"
)

var (
	// ErrEmailTaken says that another account has this address.
	ErrEmailTaken = errors.New("there is an account with this e-mail address")
	// ErrTooMany says that an account holds as many of these as it may.
	ErrTooMany = errors.New("there are too many of these already")
)

// InvalidError says which value a record cannot hold, in a sentence.
type InvalidError struct {
	// Field is the value's name in the API.
	Field   string
	Message string
}

func (e *InvalidError) Error() string { return e.Message }

// Role is what an account may do to the server as a whole.
type Role string

// The roles. An owner may invite others.
const (
	Owner  Role = "owner"
	Member Role = "member"
)

// Account is a person who can sign in.
type Account struct {
	bun.BaseModel `bun:"table:accounts,alias:account"`

	ID           string    `bun:"id,pk"`
	Email        string    `bun:"email"`
	Name         string    `bun:"name"`
	Role         Role      `bun:"role"`
	PasswordHash string    `bun:"password_hash"`
	CreatedAt    time.Time `bun:"created_at"`
}

// NewAccount is what a person says to get an account. The password is hashed
// before it comes here.
type NewAccount struct {
	Name         string
	Email        string
	PasswordHash string
}

// AddAccount makes an account by order of whoever runs the server. From then on
// a setup token is void.
func (c *Catalog) AddAccount(ctx context.Context, n NewAccount, role Role) (*Account, error) {
	if role != Owner && role != Member {
		return nil, &InvalidError{Field: "role", Message: "A role is owner or member."}
	}
	account, err := c.newAccount(n, role)
	if err != nil {
		return nil, err
	}
	return account, c.write(ctx, func(ctx context.Context, tx change) error {
		if err := tx.setSetupHash(ctx, nil); err != nil {
			return err
		}
		return tx.insertAccount(ctx, account)
	})
}

func (c *Catalog) newAccount(n NewAccount, role Role) (*Account, error) {
	email, err := NormalEmail(n.Email)
	if err != nil {
		return nil, err
	}
	name, err := NormalName(n.Name)
	if err != nil {
		return nil, err
	}
	return &Account{ID: NewID(), Email: email, Name: name, Role: role, PasswordHash: n.PasswordHash, CreatedAt: c.now()}, nil
}

func (t change) insertAccount(ctx context.Context, account *Account) error {
	_, err := t.NewInsert().Model(account).Exec(ctx)
	if err = translate(err); errors.Is(err, ErrDuplicate) {
		return ErrEmailTaken
	}
	return err
}

// Account finds an account by its id.
func (c *Catalog) Account(ctx context.Context, id string) (*Account, error) {
	return c.accountWhere(ctx, "account.id = ?", id)
}

// AccountByEmail finds an account by its address, in whatever case it is written.
func (c *Catalog) AccountByEmail(ctx context.Context, email string) (*Account, error) {
	email, err := NormalEmail(email)
	if err != nil {
		return nil, ErrNotFound
	}
	return c.accountWhere(ctx, "account.email = ?", email)
}

func (c *Catalog) accountWhere(ctx context.Context, where, value string) (*Account, error) {
	account := new(Account)
	err := c.db.Reader.NewSelect().Model(account).Where(where, value).Scan(ctx)
	return account, translate(err)
}

// Accounts lists everybody, the oldest first.
func (c *Catalog) Accounts(ctx context.Context) ([]Account, error) {
	var all []Account
	err := c.db.Reader.NewSelect().Model(&all).OrderExpr("created_at, id").Scan(ctx)
	return all, translate(err)
}

// RenameAccount changes the name that others see.
func (c *Catalog) RenameAccount(ctx context.Context, id, name string) (*Account, error) {
	name, err := NormalName(name)
	if err != nil {
		return nil, err
	}
	account := new(Account)
	return account, c.write(ctx, func(ctx context.Context, tx change) error {
		err := must(tx.NewUpdate().Model(account).Set("name = ?", name).Where("id = ?", id).Returning("*").Exec(ctx))
		if err != nil {
			return err
		}
		return tx.renameAuthor(ctx, id)
	})
}

// PasswordChange replaces the hash that the current password was checked against.
type PasswordChange struct {
	Account *Account
	NewHash string
	// KeepSession is the hash of the session that stays, or nil.
	KeepSession []byte
}

// ChangePassword replaces a password and ends all other sessions and all API
// tokens of the account: whoever had stolen one is out. It returns ErrNotFound
// if the password has been changed meanwhile.
func (c *Catalog) ChangePassword(ctx context.Context, p PasswordChange) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		err := must(tx.NewUpdate().Model((*Account)(nil)).Set("password_hash = ?", p.NewHash).
			Where("id = ? AND password_hash = ?", p.Account.ID, p.Account.PasswordHash).Exec(ctx))
		if err != nil {
			return err
		}
		others := tx.NewDelete().Model((*Session)(nil)).Where("account_id = ?", p.Account.ID)
		if p.KeepSession != nil {
			others = others.Where("hash <> ?", p.KeepSession)
		}
		if _, err := others.Exec(ctx); err != nil {
			return err
		}
		_, err = tx.NewDelete().Model((*APIToken)(nil)).Where("account_id = ?", p.Account.ID).Exec(ctx)
		return err
	})
}

// maxEmail is the longest address a mail server takes (RFC 5321, section 4.5.3.1.3).
const maxEmail = 254

// NormalEmail is the one form of an address that is stored: trimmed and in lower
// case. Quoted and numeric oddities of RFC 5322 are refused.
func NormalEmail(email string) (string, error) {
	invalid := &InvalidError{Field: "email", Message: "This is not an e-mail address."}
	email = strings.TrimSpace(email)
	if len(email) > maxEmail || !utf8.ValidString(email) {
		return "", invalid
	}
	email = strings.ToLower(norm.NFC.String(email))
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email || strings.ContainsAny(email, `"[]<>(),;:\ `) || strings.ContainsFunc(email, unprintable) {
		return "", invalid
	}
	return email, nil
}

// maxName is the longest name in characters.
const maxName = 100

// NormalName is the one form of a person's name that is stored: trimmed, and
// without characters that do not show or that turn the text around.
func NormalName(name string) (string, error) {
	if len(name) > maxName*utf8.UTFMax || !utf8.ValidString(name) {
		return "", &InvalidError{Field: "name", Message: "This name is too long."}
	}
	name = norm.NFC.String(strings.TrimSpace(name))
	switch {
	case name == "":
		return "", &InvalidError{Field: "name", Message: "Please give a name."}
	case utf8.RuneCountInString(name) > maxName:
		return "", &InvalidError{Field: "name", Message: "This name is too long."}
	case strings.ContainsFunc(name, unprintable):
		return "", &InvalidError{Field: "name", Message: "This name has characters that cannot be shown."}
	}
	return name, nil
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029'
}
