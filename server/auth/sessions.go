package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Account is what others may know of an account.
type Account struct {
	ID          string      `json:"id"`
	Email       string      `json:"email"`
	Name        string      `json:"name"`
	Role        people.Role `json:"role" enum:"owner,admin,member,viewer," doc:"In the workspace it works in now"`
	WorkspaceID string      `json:"workspace_id" doc:"The workspace it works in now"`
	Operator    bool        `json:"operator" doc:"May look after the server as a whole"`
	Verified    bool        `json:"verified" doc:"Has proved that the address is its own"`
	CreatedAt   time.Time   `json:"created_at"`
}

// View is the account as the API shows it.
func View(a *people.Account) Account {
	return Account{
		ID: a.ID, Email: a.Email, Name: a.Name, Role: a.RoleIn(a.WorkspaceID), WorkspaceID: a.WorkspaceID,
		Operator: a.Operator, Verified: a.Verified(), CreatedAt: a.CreatedAt,
	}
}

// Session is who asks, and what the pages need to know first.
type Session struct {
	Account     reply.Maybe[Account] `json:"account" doc:"Null if nobody is signed in"`
	Workspaces  []Workspace          `json:"workspaces" nullable:"false" doc:"Those the account belongs to"`
	SetupNeeded bool                 `json:"setup_needed" doc:"There is no account yet"`
	SignIn      Methods              `json:"sign_in" doc:"How one can sign in here, beside a password"`
	Warnings    []string             `json:"warnings" nullable:"false" doc:"What whoever looks after the server should know; empty for everybody else"`
	Version     string               `json:"version"`
}

// Methods are the ways to sign in beside a password.
type Methods struct {
	Link    bool   `json:"link" doc:"A link can be mailed"`
	Passkey bool   `json:"passkey" doc:"Browsers offer passkeys at this address"`
	OIDC    string `json:"oidc" doc:"What the other service is called; empty if there is none"`
}

func (a *Auth) methods() Methods {
	m := Methods{Link: a.mail, Passkey: a.passkeys != nil}
	if a.oidc != nil {
		m.OIDC = a.oidc.Name
	}
	return m
}

// Workspace is a workspace as those who belong to it know it.
type Workspace struct {
	ID   string      `json:"id"`
	Name string      `json:"name"`
	Role people.Role `json:"role" enum:"owner,admin,member,viewer"`
}

// SessionOutput answers with the session.
type SessionOutput struct {
	Body Session
}

// AccountOutput answers with an account.
type AccountOutput struct {
	Body Account
}

// SignedInOutput answers with the account that is signed in from now on.
type SignedInOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Account
}

// SignedOutOutput ends the cookie.
type SignedOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// Describe tells who asks. The server's own pages embed it too.
func (a *Auth) Describe(ctx context.Context) (Session, error) {
	s := Session{Version: a.version, Workspaces: []Workspace{}, Warnings: []string{}, SignIn: a.methods()}
	if p := From(ctx); p.Account != nil {
		view := View(p.Account)
		if p.Account.Operator {
			s.Warnings = append(s.Warnings, a.warnings...)
		}
		s.Account = reply.Maybe[Account]{Value: &view}
		all, err := a.catalog.WorkspacesOf(ctx, p.Account.ID)
		for _, m := range all {
			s.Workspaces = append(s.Workspaces, Workspace{ID: m.WorkspaceID, Name: m.Workspace.Name, Role: m.Role})
		}
		return s, err
	}
	needed, err := a.catalog.SetupNeeded(ctx)
	s.SetupNeeded = needed
	return s, err
}

// ReadSession is GET /api/session.
func (a *Auth) ReadSession(ctx context.Context, _ *struct{}) (*SessionOutput, error) {
	session, err := a.Describe(ctx)
	return &SessionOutput{Body: session}, err
}

