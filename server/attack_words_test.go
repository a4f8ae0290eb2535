package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/meanwhile-app/meanwhile/storage/people"
)

// payloads are what people write who want it to run.
var payloads = []string{
	`<script>alert(1)</script>`, `</title><script>alert(1)</script>`, `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`,
	`'><svg/onload=alert(1)>`, `<iframe srcdoc="<script>alert(1)</script>">`, `<a href="javascript:alert(1)">x</a>`, `javascript:alert(1)`,
	`<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`, `<!--<script>`, `--><script>alert(1)</script>`, `<![CDATA[<script>alert(1)</script>]]>`,
	`{{constructor.constructor('alert(1)')()}}`, `${alert(1)}`, `<%= 1 %>`, `%3Cscript%3Ealert(1)%3C/script%3E`, `&lt;script&gt;`, `\u003cscript\u003e`,
	`" onfocus=alert(1) autofocus x="`, `' style='background:url(//evil.example)`, `<base href=//evil.example>`, `<meta http-equiv=refresh content="0;url=//evil.example">`,
	`<link rel=stylesheet href=//evil.example>`, `<object data=//evil.example>`, `<body onload=alert(1)>`, `<video><source onerror=alert(1)>`, `<template><script>`,
	`+ADw-script+AD4-alert(1)+ADw-/script+AD4-`, `<scr<script>ipt>`, `<ScRiPt >alert(1)</sCrIpT>`, `<form action=//evil.example><button>`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
	`<textarea></textarea><script>alert(1)</script>`, "\u2028alert(1)\u2029", `]]>`, `*/alert(1)/*`,
}

// TestWordsOfPeopleStartNothing puts every payload wherever people may write and
// reads every page and answer that shows it.
func TestWordsOfPeopleStartNothing(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	say := func(p *person, method, path string, body map[string]any) {
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		res := p.ask(t, method, path, string(raw))
		require.NotEqual(t, 500, res.StatusCode, path)
	}
	for _, payload := range payloads {
		v := r.set(t, openScene())
		say(r.owner, "PATCH", "/api/account", map[string]any{"name": payload})
		say(r.owner, "PATCH", "/api/workspaces/"+v.WorkspaceID, map[string]any{"name": payload})
		say(r.owner, "PATCH", "/api/videos/"+v.ID, map[string]any{"title": payload})
		say(r.owner, "POST", "/api/videos/"+v.ID+"/links", map[string]any{"name": payload})
		say(r.nobody, "POST", "/api/videos/"+v.ID+"/comments", map[string]any{"at_ms": 0, "body": payload, "guest_name": payload})
		for _, path := range []string{
			"/", "/v/" + v.Slug, "/embed/" + v.Slug, "/v/" + payload, "/embed/" + payload, "/nowhere?" + payload, "/api/oembed?url=http://127.0.0.1:1/v/" + v.Slug, "/api/oembed?url=" + payload,
			"/api/videos/" + v.ID, "/api/videos", "/api/videos/" + v.ID + "/comments", "/api/session", "/api/videos?q=" + payload, "/api/audit", "/api/inbox",
		} {
			before, after, _ := strings.Cut(path, "?")
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL, nil)
			require.NoError(t, err)
			req.URL.Path, req.URL.RawQuery = before, strings.NewReplacer(" ", "%20", "#", "%23", "\u2028", "x", "\u2029", "x").Replace(after)
			req.Header.Set("Accept", "text/html")
			req.AddCookie(&http.Cookie{Name: "meanwhile_session", Value: r.owner.session})
			res, err := http.DefaultTransport.RoundTrip(req)
			require.NoError(t, err)
			body := text(t, res)
			res.Body.Close()
			inert(t, path, payload, res, body)
		}
	}
}

