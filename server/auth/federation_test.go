package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
)

const (
	refusedPage   = "/sign-in?trouble=oidc_refused"
	linkFirstPage = "/sign-in?trouble=oidc_link_first"
	addressPage   = "/sign-in?trouble=oidc_address"
	domainPage    = "/sign-in?trouble=oidc_domain"
)

func (c *client) who() string {
	c.t.Helper()
	account, _ := c.ask("GET", "/api/session", nil, 200)["account"].(object)
	email, _ := account["email"].(string)
	return email
}

func TestOIDCMakesAnAccountAndKnowsItAgain(t *testing.T) {
	t.Parallel()
	s, p := federated(t)
	s.owner()
	pat := s.client()
	require.Equal(t, "/v/abc?t=3", pat.back(pat.begin(p, "/v/abc?t=3")))
	account, _ := pat.ask("GET", "/api/session", nil, 200)["account"].(object)
	require.Equal(t, "pat@example.org", account["email"])
	require.Equal(t, "Pat", account["name"])
	require.Equal(t, "member", account["role"])
	require.Equal(t, true, account["verified"])

	// The provider may give the person another address: it is the same subject.
	p.claims["email"] = "patricia@example.org"
	again := s.client()
	require.Equal(t, "/", again.abroad(p))
	require.Equal(t, "pat@example.org", again.who())

	// And the address to somebody else.
	p.claims["sub"], p.claims["email"] = "2", "pat@example.org"
	other := s.client()
	require.Equal(t, linkFirstPage, other.abroad(p), "sub change")
	require.Empty(t, other.who())
}

func TestOIDCJoinsNoWorkspaceUnlessTold(t *testing.T) {
	t.Parallel()
	s, p := federated(t, func(o *auth.OIDC) { o.Role = "" })
	s.owner()
	pat := s.client()
	require.Equal(t, "/", pat.abroad(p))
	session := pat.ask("GET", "/api/session", nil, 200)
	require.Empty(t, session["workspaces"])
}

// TestOIDCRefusals are answers of a provider, or of somebody in its place, that
// prove nothing. Each begins well and is changed in one point.
func TestOIDCRefusals(t *testing.T) {
	t.Parallel()
	claim := func(name string, value any) func(*provider) {
		return func(p *provider) { p.forge = func(c object) { c[name] = value } }
	}
	without := func(name string) func(*provider) {
		return func(p *provider) { p.forge = func(c object) { delete(c, name) } }
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, row := range map[string]struct {
		lie  func(*provider)
		page string
	}{
		"the address is not verified":            {claim("email_verified", false), addressPage},
		"verified is missing":                    {without("email_verified"), addressPage},
		"verified is the text false":             {claim("email_verified", "false"), addressPage},
		"verified is the text true":              {claim("email_verified", "true"), addressPage},
		"verified is 1":                          {claim("email_verified", 1), addressPage},
		"there is no address":                    {without("email"), addressPage},
		"the address is none":                    {claim("email", "pat"), addressPage},
		"the nonce is missing":                   {without("nonce"), refusedPage},
		"the nonce is of another sign-in":        {claim("nonce", "x"), refusedPage},
		"the subject is missing":                 {without("sub"), refusedPage},
		"the subject is empty":                   {claim("sub", ""), refusedPage},
		"the issuer is another one":              {claim("iss", "https://evil.example"), refusedPage},
		"the audience is another client":         {claim("aud", "other"), refusedPage},
		"several audiences and no azp":           {claim("aud", []string{"meanwhile", "other"}), refusedPage},
		"azp is another client":                  {claim("azp", "other"), refusedPage},
		"it has expired":                         {claim("exp", 1), refusedPage},
		"alg none":                               {func(p *provider) { p.alg, p.sign = "none", func(string) []byte { return nil } }, refusedPage},
		"HS256 by the client's secret":           {func(p *provider) { p.alg, p.sign = "HS256", byHMAC([]byte(clientSecret)) }, refusedPage},
		"HS256 by the public key":                {func(p *provider) { p.alg, p.sign = "HS256", byHMAC(x509.MarshalPKCS1PublicKey(&p.key.PublicKey)) }, refusedPage},
		"signed by somebody else's key":          {func(p *provider) { p.sign = by(stranger) }, refusedPage},
		"the signature is missing":               {func(p *provider) { p.sign = func(string) []byte { return nil } }, refusedPage},
		"an algorithm that nobody knows":         {func(p *provider) { p.alg = "XS999" }, refusedPage},
		"nothing is wrong (the control)":         {func(*provider) {}, "/"},
		"the claims are changed after signing":   {func(p *provider) { p.sign = func(string) []byte { return make([]byte, 256) } }, refusedPage},
		"names itself (iss), but the answer not": {func(p *provider) { p.naming = true }, refusedPage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := federated(t)
			s.owner()
			row.lie(p)
			c := s.client()
			require.Equal(t, row.page, c.abroad(p))
			require.Equal(t, row.page == "/", c.signedIn())
			if row.page != "/" {
				_, err := s.catalog.AccountByEmail(t.Context(), "pat@example.org")
				require.Error(t, err, "and no account is made")
			}
		})
	}
}

