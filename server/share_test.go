package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/share"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// do sends JSON, expects a status, and reads the answer into out if there is one.
func (p *person) do(t testing.TB, at string, body any, status int, out any) *http.Response {
	t.Helper()
	method, path, _ := strings.Cut(at, " ")
	raw := ""
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(t, err)
		raw = string(b)
	}
	res := p.ask(t, method, path, raw)
	got := text(t, res)
	require.Equal(t, status, res.StatusCode, "%s: %s", at, got)
	if out != nil {
		require.NoError(t, json.Unmarshal([]byte(got), out), got)
	}
	return res
}

type object = map[string]any

func (r *rig) makeLink(t testing.TB, v *catalog.Video, terms object) share.Link {
	t.Helper()
	var link share.Link
	r.owner.do(t, "POST /api/videos/"+v.ID+"/links", terms, 201, &link)
	return link
}

func TestALinkWithAPassword(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.InTeam)
	link := r.makeLink(t, v, object{"name": "Acme", "password": "correct horse", "may_comment": true})
	require.True(t, link.HasPassword)
	require.Equal(t, "open", link.State)
	open := "POST /api/links/" + link.Slug + "/open"

	res, page := r.nobody.get(t, "/v/"+link.Slug)
	require.Equal(t, 404, res.StatusCode)
	require.Contains(t, page, `"locked":{"slug":"`+link.Slug+`","password":true}`)
	require.NotContains(t, page, secret)
	require.NotContains(t, page, "Ada")

	var problem struct{ Code string }
	r.nobody.do(t, open, object{}, 401, &problem)
	require.Equal(t, "password_needed", problem.Code)
	r.nobody.do(t, open, object{"password": "wrong horse"}, 403, &problem)
	require.Equal(t, "password_wrong", problem.Code)

	var opened struct {
		Video struct {
			ID, Title, Slug string
			Pass            string
			May             struct{ Edit, Comment, Download bool }
		}
		Pass string
	}
	res = r.nobody.do(t, open, object{"password": "correct horse"}, 200, &opened)
	require.Equal(t, secret, opened.Video.Title)
	require.Equal(t, link.Slug, opened.Video.Slug, "its own address is not told")
	require.True(t, opened.Video.May.Comment)
	require.False(t, opened.Video.May.Edit || opened.Video.May.Download)
	require.Len(t, res.Cookies(), 1)
	cookie := res.Cookies()[0]
	require.Equal(t, "meanwhile_pass_"+link.Slug, cookie.Name)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)

	res, page = r.nobody.get(t, "/v/"+link.Slug, "Cookie", cookie.Name+"="+cookie.Value)
	require.Equal(t, 200, res.StatusCode)
	require.Contains(t, page, secret)
	res, _ = r.nobody.get(t, "/api/videos/"+v.ID, "Meanwhile-Pass", opened.Pass)
	require.Equal(t, 200, res.StatusCode)
	res = r.nobody.ask(t, "POST", "/api/videos/"+v.ID+"/comments", `{"at_ms":0,"body":"hello","guest_name":"Gil"}`, "Meanwhile-Pass", opened.Pass)
	require.Equal(t, 201, res.StatusCode)

	// The owner opens it without a password, and gets no pass to hand on.
	r.owner.do(t, open, object{}, 200, &opened)
	var bare struct{ Pass *string }
	r.owner.do(t, open, object{}, 200, &bare)
	require.Nil(t, bare.Pass)

	// Another password voids the pass at once.
	var changed share.Link
	r.owner.do(t, "PATCH /api/links/"+link.ID, object{"password": "battery staple"}, 200, &changed)
	res, _ = r.nobody.get(t, "/api/videos/"+v.ID, "Meanwhile-Pass", cookie.Value)
	require.Equal(t, 404, res.StatusCode)
	r.nobody.do(t, open, object{"password": "correct horse"}, 403, nil)
	r.nobody.do(t, open, object{"password": "battery staple"}, 200, nil)
	// None at all lets everybody in by the page alone.
	r.owner.do(t, "PATCH /api/links/"+link.ID, object{"password": ""}, 200, &changed)
	require.False(t, changed.HasPassword)
	res, _ = r.nobody.get(t, "/v/"+link.Slug)
	require.Equal(t, 200, res.StatusCode)
}

