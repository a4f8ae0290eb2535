package auth_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/budget"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const password = "correct horse battery"

// testTime is longer than anything takes, even if the machine stands still for a while.
const testTime = 5 * time.Minute

// cheap hashes keep the tests quick; the race detector slows real ones down a
// hundredfold.
func cheap() auth.Cost { return auth.Cost{KiB: 64, Passes: 1} }

// server is the API of accounts on a fresh database, with a clock.
type server struct {
	t       *testing.T
	router  *gin.Engine
	catalog *catalog.Catalog
	auth    *auth.Auth
	setup   string
	us      atomic.Int64
	log     *strings.Builder
	db      *database.DB
}

func (s *server) now() time.Time          { return time.UnixMicro(s.us.Load()).UTC() }
func (s *server) advance(d time.Duration) { s.us.Add(d.Microseconds()) }

func newServer(t *testing.T, base string, adjust ...func(*auth.Options)) *server {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	s := &server{t: t, router: gin.New(), log: &strings.Builder{}}
	s.us.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	log := slog.New(slog.NewTextHandler(s.log, nil))

	db := databasetest.Any(t)
	queue, err := jobs.Open(jobs.Options{DB: db, Log: log, Mail: true})
	require.NoError(t, err)
	s.db, s.catalog = db, catalog.New(record.Options{DB: db, Queue: queue, Log: log, Clock: clocks.OfDatabase(s.now, log)})
	begun, err := s.catalog.Begin(t.Context())
	require.NoError(t, err)
	s.setup = begun.SetupToken

	address, err := url.Parse(base)
	require.NoError(t, err)
	limits := limit.New(limit.Options{Store: budget.New(db), Log: log, Now: s.now, Patience: testTime})
	options := auth.Options{
		Catalog: s.catalog, Hasher: auth.NewHasherAt(cheap()), Limits: limits, BaseURL: address, Version: "test", Now: s.now, Mail: true, Log: log,
	}
	for _, a := range adjust {
		a(&options)
	}
	s.auth, err = auth.New(options)
	require.NoError(t, err)
	require.NoError(t, s.router.SetTrustedProxies(nil))
	s.router.Use(reply.Middleware(log), s.auth.Middleware())
	s.register(humagin.New(s.router, reply.Config("Test", "1")))
	return s
}

func (s *server) register(api huma.API) {
	op := func(method, path string, status int) huma.Operation {
		return huma.Operation{Method: method, Path: path, DefaultStatus: status, OperationID: method + path}
	}
	a := s.auth
	reply.Register(api, op("GET", "/api/session", 200), a.ReadSession)
	reply.Register(api, op("POST", "/api/session", 201), a.SignIn)
	reply.Register(api, op("DELETE", "/api/session", 204), a.SignOut)
	reply.Register(api, op("POST", "/api/session/link/mail", 204), a.AskLink)
	reply.Register(api, op("POST", "/api/session/link", 201), a.EnterByLink)
	reply.Register(api, op("POST", "/api/session/code", 201), a.SecondStep)
	reply.Register(api, op("POST", "/api/session/passkey/options", 200), a.PasskeyOptions)
	reply.Register(api, op("POST", "/api/session/passkey", 201), a.EnterByPasskey)
	reply.Register(api, op("POST", "/api/session/oidc", 200), a.GoAbroad)
	reply.Register(api, op("POST", "/api/session/proof", 200), a.Prove)
	reply.Register(api, op("POST", "/api/identities", 200), a.LinkAbroad)
	s.router.GET(auth.OIDCReturn, reply.Handle(a.ComeBack))
	reply.Register(api, op("POST", "/api/setup", 201), a.SetUp)
	reply.Register(api, op("PATCH", "/api/account", 200), a.Rename)
	reply.Register(api, op("PUT", "/api/account/password", 204), a.ChangePassword)
	reply.Register(api, op("GET", "/api/accounts", 200), a.ListAccounts)
	reply.Register(api, op("POST", "/api/invitations", 201), a.Invite)
	reply.Register(api, op("GET", "/api/invitations", 200), a.ListInvitations)
	reply.Register(api, op("DELETE", "/api/invitations/{id}", 204), a.DropInvitation)
	reply.Register(api, op("POST", "/api/invitations/lookup", 200), a.LookUpInvitation)
	reply.Register(api, op("POST", "/api/invitations/accept", 201), a.AcceptInvitation)
	reply.Register(api, op("POST", "/api/tokens", 201), a.AddToken)
	reply.Register(api, op("GET", "/api/tokens", 200), a.ListTokens)
	reply.Register(api, op("DELETE", "/api/tokens/{id}", 204), a.DropToken)
}

