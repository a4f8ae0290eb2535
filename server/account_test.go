package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth/totp"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// status sends a request and wants a status; it returns the answer as an object.
func (p *person) status(t testing.TB, want int, method, path, body string) map[string]any {
	t.Helper()
	res := p.ask(t, method, path, body)
	raw := text(t, res)
	require.Equal(t, want, res.StatusCode, "%s %s: %s", method, path, raw)
	for _, cookie := range res.Cookies() {
		if cookie.Name == "meanwhile_session" {
			p.session = cookie.Value
		}
	}
	answer := map[string]any{}
	if strings.HasPrefix(raw, "{") {
		require.NoError(t, json.Unmarshal([]byte(raw), &answer))
	}
	return answer
}

// another signs the same account in once more, with a proof of long ago if stale.
func (r *rig) another(t testing.TB, p *person, stale bool) *person {
	t.Helper()
	token, err := r.catalog.StartSession(t.Context(), p.account, people.Entry{Method: people.ByPassword, Agent: "Mozilla/5.0 (X11; Linux) Firefox/140.0", Address: "192.0.2.7"})
	require.NoError(t, err)
	if stale {
		_, err := r.db.Writer.NewRaw("UPDATE sessions SET proved_at = ? WHERE account_id = ?", time.Now().UTC().Add(-time.Hour), p.account.ID).Exec(t.Context())
		require.NoError(t, err)
	}
	return &person{rig: r, account: p.account, session: token}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	second := r.another(t, r.owner, false)
	answer := r.owner.status(t, 200, "GET", "/api/security", "")
	sessions, _ := answer["sessions"].([]any)
	require.Len(t, sessions, 2)
	var id string
	for _, s := range sessions {
		s, _ := s.(map[string]any)
		if s["current"] != true {
			id, _ = s["id"].(string)
			require.Equal(t, "Firefox on Linux", s["device"])
			require.Equal(t, "192.0.2.7", s["address"])
			require.Equal(t, "password", s["method"])
		}
	}
	r.member.status(t, 404, "DELETE", "/api/sessions/"+id, "")
	second.status(t, 200, "GET", "/api/security", "")
	r.owner.status(t, 204, "DELETE", "/api/sessions/"+id, "")
	second.status(t, 401, "GET", "/api/security", "")
	third := r.another(t, r.owner, false)
	r.owner.status(t, 204, "DELETE", "/api/sessions", "")
	third.status(t, 401, "GET", "/api/security", "")
	r.owner.status(t, 200, "GET", "/api/security", "")
	r.member.status(t, 200, "GET", "/api/security", "")
}

// TestWhatNeedsAProof is every way to change who can sign in: a session left
// open somewhere, and an API token, may do none of it.
func TestWhatNeedsAProof(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stale := r.another(t, r.owner, true)
	_, shown, err := r.catalog.AddToken(t.Context(), people.NewToken{Account: r.owner.account, Name: "x", Scope: people.ScopeAdmin})
	require.NoError(t, err)
	token := &person{rig: r, bearer: shown}
	for _, row := range []struct{ method, path, body string }{
		{"POST", "/api/passkeys/options", ""},
		{"POST", "/api/passkeys", `{"name":"x","credential":{}}`},
		{"DELETE", "/api/passkeys/eA", ""},
		{"POST", "/api/identities", ""},
		{"DELETE", "/api/identities/x", ""},
		{"POST", "/api/second-factor", ""},
		{"POST", "/api/second-factor/confirm", `{"code":"000000"}`},
		{"DELETE", "/api/second-factor", `{"code":"000000"}`},
		{"POST", "/api/recovery-codes", `{"code":"000000"}`},
		{"POST", "/api/tokens", `{"name":"x","scope":"read"}`},
		{"POST", "/api/account/deletion", `{"email":"ada@example.com","videos":"delete","comments":"delete"}`},
	} {
		require.Equal(t, "proof", stale.status(t, 403, row.method, row.path, row.body)["code"], row.path)
		require.Equal(t, "forbidden", token.status(t, 403, row.method, row.path, row.body)["code"], row.path)
		r.nobody.status(t, 401, row.method, row.path, row.body)
	}
	token.status(t, 403, "GET", "/api/account/export", "")
	_, err = r.catalog.Account(t.Context(), r.owner.account.ID)
	require.NoError(t, err)
}

func TestCodesAreTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	r, _ := newRigInNoTime(t, nil) // a code is good for half a minute
	records := credential.New(r.catalog.People)
	r.owner.status(t, 401, "POST", "/api/recovery-codes", `{"code":"000000"}`)
	begun := r.owner.status(t, 200, "POST", "/api/second-factor", "")
	require.Contains(t, begun["address"], "secret="+begun["secret"].(string))
	factor, err := records.Factor(t.Context(), r.owner.account.ID)
	require.NoError(t, err)
	require.False(t, factor.On(), "nothing is asked before the app has shown a code")
	r.owner.status(t, 422, "POST", "/api/second-factor/confirm", `{"code":"000000"}`)
	code := totp.At(factor.Secret, r.catalog.Now().Unix()/30)
	codes, _ := r.owner.status(t, 200, "POST", "/api/second-factor/confirm", `{"code":"`+code+`"}`)["recovery_codes"].([]any)
	require.Len(t, codes, 10)
	require.Equal(t, "second_factor_on", r.owner.status(t, 409, "POST", "/api/second-factor", "")["code"])
	var kept [][]byte
	require.NoError(t, r.db.Reader.NewRaw("SELECT hash FROM recovery_codes").Scan(t.Context(), &kept))
	require.Len(t, kept, 10)
	require.NotContains(t, string(bytes.Join(kept, nil)), codes[0])

	renewed, _ := r.owner.status(t, 200, "POST", "/api/recovery-codes", `{"code":"`+codes[1].(string)+`"}`)["recovery_codes"].([]any)
	require.NotContains(t, renewed, codes[0])
	require.Error(t, records.UseCode(t.Context(), r.owner.account, codes[0].(string), ""), "those of before are void")
	require.NoError(t, records.UseCode(t.Context(), r.owner.account, renewed[0].(string), ""))
	require.Error(t, records.UseCode(t.Context(), r.owner.account, renewed[0].(string), ""), "each counts once")
	require.Error(t, records.UseCode(t.Context(), r.member.account, renewed[1].(string), ""), "somebody else's")
	security := r.owner.status(t, 200, "GET", "/api/security", "")
	require.Equal(t, true, security["second_factor"])
	require.InDelta(t, 9, security["recovery_codes"], 0)
	r.owner.status(t, 204, "DELETE", "/api/second-factor", `{"code":"`+renewed[2].(string)+`"}`)
	require.Error(t, records.UseCode(t.Context(), r.owner.account, renewed[1].(string), ""))
}

func TestAnExportHoldsAllThatIsOnesOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.InTeam)
	_, err := r.catalog.AddComment(t.Context(), catalog.NewComment{VideoID: v.ID, AuthorID: r.owner.account.ID, At: new(time.Duration), Body: "my words"})
	require.NoError(t, err)
	_, err = r.catalog.AddComment(t.Context(), catalog.NewComment{VideoID: v.ID, AuthorID: r.member.account.ID, At: new(time.Duration), Body: "not mine"})
	require.NoError(t, err)
	res, raw := r.owner.get(t, "/api/account/export")
	require.Contains(t, res.Header.Get("Content-Disposition"), "attachment")
	var all struct {
		Account  struct{ Email string }
		Videos   []struct{ ID, Title string }
		Comments []struct{ Body string }
		Security struct{ Sessions []any }
	}
	require.NoError(t, json.Unmarshal([]byte(raw), &all))
	require.Equal(t, r.owner.account.Email, all.Account.Email)
	require.Equal(t, secret, all.Videos[0].Title)
	require.Len(t, all.Comments, 1)
	require.Equal(t, "my words", all.Comments[0].Body)
	require.NotContains(t, raw, "not mine")
	for _, hidden := range []string{"argon2", "hash", r.owner.session} {
		require.NotContains(t, raw, hidden)
	}
	_, raw = r.member.get(t, "/api/account/export")
	require.NotContains(t, raw, secret)
	require.Equal(t, http.StatusUnauthorized, r.nobody.ask(t, "GET", "/api/account/export", "").StatusCode)
}

func TestAnAccountIsRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.InTeam)
	add := func(who *person, body, parent string) *catalog.Comment {
		c, err := r.catalog.AddComment(t.Context(), catalog.NewComment{VideoID: v.ID, AuthorID: who.account.ID, At: new(time.Duration), Body: body, ParentID: parent})
		require.NoError(t, err)
		return c
	}
	mine := add(r.member, "mine, answered", "")
	add(r.owner, "an answer", mine.ID)
	add(r.member, "mine alone", "")
	leave := `{"videos":"delete","comments":"delete","email":"`
	r.member.status(t, 422, "POST", "/api/account/deletion", leave+`ada@example.com"}`)
	r.member.status(t, 204, "POST", "/api/account/deletion", leave+`BEN@example.com"}`)
	r.member.status(t, 401, "GET", "/api/security", "")
	_, err := r.catalog.Account(t.Context(), r.member.account.ID)
	require.Error(t, err)
	comments, err := r.catalog.Comments(t.Context(), v.ID, 0)
	require.NoError(t, err)
	require.Len(t, comments, 2)
	for _, c := range comments {
		require.NotContains(t, c.Body, "mine")
	}
	for _, table := range []string{"sessions", "memberships", "api_tokens"} {
		var n int
		require.NoError(t, r.db.Reader.NewRaw("SELECT count(*) FROM "+table+" WHERE account_id = ?", r.member.account.ID).Scan(t.Context(), &n))
		require.Zero(t, n, table)
	}
}

func TestTheLastOwnerStaysAndVideosAreHandedOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.InTeam)
	body := func(heir string) string {
		return `{"email":"ada@example.com","videos":"hand_over","heir_id":"` + heir + `","comments":"keep"}`
	}
	_, err := r.db.Writer.NewRaw("UPDATE memberships SET role = 'owner' WHERE account_id = ?", r.owner.account.ID).Exec(t.Context())
	require.NoError(t, err)
	require.Equal(t, "last_owner", r.owner.status(t, 409, "POST", "/api/account/deletion", body(r.member.account.ID))["code"])
	_, err = r.db.Writer.NewRaw("UPDATE memberships SET role = 'owner' WHERE account_id = ?", r.member.account.ID).Exec(t.Context())
	require.NoError(t, err)
	require.Equal(t, "heir", r.owner.status(t, 409, "POST", "/api/account/deletion", body("nobody"))["code"])
	r.owner.status(t, 204, "POST", "/api/account/deletion", body(r.member.account.ID))
	require.Equal(t, r.member.account.ID, r.read(t, v.ID).OwnerID)
	r.owner.status(t, 401, "GET", "/api/security", "")
}