// TestLinksThatLetNobodyInAllAnswerTheSame: absent, expired, revoked, paused and
// used up.
// A video that its own address opens to everybody keeps that address to itself: a
// link with a password asks for it all the same.
func TestALinkAsksAlsoWhereTheVideosAddressIsOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.WithLink)
	outsider := r.outsider(t, "Eve")
	for _, terms := range []object{{"password": "correct horse"}, {"max_views": 1}} {
		link := r.makeLink(t, v, terms)
		for _, who := range []*person{r.nobody, outsider} {
			res, page := who.get(t, "/v/"+link.Slug)
			require.Equal(t, 404, res.StatusCode)
			require.Contains(t, page, `"locked"`)
			for _, told := range []string{secret, v.ID, v.Slug} {
				require.NotContains(t, page, told)
			}
			_, page = who.get(t, "/embed/"+link.Slug)
			require.NotContains(t, page, v.Slug)
		}
	}
	link := r.makeLink(t, v, object{"password": "correct horse"})
	open := "POST /api/links/" + link.Slug + "/open"
	r.nobody.do(t, open, object{}, 401, nil)
	var opened struct{ Video struct{ Slug string } }
	r.nobody.do(t, open, object{"password": "correct horse"}, 200, &opened)
	require.Equal(t, link.Slug, opened.Video.Slug)
	r.member.do(t, open, object{}, 200, nil)
}

func TestLinksThatLetNobodyInAllAnswerTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v, private, trashed := r.start(t, catalog.InTeam), r.start(t, catalog.Private), r.start(t, catalog.InTeam)
	password := object{"password": "correct horse"}
	revoked, paused := r.makeLink(t, v, password), r.makeLink(t, private, password)
	require.Equal(t, "paused", paused.State)
	r.owner.do(t, "DELETE /api/links/"+revoked.ID, nil, 204, nil)
	gone := r.makeLink(t, trashed, password)
	require.NoError(t, r.catalog.TrashVideo(t.Context(), trashed.ID))
	full := r.makeLink(t, v, object{"max_views": 1, "password": "correct horse"})
	r.nobody.do(t, "POST /api/links/"+full.Slug+"/open", password, 200, nil)
	expired := r.makeLink(t, v, object{"password": "correct horse", "expires_at": time.Now().Add(time.Hour)})
	_, err := r.db.Writer.ExecContext(t.Context(), "UPDATE share_links SET expires_at = ? WHERE id = ?", time.Now().Add(-time.Second).UTC(), expired.ID)
	require.NoError(t, err)

	var want string
	for name, slug := range map[string]string{"absent": "abcdefgh", "revoked": revoked.Slug, "paused": paused.Slug, "trashed": gone.Slug, "full": full.Slug, "expired": expired.Slug} {
		for _, body := range []string{`{}`, `{"password":"correct horse"}`, `{"password":"wrong"}`} {
			res := r.nobody.ask(t, "POST", "/api/links/"+slug+"/open", body)
			got := text(t, res)
			require.Equal(t, 404, res.StatusCode, name)
			require.Empty(t, res.Cookies())
			if want == "" {
				want = got
			}
			require.Equal(t, want, got, name)
		}
		res, page := r.nobody.get(t, "/v/"+slug)
		require.Equal(t, 404, res.StatusCode)
		require.NotContains(t, page, "locked", name)
	}
	var links struct{ Items []share.Link }
	r.owner.do(t, "GET /api/videos/"+v.ID+"/links", nil, 200, &links)
	require.Len(t, links.Items, 2, "the revoked one is not listed")
	require.Equal(t, []string{"full", "expired"}, []string{links.Items[0].State, links.Items[1].State})
}

