package site

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/shield"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const watchPage = `<!doctype html><html><head><!--meanwhile:head--><script src="/x.js" nonce="meanwhile-nonce"></script></head><body><!--meanwhile:player--><video id="player"></video></body></html>`

func built() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":          {},
		"index.html":        {Data: []byte(`<!doctype html><title>shell</title><script src="/x.js" nonce="meanwhile-nonce"></script>`)},
		"watch.html":        {Data: []byte(watchPage)},
		"embed.html":        {Data: []byte(watchPage)},
		"embed.js":          {Data: []byte("embed();")},
		"assets/app-1.js":   {Data: []byte(strings.Repeat("let a = 1;\n", 500))},
		"assets/app-2.css":  {Data: []byte("a{}")},
		"assets/hls-abc.js": {Data: []byte("hls")},
		"assets/b-3.js":     {Data: []byte("plain form")},
		"assets/b-3.js.br":  {Data: []byte("brotli form")},
		"assets/b-3.js.gz":  {Data: []byte("gzip form")},
		"assets/p-4.png":    {Data: make([]byte, 4000)},
	}
}

// records is a catalog with one video, whose slug is abc, or with none.
func records(t *testing.T, video *catalog.Video) *catalog.Catalog {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	db := databasetest.Any(t)
	queue, err := jobs.Open(jobs.Options{DB: db, Log: quiet})
	require.NoError(t, err)
	c := catalog.New(record.Options{DB: db, Queue: queue, Log: quiet})
	if video == nil {
		return c
	}
	_, err = db.Writer.ExecContext(t.Context(), `INSERT INTO workspaces (id, name, created_at) VALUES ('w', 'W', ?);
		INSERT INTO accounts (id, email, name, workspace_id, password_hash, created_at) VALUES (?, 'a@example.com', ?, 'w', 'x', ?);
		INSERT INTO memberships (workspace_id, account_id, role, created_at) VALUES ('w', ?, 'member', ?)`,
		time.Now(), video.OwnerID, video.OwnerName, time.Now(), video.OwnerID, time.Now())
	require.NoError(t, err)
	v, err := c.StartVideo(t.Context(), catalog.NewVideo{OwnerID: video.OwnerID, Title: video.Title, Visibility: video.Visibility, Length: -1})
	require.NoError(t, err)
	_, err = db.Writer.ExecContext(t.Context(), "UPDATE videos SET slug = ?, duration_us = ? WHERE id = ?", video.Slug, video.DurationUS, v.ID)
	require.NoError(t, err)
	return c
}

type site struct {
	t       *testing.T
	handler http.Handler
	records *catalog.Catalog
}

// open makes a site; who may be nil.
func open(t *testing.T, files fstest.MapFS, video *catalog.Video, who *people.Account) *site {
	t.Helper()
	gin.SetMode(gin.TestMode)
	base, err := url.Parse("https://meanwhile.example")
	require.NoError(t, err)
	around := shield.New(shield.Options{BaseURL: base})
	kept := records(t, video)
	finder := access.NewFinder(kept, nil, time.Now)
	s, err := New(Options{
		Files: files, BaseURL: base, Shield: around, Records: kept, Finder: finder,
		Session: func(ctx context.Context) (any, error) {
			return map[string]any{"account": auth.From(ctx).Account != nil}, nil
		},
		Video: func(_ context.Context, v *catalog.Video) (any, error) {
			return map[string]any{
				"id": v.ID, "title": v.Title, "duration_ms": v.DurationUS / 1000, "visibility": v.Visibility,
				"watch_url": "https://meanwhile.example/v/" + v.Slug, "owner": map[string]any{"name": v.OwnerName},
				"playback": map[string]any{"hls": "/media/g/1/master.m3u8", "prefer": "hls", "poster": "/media/g/1/poster.jpg"},
			}, nil
		},
	})
	require.NoError(t, err)
	quiet := slog.New(slog.DiscardHandler)
	page, nothing := access.Need{Names: access.VideoSlug, Page: true}, access.Need{Names: access.Nothing}
	needs := map[string]access.Need{"GET /v/:slug": page, "GET /embed/:slug": page, "GET /embed.js": nothing, "GET /api/oembed": nothing, "GET /": nothing, "GET /robots.txt": nothing, "GET /assets/*file": nothing, "HEAD /assets/*file": nothing}
	engine := gin.New()
	engine.Use(reply.Middleware(quiet), around.Handle, func(c *gin.Context) {
		c.Request = c.Request.WithContext(auth.With(c.Request.Context(), auth.Principal{Account: who}))
	}, access.NewGate(finder, nil, needs, quiet).Handle)
	engine.NoRoute(reply.Handle(s.Absent))
	engine.GET("/", reply.Handle(s.Shell))
	engine.GET("/v/:slug", reply.Handle(s.Watch))
	engine.GET("/embed/:slug", reply.Handle(s.Embed))
	engine.GET("/embed.js", reply.Handle(s.Script))
	engine.GET("/api/oembed", reply.Handle(s.OEmbed))
	engine.GET("/robots.txt", reply.Handle(s.Robots))
	engine.GET("/assets/*file", reply.Handle(s.Asset))
	engine.HEAD("/assets/*file", reply.Handle(s.Asset))
	return &site{t, engine, kept}
}

