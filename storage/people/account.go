package people

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

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// ErrEmailTaken says that another account has this address.
var ErrEmailTaken = errors.New("there is an account with this e-mail address")

// Account is a person who can sign in.
type Account struct {
	bun.BaseModel `bun:"table:accounts,alias:account"`

	ID    string `bun:"id,pk"`
	Email string `bun:"email"`
	Name  string `bun:"name"`
	// PasswordHash is "" for who signs in by other means.
	PasswordHash string `bun:"password_hash"`
	// Operator may look after the server as a whole.
	Operator bool `bun:"operator"`
	// WorkspaceID is the workspace that the account works in now, or "".
	WorkspaceID string `bun:"workspace_id,nullzero"`
	// VerifiedAt is when the account has proved that the address is its own.
	VerifiedAt bun.NullTime `bun:"verified_at"`
	DisabledAt bun.NullTime `bun:"disabled_at"`
	// Epoch grows when the account loses rights: media grants of before are void.
	Epoch     int64        `bun:"epoch"`
	EpochAt   bun.NullTime `bun:"epoch_at"`
	CreatedAt time.Time    `bun:"created_at"`

	// Memberships are the workspaces it belongs to, where they were asked for.
	Memberships []Membership `bun:"rel:has-many,join:id=account_id"`
}

// withMemberships gives rows of what has an account, with that account, once for
// each of its memberships: who asks is looked up for every request, by one query.
func withMemberships(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Relation("Account").Join("LEFT JOIN memberships AS inside ON inside.account_id = account.id").
		ColumnExpr("inside.workspace_id AS inside_workspace_id, inside.account_id AS inside_account_id, inside.role AS inside_role, inside.created_at AS inside_created_at")
}

// belonging is a membership in such a row; that of somebody who belongs nowhere is
// empty.
type belonging struct {
	WorkspaceID string    `bun:"workspace_id"`
	AccountID   string    `bun:"account_id"`
	Role        Role      `bun:"role"`
	CreatedAt   time.Time `bun:"created_at"`
}

func (a *Account) belongs(b belonging) {
	if b.WorkspaceID != "" {
		a.Memberships = append(a.Memberships, Membership{WorkspaceID: b.WorkspaceID, AccountID: b.AccountID, Role: b.Role, CreatedAt: b.CreatedAt})
	}
}

// RoleIn is what an account is in a workspace, "" if it does not belong to it.
func (a *Account) RoleIn(workspaceID string) Role {
	if a == nil || workspaceID == "" {
		return ""
	}
	for i := range a.Memberships {
		if a.Memberships[i].WorkspaceID == workspaceID {
			return a.Memberships[i].Role
		}
	}
	return ""
}

// Verified says whether the account has proved that its address is its own.
func (a *Account) Verified() bool { return a != nil && !a.VerifiedAt.IsZero() }

// NewAccount is what a person says to get an account. The password is hashed
// before it comes here.
type NewAccount struct {
	Name         string
	Email        string
	PasswordHash string
	// Verified says that the address has been proved to be the person's own.
	Verified bool
}

// AddAccount makes an account by order of whoever runs the server. It joins the
// first workspace, which is made if there is none; an owner may look after the
// server too. From then on a setup token is void.
func (c *People) AddAccount(ctx context.Context, n NewAccount, role Role) (*Account, error) {
	if role.rank() == 0 {
		return nil, &record.InvalidError{Field: "role", Message: "A role is owner, admin, member or viewer."}
	}
	account, err := newAccount(c.Now(), n)
	if err != nil {
		return nil, err
	}
	account.Operator = role == Owner
	// Whoever runs the server vouches for the address.
	account.VerifiedAt = bun.NullTime{Time: account.CreatedAt}
	return account, c.write(ctx, func(ctx context.Context, tx change) error {
		if err := tx.setSetupHash(ctx, nil); err != nil {
			return err
		}
		return tx.addTo(ctx, account, role)
	})
}