// inert wants an answer in which nothing that somebody wrote could run.
func inert(t *testing.T, path, payload string, res *http.Response, body string) {
	t.Helper()
	require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
	for name, values := range res.Header {
		require.NotContains(t, strings.Join(values, " "), payload, "%s: %s", path, name)
	}
	kind := res.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "text/html") {
		require.Regexp(t, `^application/(problem\+)?json`, kind, path)
		return
	}
	if strings.ContainsAny(payload, `<>"`) {
		require.NotContains(t, body, payload, "%s shows it as it is", path)
	}
	require.LessOrEqual(t, strings.Count(strings.ToLower(body), "<script"), 1, "%s: %s", path, payload)
	for _, never := range []string{"<img", "<svg", "<iframe", "<base", "<object", "<meta http-equiv", "<form", "evil.example>", "<!--<script"} {
		require.NotContains(t, strings.ToLower(body), never, "%s: %s", path, payload)
	}
}

// TestNoQueryMakesAPageOfADownload: an original is saved and never shown,
// whatever is asked for beside it.
func TestNoQueryMakesAPageOfADownload(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	video, page := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true), r.upload(t, []byte("<html><script>alert(1)</script></html>"), 1<<20, true)
	for _, query := range []string{
		"", "inline=1", "inline=true", "download=0", "disposition=inline", "response-content-disposition=inline", "response-content-type=text/html", "content-type=text/html",
		"type=text/html", "mime=text/html", "filename=x.html", "name=x.html", "ext=.html", "format=html", "view=1", "raw=1", "preview=1", "dl=0", "%00", "inline", "callback=alert",
	} {
		for path, what := range map[string]string{r.media(video, "download"): "the file", r.media(page, "download"): "a page", r.media(page, "source"): "a page"} {
			res := r.owner.ask(t, "GET", path+"?"+query, "", "Accept", "text/html", "Range", "bytes=0-0")
			require.Less(t, res.StatusCode, 300, "%s %s", path, query)
			require.True(t, strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment"), "%s by ?%s: %q", what, query, res.Header.Get("Content-Disposition"))
			require.Regexp(t, `^(video/mp4|application/octet-stream)$`, res.Header.Get("Content-Type"))
		}
	}
}

// TestSecretsAreNeverRead: what opens something is told once, when it is made,
// and by no answer after that.
func TestSecretsAreNeverRead(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	boss := r.as(t, "Oda", people.Owner)
	r.execute(t, "UPDATE accounts SET password_hash = '$argon2id$canary'")
	v := r.set(t, openScene())
	link := r.link(t, v, "open sesame", 0)
	secrets := []string{"argon2id", rigKey, boss.session, link.PasswordHash, "open sesame"}
	for path, body := range map[string]string{"/api/tokens": `{"name":"x","scope":"admin"}`, "/api/invitations": `{}`} {
		res := boss.ask(t, "POST", path, body)
		answer := text(t, res)
		require.Equal(t, http.StatusCreated, res.StatusCode, answer)
		var told struct{ Token, URL string }
		require.NoError(t, json.Unmarshal([]byte(answer), &told))
		shown := told.Token + told.URL[strings.LastIndex(told.URL, "/")+1:]
		require.Greater(t, len(shown), 20)
		secrets = append(secrets, shown)
	}
	hook := r.hook(t, boss.account.WorkspaceID)
	secrets = append(secrets, hook.Secret, strings.TrimPrefix(hook.Secret, "whsec_"))
	asked := 0
	for key := range r.server.needs {
		method, pattern, _ := strings.Cut(key, " ")
		if method != http.MethodGet || strings.HasSuffix(pattern, "/events") || strings.Contains(pattern, ":grant") {
			continue
		}
		path := strings.NewReplacer("/api/workspaces/:id", "/api/workspaces/"+v.WorkspaceID, "/api/webhooks/:id", "/api/webhooks/"+hook.ID).Replace(pattern)
		_, answer := boss.get(t, r.places(v, r.names(t, v))(path), "Accept", "text/html,*/*")
		for _, one := range secrets {
			require.NotContains(t, answer, one, key)
		}
		asked++
	}
	require.Greater(t, asked, 25)
}