// SignInInput is an address with its password.
type SignInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"1000"`
		Password string `json:"password" maxLength:"4000"`
	}
}

// SignIn is POST /api/session. A browser that is signed in already gets a new
// session all the same, and the old one ends.
func (a *Auth) SignIn(ctx context.Context, in *SignInInput) (*EntryOutput, error) {
	guess := limit.Guess{Kind: limit.Password, Subject: in.Body.Email, Network: Address(ctx)}
	if err := a.limits.Attempt(ctx, guess); err != nil {
		return nil, err
	}
	account, err := a.catalog.AccountByEmail(ctx, in.Body.Email)
	if errors.Is(err, record.ErrNotFound) {
		account, err = new(people.Account), nil // its hash is empty: no password fits
	}
	if err != nil {
		return nil, err
	}
	if err := a.verify(ctx, account, in.Body.Password); err != nil {
		return nil, err
	}
	if !account.DisabledAt.IsZero() {
		return nil, a.refused(ctx, account, people.ByPassword, wrongCredentials())
	}
	a.limits.Succeeded(ctx, guess)
	return a.proven(ctx, account, people.ByPassword)
}

func (a *Auth) verify(ctx context.Context, account *people.Account, password string) error {
	matches, err := a.hasher.Verify(ctx, account.PasswordHash, password)
	if err == nil && !matches {
		a.log.InfoContext(ctx, "a password was refused", "network", Address(ctx))
		return a.refused(ctx, account, people.ByPassword, wrongCredentials())
	}
	return err
}

// refused notes a try that failed and returns why. That it cannot be noted is no
// reason to answer differently.
func (a *Auth) refused(ctx context.Context, account *people.Account, method string, why error) error {
	if err := a.catalog.NoteRefused(ctx, account, method); err != nil {
		a.log.WarnContext(ctx, "a refused sign-in is not in the audit log", "error", err)
	}
	return why
}

// start makes a session and ends the one that the request came with.
func (a *Auth) start(ctx context.Context, account *people.Account, method string) (*SignedInOutput, error) {
	token, err := a.catalog.StartSession(ctx, account, entry(ctx, method))
	if errors.Is(err, record.ErrNotFound) {
		return nil, wrongCredentials() // the password was changed in between
	}
	if err != nil {
		return nil, err
	}
	if old := From(ctx).SessionHash; old != nil {
		if err := a.catalog.EndSession(ctx, old); err != nil {
			return nil, err
		}
	}
	return &SignedInOutput{SetCookie: a.cookies.session(token), Body: View(account)}, nil
}

// SignOut is DELETE /api/session. It takes effect at once.
func (a *Auth) SignOut(ctx context.Context, _ *struct{}) (*SignedOutOutput, error) {
	if hash := From(ctx).SessionHash; hash != nil {
		if err := a.catalog.EndSession(ctx, hash); err != nil {
			return nil, err
		}
	}
	return &SignedOutOutput{SetCookie: a.cookies.noSession()}, nil
}

// Person is what somebody says to get an account.
type Person struct {
	Token    string `json:"token" maxLength:"200" doc:"From the link"`
	Name     string `json:"name" maxLength:"1000"`
	Email    string `json:"email" maxLength:"1000"`
	Password string `json:"password" maxLength:"4000"`
}

// PersonInput is a person who follows a link that lets him make an account.
type PersonInput struct {
	Body Person
}

// SetUp is POST /api/setup: it makes the first account.
func (a *Auth) SetUp(ctx context.Context, in *PersonInput) (*SignedInOutput, error) {
	check := func() error { return a.catalog.CheckSetup(ctx, in.Body.Token) }
	return a.join(ctx, in.Body, check, a.catalog.CreateOwner)
}

// join makes an account with a link's token. The token is checked before the
// password is hashed, so that strangers cannot make the server work.
func (a *Auth) join(ctx context.Context, who Person, check func() error,
	create func(context.Context, string, people.NewAccount) (*people.Account, error),
) (*SignedInOutput, error) {
	if err := a.limits.Attempt(ctx, limit.Guess{Kind: limit.Token, Network: Address(ctx)}); err != nil {
		return nil, err
	}
	if err := check(); err != nil {
		return nil, err
	}
	if _, err := people.NormalEmail(who.Email); err != nil {
		return nil, err
	}
	if _, err := people.NormalName(who.Name); err != nil {
		return nil, err
	}
	hash, err := a.hasher.Hash(ctx, who.Password)
	if err != nil {
		return nil, err
	}
	account, err := create(ctx, who.Token, people.NewAccount{Name: who.Name, Email: who.Email, PasswordHash: hash})
	if err != nil {
		return nil, err
	}
	return a.start(ctx, account, people.ByPassword)
}