func TestOIDCAnswersBelongToTheBrowserThatAsked(t *testing.T) {
	t.Parallel()
	s, p := federated(t)
	s.owner()

	mallory, victim := s.client(), s.client()
	theirs := mallory.begin(p, "/")
	require.Equal(t, refusedPage, victim.back(theirs), "sign-in forgery: a browser that has begun nothing")
	require.False(t, victim.signedIn())

	mine := victim.begin(p, "/")
	require.Equal(t, refusedPage, victim.back(url.Values{"code": mine["code"]}), "no state")
	mine = victim.begin(p, "/")
	require.Equal(t, refusedPage, victim.back(url.Values{"code": mine["code"], "state": theirs["state"]}), "somebody else's state")
	mine = victim.begin(p, "/")
	require.Equal(t, refusedPage, victim.back(url.Values{"code": theirs["code"], "state": mine["state"]}), "somebody else's code (PKCE)")
	mine = victim.begin(p, "/")
	require.Equal(t, refusedPage, victim.back(url.Values{"code": mine["code"], "state": mine["state"], "iss": {"https://evil.example"}}), "mix-up")
	mine = victim.begin(p, "/")
	require.Equal(t, refusedPage, victim.back(url.Values{"error": {"access_denied"}, "state": mine["state"]}))
	mine = victim.begin(p, "/")
	s.advance(11 * time.Minute)
	require.Equal(t, refusedPage, victim.back(mine), "too late")
	require.False(t, victim.signedIn())

	mine = victim.begin(p, "/")
	cookies := maps.Clone(victim.cookies)
	require.Equal(t, "/", victim.back(mine), "the control")
	require.True(t, victim.signedIn())
	replay := s.client()
	replay.cookies = cookies
	require.Equal(t, refusedPage, replay.back(mine), "an answer counts once")
	require.False(t, replay.signedIn())
}

func TestOIDCKeysRotate(t *testing.T) {
	t.Parallel()
	s, p := federated(t)
	s.owner()
	require.Equal(t, "/", s.client().abroad(p))
	p.rotate(t)
	require.Equal(t, "/", s.client().abroad(p), "the new key is fetched")
}

func TestOIDCDomains(t *testing.T) {
	t.Parallel()
	s, p := federated(t, func(o *auth.OIDC) { o.Domains = []string{"example.org"} })
	s.owner()
	for email, page := range map[string]string{
		"a@example.org": "/", "b@EXAMPLE.org": "/", "c@evil-example.org": domainPage, "d@example.org.evil.example": domainPage, "e@sub.example.org": domainPage,
		"example.org": domainPage, "f@example.org@evil.example": domainPage, "": domainPage,
	} {
		p.claims["sub"], p.claims["email"] = email+"!", email
		require.Equal(t, page, s.client().abroad(p), email)
	}
	p.claims = object{"sub": "9", "email": "g@example.org", "email_verified": false}
	require.Equal(t, domainPage, s.client().abroad(p), "an address that is not verified is of no domain")
}

