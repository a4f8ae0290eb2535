package site

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

const wiki = "https://wiki.example.org"

// framing is a site whose workspace lists the wiki.
func framing(t *testing.T, v *catalog.Video, who *people.Account) *site {
	t.Helper()
	s := open(t, built(), v, who)
	if v != nil {
		_, err := s.records.SetEmbedOrigins(t.Context(), "w", []string{wiki})
		require.NoError(t, err)
	}
	return s
}

func ancestors(csp string) string {
	_, rest, _ := strings.Cut(csp, "frame-ancestors ")
	list, _, _ := strings.Cut(rest, ";")
	return list
}

func TestAFrameIsForTheListedSites(t *testing.T) {
	t.Parallel()
	res, body := framing(t, video(catalog.WithLink, "Tour & more"), nil).get("/embed/abc")
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "'self' "+wiki, ancestors(res.Header.Get("Content-Security-Policy")))
	require.Empty(t, res.Header.Get("X-Frame-Options"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.Equal(t, "noindex", res.Header.Get("X-Robots-Tag"))
	require.Contains(t, body, `<title>Tour &amp; more – Meanwhile</title>`)
	data := pageData(t, body)
	require.Equal(t, map[string]any{
		"slug": "abc", "watch_url": "https://meanwhile.example/v/abc", "locked": false, "password": false, "ancestors": []any{wiki},
	}, data["embed"])
	require.Nil(t, data["session"], "a frame knows nobody")

	res, _ = open(t, built(), video(catalog.WithLink, "x"), nil).get("/embed/abc")
	require.Equal(t, "'self'", ancestors(res.Header.Get("Content-Security-Policy")), "nobody unless a workspace says so")
	res, body = framing(t, video(catalog.WithLink, "x"), nil).get("/v/abc")
	require.Equal(t, "'none'", ancestors(res.Header.Get("Content-Security-Policy")))
	require.NotContains(t, body, `"ancestors"`)
}

// TestAFrameThatShowsNothingIsTheSameForAll: whatever there is or is not behind
// an address, who asks from the same place gets the same answer.
func TestAFrameThatShowsNothingIsTheSameForAll(t *testing.T) {
	t.Parallel()
	for referer, want := range map[string]string{"": "'self'", wiki + "/page": "'self' " + wiki, "https://evil.example/": "'self'", wiki + ".evil.example/": "'self'", "%": "'self'", "null": "'self'"} {
		var absent string
		for _, v := range []*catalog.Video{video(catalog.InTeam, "SECRET"), video(catalog.Private, "SECRET"), video(catalog.NamedOnly, "SECRET"), nil} {
			path := "/embed/abc"
			s := framing(t, v, nil)
			if v == nil { // another video's workspace lists the wiki
				other := video(catalog.Private, "SECRET")
				other.Slug = "xyz"
				s = framing(t, other, nil)
			}
			res, body := s.get(path, "Referer", referer)
			require.Equal(t, 404, res.StatusCode)
			require.Equal(t, want, ancestors(res.Header.Get("Content-Security-Policy")), referer)
			nonce := nonceOf.FindStringSubmatch(res.Header.Get("Content-Security-Policy"))[1]
			require.NotContains(t, body, "SECRET")
			headers, err := json.Marshal(res.Header) // in the order of their names
			require.NoError(t, err)
			body = strings.ReplaceAll(body+string(headers), nonce, "")
			if absent != "" {
				require.Equal(t, absent, body)
			}
			absent = body
		}
	}
}

func TestOEmbed(t *testing.T) {
	t.Parallel()
	v := video(catalog.WithLink, `Tour "of" <b>`)
	ask := func(s *site, query string) (int, map[string]any) {
		res, body := s.get("/api/oembed?" + query)
		require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"), "errors, too, can be read")
		require.Empty(t, res.Header.Get("Access-Control-Allow-Credentials"))
		var answer map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
		return res.StatusCode, answer
	}
	s := framing(t, v, nil)
	at := "url=" + url.QueryEscape("https://meanwhile.example/v/abc?t=42")
	status, answer := ask(s, at+"&maxwidth=320&format=json")
	require.Equal(t, 200, status)
	require.Equal(t, "video", answer["type"])
	require.Equal(t, "1.0", answer["version"])
	require.Equal(t, v.Title, answer["title"])
	require.EqualValues(t, 320, answer["width"])
	require.EqualValues(t, 180, answer["height"])
	require.Contains(t, answer["html"], `<iframe src="https://meanwhile.example/embed/abc?t=42" title="Tour &#34;of&#34; &lt;b&gt;" width="320" height="180"`)

	status, answer = ask(open(t, built(), v, nil), at)
	require.Equal(t, 200, status)
	require.Equal(t, "link", answer["type"], "what no site may frame is a link")
	require.NotContains(t, answer, "html")

	for query, want := range map[string]int{
		at + "&format=xml": 501, at + "&maxwidth=0": 422, at + "&maxwidth=-1": 422, at + "&maxheight=1e9": 422, at + "&maxwidth=99999999": 422, at + "&maxwidth=x": 422,
		"": 404, "url=": 404, "url=abc": 404, "url=" + url.QueryEscape("https://evil.example/v/abc"): 404, "url=" + url.QueryEscape("http://meanwhile.example/v/abc"): 404,
		"url=" + url.QueryEscape("https://meanwhile.example@evil.example/v/abc"): 404, "url=" + url.QueryEscape("https://x@meanwhile.example/v/abc"): 404,
		"url=" + url.QueryEscape("https://meanwhile.example.evil.example/v/abc"): 404, "url=" + url.QueryEscape("https://meanwhile.example/v/abc/poster.jpg"): 404,
		"url=" + url.QueryEscape("https://meanwhile.example/v/absent"): 404, "url=" + url.QueryEscape("https://meanwhile.example/record"): 404, "url=" + url.QueryEscape("https://meanwhile.example/v/"): 404,
		"url=" + url.QueryEscape("//meanwhile.example/v/abc"): 404, "url=" + url.QueryEscape("javascript:alert(1)"): 404, "url=" + url.QueryEscape("https://meanwhile.example/v/a\x00c"): 404,
		"url=" + url.QueryEscape("https://meanwhile.example/v/%2e%2e"): 404, "url=%ff": 404, "url=" + url.QueryEscape("https://meanwhile.example/v/abc%0d%0aX"): 404,
	} {
		status, _ := ask(s, query)
		require.Equal(t, want, status, query)
	}
}

// TestOEmbedKnowsNobody: even the owner, signed in, is told what everybody is.
func TestOEmbedKnowsNobody(t *testing.T) {
	t.Parallel()
	at := "/api/oembed?url=" + url.QueryEscape("https://meanwhile.example/v/abc")
	_, absent := open(t, built(), nil, nil).get(at)
	for _, visibility := range []catalog.Visibility{catalog.Private, catalog.NamedOnly, catalog.InTeam} {
		for _, who := range []*people.Account{nil, {ID: "ada"}} {
			res, body := framing(t, video(visibility, "SECRET"), who).get(at)
			require.Equal(t, 404, res.StatusCode)
			require.Equal(t, absent, body)
		}
	}
}

func TestHostileTextIsInertInFramesAndCards(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		`</title><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onload='alert(1)`, `</script><script>alert(1)</script>`, `<!--meanwhile:player-->`,
		`<svg/onload=alert(1)>`, `javascript:alert(1)`, `&quot; onload=&quot;`, "a\u2028b", "\" style=\"x:expression(alert(1))", `</iframe><script>`, `%s%d`,
	} {
		v := video(catalog.WithLink, payload)
		v.OwnerName = payload
		s := framing(t, v, nil)
		for _, path := range []string{"/embed/abc", "/v/abc"} {
			_, body := s.get(path)
			require.Equal(t, 2, strings.Count(body, "<script"), "%s %q", path, payload)
			require.Equal(t, 2, strings.Count(body, "</script>"))
			require.Equal(t, 1, strings.Count(body, "<title>"))
			for _, mark := range []string{"<img", "<svg", "<iframe", "<!--"} {
				require.NotContains(t, body, mark, "%s %q", path, payload)
			}
			tags, _, _ := strings.Cut(body, `<script type="application/json"`)
			for _, mark := range []string{` onload="`, ` onload='`, ` style="x`} {
				require.NotContains(t, tags, mark, "%s %q", path, payload)
			}
		}
		_, body := s.get("/api/oembed?url=" + url.QueryEscape("https://meanwhile.example/v/abc"))
		var answer struct{ Title, HTML string }
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		require.Equal(t, payload, answer.Title)
		require.Equal(t, 1, strings.Count(answer.HTML, "<"+"iframe"), answer.HTML)
		require.Equal(t, 2, strings.Count(answer.HTML, "<"), "an iframe and its end: %s", answer.HTML)
		require.Equal(t, 2, strings.Count(answer.HTML, ">"), answer.HTML)
	}
}

