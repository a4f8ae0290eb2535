package auth_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/auth/totp"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

func (s *server) records() *credential.Store { return credential.New(s.catalog.People) }

func (s *server) account(email string) *people.Account {
	s.t.Helper()
	account, err := s.catalog.AccountByEmail(s.t.Context(), email)
	require.NoError(s.t, err)
	return account
}

// lastMail is the letter that was put into the queue last.
func (s *server) lastMail() jobs.Mail {
	s.t.Helper()
	var raw string
	require.NoError(s.t, s.db.Reader.NewRaw("SELECT json(args) FROM river_job WHERE kind = 'mail' ORDER BY id DESC LIMIT 1").Scan(s.t.Context(), &raw))
	var mail jobs.Mail
	require.NoError(s.t, json.Unmarshal([]byte(raw), &mail))
	return mail
}

// code is what an app shows some steps from now.
func (s *server) code(secret []byte, later int64) string {
	return totp.At(secret, s.now().Unix()/30+later)
}

// turnOnCodes returns the secret of the app and the recovery codes.
func (s *server) turnOnCodes(account *people.Account) ([]byte, []string) {
	s.t.Helper()
	factor, err := s.records().BeginFactor(s.t.Context(), account.ID)
	require.NoError(s.t, err)
	codes, err := s.records().ConfirmFactor(s.t.Context(), account, s.now().Unix()/30, "a test")
	require.NoError(s.t, err)
	return factor.Secret, codes
}

// letter makes the link that a mail would carry.
func (s *server) letter(email string) string {
	s.t.Helper()
	token, _, err := s.records().MakeLink(s.t.Context(), email)
	require.NoError(s.t, err)
	return token
}

func TestALinkIsAskedForTheSameWayForEverybody(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	s.owner()
	c := s.client()
	for _, email := range []string{"ada@example.org", "nobody@example.org"} {
		c.ask("POST", "/api/session/link/mail", object{"email": email, "next": "/v/x"}, 204)
		require.Equal(t, auth.LinkMail, s.lastMail().Template)
		require.Equal(t, email, s.lastMail().To)
		ref, err := url.ParseQuery(s.lastMail().Ref)
		require.NoError(t, err)
		require.Equal(t, "/v/x", ref.Get("next"))
	}
	c.ask("POST", "/api/session/link/mail", object{"email": "ada@example.org", "next": "https://evil.example"}, 204)
	require.NotContains(t, s.lastMail().Ref, "evil")
	c.ask("POST", "/api/session/link/mail", object{"email": "not an address"}, 422)
	_, _, err := s.records().MakeLink(t.Context(), "nobody@example.org")
	require.ErrorIs(t, err, record.ErrNotFound, "and only here it shows")
	for range 9 {
		c.ask("POST", "/api/session/link/mail", object{"email": "nobody@example.org"}, 0)
		if c.last.Code == 429 {
			return
		}
	}
	t.Fatal("a stranger may fill somebody's letter box")
}

func TestWithoutAMailServerNoLinkIsOffered(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080", func(o *auth.Options) { o.Mail = false })
	s.owner()
	c := s.client()
	c.ask("POST", "/api/session/link/mail", object{"email": "ada@example.org"}, 404)
	methods, _ := c.ask("GET", "/api/session", nil, 200)["sign_in"].(object)
	require.Equal(t, false, methods["link"])
}

