package server

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// link makes a share link of a video, with a password or without.
func (r *rig) link(t testing.TB, v *catalog.Video, password string, life time.Duration) *catalog.ShareLink {
	t.Helper()
	terms := catalog.LinkChange{}
	if password != "" {
		hash, err := auth.NewHasherAt(auth.Cost{KiB: 64, Passes: 1}).Hash(t.Context(), password)
		require.NoError(t, err)
		terms.PasswordHash = &hash
	}
	if life > 0 {
		until := r.catalog.Now().Add(life)
		terms.ExpiresAt = &until
	}
	link, err := r.catalog.AddShareLink(t.Context(), v.ID, r.owner.account.ID, terms)
	require.NoError(t, err)
	return link
}

func (r *rig) pass(link *catalog.ShareLink) string {
	return access.NewFinder(r.catalog, []byte(rigKey), r.catalog.Now).Pass(link, nil)
}

// revealing are all addresses that show something of a video to whoever may
// watch it by a link.
func (r *rig) revealing(v *catalog.Video, slug string) []string {
	there := url.QueryEscape("http://127.0.0.1:1/v/" + slug)
	framed := url.QueryEscape("http://127.0.0.1:1/embed/" + slug)
	return []string{
		"/v/" + slug, "/embed/" + slug, "/v/" + slug + "/poster.jpg", "/v/" + slug + "/preview.webp", "/api/oembed?url=" + there, "/api/oembed?url=" + framed + "&format=json",
		"/api/videos/" + v.ID, "/api/videos/" + v.ID + "/comments", "/api/videos/" + v.ID + "/views", "/api/videos/" + v.ID + "/events",
		"/media/x/" + v.ID + "/source", "/media/x/" + v.ID + "/master.m3u8", "/media/x/" + v.ID + "/download", "/media/x/" + v.ID + "/storyboard.vtt",
		"/media/x/" + v.ID + "/poster.jpg", "/media/x/" + v.ID + "/o/still/1/poster.jpg",
	}
}

// requireNothing wants every address of a video closed and silent.
func (r *rig) requireNothing(t testing.TB, v *catalog.Video, slug string, header ...string) {
	t.Helper()
	for _, agent := range []string{"Mozilla/5.0", "Slackbot-LinkExpanding 1.0", "Twitterbot/1.0", "facebookexternalhit/1.1"} {
		for _, path := range r.revealing(v, slug) {
			res, body := r.nobody.get(t, path, append([]string{"Accept", "text/html,*/*", "User-Agent", agent}, header...)...)
			require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, res.StatusCode, path)
			for _, word := range []string{secret, "Ada", v.ID} {
				require.NotContains(t, body, word, "%s tells of it", path)
			}
		}
	}
}

// TestALockedLinkShowsNothing: the password is not asked for on the page alone.
func TestALockedLinkShowsNothing(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	v := r.set(t, scene{visibility: catalog.InTeam})
	r.draw(t, v)
	link := r.link(t, v, "open sesame", 0)
	r.requireNothing(t, v, link.Slug)
	for _, header := range [][]string{
		{"Meanwhile-Pass", "x"}, {"Meanwhile-Pass", strings.Replace(r.pass(link), ".", ".1", 1)}, {"Cookie", "meanwhile_pass_" + link.Slug + "=open sesame"}, {"Authorization", "Basic eDp4"},
	} {
		r.requireNothing(t, v, link.Slug, header...)
	}
	_, body := r.nobody.get(t, "/v/"+link.Slug, "Meanwhile-Pass", r.pass(link), "Accept", "text/html")
	require.Contains(t, body, secret, "the control: with the pass it is there")
}

// TestAPassOpensOneLinkWithOnePassword: not another link, not another video, and
// not the link after its password was changed.
func TestAPassOpensOneLinkWithOnePassword(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	v, other := r.set(t, scene{visibility: catalog.InTeam}), r.set(t, scene{visibility: catalog.InTeam})
	a, b, c := r.link(t, v, "password a", 0), r.link(t, v, "password b", 0), r.link(t, other, "password c", 0)
	pass := r.pass(a)
	open := func(slug, shown string) bool {
		_, body := r.nobody.get(t, "/v/"+slug, "Cookie", "meanwhile_pass_"+slug+"="+shown, "Accept", "text/html")
		return strings.Contains(body, secret)
	}
	require.True(t, open(a.Slug, pass))
	require.False(t, open(b.Slug, pass), "another link of the same video")
	require.False(t, open(c.Slug, pass), "a link of another video")
	res, _ := r.nobody.get(t, "/api/videos/"+other.ID, "Meanwhile-Pass", pass)
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	forged := strings.Replace(pass, a.ID, c.ID, 1)
	require.False(t, open(c.Slug, forged))

	next := "another hash"
	_, err := r.catalog.ChangeShareLink(t.Context(), a.ID, catalog.LinkChange{PasswordHash: &next})
	require.NoError(t, err)
	require.False(t, open(a.Slug, pass), "the password was changed")
	r.requireNothing(t, v, a.Slug, "Meanwhile-Pass", pass)
}