func TestTheScriptForOtherSites(t *testing.T) {
	t.Parallel()
	res, body := open(t, built(), nil, nil).get("/embed.js")
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "embed();", body)
	require.Equal(t, "text/javascript; charset=utf-8", res.Header.Get("Content-Type"))
	require.Equal(t, "cross-origin", res.Header.Get("Cross-Origin-Resource-Policy"))
	require.Equal(t, "public, max-age=3600", res.Header.Get("Cache-Control"))
}

// TestAShareLinkHasACardOfItsOwn: it names its own address and not the video's,
// and a link that asks for something has none.
func TestAShareLinkHasACardOfItsOwn(t *testing.T) {
	t.Parallel()
	s := framing(t, video(catalog.InTeam, "Tour"), nil)
	v, err := s.records.VideoFor(t.Context(), "", catalog.VideoSlug, "abc")
	require.NoError(t, err)
	free, err := s.records.AddShareLink(t.Context(), v.ID, "ada", catalog.LinkChange{})
	require.NoError(t, err)
	locked, err := s.records.AddShareLink(t.Context(), v.ID, "ada", catalog.LinkChange{PasswordHash: new("x")})
	require.NoError(t, err)
	few, err := s.records.AddShareLink(t.Context(), v.ID, "ada", catalog.LinkChange{MaxViews: new(3)})
	require.NoError(t, err)

	res, body := s.get("/v/" + free.Slug)
	require.Equal(t, 200, res.StatusCode)
	for _, tag := range []string{`og:title" content="Tour"`, `og:image" content="https://meanwhile.example/v/` + free.Slug + `/poster.jpg"`, `og:video" content="https://meanwhile.example/embed/` + free.Slug + `"`} {
		require.Contains(t, body, tag)
	}
	require.NotContains(t, body, "/v/abc/", "the video's own address stays its own")
	res, _ = s.get("/api/oembed?url=" + url.QueryEscape("https://meanwhile.example/v/"+free.Slug))
	require.Equal(t, 200, res.StatusCode)

	for _, link := range []*catalog.ShareLink{locked, few} {
		_, body = s.get("/v/" + link.Slug)
		require.NotContains(t, body, "Tour")
		require.Contains(t, body, `og:title" content="Meanwhile"`)
		res, body = s.get("/embed/" + link.Slug)
		require.Equal(t, "'self' "+wiki, ancestors(res.Header.Get("Content-Security-Policy")), "it asks in the frame")
		require.NotContains(t, body, "Tour")
		embed := pageData(t, body)["embed"].(map[string]any)
		require.Equal(t, true, embed["locked"])
		require.Equal(t, link == locked, embed["password"])
		res, _ = s.get("/api/oembed?url=" + url.QueryEscape("https://meanwhile.example/v/"+link.Slug))
		require.Equal(t, 404, res.StatusCode)
	}
}