// Add makes an account within a transaction. With a role it joins the first
// workspace, without it belongs to none and sees what is shared with it.
func Add(ctx context.Context, tx record.Change, n NewAccount, role Role) (*Account, error) {
	account, err := newAccount(tx.Now(), n)
	if err != nil {
		return nil, err
	}
	return account, (change{tx}).addTo(ctx, account, role)
}

func (t change) addTo(ctx context.Context, account *Account, role Role) error {
	if err := t.insertAccount(ctx, account); err != nil || role == "" {
		return err
	}
	first, err := t.firstWorkspace(ctx)
	if errors.Is(err, record.ErrNotFound) {
		return nil // it was deleted
	}
	if err != nil {
		return err
	}
	return t.join(ctx, account, first, role)
}

func newAccount(now time.Time, n NewAccount) (*Account, error) {
	email, err := NormalEmail(n.Email)
	if err != nil {
		return nil, err
	}
	name, err := NormalName(n.Name)
	if err != nil {
		return nil, err
	}
	account := &Account{ID: record.NewID(), Email: email, Name: name, PasswordHash: n.PasswordHash, CreatedAt: now}
	if n.Verified {
		account.VerifiedAt = bun.NullTime{Time: account.CreatedAt}
	}
	return account, nil
}

func (t change) insertAccount(ctx context.Context, account *Account) error {
	account.WorkspaceID, account.Memberships = "", nil // of a run before
	_, err := t.NewInsert().Model(account).Exec(ctx)
	if err = record.Translate(err); errors.Is(err, record.ErrDuplicate) {
		return ErrEmailTaken
	}
	if err != nil || !account.Verified() {
		return err
	}
	return LinkNamed(ctx, t.Change, account)
}

// Account finds an account by its id.
func (c *People) Account(ctx context.Context, id string) (*Account, error) {
	return c.accountWhere(ctx, "account.id = ?", id)
}

// AccountByEmail finds an account by its address, in whatever case it is written.
func (c *People) AccountByEmail(ctx context.Context, email string) (*Account, error) {
	email, err := NormalEmail(email)
	if err != nil {
		return nil, record.ErrNotFound
	}
	return c.accountWhere(ctx, "account.email = ?", email)
}

func (c *People) accountWhere(ctx context.Context, where, value string) (*Account, error) {
	account := new(Account)
	err := c.DB.Reader.NewSelect().Model(account).Relation("Memberships").Where(where, value).Scan(ctx)
	return account, record.Translate(err)
}

// Accounts lists everybody, the oldest first.
func (c *People) Accounts(ctx context.Context) ([]Account, error) {
	var all []Account
	err := c.DB.Reader.NewSelect().Model(&all).Relation("Memberships").OrderExpr("account.created_at, account.id").Scan(ctx)
	return all, record.Translate(err)
}

// Rename changes, within a transaction, the name that others see.
func Rename(ctx context.Context, tx record.Change, id, name string) (*Account, error) {
	name, err := NormalName(name)
	if err != nil {
		return nil, err
	}
	account := new(Account)
	return account, record.Must(tx.NewUpdate().Model(account).Set("name = ?", name).Where("id = ?", id).Returning("*").Exec(ctx))
}

// PasswordChange replaces the hash that the current password was checked against.
type PasswordChange struct {
	Account *Account
	NewHash string
	// KeepSession is the hash of the session that stays, or nil.
	KeepSession []byte
	// From says where the change came from, for the mail about it.
	From string
}

// ChangePassword replaces a password and ends all other sessions and all API
// tokens of the account: whoever had stolen one is out. It returns record.ErrNotFound
// if the password has been changed meanwhile.
func (c *People) ChangePassword(ctx context.Context, p PasswordChange) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		err := record.Must(tx.NewUpdate().Model((*Account)(nil)).Set("password_hash = ?", p.NewHash).
			Where("id = ? AND password_hash = ?", p.Account.ID, p.Account.PasswordHash).Exec(ctx))
		if err != nil {
			return err
		}
		if err := EndEverything(ctx, tx.Change, p.Account.ID, p.KeepSession); err != nil {
			return err
		}
		return Warn(ctx, tx.Change, Warning{Account: p.Account, Event: "password_changed", From: p.From})
	})
}