// client is a browser or a program.
type client struct {
	*server

	cookies map[string]string
	header  http.Header
	remote  string
	last    *httptest.ResponseRecorder
}

func (s *server) client() *client {
	return &client{server: s, cookies: map[string]string{}, header: http.Header{}, remote: "192.0.2.1:1234"}
}

func (s *server) bearer(token string) *client {
	c := s.client()
	c.header.Set("Authorization", "Bearer "+token)
	return c
}

// object is a body of JSON.
type object = map[string]any

// ask sends a request, keeps the cookies and wants a status; 0 is any.
func (c *client) ask(method, path string, body object, status int) object {
	c.t.Helper()
	raw := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		require.NoError(c.t, err)
		raw = string(encoded)
	}
	r := httptest.NewRequestWithContext(c.t.Context(), method, path, strings.NewReader(raw))
	r.RemoteAddr = c.remote
	r.Header.Set("Content-Type", "application/json")
	maps.Copy(r.Header, c.header)
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	c.last = httptest.NewRecorder()
	c.router.ServeHTTP(c.last, r)
	for _, cookie := range c.last.Result().Cookies() {
		c.cookies[cookie.Name] = cookie.Value
		if cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		}
	}
	if status != 0 {
		require.Equal(c.t, status, c.last.Code, "%s %s: %s", method, path, c.last.Body)
	}
	answer := object{}
	if c.last.Body.Len() > 0 && strings.Contains(c.last.Header().Get("Content-Type"), "json") {
		require.NoError(c.t, json.Unmarshal(c.last.Body.Bytes(), &answer))
	}
	return answer
}

func (c *client) signedIn() bool {
	c.t.Helper()
	return c.ask("GET", "/api/session", nil, 200)["account"] != nil
}

func (s *server) person(token, name string) object {
	return object{"token": token, "name": name, "email": strings.ToLower(name) + "@example.org", "password": password}
}

func credentials(name, password string) object {
	return object{"email": strings.ToLower(name) + "@example.org", "password": password}
}

// owner sets the server up.
func (s *server) owner() *client {
	s.t.Helper()
	ada := s.client()
	ada.ask("POST", "/api/setup", s.person(s.setup, "Ada"), 201)
	return ada
}

// member is somebody whom an owner has invited.
func (s *server) member(owner *client, name string) *client {
	s.t.Helper()
	link, _ := owner.ask("POST", "/api/invitations", object{}, 201)["url"].(string)
	c := s.client()
	c.ask("POST", "/api/invitations/accept", s.person(link[strings.LastIndex(link, "/")+1:], name), 201)
	return c
}

func TestFirstMinute(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.client()
	first := ada.ask("GET", "/api/session", nil, 200)
	require.Equal(t, object{
		"account": nil, "setup_needed": true, "version": "test", "warnings": []any{}, "workspaces": []any{},
		"sign_in": object{"link": true, "passkey": true, "oidc": ""},
	}, first)

	require.Equal(t, "token", ada.ask("POST", "/api/setup", s.person("guess", "Mallory"), 404)["code"])
	account := ada.ask("POST", "/api/setup", s.person(s.setup, "Ada"), 201)
	require.Equal(t, "owner", account["role"])
	require.NotContains(t, ada.last.Body.String(), "argon2id")
	require.True(t, ada.signedIn())
	require.Equal(t, "set_up", s.client().ask("POST", "/api/setup", s.person(s.setup, "Mallory"), 409)["code"])

	ada.ask("DELETE", "/api/session", nil, 204)
	require.False(t, ada.signedIn())
	ada.ask("POST", "/api/session", credentials(" ADA", password), 201)
	require.True(t, ada.signedIn())

	link, _ := ada.ask("POST", "/api/invitations", object{"email": "Bob@example.org"}, 201)["url"].(string)
	require.True(t, strings.HasPrefix(link, "http://localhost:8080/invite/"), link)
	token := link[strings.LastIndex(link, "/")+1:]
	bob := s.client()
	require.Equal(t, object{"email": "bob@example.org", "inviter_name": "Ada", "role": "member", "workspace": "Workspace"},
		bob.ask("POST", "/api/invitations/lookup", object{"token": token}, 200))
	require.Equal(t, "member", bob.ask("POST", "/api/invitations/accept", s.person(token, "Bob"), 201)["role"])
	require.Len(t, bob.ask("GET", "/api/accounts", nil, 200)["items"], 2)
	bob.ask("POST", "/api/invitations/lookup", object{"token": token}, 404)
}