func (s *site) get(path string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	req := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, req)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return res, string(body)
}

func video(visibility catalog.Visibility, title string) *catalog.Video {
	return &catalog.Video{ID: "1", Slug: "abc", OwnerID: "ada", OwnerName: "Ada", Title: title, Visibility: visibility, DurationUS: 125_000_000}
}

func TestThePageOfAVideoHoldsItsData(t *testing.T) {
	t.Parallel()
	res, body := open(t, built(), video(catalog.WithLink, "Tour & more"), nil).get("/v/abc")
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
	require.Contains(t, body, `<title>Tour &amp; more – Meanwhile</title>`)
	require.Contains(t, body, `<meta property="og:title" content="Tour &amp; more">`)
	require.Contains(t, body, `A recording by Ada, 2:05.`)
	require.Contains(t, body, `<meta property="og:image" content="https://meanwhile.example/v/abc/poster.jpg">`)
	require.Contains(t, body, `<link rel="preload" as="fetch" crossorigin href="/media/g/1/master.m3u8">`)
	require.Equal(t, "Tour & more", pageData(t, body)["video"].(map[string]any)["title"])
	require.Contains(t, body, `<video id="player"></video></body></html>`, "the page is whole")
}

func pageData(t *testing.T, body string) map[string]any {
	t.Helper()
	_, rest, ok := strings.Cut(body, `<script type="application/json" id="page-data">`)
	require.True(t, ok)
	raw, _, ok := strings.Cut(rest, "</script>")
	require.True(t, ok)
	var data map[string]any
	require.NoError(t, json.Unmarshal([]byte(raw), &data), raw)
	return data
}

func TestHostileTextIsInertInThePage(t *testing.T) {
	t.Parallel()
	payloads := []string{
		`</title><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onload='alert(1)`, `</script><script>alert(1)</script>`,
		`<!--meanwhile:player-->`, `<!--meanwhile:head-->`, `<!-- <script>`, `&lt;script&gt;`, "a\u2028\u2029b", `%s%d`, `]]>`, `{{.}}`, `$1`, `<svg/onload=alert(1)>`,
	}
	for _, payload := range payloads {
		v := video(catalog.WithLink, payload)
		v.OwnerName = payload
		_, body := open(t, built(), v, nil).get("/v/abc")
		require.Equal(t, payload, pageData(t, body)["video"].(map[string]any)["title"], "it is kept as it is")
		require.Equal(t, strings.Count(watchPage, "<script"), strings.Count(body, "<script")-1, "%q starts no script", payload)
		require.Equal(t, 2, strings.Count(body, "</script>"), "%q ends no script", payload)
		require.Equal(t, 1, strings.Count(body, "<title>"))
		require.NotContains(t, body, "<img")
		require.NotContains(t, body, "<svg")
		head, data, _ := strings.Cut(body, `<script type="application/json"`)
		require.NotContains(t, head, `onload='alert`, "no quote ends an attribute")
		require.NotContains(t, body, "<!--")
		require.NotContains(t, data, "\u2028")
	}
}

func TestWhatMayNotBeSeenLooksAbsent(t *testing.T) {
	t.Parallel()
	secret := "SECRET"
	var absent string
	for _, v := range []*catalog.Video{nil, video(catalog.Private, secret), video(catalog.InTeam, secret)} {
		res, body := open(t, built(), v, nil).get("/v/abc")
		require.Equal(t, 404, res.StatusCode)
		require.NotContains(t, body, secret)
		require.Nil(t, pageData(t, body)["video"])
		body = strings.ReplaceAll(body, nonceOf.FindStringSubmatch(res.Header.Get("Content-Security-Policy"))[1], "")
		if absent != "" {
			require.Equal(t, absent, body)
		}
		absent = body
	}
	res, _ := open(t, built(), video(catalog.InTeam, secret), &people.Account{ID: "ben", Memberships: []people.Membership{{WorkspaceID: "w", Role: people.Viewer}}}).get("/v/abc")
	require.Equal(t, 200, res.StatusCode)
}

func TestOnlyAnOpenLinkHasACard(t *testing.T) {
	t.Parallel()
	for _, visibility := range []catalog.Visibility{catalog.Private, catalog.InTeam} {
		res, body := open(t, built(), video(visibility, "Tour"), &people.Account{ID: "ada"}).get("/v/abc")
		require.Equal(t, 200, res.StatusCode)
		require.Contains(t, body, "<title>Tour")
		require.NotContains(t, body, "og:")
		require.NotContains(t, body, "twitter:")
		require.Equal(t, "noindex", res.Header.Get("X-Robots-Tag"))
	}
}