// TestAViewLimitHolds: fifty come at once to a link for seven.
func TestAViewLimitHolds(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	v := r.start(t, catalog.InTeam)
	link := r.makeLink(t, v, object{"max_views": 7})
	res, page := r.nobody.get(t, "/v/"+link.Slug)
	require.Equal(t, 404, res.StatusCode)
	require.Contains(t, page, `"password":false}`)
	var in, out atomic.Int32
	var mu sync.Mutex
	var guests []string
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			res := r.nobody.ask(t, "POST", "/api/links/"+link.Slug+"/open", "{}")
			switch res.StatusCode {
			case http.StatusOK:
				in.Add(1)
				for _, cookie := range res.Cookies() {
					if cookie.Name == "meanwhile_guest" {
						mu.Lock()
						guests = append(guests, cookie.Value)
						mu.Unlock()
					}
				}
			case http.StatusNotFound:
				out.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 7, in.Load())
	require.EqualValues(t, 43, out.Load())
	require.Len(t, guests, 7)
	var links struct{ Items []share.Link }
	r.owner.do(t, "GET /api/videos/"+v.ID+"/links", nil, 200, &links)
	require.Equal(t, 7, links.Items[0].Views)
	require.Equal(t, "full", links.Items[0].State)

	// Whoever was let in may come again, and counts once.
	for range 3 {
		res := r.nobody.ask(t, "POST", "/api/links/"+link.Slug+"/open", "{}", "Cookie", "meanwhile_guest="+guests[0])
		require.Equal(t, 200, res.StatusCode)
	}
	res, page = r.nobody.get(t, "/v/"+link.Slug, "Cookie", "meanwhile_guest="+guests[0])
	require.Equal(t, 404, res.StatusCode)
	require.Contains(t, page, `"locked":`)
	// A program that looks at pages is not counted.
	other := r.makeLink(t, v, object{"max_views": 1})
	for range 5 {
		r.nobody.get(t, "/v/"+other.Slug, "User-Agent", "Slackbot-LinkExpanding 1.0")
	}
	r.nobody.do(t, "POST /api/links/"+other.Slug+"/open", object{}, 200, nil)
}

func TestALinksPasswordIsGuessedSlowly(t *testing.T) {
	t.Parallel()
	r, _ := newRigInNoTime(t, nil)
	link := r.makeLink(t, r.start(t, catalog.InTeam), object{"password": "correct horse"})
	var refused bool
	for i := range 12 {
		res := r.nobody.ask(t, "POST", "/api/links/"+link.Slug+"/open", fmt.Sprintf(`{"password":"wrong horse %d"}`, i))
		if res.StatusCode == http.StatusTooManyRequests {
			refused = true
			require.NotEmpty(t, res.Header.Get("Retry-After"))
		}
	}
	require.True(t, refused)
	noted, err := r.catalog.AuditLog(t.Context(), record.AuditQuery{WorkspaceID: r.owner.account.WorkspaceID, Action: record.LinkRefused, Limit: 9})
	require.NoError(t, err)
	require.NotEmpty(t, noted)
	require.Less(t, len(noted), 3, "a flood of guesses does not fill the log")
	r.nobody.do(t, "POST /api/links/"+link.Slug+"/open", object{"password": "correct horse"}, 429, nil)
	r.owner.do(t, "POST /api/links/"+link.Slug+"/open", object{}, 200, nil)
}

func TestOnlyWhoMayEditSeesAndMakesLinks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v, hidden := r.start(t, catalog.InTeam), r.start(t, catalog.Private)
	link, deep := r.makeLink(t, v, object{}), r.makeLink(t, hidden, object{})
	for at, status := range map[string]int{
		"GET /api/videos/" + v.ID + "/links": 403, "POST /api/videos/" + v.ID + "/links": 403,
		"PATCH /api/links/" + link.ID: 404, "DELETE /api/links/" + link.ID: 404, "PATCH /api/links/" + deep.ID: 404,
		"GET /api/videos/" + v.ID + "/people": 403, "POST /api/videos/" + v.ID + "/check": 403, "GET /api/videos/" + hidden.ID + "/people": 404,
	} {
		var body any
		if !strings.HasPrefix(at, "GET") {
			body = object{}
		}
		r.member.do(t, at, body, status, nil)
		r.nobody.do(t, at, body, 404, nil)
	}
	bad := []object{
		{"password": "short"},
		{"expires_at": time.Now().Add(-time.Minute)},
		{"expires_at": "soon"},
		{"max_views": -1},
		{"max_views": 1_000_000},
		{"name": strings.Repeat("x", 101)},
		{"name": "a\x00b"},
		{"name": "\u202Eevil"},
		{"slug": "mine"},
		{"views": 3},
		{"video_id": "x"},
	}
	for _, terms := range bad {
		r.owner.do(t, "POST /api/videos/"+v.ID+"/links", terms, 422, nil)
		r.owner.do(t, "PATCH /api/links/"+link.ID, terms, 422, nil)
	}
	var changed share.Link
	later := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	r.owner.do(t, "PATCH /api/links/"+link.ID, object{"expires_at": later, "name": " Acme "}, 200, &changed)
	require.Equal(t, later, *changed.ExpiresAt)
	require.Equal(t, "Acme", changed.Name)
	r.owner.do(t, "PATCH /api/links/"+link.ID, object{"max_views": 3}, 200, &changed)
	require.NotNil(t, changed.ExpiresAt, "what is not sent stays")
	r.owner.do(t, "PATCH /api/links/"+link.ID, object{"expires_at": nil}, 200, &changed)
	require.Nil(t, changed.ExpiresAt)
}