// Warning tells the owner of an account that the ways to sign in have changed.
type Warning struct {
	Account *Account
	// Event is one of notify.SecurityEvent.
	Event string
	// From says where the change came from: a browser, a network.
	From string
}

// Warn mails a warning and notes it in the audit log, within the transaction
// that makes it true.
func Warn(ctx context.Context, tx record.Change, w Warning) error {
	ref := w.Event + " " + tx.Now().Format(time.RFC3339) + " " + w.From
	if err := tx.Enqueue(ctx, jobs.Mail{Template: "security", To: w.Account.Email, Ref: ref}, jobs.Waiting); err != nil {
		return err
	}
	return tx.Audit(ctx, record.Audit{WorkspaceID: w.Account.WorkspaceID, Action: record.SignInChanged, Detail: map[string]string{"event": w.Event}})
}

// Verify notes, within a transaction, that an account has proved that its
// address is its own. What was shared with that address is its own from then on.
func Verify(ctx context.Context, tx record.Change, account *Account) error {
	if account.Verified() {
		return nil
	}
	account.VerifiedAt = bun.NullTime{Time: tx.Now()}
	if _, err := tx.NewUpdate().Model(account).Column("verified_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	return LinkNamed(ctx, tx, account)
}

// SetDisabled locks an account out, or lets it in again. Locked out, it has no
// session, no token and no media grant any more.
func (c *People) SetDisabled(ctx context.Context, accountID string, disabled bool) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		var at bun.NullTime
		if disabled {
			at.Time = tx.Now()
		}
		account, action := new(Account), record.AccountEnabled
		if disabled {
			action = record.AccountDisabled
		}
		if err := record.Must(tx.NewUpdate().Model(account).Set("disabled_at = ?", at).Where("id = ?", accountID).Returning("*").Exec(ctx)); err != nil {
			return err
		}
		if err := AuditEverywhere(ctx, tx.Change, accountID, action, map[string]string{"account": account.Email}); err != nil || !disabled {
			return err
		}
		if err := EndEverything(ctx, tx.Change, accountID, nil); err != nil {
			return err
		}
		_, err := tx.NewDelete().Model((*Invitation)(nil)).Where("inviter_id = ?", accountID).Exec(ctx)
		return err
	})
}

// maxEmail is the longest address a mail server takes (RFC 5321, section 4.5.3.1.3).
const maxEmail = 254

// NormalEmail is the one form of an address that is stored: trimmed and in lower
// case. Quoted and numeric oddities of RFC 5322 are refused.
func NormalEmail(email string) (string, error) {
	invalid := &record.InvalidError{Field: "email", Message: "This is not an e-mail address."}
	email = strings.TrimSpace(email)
	if len(email) > maxEmail || !utf8.ValidString(email) {
		return "", invalid
	}
	email = strings.ToLower(norm.NFC.String(email))
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email || strings.ContainsAny(email, `"[]<>(),;:\ `) || strings.ContainsFunc(email, Unprintable) {
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
		return "", &record.InvalidError{Field: "name", Message: "This name is too long."}
	}
	name = norm.NFC.String(strings.TrimSpace(name))
	switch {
	case name == "":
		return "", &record.InvalidError{Field: "name", Message: "Please give a name."}
	case utf8.RuneCountInString(name) > maxName:
		return "", &record.InvalidError{Field: "name", Message: "This name is too long."}
	case strings.ContainsFunc(name, Unprintable):
		return "", &record.InvalidError{Field: "name", Message: "This name has characters that cannot be shown."}
	}
	return name, nil
}

// Unprintable says that a character does not show, or turns the text around it.
func Unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029'
}
