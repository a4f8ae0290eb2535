package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/auth/passkey"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// extendAfter is how much of its life a session has used before it is extended,
// so that not every request writes.
const extendAfter = 24 * time.Hour

// Options set up an Auth.
type Options struct {
	Catalog *catalog.Catalog
	Hasher  *Hasher
	// Limits slow down guessing.
	Limits *limit.Limiter
	// BaseURL is where people reach the server. https makes cookies secure.
	BaseURL *url.URL
	// Mail says that letters can be sent, and with them links to sign in.
	Mail bool
	// OIDC is another service by which people sign in, if there is one.
	OIDC *OIDC
	Log  *slog.Logger
	// Warnings are sentences for operators, on every page.
	Warnings []string
	// Version is told to everybody who asks for the session.
	Version string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Auth identifies requests and answers the API of sessions and accounts.
type Auth struct {
	catalog *catalog.Catalog
	records *credential.Store
	hasher  *Hasher
	base    *url.URL
	version string
	now     func() time.Time
	cookies cookies
	origins *http.CrossOriginProtection
	limits  *limit.Limiter
	tokens  goods
	mail    bool
	// warnings are for operators.
	warnings []string
	log      *slog.Logger
	// passkeys is nil where browsers offer none, oidc where there is no provider.
	passkeys *passkey.Party
	oidc     *federation
}

// New makes an Auth. It fails if the base URL is not an origin.
func New(o Options) (*Auth, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	origins := http.NewCrossOriginProtection()
	if err := origins.AddTrustedOrigin(o.BaseURL.Scheme + "://" + o.BaseURL.Host); err != nil {
		return nil, fmt.Errorf("auth: the base URL %q is not an address of the web: %w", o.BaseURL, err)
	}
	passkeys, err := passkey.New(o.BaseURL)
	return &Auth{
		catalog: o.Catalog, records: credential.New(o.Catalog.People), hasher: o.Hasher, base: o.BaseURL, version: o.Version, now: o.Now,
		cookies: cookiesFor(o.BaseURL), origins: origins, limits: o.Limits, tokens: goods{seen: map[string]time.Time{}, now: o.Now}, mail: o.Mail, warnings: o.Warnings, log: o.Log,
		passkeys: passkeys, oidc: newFederation(o),
	}, err
}

// Middleware puts the principal into the request's context. It refuses bearer
// tokens that are not valid, and what another site made a browser send.
//
// It costs a query for requests with a cookie or a token, so it does not belong
// in front of media, which are opened by their grants.
func (a *Auth) Middleware() gin.HandlerFunc {
	return func(c *gin.Context) {
		// What depends on who asks belongs in no shared cache. A handler that
		// knows better says so.
		c.Header("Cache-Control", "private, no-cache")
		principal, err := a.identify(c)
		if err != nil {
			reply.Write(c, err)
			return
		}
		principal.Pass = a.pass(c)
		v := visitor{principal: principal, address: limit.Network(c.ClientIP()), agent: c.Request.UserAgent(), steps: a.steps(c.Request)}
		ctx := record.WithActor(with(c.Request.Context(), v), v.actor())
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	}
}

func (a *Auth) identify(c *gin.Context) (Principal, error) {
	if token, ok := bearer(c.Request); ok {
		return a.byToken(c.Request.Context(), limit.Network(c.ClientIP()), token)
	}
	// Requests without a cookie are checked too: signing somebody in as somebody
	// else is an attack of its own.
	if err := a.origins.Check(c.Request); err != nil {
		return Principal{}, reply.CrossSite.Because(err)
	}
	p, err := a.bySession(c)
	if err != nil {
		return Principal{}, err
	}
	if token := a.cookie(c.Request, a.cookies.guestName()); token != "" {
		p.GuestHash = record.HashToken(token)
	}
	return p, nil
}

// PassHeader carries a pass through a share link; what cannot set headers, such
// as an EventSource, puts it into the query as "pass".
const PassHeader = "Meanwhile-Pass"

// maxPass is longer than any pass of ours.
const maxPass = 200

// pass is what the request shows to prove that it came by a share link. A page
// that is opened by its address has it in a cookie.
func (a *Auth) pass(c *gin.Context) string {
	shown := cmp.Or(c.GetHeader(PassHeader), c.Query("pass"))
	if slug := c.Param("slug"); shown == "" && slug != "" {
		if cookie, err := c.Request.Cookie(a.cookies.passName(slug)); err == nil {
			shown = cookie.Value
		}
	}
	if len(shown) > maxPass {
		return ""
	}
	return shown
}

// bySession finds the account of a session cookie. A cookie that is not valid
// any more is no error: its holder is nobody.
func (a *Auth) bySession(c *gin.Context) (Principal, error) {
	token := a.cookie(c.Request, a.cookies.sessionName())
	if token == "" {
		return Principal{}, nil
	}
	ctx := c.Request.Context()
	session, err := a.catalog.Session(ctx, record.HashToken(token))
	switch {
	case err != nil:
	case session.ExpiresAt.Sub(a.now()) < people.SessionLife-extendAfter:
		if err = a.catalog.ExtendSession(ctx, session.Hash); err == nil {
			cookie := a.cookies.session(token)
			http.SetCookie(c.Writer, &cookie)
		}
	case session.Stale(a.now()):
		err = a.catalog.TouchSession(ctx, session.Hash)
	}
	if errors.Is(err, record.ErrNotFound) {
		return Principal{}, nil
	}
	if err != nil {
		return Principal{}, err
	}
	return Principal{Account: session.Account, Scope: people.ScopeAdmin, SessionHash: session.Hash, Session: session}, nil
}

// maxCookie is longer than any cookie of ours.
const maxCookie = 128

func (a *Auth) cookie(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil || len(cookie.Value) > maxCookie {
		return ""
	}
	return cookie.Value
}

// Alive says whether a principal is still who he was: long answers, such as
// events, ask every few seconds and end when somebody has signed out.
func (a *Auth) Alive(ctx context.Context, p Principal) (bool, error) {
	var err error
	switch {
	case p.Session != nil:
		err = a.catalog.SessionLives(ctx, p.Session.ID) // its token may have been renewed
	case p.SessionHash != nil:
		_, err = a.catalog.Session(ctx, p.SessionHash)
	case p.tokenHash != nil:
		var token *people.APIToken
		if token, err = a.catalog.Token(ctx, p.tokenHash); err == nil && token.Expired(a.now()) {
			err = record.ErrNotFound
		}
	}
	if errors.Is(err, record.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Need returns the account that asks, if its request may use this much of its
// rights: reply.SignIn or reply.Scope if not.
func Need(ctx context.Context, scope people.Scope) (*people.Account, error) {
	p := From(ctx)
	if p.Account == nil {
		return nil, reply.SignIn
	}
	if !p.Scope.Allows(scope) {
		return nil, reply.Scope
	}
	return p.Account, nil
}

var errProof = reply.New(http.StatusForbidden, "proof", "Confirm first that it is you.")

// NeedFresh returns the account that asks, if it does so with a session whose
// holder has lately proved who it is: what changes who can sign in takes more
// than a browser that somebody left open, or a token.
func (a *Auth) NeedFresh(ctx context.Context) (*people.Account, error) {
	account, err := Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	session := From(ctx).Session
	if session == nil {
		return nil, reply.Forbidden
	}
	if !session.Fresh(a.now()) {
		return nil, errProof
	}
	return account, nil
}

// Limits slow down guessing.
func (a *Auth) Limits() *limit.Limiter { return a.limits }