// TestWhatALinkTakesAwayEndsAtOnce: media grants of those who came by it, and
// their streams of events, end within seconds of the end of the link.
func TestWhatALinkTakesAwayEndsAtOnce(t *testing.T) {
	t.Parallel()
	r, clock := newRigInNoTime(t, nil)
	require.NoError(t, r.server.Start(t.Context(), r.catalog, slog.New(slog.DiscardHandler)))
	v := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	ends := map[string]func(share.Link){
		"revoked": func(l share.Link) { r.owner.do(t, "DELETE /api/links/"+l.ID, nil, 204, nil) },
		"new password": func(l share.Link) {
			r.owner.do(t, "PATCH /api/links/"+l.ID, object{"password": "battery staple"}, 200, nil)
		},
		"expired": func(share.Link) { clock.move(time.Minute) },
		"private": func(share.Link) {
			r.owner.do(t, "PATCH /api/videos/"+v.ID, object{"visibility": "private"}, 200, nil)
		},
	}
	for _, name := range []string{"revoked", "new password", "expired", "private"} {
		terms := object{"password": "correct horse"}
		if name == "expired" {
			terms["expires_at"] = r.catalog.Now().Add(time.Minute)
		}
		link := r.makeLink(t, v, terms)
		var opened struct {
			Pass  string
			Video struct {
				Playback struct{ Progressive string }
			}
		}
		r.nobody.do(t, "POST /api/links/"+link.Slug+"/open", object{"password": "correct horse"}, 200, &opened)
		res := r.nobody.ask(t, "HEAD", opened.Video.Playback.Progressive, "")
		require.Equal(t, 200, res.StatusCode, name)
		events := r.nobody.ask(t, "GET", "/api/videos/"+v.ID+"/events?pass="+opened.Pass, "")
		require.Equal(t, 200, events.StatusCode)
		ends[name](link)
		soon(t, 5*time.Second, func() bool {
			return r.nobody.ask(t, "HEAD", opened.Video.Playback.Progressive, "").StatusCode == http.StatusForbidden
		}, name)
		var said bytes.Buffer
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = said.ReadFrom(events.Body)
		}()
		soon(t, 15*time.Second, over(ended), name+": the stream goes on")
		require.Contains(t, said.String(), "event: video_removed", name)
		res, _ = r.nobody.get(t, "/api/videos/"+v.ID, "Meanwhile-Pass", opened.Pass)
		require.Equal(t, 404, res.StatusCode)
	}
	require.Equal(t, 200, r.owner.do(t, "GET /api/videos/"+v.ID, nil, 200, nil).StatusCode)
}

// outsider belongs to no workspace of the rig.
func (r *rig) outsider(t testing.TB, name string) *person {
	t.Helper()
	p := r.join(t, name)
	_, err := r.db.Writer.ExecContext(t.Context(), "DELETE FROM memberships WHERE account_id = ?", p.account.ID)
	require.NoError(t, err)
	_, err = r.db.Writer.ExecContext(t.Context(), "UPDATE accounts SET workspace_id = NULL WHERE id = ?", p.account.ID)
	require.NoError(t, err)
	return p
}

func email(p *person) string { return strings.ToLower(p.account.Email) }
