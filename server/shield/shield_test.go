package shield_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/shield"
)

// around is a server with one page and one answer that is none.
func around(t *testing.T, base string, named bool) (http.Handler, *shield.Shield) {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	u, err := url.Parse(base)
	require.NoError(t, err)
	s := shield.New(shield.Options{BaseURL: u, Named: named})
	engine := gin.New()
	engine.Use(reply.Middleware(slog.New(slog.DiscardHandler)), s.Handle)
	engine.GET("/v/x", func(c *gin.Context) { c.String(http.StatusOK, s.Page(c.Writer.Header())) })
	ok := func(c *gin.Context) { c.String(http.StatusOK, "ok") }
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/api/x", "/media/g/v/source"} {
		engine.GET(path, ok)
	}
	engine.POST("/api/x", ok)
	engine.NoRoute(ok)
	return engine, s
}

func ask(h http.Handler, method, path, host string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader("{}"))
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const html = "text/html,application/xhtml+xml"

func TestAnotherHostIsTurnedAway(t *testing.T) {
	t.Parallel()
	h, _ := around(t, "https://video.example.org", true)
	for _, host := range []string{
		"evil.example", "video.example.org.evil.example", "evil.example:443", "video.example.org@evil.example", "evilvideo.example.org",
		"localhost.evil.example", "127.0.0.1.evil.example", "1.2.3", "video.example.org, evil.example", "[::1].evil.example", "",
	} {
		w := ask(h, "GET", "/api/x", host, "Accept", html)
		require.Contains(t, []int{http.StatusMisdirectedRequest, http.StatusBadRequest}, w.Code, host)
		require.Contains(t, w.Body.String(), `"code":"host"`)
		require.NotContains(t, w.Body.String(), "evil", "it is not repeated")
		require.NotEqual(t, 200, ask(h, "POST", "/api/x", host).Code, host)
		require.NotEqual(t, 200, ask(h, "GET", "/media/g/v/source", host, "Accept", html).Code, host)
		for _, probe := range []string{"/healthz", "/readyz", "/metrics"} {
			require.Equal(t, 200, ask(h, "GET", probe, host).Code, probe)
		}
	}
	for _, host := range []string{
		"video.example.org", "VIDEO.example.ORG", "video.example.org:443", "video.example.org:8080", "video.example.org.", // its own
		"127.0.0.1:8080", "[::1]:8080", "192.0.2.7", "localhost", "localhost:8080", "video.localhost", "meanwhile:8080", // its machine's
	} {
		require.Equal(t, 200, ask(h, "GET", "/api/x", host).Code, host)
	}
}

func TestAPageOfAnotherHostLeadsHome(t *testing.T) {
	t.Parallel()
	h, _ := around(t, "https://video.example.org", true)
	for asked, want := range map[string]string{
		"/v/x?t=3": "https://video.example.org/v/x?t=3", "/": "https://video.example.org/", "//evil.example/": "https://video.example.org//evil.example/",
		"/%2f%2fevil.example": "https://video.example.org/%2f%2fevil.example", "http://evil.example/v/x": "https://video.example.org/v/x",
		"/@evil.example": "https://video.example.org/@evil.example", "/%0d%0aSet-Cookie:x": "https://video.example.org/%0d%0aSet-Cookie:x",
	} {
		w := ask(h, "GET", asked, "old.example.org", "Accept", html)
		require.Equal(t, http.StatusTemporaryRedirect, w.Code, asked)
		require.Equal(t, want, w.Header().Get("Location"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"), "a setting can be corrected")
	}
}

func TestWithoutASettingEveryNameWillDo(t *testing.T) {
	t.Parallel()
	h, _ := around(t, "http://localhost:8080", false)
	require.Equal(t, 200, ask(h, "GET", "/api/x", "video.test:8080").Code)
}

func TestPackedBodiesAreRefused(t *testing.T) {
	t.Parallel()
	h, _ := around(t, "http://localhost:8080", false)
	for _, coding := range []string{"gzip", "br", "deflate", "zstd", "GZIP", "identity, gzip"} {
		w := ask(h, "POST", "/api/x", "localhost", "Content-Encoding", coding)
		require.Equal(t, http.StatusUnsupportedMediaType, w.Code, coding)
		require.Contains(t, w.Body.String(), `"code":"content_encoding"`)
	}
	require.Equal(t, 200, ask(h, "POST", "/api/x", "localhost", "Content-Encoding", "identity").Code)
}

func TestHSTSOnlyWhereTheNameIsOurs(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]bool{
		"https://video.example.org": true, "http://video.example.org": false, "http://localhost:8080": false,
		"https://localhost:8443": false, "https://dev.localhost": false, "https://192.0.2.7": false,
	} {
		h, _ := around(t, base, false)
		got := ask(h, "GET", "/api/x", "localhost").Header().Get("Strict-Transport-Security")
		require.Equal(t, want, strings.HasPrefix(got, "max-age=31536000"), base)
		policy := ask(h, "GET", "/v/x", "localhost").Header().Get("Content-Security-Policy")
		require.Equal(t, strings.HasPrefix(base, "https:"), strings.HasSuffix(policy, "; upgrade-insecure-requests"), base)
	}
}

func directive(h http.Header, name string) string {
	for part := range strings.SplitSeq(h.Get("Content-Security-Policy"), ";") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(part), name+" "); ok {
			return rest
		}
	}
	return ""
}

func TestWhoMayFrameAnEmbeddedPage(t *testing.T) {
	t.Parallel()
	_, s := around(t, "https://video.example.org", true)
	rows := []struct {
		origins []string
		want    string
	}{
		{nil, "'self'"},
		{[]string{"https://wiki.example.org"}, "'self' https://wiki.example.org"},
		{[]string{"https://a.example", "http://localhost:3000"}, "'self' https://a.example http://localhost:3000"},
		{[]string{
			"https://*.example.org", "https:", "*.example", "example.org", "https://a.example/", "https://a.example/path", "https://user@a.example",
			"https://a.example; script-src *", "https://a.example *", "https://a.example\r\nSet-Cookie: x", "data:", "javascript:alert(1)", "null", "'self'",
			"https://", "https://a.example?", "https://a.example#", "HTTPS://a.example", "https://a.example,https://b.example", "", "file:///", "https://[::1]", "//a.example", "https://:443", "*",
		}, "'self'"},
	}
	for _, row := range rows {
		h := http.Header{"X-Frame-Options": {"DENY"}}
		nonce := s.Embed(h, row.origins)
		require.Equal(t, row.want, directive(h, "frame-ancestors"), "%q", row.origins)
		require.Empty(t, h.Get("X-Frame-Options"), "it knows no list")
		require.Equal(t, "'nonce-"+nonce+"'", directive(h, "script-src"))
		require.Contains(t, h.Get("Permissions-Policy"), "camera=()")
	}
}

func TestOpenGoesWithoutCookies(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	shield.Open(h)
	require.Equal(t, "*", h.Get("Access-Control-Allow-Origin"))
	require.Empty(t, h.Get("Access-Control-Allow-Credentials"))
}
