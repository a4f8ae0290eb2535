package server

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// forgeries are the headers that a browser adds to what another site makes it
// send; the last ones are those of browsers from before Sec-Fetch-Site.
var forgeries = [][]string{
	{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
	{"Sec-Fetch-Site", "same-site", "Origin", "https://other.meanwhile.example"},
	{"Sec-Fetch-Site", "cross-site", "Origin", "null"},
	{"Sec-Fetch-Site", "cross-site"},
	{"Origin", "https://evil.example"},
	{"Origin", "null"},
}

// TestNoOtherSiteChangesAnything sends every route that changes something as a
// page elsewhere would, in every kind of body that it can: also those that sign
// somebody in, for they would sign him in as somebody else.
func TestNoOtherSiteChangesAnything(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	changing := 0
	for _, key := range slices.Sorted(maps.Keys(needsOf(t, r.server))) {
		method, pattern, _ := strings.Cut(key, " ")
		if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, method) {
			continue
		}
		changing++
		v := r.set(t, openScene())
		fill := r.names(t, v)
		path := r.places(v, fill)(pattern)
		for _, forged := range forgeries {
			for _, kind := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
				for _, p := range []*person{r.owner, r.nobody} {
					res := p.ask(t, method, path, bodies[key], append(forged, "Content-Type", kind, "X-HTTP-Method-Override", "DELETE")...)
					body := text(t, res)
					require.Equal(t, http.StatusForbidden, res.StatusCode, "%s %v: %s", key, forged, body)
					require.Contains(t, body, `"code":"cross_site"`, key)
					require.Empty(t, res.Header.Get("Set-Cookie"))
				}
			}
		}
		now := r.read(t, v.ID)
		require.Equal(t, secret, now.Title, key)
		require.False(t, now.Trashed())
		require.Equal(t, catalog.UploadOpen, now.UploadState)
	}
	require.Greater(t, changing, 15)
	t.Logf("%d routes that change something", changing)
}

// TestOurOwnPagesMayChangeThings is the control: the same request from here.
func TestOurOwnPagesMayChangeThings(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, ours := range [][]string{{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:1"}, {"Origin", r.URL}, {"Sec-Fetch-Site", "none"}, {}} {
		v := r.set(t, openScene())
		res := r.owner.ask(t, "PATCH", "/api/videos/"+v.ID, `{"title":"new"}`, ours...)
		require.Equal(t, http.StatusOK, res.StatusCode, text(t, res))
		require.Equal(t, "new", r.read(t, v.ID).Title)
	}
}

// TestAFormIsNotJSON: the kinds of body that a form can send without asking are
// not read as JSON, not even from our own pages.
func TestAFormIsNotJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.set(t, openScene())
	for _, kind := range []string{"text/plain", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html", "image/png"} {
		res := r.owner.ask(t, "PATCH", "/api/videos/"+v.ID, `{"title":"new"}`, "Content-Type", kind)
		require.Contains(t, []int{http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusBadRequest}, res.StatusCode, kind)
		require.Equal(t, secret, r.read(t, v.ID).Title, kind)
	}
}

// TestReadingChangesNothing: a method that another site may send freely stays
// one, whatever else the request says.
func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.set(t, openScene())
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
		for _, path := range []string{"/api/videos/" + v.ID, "/api/uploads/" + v.UploadID} {
			for _, override := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
				res := r.owner.ask(t, method, path+"?_method=DELETE", "", override, "DELETE", "Tus-Resumable", "1.0.0")
				require.Less(t, res.StatusCode, 500)
			}
		}
	}
	now := r.read(t, v.ID)
	require.False(t, now.Trashed())
	require.Equal(t, catalog.UploadOpen, now.UploadState)
}

// TestOnlyTrustedProxiesSpeakForOthers: X-Forwarded-For counts from the networks
// of the setting alone, and there the last address that is none of theirs.
func TestOnlyTrustedProxiesSpeakForOthers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		trusted         []string
		peer, says, who string
	}{
		{nil, "127.0.0.1:5000", "203.0.113.7", "127.0.0.1"},
		{nil, "10.0.0.2:5000", "203.0.113.7", "10.0.0.2"},
		{[]string{"10.0.0.2"}, "10.0.0.2:5000", "203.0.113.7", "203.0.113.7"},
		{[]string{"10.0.0.2"}, "10.0.0.3:5000", "203.0.113.7", "10.0.0.3"},
		{[]string{"10.0.0.2"}, "10.0.0.2:5000", "198.51.100.1, 203.0.113.7", "203.0.113.7"},
		{[]string{"10.0.0.0/8"}, "10.0.0.2:5000", "198.51.100.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"},
		{[]string{"10.0.0.2"}, "10.0.0.2:5000", "", "10.0.0.2"},
		{[]string{"10.0.0.2"}, "10.0.0.2:5000", "nonsense", "10.0.0.2"},
		{[]string{"::1"}, "[::1]:5000", "2001:db8::7", "2001:db8::7"},
	} {
		s, err := New(Options{Catalog: newRig(t).catalog, BaseURL: &url.URL{Scheme: "http", Host: "localhost"}, TrustedProxies: row.trusted})
		require.NoError(t, err)
		t.Cleanup(s.Stop)
		s.engine.NoRoute(func(c *gin.Context) { c.String(http.StatusOK, c.ClientIP()) })
		req := httptest.NewRequest(http.MethodGet, "/who", nil)
		req.RemoteAddr = row.peer
		req.Header.Set("X-Forwarded-For", row.says)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		body, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		require.Equal(t, row.who, string(body), "%+v", row)
	}
}

// TestLinksAreMadeOfTheSettingAlone: neither the Host header nor what a proxy may
// say of it gets into any answer.
func TestLinksAreMadeOfTheSettingAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.set(t, openScene())
	for _, key := range []string{"POST /api/invitations {}", "POST /api/videos {}", "GET /api/videos/" + v.ID, "GET /v/" + v.Slug, "GET /", "POST /api/uploads", "GET /record/", "GET /api/openapi.json"} {
		method, rest, _ := strings.Cut(key, " ")
		path, body, _ := strings.Cut(rest, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Host = "evil.example"
		for name, value := range map[string]string{
			"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example;proto=https", "X-Forwarded-Prefix": "//evil.example",
			"X-Original-URL": "/evil.example", "X-Rewrite-URL": "/evil.example", "Tus-Resumable": "1.0.0", "Upload-Length": "5", "Content-Type": "application/json",
		} {
			req.Header.Set(name, value)
		}
		req.AddCookie(&http.Cookie{Name: "meanwhile_session", Value: r.owner.session})
		res, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		require.Less(t, res.StatusCode, 500, key)
		require.NotContains(t, text(t, res), "evil.example", key)
		for name, values := range res.Header {
			require.NotContains(t, strings.Join(values, " "), "evil.example", "%s: %s", key, name)
		}
		res.Body.Close()
	}
}
