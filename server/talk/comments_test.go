package talk

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

func TestACommentComesBackAsItWasSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	said := r.member.say(map[string]any{"at_ms": 42_000, "body": "  why <b>this</b>?\r\n", "parent_id": nil})
	require.Equal(t, "why <b>this</b>?", said.Body)
	require.Equal(t, int64(42_000), said.AtMS)
	require.Equal(t, "Ben", said.Author.Name)
	require.Equal(t, r.member.account.ID, *said.Author.ID)
	require.Nil(t, said.ParentID)
	require.Equal(t, May{Edit: true, Delete: true, Resolve: true}, said.May)

	answer := r.owner.say(map[string]any{"at_ms": 42_000, "body": "because", "parent_id": said.ID})
	require.Equal(t, said.ID, *answer.ParentID)
	require.Equal(t, May{Edit: true, Delete: true}, answer.May, "an answer is not resolved by itself")

	list := r.other.comments()
	require.Len(t, list, 2)
	require.Equal(t, said.Body, list[0].Body)
	require.Equal(t, May{}, list[0].May)
	require.Equal(t, []May{{Delete: true, Resolve: true}, {Edit: true, Delete: true}}, []May{r.owner.comments()[0].May, r.owner.comments()[1].May})
}

func TestWhoMayChangeAComment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	said := r.member.say(map[string]any{"at_ms": 1, "body": "mine"})
	path := "/api/comments/" + said.ID
	rows := []struct {
		name   string
		who    *person
		method string
		body   any
		status int
	}{
		{"nobody edits", r.guest(t), "PATCH", map[string]any{"body": "x"}, 404},
		{"another edits", r.other, "PATCH", map[string]any{"body": "x"}, 403},
		{"another resolves", r.other, "PATCH", map[string]any{"resolved": true}, 403},
		{"another deletes", r.other, "DELETE", nil, 403},
		{"the video's owner edits", r.owner, "PATCH", map[string]any{"body": "x"}, 403},
		{"resolves and edits at once", r.owner, "PATCH", map[string]any{"resolved": true, "body": "x"}, 403},
		{"the video's owner resolves", r.owner, "PATCH", map[string]any{"resolved": true}, 200},
		{"the author reopens", r.member, "PATCH", map[string]any{"resolved": false}, 200},
		{"the author edits", r.member, "PATCH", map[string]any{"body": "better"}, 200},
		{"the author says nothing", r.member, "PATCH", map[string]any{"body": " "}, 422},
		{"the author says NUL", r.member, "PATCH", `{"body":"a\u0000b"}`, 422},
		{"absent", r.member, "PATCH", nil, 404},
		{"the video's owner deletes", r.owner, "DELETE", nil, 204},
		{"it is gone", r.member, "DELETE", nil, 404},
	}
	for _, row := range rows {
		at := path
		if row.name == "absent" {
			at, row.body = "/api/comments/absent", map[string]any{"body": "x"}
		}
		status, raw := row.who.call(row.method, at, row.body)
		require.Equal(t, row.status, status, "%s: %s", row.name, raw)
		if row.name == "the author edits" {
			changed := decode[Comment](t, raw)
			require.Equal(t, "better", changed.Body)
			require.NotNil(t, changed.EditedAt)
			require.Nil(t, changed.ResolvedAt)
		}
	}
	require.Empty(t, r.member.comments())
}

func TestBadCommentsGetASentence(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	elsewhere := r.newVideo(t, catalog.InTeam)
	parent := r.member.say(map[string]any{"at_ms": 1, "body": "parent"})
	answer := r.member.say(map[string]any{"body": "answer", "parent_id": parent.ID})
	rows := map[string]struct {
		video  string
		body   any
		status int
	}{
		"second -1":               {"", map[string]any{"at_ms": -1000, "body": "x"}, 422},
		"no moment":               {"", map[string]any{"body": "x"}, 422},
		"half a millisecond":      {"", `{"at_ms": 0.5, "body": "x"}`, 422},
		"a moment beyond numbers": {"", `{"at_ms": 1e300, "body": "x"}`, 422},
		"no body":                 {"", map[string]any{"at_ms": 1}, 422},
		"a megabyte":              {"", map[string]any{"at_ms": 1, "body": strings.Repeat("x", 1<<20)}, 413},
		"10,001 characters":       {"", map[string]any{"at_ms": 1, "body": strings.Repeat("x", 10_001)}, 422},
		"NUL":                     {"", `{"at_ms": 1, "body": "a\u0000"}`, 422},
		"not JSON":                {"", `at_ms=1`, 400},
		"an array":                {"", `[]`, 422},
		"an answer to an answer":  {"", map[string]any{"body": "x", "parent_id": answer.ID}, 422},
		"parent of another video": {elsewhere.ID, map[string]any{"body": "x", "parent_id": parent.ID}, 422},
		"a field too many":        {"", map[string]any{"at_ms": 1, "body": "x", "author_id": "me"}, 422},
		"no video":                {"absent", map[string]any{"at_ms": 1, "body": "x"}, 404},
	}
	for name, row := range rows {
		if row.video == "" {
			row.video = r.video.ID
		}
		status, raw := r.member.call(http.MethodPost, "/api/videos/"+row.video+"/comments", row.body)
		require.Equal(t, row.status, status, "%s: %s", name, raw)
		problem := decode[reply.Problem](t, raw)
		require.NotEmpty(t, problem.Detail, name)
		require.NotEmpty(t, problem.Code, name)
		require.Less(t, len(raw), 2000, "the input is not repeated: "+name)
	}
	require.Len(t, r.member.comments(), 2, "nothing was written")
}

