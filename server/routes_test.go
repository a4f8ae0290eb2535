package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

func needsOf(t *testing.T, s *Server) map[string]access.Need {
	t.Helper()
	table, err := s.routes()
	require.NoError(t, err)
	needs := map[string]access.Need{}
	for _, r := range table {
		needs[r.method+" "+ginPath(r.path)] = r.need
	}
	return needs
}

// undeclared lists the routes of the engine that the gate knows nothing of, and
// those that name a video but do not say so.
func undeclared(engine *gin.Engine, needs map[string]access.Need) []string {
	var wrong []string
	for _, r := range engine.Routes() {
		key := r.Method + " " + r.Path
		need, ok := needs[key]
		want := need.Names
		switch {
		case strings.HasPrefix(r.Path, "/media/"):
			want = access.Media
		case strings.HasPrefix(r.Path, "/v/"):
			want = access.VideoSlug
		case strings.HasPrefix(r.Path, "/api/videos/"):
			want = access.VideoID
		case strings.HasPrefix(r.Path, "/api/comments/"):
			want = access.CommentID
		case strings.HasPrefix(r.Path, "/api/uploads/") && r.Method != http.MethodOptions:
			want = access.UploadID
		}
		if !ok || need.Names == 0 || need.Names != want {
			wrong = append(wrong, key)
		}
	}
	return wrong
}

// harmless are the routes that change something and ask for no account: they
// are how one gets one, or lose what is one's own.
var harmless = []string{
	"POST /api/session", "DELETE /api/session", "POST /api/setup", "POST /api/invitations/lookup", "POST /api/invitations/accept",
	"POST /api/videos/:id/views", "POST /api/videos/:id/check", "POST /api/videos/:id/preview-visibility",
	"POST /api/links/:slug/open",
	"POST /api/session/link/mail", "POST /api/session/link", "POST /api/session/code", "POST /api/session/oidc",
	"POST /api/session/passkey/options", "POST /api/session/passkey",
}

func TestEveryRouteDeclaresItsNeed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	needs := needsOf(t, r.server)
	require.Empty(t, undeclared(r.server.engine, needs))
	require.Len(t, r.server.engine.Routes(), len(needs), "no row of the table is missing in the engine")
	for key, need := range needs {
		method, _, _ := strings.Cut(key, " ")
		if slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, method) && !slices.Contains(harmless, key) {
			require.True(t, need.Write, "%s changes something", key)
			require.NotEqual(t, access.Nothing, need.Names, key)
		}
	}
}

// TestAForgottenNeedIsNoticed is the control: without its need a route is red
// here and closed for everybody.
func TestAForgottenNeedIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	needs := needsOf(t, r.server)
	delete(needs, "GET /api/videos/:id")
	needs["GET /api/videos/:id/events"] = access.Need{Names: access.Nothing}
	require.ElementsMatch(t, []string{"GET /api/videos/:id", "GET /api/videos/:id/events"}, undeclared(r.server.engine, needs))

	r.server.engine.GET("/api/forgotten", func(c *gin.Context) { c.String(http.StatusOK, secret) })
	require.Contains(t, undeclared(r.server.engine, needsOf(t, r.server)), "GET /api/forgotten")
	res, body := r.owner.get(t, "/api/forgotten")
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	require.NotContains(t, body, secret)
}

func TestATokenToReadChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, shown, err := r.catalog.AddToken(t.Context(), people.NewToken{Account: r.owner.account, Name: "reader", Scope: people.ScopeRead})
	require.NoError(t, err)
	reader := &person{rig: r, bearer: shown}
	for key, need := range needsOf(t, r.server) {
		if !need.Write {
			continue
		}
		method, pattern, _ := strings.Cut(key, " ")
		fill := r.names(t, r.set(t, openScene()))
		res := reader.ask(t, method, fill.Replace(pattern), bodies[key])
		require.Equal(t, http.StatusForbidden, res.StatusCode, key)
	}
	v := r.start(t, catalog.Private)
	res, _ := reader.get(t, "/api/videos/"+v.ID)
	require.Equal(t, http.StatusOK, res.StatusCode)
	liar := &person{rig: r, bearer: "mw_nonsense"}
	res, _ = liar.get(t, "/api/session")
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)
}

func TestOddNamesAreNotFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, id := range []string{"%00", "..%2f..%2fetc", "%5c..%5c", "%ff", "'%20OR%201=1--", "%22", "%", strings.Repeat("a", 3000), "%2e%2e"} {
		for _, pattern := range []string{"/api/videos/%s", "/api/videos/%s/comments", "/v/%s", "/api/uploads/%s", "/assets/%s", "/media/x/%s/source"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL, nil)
			require.NoError(t, err)
			req.URL.Opaque = fmt.Sprintf(pattern, id)
			req.AddCookie(&http.Cookie{Name: "meanwhile_session", Value: r.owner.session})
			res, err := http.DefaultTransport.RoundTrip(req)
			require.NoError(t, err)
			res.Body.Close()
			require.Contains(t, []int{400, 401, 403, 404, 405, 301, 307}, res.StatusCode, "%s %s", pattern, id)
		}
	}
	res, body := r.owner.get(t, "/api/videos?q=%00&cursor=%00")
	require.Contains(t, []int{200, 422}, res.StatusCode, body)
}

func TestAMediaAddressOpensOneVideoForAWhile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v, other := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true), r.upload(t, recording(t, "tiny.webm"), 1<<20, true)
	res, body := r.nobody.get(t, r.media(v, "source"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, recording(t, "tiny.mp4"), []byte(body))

	grant, lapses := r.granter.Grant(auth.Principal{Account: r.owner.account}, v)
	require.Greater(t, time.Until(lapses), 9*time.Minute)
	foreign, _ := access.NewGranter([]byte("another key"), time.Now).Grant(auth.Principal{Account: r.owner.account}, v)
	old, _ := access.NewGranter([]byte("0123456789abcdef0123456789abcdef"), func() time.Time { return time.Now().Add(-time.Hour) }).Grant(auth.Principal{Account: r.owner.account}, v)
	future := strings.Replace(grant, grant[:3], "zzz", 1)
	for name, path := range map[string]string{
		"another video": "/media/" + grant + "/" + other.ID, "lapsed": "/media/" + old + "/" + v.ID, "tampered": "/media/" + future + "/" + v.ID,
		"cut": "/media/" + grant[:len(grant)-1] + "/" + v.ID, "another key": "/media/" + foreign + "/" + v.ID, "none": "/media/x/" + v.ID, "dot": "/media/./" + v.ID,
	} {
		for _, file := range []string{"source", "master.m3u8", "source.m3u8", "download", "progressive", "poster.jpg", "o/ladder/x"} {
			for _, p := range []*person{r.owner, r.nobody} {
				res, body := p.get(t, path+"/"+file)
				require.Contains(t, []int{403, 404}, res.StatusCode, "%s %s", name, file)
				require.NotContains(t, body, "ftyp")
			}
		}
	}
}
