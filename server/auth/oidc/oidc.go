// Package oidc lets people sign in by an account of another service (OpenID
// Connect Core 1.0), by the authorization code flow with PKCE (RFC 7636). It
// keeps nothing: what has to last while the browser is away is the caller's.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	library "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Bounds on what a provider may cost.
const (
	exchangeTime = 15 * time.Second
	maxClaim     = 255 // bytes of a subject (OpenID Connect Core, section 2)
)

// ErrRefused says that what came back proves nothing; its cause says why.
var ErrRefused = errors.New("oidc: the answer proves nothing")

// ErrDomain says that the provider's user is not one of those who may come in.
var ErrDomain = errors.New("oidc: this address is not of an allowed domain")

// ErrUnreachable says that the provider cannot be asked.
var ErrUnreachable = errors.New("oidc: the provider cannot be reached")

// Options set up a Party.
type Options struct {
	Issuer, ClientID, ClientSecret string
	// Scopes are asked for beside openid; nil means email and profile.
	Scopes []string
	// Domains are those whose verified addresses may come in; none means all
	// whom the provider lets sign in.
	Domains []string
	// Return is where the provider sends browsers back to.
	Return *url.URL
	// Client asks the provider; nil means http.DefaultClient.
	Client *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Party is this server as the provider knows it.
type Party struct {
	o Options

	mu sync.Mutex
	// known is what the provider said of itself; asking is a question on its way.
	known  *described
	asking *question
}

// New makes a Party. The provider is asked when somebody comes: it may start
// later than this server.
func New(o Options) *Party {
	if len(o.Scopes) == 0 {
		o.Scopes = []string{"email", "profile"}
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Party{o: o}
}

// Attempt is what must be remembered while a browser is with the provider.
type Attempt struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// Person is who the provider says has signed in.
type Person struct {
	Issuer, Subject string
	Email           string
	// Verified says that the provider has checked the address, in so many words.
	Verified bool
	Name     string
}

// Begin returns the address to send a browser to.
func (p *Party) Begin(ctx context.Context) (string, Attempt, error) {
	config, _, _, err := p.ready(ctx)
	if err != nil {
		return "", Attempt{}, err
	}
	a := Attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return config.AuthCodeURL(a.State, library.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), a, nil
}

// Finish reads what the browser brought back.
func (p *Party) Finish(ctx context.Context, a Attempt, query url.Values) (Person, error) {
	if a.State == "" || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.State)) != 1 {
		return Person{}, refuse("the state is not that of this browser")
	}
	config, provider, says, err := p.ready(ctx)
	if err != nil {
		return Person{}, err
	}
	// Before anything of it is used: an answer of another provider is a mix-up.
	if iss := query.Get("iss"); iss != "" && iss != p.o.Issuer || iss == "" && says.NamesItself {
		return Person{}, refuse("the answer is of another issuer")
	}
	if code := query.Get("error"); code != "" {
		return Person{}, refuse("the provider says " + short(code))
	}
	ctx, cancel := context.WithTimeout(library.ClientContext(ctx, p.o.Client), exchangeTime)
	defer cancel()
	token, err := config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return Person{}, refuse("the code was not taken: " + short(err.Error()))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.VerifierContext(ctx, &library.Config{ClientID: p.o.ClientID, SupportedSigningAlgs: algorithms(), Now: p.o.Now}).Verify(ctx, raw)
	if err != nil {
		return Person{}, refuse("the ID token is not good: " + short(err.Error()))
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return Person{}, refuse("the ID token was made for another sign-in")
	}
	return p.person(id)
}

// algorithms are those whose keys only the provider has: "none" and those with a
// shared secret are not among them, whatever the provider says it does.
func algorithms() []string {
	return []string{library.RS256, library.RS384, library.RS512, library.ES256, library.ES384, library.ES512, library.PS256, library.PS384, library.PS512, library.EdDSA}
}

// person reads who it is. A claim of another type than the standard's, such as
// email_verified "false", is no claim.
func (p *Party) person(id *library.IDToken) (Person, error) {
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return Person{}, refuse("the ID token cannot be read: " + short(err.Error()))
	}
	text := func(name string) string {
		value, _ := claims[name].(string)
		return strings.TrimSpace(value)
	}
	if azp := text("azp"); azp != "" && azp != p.o.ClientID || len(id.Audience) > 1 && azp == "" {
		return Person{}, refuse("the ID token was made for another client")
	}
	if id.Subject == "" || len(id.Subject) > maxClaim {
		return Person{}, refuse("the ID token names nobody")
	}
	verified, _ := claims["email_verified"].(bool)
	who := Person{Issuer: id.Issuer, Subject: id.Subject, Email: text("email"), Verified: verified && text("email") != "", Name: text("name")}
	if len(p.o.Domains) == 0 {
		return who, nil
	}
	_, domain, _ := strings.Cut(who.Email, "@")
	if !who.Verified || !slices.ContainsFunc(p.o.Domains, func(allowed string) bool { return strings.EqualFold(allowed, domain) }) {
		return Person{}, ErrDomain
	}
	return who, nil
}

// ready is what the provider says of itself. It is asked once.
func (p *Party) ready(ctx context.Context) (*oauth2.Config, *library.Provider, metadata, error) {
	d, err := p.describe(ctx)
	if err != nil {
		return nil, nil, metadata{}, err
	}
	return &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: d.provider.Endpoint(),
		RedirectURL: p.o.Return.String(), Scopes: append([]string{library.ScopeOpenID}, p.o.Scopes...),
	}, d.provider, d.says, nil
}

// maxSaid bounds what of a provider's words goes into the log.
const maxSaid = 300

func short(said string) string {
	if len(said) > maxSaid {
		said = said[:maxSaid] + "…"
	}
	return strings.ToValidUTF8(said, "")
}

func refuse(why string) error { return fmt.Errorf("%w: %s", ErrRefused, why) }
