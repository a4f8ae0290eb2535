package server

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

var pagePolicy = regexp.MustCompile(`^default-src 'none'; script-src 'nonce-[A-Z2-7]{26}'; style-src 'nonce-[A-Z2-7]{26}'; `)

// always are the headers that every answer has, whatever it is.
var always = map[string]string{
	"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "Access-Control-Allow-Headers": "", "Access-Control-Allow-Methods": "",
	"Server": "", "X-Powered-By": "",
}

// opened is what other sites may have of an answer, and of no other: what says
// the same to everybody, the player in a frame, the pictures of a link, and
// recording with a token. Where all origins are allowed, browsers send no cookies.
func opened(path string) map[string]string {
	picture := strings.HasPrefix(path, "/v/") && (strings.HasSuffix(path, "/poster.jpg") || strings.HasSuffix(path, "/preview.webp"))
	switch {
	case path == "/api/oembed" || path == "/embed.js":
		return map[string]string{"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
	case strings.HasPrefix(path, "/embed/"):
		return map[string]string{"X-Frame-Options": "", "Cross-Origin-Resource-Policy": "cross-origin"}
	case picture:
		return map[string]string{"Cross-Origin-Resource-Policy": "cross-origin"}
	case strings.HasPrefix(path, "/api/whip"):
		return map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
			"Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
		}
	}
	return nil
}

// unsafe lists what an answer lets a browser do that it should not.
func unsafe(path string, res *http.Response) []string {
	var found []string
	h := res.Header
	for name, want := range always {
		got := h.Get(name)
		if more, open := opened(path)[name]; got != want && (!open || got != more) {
			found = append(found, name+": "+got)
		}
	}
	policy := h.Get("Content-Security-Policy")
	wanted := "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	asset := (strings.HasPrefix(path, "/assets/") || path == "/embed.js") && res.StatusCode < 300
	switch {
	case strings.HasPrefix(h.Get("Content-Type"), "text/html"):
		if !pagePolicy.MatchString(policy) || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || h.Get("Permissions-Policy") == "" {
			found = append(found, "page: "+policy)
		}
	case asset:
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; ") {
			found = append(found, "asset: "+policy)
		}
	case policy != wanted:
		found = append(found, policy)
	}
	kept := h.Get("Cache-Control")
	if kept == "" || strings.Contains(kept, "public") && !asset && path != "/robots.txt" {
		found = append(found, "Cache-Control: "+kept)
	}
	return found
}

// places fills the names into every path of the table.
func (r *rig) places(v *catalog.Video, fill *strings.Replacer) func(pattern string) string {
	rest := strings.NewReplacer("/media/:grant/:video/", r.media(v, ""), "o/*key", "o/ladder/x", ":file", "source", "*file", "app-1.js", "*rest", "tokens", ":token", "abc", ":id", "absent")
	return func(pattern string) string { return rest.Replace(fill.Replace(pattern)) }
}

func TestEveryAnswerHasTheSafeHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var asked int
	check := func(p *person, method, path string, header ...string) {
		res := p.ask(t, method, path, bodies[method+" "+path], header...)
		defer res.Body.Close()
		asked++
		require.Empty(t, unsafe(path, res), "%s %s %v: %d", method, path, header, res.StatusCode)
	}
	origins := []string{"", "https://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1.evil.example"}
	for _, key := range slices.Sorted(maps.Keys(needsOf(t, r.server))) {
		method, pattern, _ := strings.Cut(key, " ")
		v := r.set(t, openScene())
		fill := r.names(t, v)
		path := r.places(v, fill)(pattern)
		for _, origin := range origins {
			for _, p := range []*person{r.nobody, r.member, r.owner} {
				check(p, method, path, "Origin", origin, "Accept", "text/html")
			}
		}
	}
	for _, path := range []string{
		"/nowhere", "/api/nowhere", "/media/x/y/z", "/assets/absent.js", "/record/", "/v/", "/v/x/", "/api/videos/", "//record", "/api/session/", "/healthz/", "/.git/config", "/debug/pprof/",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND"} {
			check(r.owner, method, path, "Accept", "text/html", "X-Forwarded-Prefix", "//evil.example")
			check(r.nobody, method, path, "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
		}
	}
	t.Logf("%d answers", asked)
}

// TestAnAnswerThatOpensItselfIsNoticed is the control.
func TestAnAnswerThatOpensItselfIsNoticed(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(http.Header){
		"no policy":     func(h http.Header) { h.Del("Content-Security-Policy") },
		"open to all":   func(h http.Header) { h.Set("Access-Control-Allow-Origin", "*") },
		"inline script": func(h http.Header) { h.Set("Content-Security-Policy", "script-src 'unsafe-inline'") },
		"framed":        func(h http.Header) { h.Del("X-Frame-Options") },
		"guessed":       func(h http.Header) { h.Del("X-Content-Type-Options") },
		"shared":        func(h http.Header) { h.Set("Cache-Control", "public, max-age=60") },
		"html as it is": func(h http.Header) { h.Set("Content-Type", "text/html") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.server.engine.NoRoute(func(c *gin.Context) {
				c.Header("Content-Type", "image/svg+xml")
				spoil(c.Writer.Header())
				c.Status(http.StatusOK)
			})
			require.NotEmpty(t, unsafe("/x", r.nobody.ask(t, "GET", "/x", "")))
		})
	}
}

// TestWhatUsersUploadRunsNothing: a file that says it is a page or a picture with
// script inside comes back as neither.
func TestWhatUsersUploadRunsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, evil := range []string{
		`<html><script>alert(1)</script></html>`, `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "WEBVTT\n\n00:00.000 --> 00:01.000\n<script>alert(1)</script>",
		"%PDF-1.7", "<?xml version='1.0'?><?xml-stylesheet href='x'?><x/>",
	} {
		v := r.upload(t, []byte(evil), 1<<20, true)
		for _, query := range []string{"", "?inline=1", "?response-content-type=text/html", "?type=text/html&disposition=inline"} {
			res, body := r.owner.get(t, r.media(v, "source")+query, "Accept", "text/html")
			require.Equal(t, evil, body)
			require.Equal(t, "application/octet-stream", res.Header.Get("Content-Type"))
			require.Equal(t, "attachment", res.Header.Get("Content-Disposition"))
			require.Contains(t, res.Header.Get("Content-Security-Policy"), "sandbox;")
			require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
		}
	}
}
