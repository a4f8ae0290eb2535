package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/auth/oidc"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// OIDCReturn is where the provider sends browsers back to.
const OIDCReturn = "/api/oidc/callback"

// OIDC is another service by which people sign in.
type OIDC struct {
	oidc.Options

	// Name is what the button calls it.
	Name string
	// Role is what somebody new becomes in the first workspace; "" joins none.
	Role people.Role
	// LinkVerified lets it open accounts that it was not linked to, if both sides
	// have proved the same address: the provider then decides who has an address.
	LinkVerified bool
	// SecondFactor asks for the codes of an account here, too.
	SecondFactor bool
}

type federation struct {
	OIDC

	party *oidc.Party
}

func newFederation(o Options) *federation {
	if o.OIDC == nil {
		return nil
	}
	f := &federation{OIDC: *o.OIDC}
	f.Return, f.Now = o.BaseURL.JoinPath(OIDCReturn), o.Now
	f.party = oidc.New(f.Options)
	return f
}

// abroad is what is remembered while a browser is with the provider.
type abroad struct {
	Attempt oidc.Attempt `json:"attempt"`
	Next    string       `json:"next"`
}

// AbroadInput says where to go on to.
type AbroadInput struct {
	Body struct {
		Next string `json:"next,omitempty" maxLength:"2000" doc:"Where to go on to afterwards: a path of this server"`
	}
}

// AbroadOutput sends a browser to the provider.
type AbroadOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		URL string `json:"url" doc:"Where to send the browser"`
	}
}

// GoAbroad is POST /api/session/oidc: it begins a sign-in at the provider.
func (a *Auth) GoAbroad(ctx context.Context, in *AbroadInput) (*AbroadOutput, error) {
	return a.goAbroad(ctx, "", Inside(in.Body.Next))
}

// LinkAbroad is POST /api/identities: it begins to link an account of the
// provider to the one that asks.
func (a *Auth) LinkAbroad(ctx context.Context, _ *struct{}) (*AbroadOutput, error) {
	account, err := a.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	return a.goAbroad(ctx, account.ID, "/settings")
}

func (a *Auth) goAbroad(ctx context.Context, accountID, next string) (*AbroadOutput, error) {
	if a.oidc == nil {
		return nil, reply.NotFound
	}
	to, attempt, err := a.oidc.party.Begin(ctx)
	if errors.Is(err, oidc.ErrUnreachable) {
		return nil, reply.New(http.StatusBadGateway, "oidc_unreachable", a.oidc.Name+" cannot be reached at the moment. Try again later, or sign in another way.").Because(err)
	}
	if err != nil {
		return nil, err
	}
	token, err := a.records.Start(ctx, credential.OIDC, accountID, abroad{Attempt: attempt, Next: next})
	out := &AbroadOutput{SetCookie: a.Step(credential.OIDC, token)}
	out.Body.URL = to
	return out, err
}

// Errors that the page after the return explains.
var (
	errLinkFirst = errors.New("oidc_link_first")
	errTaken     = errors.New("oidc_taken")
	errAddress   = errors.New("oidc_address")
)

