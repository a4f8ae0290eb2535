// Package account answers what people ask of their own account: who is signed
// in, by what it can be signed in to, and how to take everything along or away.
package account

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// Options set up an API.
type Options struct {
	Catalog *catalog.Catalog
	Auth    *auth.Auth
	BaseURL *url.URL
	// Mail says that whoever has nothing else can sign in by a mailed link.
	Mail bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// API answers for /api/security and what is below an account.
type API struct {
	catalog *catalog.Catalog
	records *credential.Store
	auth    *auth.Auth
	base    *url.URL
	mail    bool
	now     func() time.Time
}

// New makes an API.
func New(o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &API{catalog: o.Catalog, records: credential.New(o.Catalog.People), auth: o.Auth, base: o.BaseURL, mail: o.Mail, now: o.Now}
}

// Session is a browser that is signed in.
type Session struct {
	ID        string     `json:"id"`
	Current   bool       `json:"current" doc:"This is the one that asks"`
	Device    string     `json:"device" doc:"What the browser says it is"`
	Address   string     `json:"address" doc:"The network it signed in from"`
	Method    string     `json:"method" doc:"password, passkey, oidc or link; with +totp if a code was asked for"`
	CreatedAt time.Time  `json:"created_at"`
	SeenAt    *time.Time `json:"seen_at" doc:"About when it was used last"`
}

// Passkey is a passkey as its owner knows it.
type Passkey struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at"`
}

// Identity is an account of another service that signs in here.
type Identity struct {
	ID        string    `json:"id"`
	Email     string    `json:"email" doc:"What the service said when it was linked"`
	Issuer    string    `json:"issuer"`
	CreatedAt time.Time `json:"created_at"`
}

// Security is by what an account can be signed in to.
type Security struct {
	HasPassword   bool       `json:"has_password"`
	NeedsPassword bool       `json:"needs_password" doc:"To change the password, the current one has to be given"`
	SecondFactor  bool       `json:"second_factor" doc:"Codes of an app are asked for"`
	RecoveryCodes int        `json:"recovery_codes" doc:"How many are left"`
	Sessions      []Session  `json:"sessions" nullable:"false"`
	Passkeys      []Passkey  `json:"passkeys" nullable:"false"`
	Identities    []Identity `json:"identities" nullable:"false"`
}

// SecurityOutput answers with it.
type SecurityOutput struct {
	Body Security
}

// Read is GET /api/security.
func (a *API) Read(ctx context.Context, _ *struct{}) (*SecurityOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	out := &SecurityOutput{Body: Security{HasPassword: account.PasswordHash != "", NeedsPassword: needsPassword(ctx, account)}}
	for _, fill := range []func(context.Context, *people.Account, *Security) error{a.sessions, a.passkeys, a.identities, a.factor} {
		if err := fill(ctx, account, &out.Body); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func needsPassword(ctx context.Context, account *people.Account) bool {
	session := auth.From(ctx).Session
	return account.PasswordHash != "" && (session == nil || strings.HasPrefix(session.Method, people.ByPassword))
}

func (a *API) sessions(ctx context.Context, account *people.Account, to *Security) error {
	all, err := a.catalog.Sessions(ctx, account.ID)
	to.Sessions = make([]Session, len(all))
	mine := auth.From(ctx).Session
	for i, s := range all {
		to.Sessions[i] = Session{
			ID: s.ID, Current: mine != nil && mine.ID == s.ID, Device: auth.Device(s.Agent), Address: s.Address, Method: s.Method,
			CreatedAt: s.CreatedAt, SeenAt: auth.Moment(s.SeenAt.Time),
		}
	}
	return err
}

func (a *API) passkeys(ctx context.Context, account *people.Account, to *Security) error {
	all, err := a.records.Passkeys(ctx, account.ID)
	to.Passkeys = make([]Passkey, len(all))
	for i := range all {
		to.Passkeys[i] = passkeyView(&all[i])
	}
	return err
}

func passkeyView(p *credential.StoredPasskey) Passkey {
	return Passkey{ID: base64.RawURLEncoding.EncodeToString(p.ID), Name: p.Name, CreatedAt: p.CreatedAt, UsedAt: auth.Moment(p.UsedAt.Time)}
}

func (a *API) identities(ctx context.Context, account *people.Account, to *Security) error {
	all, err := a.records.Identities(ctx, account.ID)
	to.Identities = make([]Identity, len(all))
	for i, x := range all {
		to.Identities[i] = Identity{ID: x.ID, Email: x.Email, Issuer: x.Issuer, CreatedAt: x.CreatedAt}
	}
	return err
}

// EndSession is DELETE /api/sessions/{id}.
func (a *API) EndSession(ctx context.Context, in *auth.ByID) (*auth.Empty, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	return &auth.Empty{}, a.catalog.EndSessionOf(ctx, account, in.ID)
}

// EndOtherSessions is DELETE /api/sessions: all but the one that asks.
func (a *API) EndOtherSessions(ctx context.Context, _ *struct{}) (*auth.Empty, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	return &auth.Empty{}, a.catalog.EndOtherSessions(ctx, account, auth.From(ctx).SessionHash)
}

// DropIdentity is DELETE /api/identities/{id}.
func (a *API) DropIdentity(ctx context.Context, in *auth.ByID) (*auth.Empty, error) {
	account, err := a.auth.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.spare(ctx, account); err != nil {
		return nil, err
	}
	return &auth.Empty{}, a.records.DropIdentity(ctx, account, in.ID, auth.Origin(ctx))
}

// spare refuses to remove the last way into an account.
func (a *API) spare(ctx context.Context, account *people.Account) error {
	if a.mail || account.PasswordHash != "" {
		return nil
	}
	var all Security
	if err := a.passkeys(ctx, account, &all); err != nil {
		return err
	}
	if err := a.identities(ctx, account, &all); err != nil {
		return err
	}
	if len(all.Passkeys)+len(all.Identities) <= 1 {
		return reply.New(http.StatusConflict, "last_way", "This is the only way into your account. Set a password first.")
	}
	return nil
}