// TestOIDCTakesOverNoAccount is about accounts that were here before.
func TestOIDCTakesOverNoAccount(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		trusted, verified bool
		page              string
	}{
		"both sides verified":                                  {false, true, linkFirstPage},
		"both sides verified, and the provider is trusted":     {true, true, "/"},
		"an unverified account waits for the owner to fill it": {true, false, linkFirstPage},
		"an unverified account, and no trust":                  {false, false, linkFirstPage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := federated(t, func(o *auth.OIDC) { o.LinkVerified = row.trusted })
			owner := s.owner()
			email := "ada@example.org"
			if !row.verified {
				s.member(owner, "Ben") // by an open invitation: nobody has checked the address
				email = "ben@example.org"
			}
			p.claims["email"] = email
			c := s.client()
			require.Equal(t, row.page, c.abroad(p))
			if row.page == "/" {
				require.Equal(t, email, c.who())
			} else {
				require.False(t, c.signedIn())
			}
		})
	}
}

func TestOIDCIsLinkedByWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	s, p := federated(t)
	ada := s.owner()
	ben := s.member(ada, "Ben")
	p.claims["email"] = "ada@example.org"
	link := func(c *client) url.Values {
		address, _ := c.ask("POST", "/api/identities", nil, 200)["url"].(string)
		return p.authorize(t, address)
	}
	s.advance(11 * time.Minute)
	require.Equal(t, "proof", ada.ask("POST", "/api/identities", nil, 403)["code"], "not long after signing in")
	ada.ask("POST", "/api/session/proof", object{"password": password}, 200)

	query := link(ada)
	ben.cookies["meanwhile_oidc"] = ada.cookies["meanwhile_oidc"]
	require.Equal(t, "/settings?trouble=oidc_refused", ben.back(query), "begun by another account")
	require.Equal(t, "/settings", ada.back(link(ada)))
	require.Equal(t, "ada@example.org", s.lastMail().To)

	in := s.client()
	require.Equal(t, "/", in.abroad(p))
	require.Equal(t, "ada@example.org", in.who())

	ben.ask("POST", "/api/session/proof", object{"password": password}, 200)
	require.Equal(t, "/settings?trouble=oidc_taken", ben.back(link(ben)), "one identity opens one account")
}

func TestOIDCLeavesTheDisabledOut(t *testing.T) {
	t.Parallel()
	s, p := federated(t, func(o *auth.OIDC) { o.LinkVerified = true })
	s.owner()
	require.Equal(t, "/", s.client().abroad(p))
	account, err := s.catalog.AccountByEmail(t.Context(), "pat@example.org")
	require.NoError(t, err)
	require.NoError(t, s.catalog.SetDisabled(t.Context(), account.ID, true))
	c := s.client()
	require.Equal(t, refusedPage, c.abroad(p))
	require.False(t, c.signedIn())
	p.claims["sub"] = "another subject, the same address"
	require.Equal(t, refusedPage, c.abroad(p))
	require.NoError(t, s.catalog.SetDisabled(t.Context(), account.ID, false))
	p.claims["sub"] = "1"
	require.Equal(t, "/", c.abroad(p))
}

func TestOIDCAndTheSecondFactor(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{false, true} {
		s, p := federated(t, func(o *auth.OIDC) { o.SecondFactor = asked })
		s.owner()
		require.Equal(t, "/", s.client().abroad(p))
		account, err := s.catalog.AccountByEmail(t.Context(), "pat@example.org")
		require.NoError(t, err)
		secret, _ := s.turnOnCodes(account)
		c := s.client()
		if !asked {
			require.Equal(t, "/", c.abroad(p))
			require.True(t, c.signedIn())
			continue
		}
		require.Equal(t, "/sign-in/code?next=%2F", c.abroad(p))
		require.False(t, c.signedIn())
		c.ask("POST", "/api/session/code", object{"code": s.code(secret, 1)}, 201)
		require.True(t, c.signedIn())
	}
}

func TestOIDCWithoutItsProvider(t *testing.T) {
	t.Parallel()
	s, p := federated(t)
	p.Close()
	require.Equal(t, "oidc_unreachable", s.client().ask("POST", "/api/session/oidc", object{}, 502)["code"])
	plain := newServer(t, "http://localhost:8080")
	plain.client().ask("POST", "/api/session/oidc", object{}, 404)
	plain.client().ask("GET", auth.OIDCReturn+"?code=x&state=y", nil, 404)
}