func TestALinkCountsOnceAndOnlyTheNewest(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	s.owner()
	first, second := s.letter("ada@example.org"), s.letter("ADA@example.org")
	c := s.client()
	require.Equal(t, "token", c.ask("POST", "/api/session/link", object{"token": first}, 404)["code"], "an older one")
	c.ask("POST", "/api/session/link", object{"token": ""}, 404)
	c.ask("POST", "/api/session/link", object{"token": second}, 201)
	require.Equal(t, "ada@example.org", c.who())
	s.client().ask("POST", "/api/session/link", object{"token": second}, 404)

	late := s.letter("ada@example.org")
	s.advance(30 * time.Minute)
	s.client().ask("POST", "/api/session/link", object{"token": late}, 404)

	voided := s.letter("ada@example.org")
	s.password(c, "another horse battery", 204)
	s.client().ask("POST", "/api/session/link", object{"token": voided}, 404)

	out := s.letter("ada@example.org")
	require.NoError(t, s.catalog.SetDisabled(t.Context(), s.account("ada@example.org").ID, true))
	s.client().ask("POST", "/api/session/link", object{"token": out}, 404)
	_, _, err := s.records().MakeLink(t.Context(), "ada@example.org")
	require.ErrorIs(t, err, record.ErrNotFound)
	for _, token := range []string{first, second, late, voided, out} {
		require.NotContains(t, s.log.String(), token)
	}
}

// password sets one without knowing the last, as who came by a link may.
func (s *server) password(c *client, wanted string, status int) object {
	s.t.Helper()
	// The proof of the link is some time ago.
	s.advance(-25 * time.Minute)
	defer s.advance(25 * time.Minute)
	return c.ask("PUT", "/api/account/password", object{"new_password": wanted}, status)
}

func TestWhoCameByALinkSetsAPassword(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	change := object{"new_password": "another horse battery"}
	ada.ask("PUT", "/api/account/password", change, 401)

	c := s.client()
	c.ask("POST", "/api/session/link", object{"token": s.letter("ada@example.org")}, 201)
	s.advance(11 * time.Minute)
	require.Equal(t, "proof", c.ask("PUT", "/api/account/password", change, 403)["code"])
	c.ask("POST", "/api/session/link", object{"token": s.letter("ada@example.org")}, 201)
	c.ask("PUT", "/api/account/password", change, 204)
	require.False(t, ada.signedIn(), "everybody else is out")
	require.True(t, c.signedIn())
	s.client().ask("POST", "/api/session", credentials("Ada", "another horse battery"), 201)
}

// TestALinkEndsWhatWasPrepared is about an account that somebody made with the
// address of another person, to wait there for them.
func TestALinkEndsWhatWasPrepared(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	mallory := s.member(s.owner(), "Victim")
	shown, _ := mallory.ask("POST", "/api/tokens", object{"name": "x", "scope": "admin"}, 201)["token"].(string)
	before := s.account("victim@example.org")
	require.False(t, before.Verified())

	victim := s.client()
	victim.ask("POST", "/api/session/link", object{"token": s.letter("victim@example.org")}, 201)
	require.True(t, s.account("victim@example.org").Verified())
	require.Greater(t, s.account("victim@example.org").Epoch, before.Epoch, "what mallory watches ends")
	require.False(t, mallory.signedIn())
	s.bearer(shown).ask("GET", "/api/tokens", nil, 401)
	mallory.ask("POST", "/api/session", credentials("Victim", password), 401)

	// The account's own browser keeps what is its own.
	ben := s.member(s.client().as(t, "Ada"), "Ben")
	ben.ask("POST", "/api/session/link", object{"token": s.letter("ben@example.org")}, 201)
	require.True(t, s.account("ben@example.org").Verified())
	s.client().ask("POST", "/api/session", credentials("Ben", password), 201)
}

// as signs in by password.
func (c *client) as(t *testing.T, name string) *client {
	t.Helper()
	c.ask("POST", "/api/session", credentials(name, password), 201)
	return c
}

func TestSomebodyNamedGetsAnAccountByALink(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	s.owner()
	ada := s.account("ada@example.org")
	v, err := s.catalog.StartVideo(t.Context(), catalog.NewVideo{OwnerID: ada.ID, Title: "x", Visibility: catalog.NamedOnly, Length: -1})
	require.NoError(t, err)
	_, err = s.catalog.DB.Writer.NewRaw(`INSERT INTO video_people (id, video_id, email, may_comment, may_download, created_at) VALUES ('1', ?, 'guest@example.org', ?, ?, ?)`,
		v.ID, true, true, s.now()).Exec(t.Context())
	require.NoError(t, err)

	guest := s.client()
	guest.ask("POST", "/api/session/link", object{"token": s.letter("guest@example.org")}, 201)
	session := guest.ask("GET", "/api/session", nil, 200)
	require.Empty(t, session["workspaces"])
	account := s.account("guest@example.org")
	require.True(t, account.Verified())
	seen, err := s.catalog.VideoFor(t.Context(), account.ID, "video.id = ?", v.ID)
	require.NoError(t, err)
	require.True(t, seen.Named)
}