func TestATeamJoinsFromOneOffice(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	for i := range 30 {
		s.member(ada, "Person"+strconv.Itoa(i))
	}
	require.Len(t, ada.ask("GET", "/api/accounts", nil, 200)["items"], 31)
}

func TestBadInputGetsASentence(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	rows := []struct{ field, value string }{
		{"name", ""},
		{"name", "a\x00b"},
		{"name", strings.Repeat("x", 200)},
		{"name", "x\u202ey"},
		{"email", "nobody"},
		{"email", "a\x00@b.org"},
		{"email", "a@b.org\r\nBcc: c@d.org"},
		{"password", "short"},
		{"password", strings.Repeat("x", 2000)},
	}
	for i, row := range rows {
		c := s.client()
		c.remote = "192.0.2." + string(rune('1'+i)) + ":1"
		body := s.person(s.setup, "Ada")
		body[row.field] = row.value
		answer := c.ask("POST", "/api/setup", body, 422)
		require.Equal(t, "invalid", answer["code"], row)
		require.Contains(t, c.last.Body.String(), "body."+row.field)
		require.False(t, c.signedIn())
	}
	huge := s.person(s.setup, strings.Repeat("x", 1<<20))
	require.Equal(t, "too_large", s.client().ask("POST", "/api/setup", huge, 413)["code"])
	raised := s.person(s.setup, "Ada")
	raised["role"] = "owner"
	s.client().ask("POST", "/api/setup", raised, 422)
	s.owner()
}

func TestWrongPasswordAndNobodyLookTheSame(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	s.owner()
	c := s.client()
	wrong := c.ask("POST", "/api/session", credentials("Ada", "wrong password"), 401)
	nobody := c.ask("POST", "/api/session", credentials("Nobody", "wrong password"), 401)
	odd := c.ask("POST", "/api/session", object{"email": "\x00", "password": ""}, 401)
	require.Equal(t, wrong, nobody)
	require.Equal(t, wrong, odd)
	require.Equal(t, "credentials", wrong["code"])
}

func TestGuessingIsSlowedDownForTheGuesserOnly(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	s.owner()
	thief := s.client()
	thief.remote = "[2001:db8::1]:1"
	for range 10 {
		thief.ask("POST", "/api/session", credentials("Ada", "wrong password"), 401)
	}
	thief.remote = "[2001:db8::ffff]:2" // the same subscriber
	require.Equal(t, "too_many", thief.ask("POST", "/api/session", object{"email": " ADA@example.org ", "password": password}, 429)["code"])
	require.Equal(t, "6", thief.last.Header().Get("Retry-After"))
	thief.header.Set("X-Forwarded-For", "203.0.113.7")
	thief.ask("POST", "/api/session", credentials("Ada", password), 429)

	s.client().ask("POST", "/api/session", credentials("Ada", password), 201)
	s.advance(time.Minute)
	thief.ask("POST", "/api/session", credentials("Ada", password), 201)
}

func TestAPasswordChange(t *testing.T) {
	t.Parallel()
	s := newServer(t, "http://localhost:8080")
	ada := s.owner()
	phone := s.client()
	phone.ask("POST", "/api/session", credentials("Ada", password), 201)
	token, _ := ada.ask("POST", "/api/tokens", object{"name": "script", "scope": "admin"}, 201)["token"].(string)

	change := func(old, next string) object { return object{"current_password": old, "new_password": next} }
	ada.ask("PUT", "/api/account/password", change("wrong password", "another password"), 401)
	ada.ask("PUT", "/api/account/password", change(password, "short"), 422)
	require.True(t, phone.signedIn())
	ada.ask("PUT", "/api/account/password", change(password, "another password"), 204)
	require.True(t, ada.signedIn())
	require.False(t, phone.signedIn())
	s.bearer(token).ask("GET", "/api/accounts", nil, 401)
	phone.ask("POST", "/api/session", credentials("Ada", password), 401)
	phone.ask("POST", "/api/session", credentials("Ada", "another password"), 201)
}