func TestTheLongestCommentOfTheHeaviestCharactersFits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := strings.Repeat(`\ud83d\ude42`, 10_000)
	status, raw := r.member.call(http.MethodPost, "/api/videos/"+r.video.ID+"/comments", `{"at_ms": 1, "body": "`+body+`"}`)
	require.Equal(t, 201, status, string(raw[:min(len(raw), 500)]))
}

func TestAfterTheEndCountsAsTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Equal(t, int64(60_000), r.member.say(`{"at_ms": 9223372036854775807, "body": "x"}`).AtMS)
}

func TestGuestsSpeakOnlyWhereTheyMay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := "/api/videos/" + r.video.ID + "/comments"
	words := map[string]any{"at_ms": 1, "body": "hello", "guest_name": "Zoë"}
	guest, stranger := r.guest(t), r.guest(t)
	status, _ := guest.call(http.MethodPost, path, words)
	require.Equal(t, 404, status, "members only")

	r.openToGuests(t)
	status, raw := guest.call(http.MethodPost, path, map[string]any{"at_ms": 1, "body": "hello"})
	require.Equal(t, 422, status)
	require.Contains(t, string(raw), "name")
	require.Empty(t, guest.cookies, "what was refused leaves no cookie")

	said := guest.say(words)
	require.Equal(t, Author{Name: "Zoë", Guest: true}, said.Author)
	require.True(t, said.May.Edit)
	require.NotEmpty(t, guest.cookies["meanwhile_guest"])
	again := guest.say(words)
	require.True(t, guest.comments()[0].May.Edit)
	require.False(t, stranger.comments()[0].May.Edit)
	require.NotContains(t, string(mustRaw(stranger, path)), guest.cookies["meanwhile_guest"])

	status, _ = stranger.call(http.MethodPatch, "/api/comments/"+said.ID, map[string]any{"body": "x"})
	require.Equal(t, 403, status)
	status, _ = guest.call(http.MethodPatch, "/api/comments/"+said.ID, map[string]any{"body": "x"})
	require.Equal(t, 200, status)
	status, _ = guest.call(http.MethodDelete, "/api/comments/"+again.ID, nil)
	require.Equal(t, 204, status)
}

func mustRaw(p *person, path string) []byte {
	_, raw := p.call(http.MethodGet, path, nil)
	return raw
}

func TestViewsCountOnceAndKeepThePlace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.openToGuests(t)
	path := "/api/videos/" + r.video.ID + "/views"
	report := map[string]any{"position_ms": 12_000, "watched_ms": 5_000, "first": true}
	guest, far := r.guest(t), r.guest(t)
	far.address = "203.0.113.9"
	for _, who := range []*person{r.owner, r.member, r.member, guest, guest, far} {
		status, raw := who.call(http.MethodPost, path, report)
		require.Equal(t, 204, status, string(raw))
	}
	v, err := r.catalog.Video(t.Context(), r.video.ID)
	require.NoError(t, err)
	require.Equal(t, 3, v.Views)
	status, raw := r.member.call(http.MethodGet, path, nil)
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"position_ms":12000,"watched_ms":5000}`, string(raw))
	_, raw = r.other.call(http.MethodGet, path, nil)
	require.JSONEq(t, `{"position_ms":0,"watched_ms":0}`, string(raw))
	status, _ = r.member.call(http.MethodPost, path, `{"position_ms": -9223372036854775808, "watched_ms": 9223372036854775807}`)
	require.Equal(t, 204, status)
}

func TestAViewerCannotBeFoundOutFromTheRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.openToGuests(t)
	guest := r.guest(t)
	guest.address = "203.0.113.9"
	status, _ := guest.call(http.MethodPost, "/api/videos/"+r.video.ID+"/views", `{"position_ms":1,"watched_ms":1}`)
	require.Equal(t, 204, status)
	var viewer string
	require.NoError(t, r.db.Reader.NewRaw("SELECT viewer FROM views").Scan(t.Context(), &viewer))
	require.NotContains(t, viewer, "203")
	other := New(Options{Secret: []byte("another")})
	require.NotEqual(t, viewer, other.viewer(t.Context(), "x"))
}