func TestTheSecondStep(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	s.owner()
	ada := s.account("ada@example.org")
	secret, recovery := s.turnOnCodes(ada)

	c := s.client()
	half := c.ask("POST", "/api/session", credentials("Ada", password), 202)
	require.Nil(t, half["account"])
	require.Equal(t, []any{"code"}, half["second_factors"])
	require.False(t, c.signedIn())
	for _, wrong := range []string{s.code(secret, 0), s.code(secret, -1), s.code(secret, 5), recovery[0] + "x"} {
		require.Equal(t, "code", c.ask("POST", "/api/session/code", object{"code": wrong}, 401)["code"], wrong)
	}
	code := s.code(secret, 1)
	require.False(t, c.signedIn())
	stolen := c.cookies["meanwhile_second"]
	c.ask("POST", "/api/session/code", object{"code": code[:3] + " " + code[3:]}, 201)
	require.True(t, c.signedIn())
	require.NotContains(t, c.cookies, "meanwhile_second")

	again := s.client()
	again.cookies["meanwhile_second"] = stolen
	require.Equal(t, "sign_in_again", again.ask("POST", "/api/session/code", object{"code": recovery[0]}, 401)["code"], "the first step counts once")
	again.ask("POST", "/api/session", credentials("Ada", password), 202)
	again.ask("POST", "/api/session/code", object{"code": code}, 401)
	again.ask("POST", "/api/session/code", object{"code": strings.ToUpper(recovery[0])}, 201)
	require.Equal(t, "recovery_used", strings.Fields(s.lastMail().Ref)[0])

	third := s.client()
	third.ask("POST", "/api/session/link", object{"token": s.letter("ada@example.org")}, 202)
	third.ask("POST", "/api/session/code", object{"code": recovery[0]}, 401)
	s.advance(11 * time.Minute)
	require.Equal(t, "sign_in_again", third.ask("POST", "/api/session/code", object{"code": s.code(secret, 0)}, 401)["code"])
}

func TestCodesAreNotGuessed(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	s.owner()
	s.turnOnCodes(s.account("ada@example.org"))
	c := s.client()
	c.ask("POST", "/api/session", credentials("Ada", password), 202)
	for n := range 30 {
		c.remote = "192.0.2." + string(rune('1'+n%9)) + ":1"
		c.ask("POST", "/api/session/code", object{"code": "123456"}, 0)
		if c.last.Code == 429 {
			return
		}
	}
	t.Fatal("30 guesses within a moment")
}

func TestAProofRenewsTheSession(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	before := ada.cookies["meanwhile_session"]
	ada.ask("POST", "/api/session/proof", object{"password": "wrong"}, 401)
	ada.ask("POST", "/api/session/proof", object{}, 401)
	require.Equal(t, before, ada.cookies["meanwhile_session"])
	ada.ask("POST", "/api/session/proof", object{"password": password}, 200)
	require.NotEqual(t, before, ada.cookies["meanwhile_session"])
	require.True(t, ada.signedIn())
	old := s.client()
	old.cookies["meanwhile_session"] = before
	require.False(t, old.signedIn(), "the token of before is void")

	secret, _ := s.turnOnCodes(s.account("ada@example.org"))
	ada.ask("POST", "/api/session/proof", object{"password": password}, 401)
	ada.ask("POST", "/api/session/proof", object{"password": password, "code": s.code(secret, 1)}, 200)
	shown, _ := ada.ask("POST", "/api/tokens", object{"name": "x", "scope": "admin"}, 201)["token"].(string)
	s.bearer(shown).ask("POST", "/api/session/proof", object{"password": password, "code": s.code(secret, 2)}, 403)
}