// TestLongTextIsReadAtOnce: no input of 60 KiB costs much work, and none is the
// server's fault. What counts is the time of the processor that answers, for the clock
// on the wall tells what else the machine does.
func TestLongTextIsReadAtOnce(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	v := r.set(t, openScene())
	const size = 60 << 10
	for _, unit := range []string{"a", " a", "%25", "((", `\\`, ",", ";q=1,", "a@", "é", ".", "/", "://", "--", "\t"} {
		long := strings.Repeat(unit, size/len(url.QueryEscape(unit)))
		quoted, err := json.Marshal(long)
		require.NoError(t, err)
		for _, ask := range [][]string{
			{"GET", "/api/videos?q=" + url.QueryEscape(long)},
			{"GET", "/api/videos?cursor=" + url.QueryEscape(long)},
			{"GET", "/api/oembed?url=" + url.QueryEscape(long)},
			{"GET", "/v/" + url.QueryEscape(long)},
			{"GET", "/assets/" + url.QueryEscape(long)},
			{"GET", r.media(v, "source.m3u8") + "?x=" + url.QueryEscape(long)},
			{"GET", "/", "", "Accept-Encoding", header(long)},
			{"GET", "/", "", "Accept-Language", header(long)},
			{"GET", "/", "", "Cookie", header(long)},
			{"GET", r.media(v, "stream.mp4"), "", "Range", "bytes=" + header(long)},
			{"GET", "/", "", "X-Forwarded-For", header(long)},
			{"GET", "/", "", "If-None-Match", header(long)},
			{"GET", "/api/session", "", "Authorization", "Bearer " + header(long)},
			{"POST", "/api/uploads", "", "Tus-Resumable", "1.0.0", "Upload-Length", "1", "Upload-Metadata", header(long)},
			{"PATCH", "/api/account", `{"name":` + string(quoted) + `}`},
			{"POST", "/api/session", `{"email":` + string(quoted) + `,"password":"x"}`},
			{"POST", "/api/videos/" + v.ID + "/comments", `{"at_ms":0,"body":` + string(quoted) + `}`},
			{"PATCH", "/api/videos/" + v.ID, `{"title":` + string(quoted) + `}`},
			{"POST", "/api/videos/" + v.ID + "/check", `{"addresses":` + string(quoted) + `}`},
		} {
			body, headers := strings.Join(ask[min(2, len(ask)):min(3, len(ask))], ""), ask[min(3, len(ask)):]
			res := r.owner.ask(t, ask[0], ask[1], body, headers...)
			require.Less(t, res.StatusCode, 500, "%s %.60s", ask[0], ask[1])
			best := time.Hour
			for range 3 {
				best = min(best, r.owner.costs(t, ask[0], ask[1], body, headers...))
			}
			require.Less(t, best, 200*time.Millisecond, "%s %.60s: %q", ask[0], ask[1], unit)
		}
	}
}

// costs is how long a processor works on a request, which is answered on this thread.
func (p *person) costs(t *testing.T, method, path, body string, header ...string) time.Duration {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.AddCookie(&http.Cookie{Name: "meanwhile_session", Value: p.session})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.Timespec
	require.NoError(t, unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before))
	p.rig.server.ServeHTTP(httptest.NewRecorder(), req)
	require.NoError(t, unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after))
	return time.Duration(after.Nano() - before.Nano())
}

func header(s string) string { return strings.NewReplacer("\t", " ", "é", "e").Replace(s) }

// TestNothingOfTheMachineIsServed asks for what lies about on servers.
func TestNothingOfTheMachineIsServed(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	for _, path := range []string{
		"/.git/config", "/.env", "/meanwhile.db", "/data/meanwhile.db", "/debug/pprof/", "/debug/vars", "/metrics/", "/server-status", "/assets/app-1.js.map", "/assets/../meanwhile.db",
		"/index.html", "/watch.html", "/embed.html", "/package.json", "/api/debug", "/api/config", "/admin/", "/administrator", "/api/openapi.yaml", "/api/schemas/Account.json", "/schemas/Account.json", "/docs", "/openapi.json",
	} {
		for _, p := range []*person{r.owner, r.nobody} {
			res, body := p.get(t, path)
			require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, res.StatusCode, path)
			require.NotContains(t, body, secret)
		}
	}
}
