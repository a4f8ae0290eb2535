package auth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

func TestCookies(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]http.Cookie{
		"http://localhost:8080":  {Name: "meanwhile_session", Secure: false},
		"https://talk.example.o": {Name: "__Host-meanwhile_session", Secure: true},
	} {
		s := newServer(t, base)
		cookies := s.owner().last.Result().Cookies()
		require.Len(t, cookies, 1)
		require.Equal(t, want.Name, cookies[0].Name)
		require.Equal(t, want.Secure, cookies[0].Secure)
		require.True(t, cookies[0].HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, cookies[0].SameSite)
		require.Equal(t, "/", cookies[0].Path)
		require.Empty(t, cookies[0].Domain)
		require.Equal(t, int(people.SessionLife.Seconds()), cookies[0].MaxAge)
	}
}

func TestASessionSlidesWithItsCookie(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	require.True(t, ada.signedIn())
	require.Equal(t, "private, no-cache", ada.last.Header().Get("Cache-Control"))
	require.Empty(t, ada.last.Header().Get("Set-Cookie"), "not every request writes")
	for range 5 {
		s.advance(20 * 24 * time.Hour)
		require.True(t, ada.signedIn())
		require.NotEmpty(t, ada.last.Header().Get("Set-Cookie"))
	}
	s.advance(people.SessionLife)
	require.False(t, ada.signedIn())
}

func TestANewSignInIsANewSession(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	thief := s.client()
	thief.cookies["meanwhile_session"] = ada.cookies["meanwhile_session"]
	ada.ask("POST", "/api/session", credentials("Ada", password), 201)
	require.True(t, ada.signedIn())
	require.False(t, thief.signedIn(), "the old one has ended")
}

func TestCrossSiteRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, "https://talk.example.org")
	ada := s.owner()
	rows := []struct {
		name   string
		header map[string]string
		status int
	}{
		{"another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		{"a neighbour below the same domain", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"an old browser on another site", map[string]string{"Origin": "https://evil.example"}, 403},
		{"a sandboxed frame", map[string]string{"Origin": "null"}, 403},
		{"our own page", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://talk.example.org"}, 200},
		{"our own page behind a proxy that changes Host", map[string]string{"Origin": "https://talk.example.org"}, 200},
		{"a program", nil, 200},
	}
	for _, row := range rows {
		ada.header = http.Header{}
		for name, value := range row.header {
			ada.header.Set(name, value)
		}
		answer := ada.ask("PATCH", "/api/account", object{"name": "Ada"}, row.status)
		if row.status == 403 {
			require.Equal(t, "cross_site", answer["code"], row.name)
			// Signing a victim in as somebody else is refused too.
			s.client().ask("POST", "/api/session", credentials("Ada", password), 201)
			stranger := s.client()
			stranger.header = ada.header
			stranger.ask("POST", "/api/session", credentials("Ada", password), 403)
			stranger.ask("GET", "/api/session", nil, 200)
		}
	}
}

func TestTokensActWithinTheirScope(t *testing.T) {
	t.Parallel()
	s := newServer(t, "https://talk.example.org")
	ada := s.owner()
	token := func(scope string) *client {
		answer := ada.ask("POST", "/api/tokens", object{"name": scope, "scope": scope}, 201)
		require.Equal(t, "no-store", ada.last.Header().Get("Cache-Control"))
		shown, _ := answer["token"].(string)
		c := s.bearer(shown)
		c.header.Set("Sec-Fetch-Site", "cross-site") // a token is no cookie
		return c
	}
	read, write, admin := token("read"), token("write"), token("admin")
	for _, c := range []*client{read, write, admin} {
		c.ask("GET", "/api/accounts", nil, 200)
		require.True(t, c.signedIn())
	}
	for _, c := range []*client{read, write} {
		require.Equal(t, "scope", c.ask("PATCH", "/api/account", object{"name": "x"}, 403)["code"])
		c.ask("POST", "/api/tokens", object{"name": "x", "scope": "admin"}, 403)
		c.ask("GET", "/api/tokens", nil, 403)
		c.ask("POST", "/api/invitations", object{}, 403)
	}
	admin.ask("PATCH", "/api/account", object{"name": "Ada L."}, 200)
	admin.ask("POST", "/api/tokens", object{"name": "x", "scope": "read"}, 403) // nor does it outlive itself
	require.NotContains(t, func() string { ada.ask("GET", "/api/tokens", nil, 200); return ada.last.Body.String() }(), `"token"`)
	ada.ask("POST", "/api/tokens", object{"name": "x", "scope": "root"}, 422)

	for _, wrong := range []string{"", "mw_wrong", "null"} {
		require.Equal(t, "token_unknown", s.bearer(wrong).ask("GET", "/api/session", nil, 401)["code"])
	}
	list, _ := ada.ask("GET", "/api/tokens", nil, 200)["items"].([]any)
	require.Len(t, list, 3)
	for _, item := range list {
		id, _ := item.(object)["id"].(string)
		ada.ask("DELETE", "/api/tokens/"+id, nil, 204)
		ada.ask("DELETE", "/api/tokens/"+id, nil, 404)
	}
	admin.ask("GET", "/api/accounts", nil, 401)
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	owner := s.owner()
	member := s.member(owner, "Bob")
	invitation, _ := owner.ask("POST", "/api/invitations", object{}, 201)["id"].(string)
	tokenID, _ := owner.ask("POST", "/api/tokens", object{"name": "x", "scope": "read"}, 201)["id"].(string)
	rows := []struct {
		method, path  string
		body          object
		guest, member int
	}{
		{"PATCH", "/api/account", object{"name": "Bob"}, 401, 200},
		{"PUT", "/api/account/password", object{"current_password": "x", "new_password": password}, 401, 401},
		{"GET", "/api/accounts", nil, 401, 200},
		{"POST", "/api/invitations", object{}, 401, 403},
		{"GET", "/api/invitations", nil, 401, 403},
		{"DELETE", "/api/invitations/" + invitation, nil, 401, 403},
		{"POST", "/api/tokens", object{"name": "x", "scope": "read"}, 401, 201},
		{"GET", "/api/tokens", nil, 401, 200},
		{"DELETE", "/api/tokens/" + tokenID, nil, 401, 404},
		{"DELETE", "/api/session", nil, 204, 204},
	}
	for _, row := range rows {
		s.client().ask(row.method, row.path, row.body, row.guest)
		member.ask(row.method, row.path, row.body, row.member)
	}
	require.Len(t, owner.ask("GET", "/api/invitations", nil, 200)["items"], 1)
	require.Len(t, owner.ask("GET", "/api/tokens", nil, 200)["items"], 1)
	owner.ask("DELETE", "/api/invitations/"+invitation, nil, 204)
}

func TestSignOutEndsLongAnswers(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	session, err := s.catalog.Session(t.Context(), record.HashToken(ada.cookies["meanwhile_session"]))
	require.NoError(t, err)
	p := auth.Principal{Account: session.Account, SessionHash: session.Hash}
	alive := func() bool {
		ok, err := s.auth.Alive(t.Context(), p)
		require.NoError(t, err)
		return ok
	}
	require.True(t, alive())
	ada.ask("DELETE", "/api/session", nil, 204)
	require.False(t, alive())
}

func TestGuestsAreKnownAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t, "https://talk.example.org")
	cookie, hash := s.auth.NewGuest()
	require.Equal(t, "__Host-meanwhile_guest", cookie.Name)
	require.True(t, cookie.HttpOnly && cookie.Secure)
	var seen auth.Principal
	s.router.GET("/who", func(c *gin.Context) { seen = auth.From(c.Request.Context()) })
	guest := s.client()
	guest.ask("GET", "/who", nil, 200)
	require.Nil(t, seen.GuestHash)
	guest.cookies[cookie.Name] = cookie.Value
	guest.ask("GET", "/who", nil, 200)
	require.Equal(t, hash, seen.GuestHash)
	require.Nil(t, seen.Account)
}