// TestAClosedLinkEndsPlayback: what plays by a link that expires, or is revoked,
// plays not another segment.
func TestAClosedLinkEndsPlayback(t *testing.T) {
	t.Parallel()
	r, clock := newRigInNoTime(t, new(float64))
	require.NoError(t, r.server.Start(t.Context(), r.catalog, quiet()))
	v := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	play := func(pass string) string {
		res, body := r.nobody.get(t, "/api/videos/"+v.ID, "Meanwhile-Pass", pass)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
		_, rest, ok := strings.Cut(body, `/media/`)
		require.True(t, ok, body)
		grant, _, _ := strings.Cut(rest, "/")
		return "/media/" + grant + "/" + v.ID + "/stream.mp4"
	}
	gone := func(segment string) func() bool {
		return func() bool { res, _ := r.nobody.get(t, segment); return res.StatusCode == http.StatusForbidden }
	}
	short := r.link(t, v, "", time.Minute)
	segment := play(r.pass(short))
	clock.move(time.Minute - time.Second) // a grant ends on a whole second
	require.False(t, gone(segment)(), "it ends before the link")
	clock.move(time.Second)
	require.True(t, gone(segment)(), "it goes on after the link expired")
	require.False(t, short.Open(r.catalog.Now()))
	r.requireNothing(t, v, short.Slug, "Meanwhile-Pass", r.pass(short))

	revoked := r.link(t, v, "", 0)
	segment = play(r.pass(revoked))
	require.False(t, gone(segment)())
	require.NoError(t, r.catalog.RevokeShareLink(t.Context(), revoked.ID))
	soon(t, 5*time.Second, gone(segment), "it goes on after the link was revoked")
}

// TestAClosedLinkHasNoCard: readers of cards learn nothing from a link that was
// closed, is locked, or leads to a video that is not for them.
func TestAClosedLinkHasNoCard(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	v := r.set(t, scene{visibility: catalog.InTeam})
	r.draw(t, v)
	expired, revoked, paused := r.link(t, v, "", time.Hour), r.link(t, v, "", 0), r.link(t, v, "", 0)
	res, body := r.nobody.get(t, "/api/oembed?url="+url.QueryEscape("http://127.0.0.1:1/v/"+expired.Slug))
	require.Equal(t, http.StatusOK, res.StatusCode, "the control: it is open")
	require.Contains(t, body, secret)
	r.execute(t, "UPDATE share_links SET expires_at = ? WHERE id = ?", time.Now().Add(-time.Second), expired.ID)
	require.NoError(t, r.catalog.RevokeShareLink(t.Context(), revoked.ID))
	r.requireNothing(t, v, expired.Slug)
	r.requireNothing(t, v, revoked.Slug)
	private := catalog.Private
	_, err := r.catalog.ChangeVideo(t.Context(), v.ID, catalog.VideoChange{Visibility: &private})
	require.NoError(t, err)
	r.requireNothing(t, v, paused.Slug)
	r.requireNothing(t, v, v.Slug)
	for _, path := range []string{"/robots.txt", "/sitemap.xml", "/feed", "/rss", "/.well-known/webfinger"} {
		_, body := r.nobody.get(t, path, "Accept", "text/html")
		require.NotContains(t, body, secret, path)
	}
	res, _ = r.nobody.get(t, "/v/"+expired.Slug, "Accept", "text/html")
	require.Equal(t, "noindex", res.Header.Get("X-Robots-Tag"))
}

// TestWhatIsRemovedForGoodIsGone by every address at once, before its objects are.
func TestWhatIsRemovedForGoodIsGone(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	require.NoError(t, r.server.Start(t.Context(), r.catalog, quiet()))
	v := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	object := strings.TrimPrefix(r.ladder(t, v), "v/"+v.ID+"/")
	paths := []string{"source", "o/" + object, "stream.mp4", "source.m3u8"}
	for _, name := range paths {
		res, body := r.nobody.get(t, r.media(v, name))
		require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", name, body)
	}
	old := r.media(v, "")
	require.Equal(t, http.StatusNoContent, r.owner.ask(t, "DELETE", "/api/videos/"+v.ID, "").StatusCode)
	require.Equal(t, http.StatusNoContent, r.owner.ask(t, "DELETE", "/api/videos/"+v.ID, "").StatusCode)
	for _, name := range paths {
		soon(t, 5*time.Second, func() bool {
			res, _ := r.nobody.get(t, old+name)
			return res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusNotFound
		}, name)
	}
}

// TestASegmentOfAnotherVideoDoesNotPlay puts another video's ids into a playlist
// of one's own.
func TestASegmentOfAnotherVideoDoesNotPlay(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	mine, theirs := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true), r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	object := strings.TrimPrefix(r.ladder(t, theirs), "v/"+theirs.ID+"/")
	for _, name := range []string{"source", "stream.mp4", "source.m3u8", "master.m3u8", "download", "progressive", "o/" + object} {
		res, _ := r.nobody.get(t, strings.Replace(r.media(mine, name), mine.ID, theirs.ID, 1))
		require.Equal(t, http.StatusForbidden, res.StatusCode, name)
	}
	res, _ := r.nobody.get(t, r.media(mine, "o/"+object))
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	res, body := r.nobody.get(t, r.media(mine, "source.m3u8"))
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.NotRegexp(t, `(?m)^[^#].*(//|\.\./)`, body, "segments are named below the playlist")
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