func TestASignInIsANewSession(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	seen := []string{ada.cookies["meanwhile_session"]}
	for range 2 {
		ada.ask("POST", "/api/session", credentials("Ada", password), 201)
		require.False(t, slices.Contains(seen, ada.cookies["meanwhile_session"]))
		for _, token := range seen {
			old := s.client()
			old.cookies["meanwhile_session"] = token
			require.False(t, old.signedIn())
		}
		seen = append(seen, ada.cookies["meanwhile_session"])
	}
	fixed := s.client()
	fixed.cookies["meanwhile_session"] = "chosen-by-somebody-else"
	fixed.ask("POST", "/api/session", credentials("Ada", password), 201)
	require.NotEqual(t, "chosen-by-somebody-else", fixed.cookies["meanwhile_session"])
}

func TestADisabledAccountIsOut(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	owner := s.owner()
	ben := s.member(owner, "Ben")
	shown, _ := ben.ask("POST", "/api/tokens", object{"name": "x", "scope": "read"}, 201)["token"].(string)
	id := s.account("ben@example.org").ID
	require.NoError(t, s.catalog.SetDisabled(t.Context(), id, true))
	require.False(t, ben.signedIn())
	s.bearer(shown).ask("GET", "/api/accounts", nil, 401)
	wrong := s.client().ask("POST", "/api/session", credentials("Ben", "wrong password"), 401)
	right := s.client().ask("POST", "/api/session", credentials("Ben", password), 401)
	require.Equal(t, wrong["detail"], right["detail"])
	require.NoError(t, s.catalog.SetDisabled(t.Context(), id, false))
	require.False(t, ben.signedIn(), "what has ended stays ended")
	s.client().as(t, "Ben")
}

// Whoever tries is in the log of each workspace of the account, and fills none.
func TestRefusedSignInsAreAudited(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	s.owner()
	ada := s.account("ada@example.org")
	_, err := s.catalog.CreateWorkspace(t.Context(), people.NewWorkspace{OwnerID: ada.ID, Name: "Other"})
	require.NoError(t, err)
	ada = s.account("ada@example.org")
	refused := func() (n []int) {
		for _, m := range ada.Memberships {
			rows, err := s.catalog.AuditLog(t.Context(), record.AuditQuery{WorkspaceID: m.WorkspaceID, Action: record.SignInFailed, Limit: 100})
			require.NoError(t, err)
			n = append(n, len(rows))
		}
		return n
	}
	require.Equal(t, []int{0, 0}, refused())
	for range 5 {
		s.client().ask("POST", "/api/session", credentials("Ada", "wrong password"), 401)
		s.client().ask("POST", "/api/session", credentials("Nobody", "wrong password"), 401)
	}
	require.Equal(t, []int{1, 1}, refused(), "a flood is one row")
	s.advance(time.Minute)
	s.client().ask("POST", "/api/session", credentials("Ada", "wrong password"), 401)
	require.Equal(t, []int{2, 2}, refused())
	s.turnOnCodes(ada)
	c := s.client()
	c.ask("POST", "/api/session", credentials("Ada", password), 202)
	c.ask("POST", "/api/session/code", object{"code": "000000"}, 401)
	require.Equal(t, []int{3, 3}, refused())
	require.NoError(t, s.catalog.SetDisabled(t.Context(), ada.ID, true))
	rows, err := s.catalog.AuditLog(t.Context(), record.AuditQuery{WorkspaceID: ada.WorkspaceID, Action: record.AccountDisabled, Limit: 9})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, "ada@example.org", rows[0].Detail["account"])
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	made := ada.ask("POST", "/api/tokens", object{"name": "x", "scope": "read", "expires_in_days": 7}, 201)
	require.NotNil(t, made["expires_at"])
	require.Nil(t, made["used_at"])
	shown, _ := made["token"].(string)
	s.bearer(shown).ask("GET", "/api/accounts", nil, 200)
	items, _ := ada.ask("GET", "/api/tokens", nil, 200)["items"].([]any)
	require.NotNil(t, items[0].(object)["used_at"])
	require.NotContains(t, ada.last.Body.String(), shown)
	s.advance(7 * 24 * time.Hour)
	answer := s.bearer(shown).ask("GET", "/api/accounts", nil, 401)
	require.Equal(t, "token_expired", answer["code"])
	require.Equal(t, "proof", ada.ask("POST", "/api/tokens", object{"name": "x", "scope": "read"}, 403)["code"], "a browser left open")
	ada.ask("POST", "/api/session/proof", object{"password": password}, 200)
	ada.ask("POST", "/api/tokens", object{"name": "x", "scope": "read"}, 201)
	for _, days := range []int{-1, 100000} {
		ada.ask("POST", "/api/tokens", object{"name": "x", "scope": "read", "expires_in_days": days}, 422)
	}
}

func TestNextLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for _, next := range []string{
		"", "x", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "https://evil.example", "https:evil.example",
		"http:/evil.example", "javascript:alert(1)", "data:text/html,x", "/%5cevil.example", "/%2f/evil.example", "/%2f%2fevil.example", "//evil.example/%2f..", "/..//evil.example",
		"/.//evil.example", "/a/..//evil.example", "/%09/evil.example", "/\x00", "//user@evil.example", "/api/session", "/api/oidc/callback?code=x", "mailto:x@evil.example", " //evil.example",
		"\u2028//evil.example", "/%0d%0aLocation:%20https://evil.example", "/\u202egpj", "evil.example", "?next=//evil.example", "/%zz",
	} {
		require.Equal(t, "/", auth.Inside(next), "%q", next)
	}
	for _, next := range []string{"/", "/record", "/v/abc?t=3", "/settings#password", "/v/abc?u=https://example.org", "/settings/workspace"} {
		require.Equal(t, next, auth.Inside(next))
	}
}

func TestDevicesInWords(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                    "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/604.1": "Safari on an iPhone",
		"": "An unknown browser", "<script>alert(1)</script>": "An unknown browser", "Linux": "A browser on Linux",
	} {
		require.Equal(t, want, auth.Device(agent))
	}
}

// TestTimeTellsNoAccounts compares how long the answers to known and unknown
// addresses take.
func TestTimeTellsNoAccounts(t *testing.T) {
	t.Parallel()
	// A hash that takes its time: without one for an unknown address, it shows.
	s := newServer(t, "http://localhost:8080", func(o *auth.Options) { o.Hasher = auth.NewHasherAt(auth.Cost{KiB: 16 << 10, Passes: 1}) })
	s.owner()
	for name, way := range map[string]func(email string){
		"password": func(email string) {
			s.client().ask("POST", "/api/session", object{"email": email, "password": "wrong password"}, 401)
		},
		"link": func(email string) { s.client().ask("POST", "/api/session/link/mail", object{"email": email}, 204) },
	} {
		asking := func(email string) func() {
			return func() {
				s.advance(time.Hour) // past the limits
				way(email)
			}
		}
		t.Log(name)
		requireAlike(t, asking("ada@example.org"), asking("eve@example.org"))
	}
}

func TestAProofEndsNoStream(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	session, err := s.catalog.Session(t.Context(), record.HashToken(ada.cookies["meanwhile_session"]))
	require.NoError(t, err)
	streams := auth.Principal{Account: session.Account, SessionHash: session.Hash, Session: session}
	lives := func() bool {
		alive, err := s.auth.Alive(t.Context(), streams)
		require.NoError(t, err)
		return alive
	}
	require.True(t, lives())
	ada.ask("POST", "/api/session/proof", object{"password": password}, 200)
	require.True(t, lives(), "a recording that runs goes on")
	require.NoError(t, s.catalog.SetDisabled(t.Context(), session.AccountID, true))
	require.False(t, lives())
	require.NoError(t, s.catalog.SetDisabled(t.Context(), session.AccountID, false))
	ada.as(t, "Ada")
	require.False(t, lives(), "that was another session")
}