// ComeBack is GET /api/oidc/callback: the browser comes back from the provider.
// It is a page to the browser, so trouble is told by the page that follows.
func (a *Auth) ComeBack(c *gin.Context) error {
	if a.oidc == nil {
		return reply.NotFound
	}
	ctx := c.Request.Context()
	cookie := a.NoStep(credential.OIDC)
	http.SetCookie(c.Writer, &cookie)
	c.Header("Cache-Control", "no-store")
	to, err := a.comeBack(c, ctx)
	if err != nil {
		code := troubleCode(err)
		if code == "" {
			return err
		}
		a.log.WarnContext(ctx, "a sign-in at the provider was refused", "error", err, "network", Address(ctx))
		page := "/sign-in"
		if From(ctx).Account != nil {
			page = "/settings"
		}
		to = page + "?trouble=" + code
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

func troubleCode(err error) string {
	for _, row := range []struct {
		err  error
		code string
	}{
		{errLinkFirst, "oidc_link_first"},
		{errTaken, "oidc_taken"},
		{errAddress, "oidc_address"},
		{oidc.ErrDomain, "oidc_domain"},
		{oidc.ErrUnreachable, "oidc_unreachable"},
		{oidc.ErrRefused, "oidc_refused"},
		{people.ErrToken, "oidc_refused"},
	} {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	return ""
}

// comeBack returns where to go on to.
func (a *Auth) comeBack(c *gin.Context, ctx context.Context) (string, error) { //nolint:revive // the context carries who asks
	var was abroad
	accountID, err := a.records.Take(ctx, credential.OIDC, StepOf(ctx, credential.OIDC), &was)
	if err != nil {
		return "", err
	}
	who, err := a.oidc.party.Finish(ctx, was.Attempt, c.Request.URL.Query())
	if err != nil {
		return "", err
	}
	if accountID != "" {
		return was.Next, a.linkTo(ctx, accountID, who)
	}
	account, err := a.accountOf(ctx, who)
	if err != nil {
		return "", err
	}
	in, err := a.proven(ctx, account, people.ByOIDC)
	if err != nil {
		return "", err
	}
	for i := range in.SetCookie {
		http.SetCookie(c.Writer, &in.SetCookie[i])
	}
	if in.Body.Account.Value == nil {
		return "/sign-in/code?" + url.Values{"next": {was.Next}}.Encode(), nil
	}
	return was.Next, nil
}

// linkTo links an identity to the account that asked for it, if the browser is
// still signed in as that one.
func (a *Auth) linkTo(ctx context.Context, accountID string, who oidc.Person) error {
	account := From(ctx).Account
	if account == nil || account.ID != accountID {
		return people.ErrToken
	}
	err := a.records.LinkIdentity(ctx, account, identity(who), Origin(ctx))
	if errors.Is(err, record.ErrDuplicate) {
		return errTaken
	}
	return err
}

func identity(who oidc.Person) credential.Identity {
	return credential.Identity{Issuer: who.Issuer, Subject: who.Subject, Email: who.Email}
}

// accountOf finds or makes the account of somebody whom the provider has let
// in. The address decides nothing about an account that exists, unless both
// sides have proved it and whoever runs the server trusts the provider with that:
// otherwise whoever controls one side could take over the other.
func (a *Auth) accountOf(ctx context.Context, who oidc.Person) (*people.Account, error) {
	known, err := a.records.Identity(ctx, who.Issuer, who.Subject)
	if err == nil {
		if !known.Account.DisabledAt.IsZero() {
			return nil, people.ErrToken
		}
		return known.Account, nil
	}
	if !errors.Is(err, record.ErrNotFound) {
		return nil, err
	}
	if _, err := people.NormalEmail(who.Email); err != nil || !who.Verified {
		return nil, errAddress
	}
	account, err := a.catalog.AccountByEmail(ctx, who.Email)
	switch {
	case errors.Is(err, record.ErrNotFound):
		return a.newcomer(ctx, who)
	case err != nil:
		return nil, err
	case !account.DisabledAt.IsZero():
		return nil, people.ErrToken
	case !a.oidc.LinkVerified || !account.Verified():
		return nil, errLinkFirst
	}
	return account, a.records.LinkIdentity(ctx, account, identity(who), Origin(ctx))
}

func (a *Auth) newcomer(ctx context.Context, who oidc.Person) (*people.Account, error) {
	name := who.Name
	if _, err := people.NormalName(name); err != nil {
		name, _, _ = strings.Cut(who.Email, "@")
	}
	account, err := a.records.AddByIdentity(ctx, people.NewAccount{Name: name, Email: who.Email, Verified: true}, identity(who), a.oidc.Role)
	if errors.Is(err, people.ErrEmailTaken) || errors.Is(err, record.ErrDuplicate) {
		return nil, errLinkFirst // somebody was faster
	}
	if err != nil {
		return nil, err
	}
	return a.catalog.Account(ctx, account.ID)
}
