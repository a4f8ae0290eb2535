package server

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/people"
)

// told is what an answer should not tell of the machine and of the program.
var told = regexp.MustCompile(`goroutine \d+|\w\.go:\d+|panic|runtime error|SQLITE|SQL logic|no such (table|column)|syntax error|/tmp/|/root/|/home/|` +
	`\bbun:|github\.com/\w+/\w+/|nil pointer|\b(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+)\b`)

// complaints lists what a passive scanner would say of an answer.
func complaints(t *testing.T, _ *rig, res *http.Response, body string) []string {
	t.Helper()
	var found []string
	kind := res.Header.Get("Content-Type")
	if body != "" && kind == "" {
		found = append(found, "a body without a type")
	}
	if strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "charset=utf-8") && !strings.HasPrefix(kind, "text/event-stream") {
		found = append(found, "text without its charset: "+kind)
	}
	if match := told.FindString(body); match != "" && !strings.HasPrefix(kind, "video/") && kind != "application/octet-stream" {
		found = append(found, "tells of the machine: "+match)
	}
	for _, c := range res.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			found = append(found, "a cookie that is open: "+c.Name)
		}
	}
	if to := res.Header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
		found = append(found, "leads elsewhere: "+to)
	}
	if allowed := res.Header.Get("Allow"); strings.Contains(allowed, "TRACE") || strings.Contains(allowed, "CONNECT") {
		found = append(found, "allows "+allowed)
	}
	return found
}

// TestAScannerFindsNothing asks every route well and badly, as nobody and as
// somebody, and looks at the answers as a passive scanner does.
func TestAScannerFindsNothing(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	boss := r.as(t, "Oda", people.Owner)
	asked := 0
	check := func(p *person, method, path, body string, header ...string) {
		if strings.Contains(path, "/events") {
			return
		}
		res := p.ask(t, method, path, body, header...)
		answer := text(t, res)
		require.Empty(t, complaints(t, r, res, answer), "%s %s %q: %s", method, path, body, answer)
		asked++
	}
	for key := range r.server.needs {
		method, pattern, _ := strings.Cut(key, " ")
		v := r.set(t, openScene())
		path := r.places(v, r.names(t, v))(pattern)
		for _, body := range []string{bodies[key], "{", "[]", `{"a":1}`, "\x00", `"x"`} {
			for _, p := range []*person{r.nobody, boss} {
				check(p, method, path, body, "Accept", "text/html", "Tus-Resumable", "1.0.0")
			}
		}
		for _, wrong := range []string{"TRACE", "TRACK", "DEBUG", "PROPFIND", "SEARCH"} {
			check(boss, wrong, path, "")
		}
		check(boss, method, path+"?"+strings.Repeat("limit=x&cursor=%25&q=%27%22&since=x&", 3), "")
	}
	t.Logf("%d answers", asked)
}

// TestAScannersComplaintsAreHeard is the control.
func TestAScannersComplaintsAreHeard(t *testing.T) {
	t.Parallel()
	for body, h := range map[string]http.Header{
		"x":                       {},
		"y":                       {"Content-Type": {"text/plain"}},
		"server/server.go:12":     {"Content-Type": {"application/json"}},
		"panic: nil":              {"Content-Type": {"application/json"}},
		"at 192.168.1.4":          {"Content-Type": {"application/json"}},
		"":                        {"Set-Cookie": {"a=b"}},
		" ":                       {"Content-Type": {"application/json"}, "Location": {"//evil.example"}},
		"SQL logic error near x ": {"Content-Type": {"application/json"}},
	} {
		require.NotEmpty(t, complaints(t, nil, &http.Response{Header: h}, body), body)
	}
}

// TestNothingInAnAddressSignsIn: addresses stand in histories, logs and referers.
func TestNothingInAnAddressSignsIn(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	_, shown, err := r.catalog.AddToken(t.Context(), people.NewToken{Account: r.owner.account, Name: "x", Scope: people.ScopeAdmin})
	require.NoError(t, err)
	for _, secret := range []string{shown, r.owner.session} {
		for _, name := range []string{"token", "access_token", "api_key", "key", "auth", "session", "meanwhile_session", "authorization", "bearer", "pass"} {
			res, _ := r.nobody.get(t, "/api/videos?"+name+"="+secret)
			require.Equal(t, http.StatusUnauthorized, res.StatusCode, name)
		}
		for _, header := range []string{"X-Api-Key", "X-Auth-Token", "X-Session", "Meanwhile-Pass", "X-Forwarded-User", "Remote-User"} {
			res, _ := r.nobody.get(t, "/api/videos", header, secret)
			require.Equal(t, http.StatusUnauthorized, res.StatusCode, header)
		}
	}
	res, _ := r.nobody.get(t, "/api/videos", "Authorization", "Basic "+shown)
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)
	res, _ = (&person{rig: r, bearer: shown}).get(t, "/api/videos")
	require.Equal(t, http.StatusOK, res.StatusCode, "the control: in its header it does")
}