func TestPagesTrustOnlyThisServer(t *testing.T) {
	t.Parallel()
	s := open(t, built(), video(catalog.WithLink, "x"), nil)
	for _, path := range []string{"/", "/v/abc", "/v/absent"} {
		res, _ := s.get(path)
		csp := res.Header.Get("Content-Security-Policy")
		for _, rule := range []string{"default-src 'none'", "script-src 'nonce-", "require-trusted-types-for 'script'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'", "form-action 'self'"} {
			require.Contains(t, csp, rule, path)
		}
		require.NotContains(t, csp, "unsafe")
		require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
		require.Equal(t, "no-referrer", res.Header.Get("Referrer-Policy"))
		require.Equal(t, "same-origin", res.Header.Get("Cross-Origin-Opener-Policy"))
		require.Contains(t, res.Header.Get("Permissions-Policy"), "display-capture=(self)")
		require.NotEmpty(t, res.Header.Get("Strict-Transport-Security"))
	}
}

func TestAssetsAreKeptForEverAndCompressed(t *testing.T) {
	t.Parallel()
	s := open(t, built(), nil, nil)
	res, body := s.get("/assets/app-1.js", "Accept-Encoding", "gzip, br")
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "public, max-age=31536000, immutable", res.Header.Get("Cache-Control"))
	require.Equal(t, "text/javascript; charset=utf-8", res.Header.Get("Content-Type"))
	require.Equal(t, "gzip", res.Header.Get("Content-Encoding"))
	require.Equal(t, "Accept-Encoding", res.Header.Get("Vary"))
	r, err := gzip.NewReader(strings.NewReader(body))
	require.NoError(t, err)
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, built()["assets/app-1.js"].Data, plain)

	rows := []struct{ path, accept, coding, body string }{
		{"/assets/b-3.js", "gzip, deflate, br", "br", "brotli form"},
		{"/assets/b-3.js", "gzip;q=0.5, br;q=0", "gzip", "gzip form"},
		{"/assets/b-3.js", "identity", "", "plain form"},
		{"/assets/b-3.js", "", "", "plain form"},
		{"/assets/app-2.css", "gzip", "", "a{}"},
	}
	for _, row := range rows {
		res, body := s.get(row.path, "Accept-Encoding", row.accept)
		require.Equal(t, row.coding, res.Header.Get("Content-Encoding"), row.accept)
		require.Equal(t, row.body, body)
	}
	res, _ = s.get("/assets/p-4.png", "Accept-Encoding", "gzip")
	require.Empty(t, res.Header.Get("Content-Encoding"))
}

func TestNothingButTheApplicationIsServed(t *testing.T) {
	t.Parallel()
	s := open(t, built(), nil, nil)
	for _, path := range []string{
		"/assets/", "/assets/absent.js", "/assets/../index.html", "/assets/%2e%2e/index.html", "/assets/..%2findex.html",
		"/assets/%5c..%5cindex.html", "/assets/app-1.js%00", "/assets//app-1.js", "/assets/.gitkeep", "/assets/b-3.js.br",
	} {
		res, body := s.get(path)
		require.Equal(t, 404, res.StatusCode, path)
		require.NotContains(t, body, "shell", path)
	}
}

func TestAbsentPagesAndAbsentCalls(t *testing.T) {
	t.Parallel()
	s := open(t, built(), nil, nil)
	res, body := s.get("/nowhere", "Accept", "text/html,application/xhtml+xml")
	require.Equal(t, 404, res.StatusCode)
	require.Contains(t, body, "shell")
	res, _ = s.get("/api/nowhere", "Accept", "text/html")
	require.Equal(t, 404, res.StatusCode)
	require.Equal(t, reply.ContentType, res.Header.Get("Content-Type"))
	res, _ = s.get("/nowhere")
	require.Equal(t, reply.ContentType, res.Header.Get("Content-Type"))
	_, body = s.get("/robots.txt")
	require.Contains(t, body, "Disallow: /\n")
}

func TestABinaryWithoutPagesSaysSo(t *testing.T) {
	t.Parallel()
	s := open(t, fstest.MapFS{".gitkeep": {}}, video(catalog.WithLink, "x"), nil)
	for _, path := range []string{"/", "/v/abc"} {
		res, body := s.get(path)
		require.Equal(t, 503, res.StatusCode)
		require.Contains(t, body, "make build")
	}
}

func TestABrokenWatchPageStopsTheStart(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Files: fstest.MapFS{"watch.html": {Data: []byte("<html></html>")}}})
	require.ErrorContains(t, err, "placeholders")
}

func TestAFailureShowsNoHalfPage(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("http://localhost")
	require.NoError(t, err)
	s, err := New(Options{Files: built(), BaseURL: base, Session: func(context.Context) (any, error) { return nil, errors.New("disk") }})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(w)
	c.Request = httptest.NewRequest(http.MethodGet, "/v/x", nil)
	require.Error(t, s.Watch(c))
	require.Empty(t, w.Body.String())
}
