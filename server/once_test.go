package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// made is what an answer says of what was made.
func made(t *testing.T, res *http.Response) (id string) {
	t.Helper()
	raw := text(t, res)
	require.Equal(t, http.StatusCreated, res.StatusCode, raw)
	var body struct{ ID string }
	if json.Unmarshal([]byte(raw), &body) == nil && body.ID != "" {
		return body.ID
	}
	return res.Header.Get("Location")
}

// TestARequestThatComesAgainMakesNothingNew: by the same key everybody gets what was
// made for him, and by the same key for something else he is told.
func TestARequestThatComesAgainMakesNothingNew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.WithLink)
	r.execute(t, "UPDATE videos SET guests_may_comment = TRUE")
	const key = `"8e03978e-40d5-43e8-bc93-6894a57f9324"`
	for _, row := range []struct{ path, body, other string }{
		{"/api/videos", `{"title":"one"}`, `{"title":"two"}`},
		{"/api/videos/" + v.ID + "/comments", `{"at_ms":1,"body":"one"}`, `{"at_ms":2,"body":"one"}`},
		{"/api/videos/" + v.ID + "/links", `{"name":"one"}`, `{"name":"two"}`},
		{"/api/uploads", "", "?"},
	} {
		header := []string{"Idempotency-Key", strings.TrimSuffix(key, `"`) + row.path + `"`, "Tus-Resumable", "1.0.0", "Upload-Length", "5"}
		first := made(t, r.owner.ask(t, http.MethodPost, row.path, row.body, header...))
		require.Equal(t, first, made(t, r.owner.ask(t, http.MethodPost, row.path, row.body, header...)), row.path)
		if row.other == "?" {
			header[5] = "6"
			row.other = ""
		}
		used := r.owner.ask(t, http.MethodPost, row.path, row.other, header...)
		require.Equal(t, http.StatusUnprocessableEntity, used.StatusCode, row.path)
		require.Contains(t, text(t, used), "key_used")
		header[1] = "another" + row.path
		require.NotEqual(t, first, made(t, r.owner.ask(t, http.MethodPost, row.path, row.other, append(header, "Upload-Metadata", "title YQ==")...)), row.path)
	}
	path, body := "/api/videos/"+v.ID+"/comments", `{"at_ms":1,"body":"word","guest_name":"Guest"}`
	guest := made(t, r.nobody.ask(t, http.MethodPost, path, body, "Idempotency-Key", key))
	require.Equal(t, guest, made(t, r.nobody.ask(t, http.MethodPost, path, body, "Idempotency-Key", key)))
	require.NotEqual(t, guest, made(t, r.member.ask(t, http.MethodPost, path, `{"at_ms":1,"body":"word"}`, "Idempotency-Key", key)), "keys of others are others")
	for _, wrong := range []string{`""`, strings.Repeat("x", 300), "\x80"} {
		require.Equal(t, http.StatusBadRequest, r.owner.ask(t, http.MethodPost, path, `{"at_ms":1,"body":"word"}`, "Idempotency-Key", wrong).StatusCode)
	}
	require.Equal(t, http.StatusRequestEntityTooLarge, r.owner.ask(t, http.MethodPost, path, strings.Repeat(" ", 200_000), "Idempotency-Key", key).StatusCode)
}

// TestARequestThatFailedMayComeAgain: only what was made is remembered, and for a day.
func TestARequestThatFailedMayComeAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.InTeam)
	path := "/api/videos/" + v.ID + "/comments"
	require.Equal(t, http.StatusUnprocessableEntity, r.owner.ask(t, http.MethodPost, path, `{"at_ms":1,"body":""}`, "Idempotency-Key", "k").StatusCode)
	first := made(t, r.owner.ask(t, http.MethodPost, path, `{"at_ms":1,"body":"now"}`, "Idempotency-Key", "k"))
	r.execute(t, "UPDATE idempotency SET at_ms = at_ms - ?", 25*60*60*1000)
	second := made(t, r.owner.ask(t, http.MethodPost, path, `{"at_ms":1,"body":"later"}`, "Idempotency-Key", "k"))
	require.NotEqual(t, first, second, "a day later it is another key")
	r.execute(t, "UPDATE idempotency SET at_ms = at_ms - ?", 25*60*60*1000)
	require.NoError(t, r.catalog.ForgetOnce(t.Context()))
	var kept int
	require.NoError(t, r.db.Reader.NewRaw("SELECT count(*) FROM idempotency").Scan(t.Context(), &kept))
	require.Zero(t, kept)
}

// TestOneKeyOnTwoServersAtOnce: both are asked at the same time, and one of them
// makes it.
func TestOneKeyOnTwoServersAtOnce(t *testing.T) {
	t.Parallel()
	here, there := newPair(t)
	v := here.start(t, catalog.InTeam)
	path := "/api/videos/" + v.ID + "/comments"
	for round := range 10 {
		ids := make([]string, 8)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				p := here.member
				if i%2 == 1 {
					p = there.member
				}
				res := p.ask(t, http.MethodPost, path, `{"at_ms":1,"body":"once"}`, "Idempotency-Key", strconv.Itoa(round))
				var body struct{ ID string }
				if err := json.NewDecoder(res.Body).Decode(&body); err != nil || res.StatusCode != http.StatusCreated {
					t.Errorf("%d %v", res.StatusCode, err)
				}
				ids[i] = body.ID
			})
		}
		all.Wait()
		for _, id := range ids {
			require.Equal(t, ids[0], id)
		}
	}
	require.Equal(t, 10, here.read(t, v.ID).Comments)
}

// TestAGuestWhoGetsNoAnswerMayTryFromElsewhere: the first comment of a guest was taken,
// and the answer was lost with its cookie. Tried again from another network, on another
// server, it is the same comment and the same guest, who may change it. Who does not
// know the key gets neither.
func TestAGuestWhoGetsNoAnswerMayTryFromElsewhere(t *testing.T) {
	t.Parallel()
	here := newRigAt(t, nil, func(o *Options) { o.TrustedProxies = []string{"127.0.0.1"} })
	there := here.beside(t)
	v := here.start(t, catalog.WithLink)
	here.execute(t, "UPDATE videos SET guests_may_comment = TRUE")
	const key = `"8e03978e-40d5-43e8-bc93-6894a57f9324"`
	path, body := "/api/videos/"+v.ID+"/comments", `{"at_ms":1,"body":"word","guest_name":"Guest"}`
	say := func(p *person, key, network string) *http.Response {
		return p.ask(t, http.MethodPost, path, body, "Idempotency-Key", key, "X-Forwarded-For", network)
	}
	lost := say(here.nobody, key, "192.0.2.1")
	again := say(there.nobody, key, "198.51.100.7")
	require.Len(t, lost.Cookies(), 1)
	require.Equal(t, lost.Cookies()[0].Value, again.Cookies()[0].Value)
	id := made(t, again)
	require.Equal(t, made(t, lost), id)
	change := func(res *http.Response) int {
		cookie := res.Cookies()[0]
		return there.nobody.ask(t, http.MethodPatch, "/api/comments/"+id, `{"body":"changed"}`, "Cookie", cookie.Name+"="+cookie.Value).StatusCode
	}
	require.Equal(t, http.StatusOK, change(again))
	other := say(here.nobody, `"0d9a57cf-9c5a-4ae6-a3e1-0a2b8b0a4d11"`, "192.0.2.1")
	require.Equal(t, http.StatusForbidden, change(other))
	require.NotEqual(t, id, made(t, other))

	require.Equal(t, http.StatusBadRequest, say(here.nobody, "guessed", "192.0.2.1").StatusCode)
	here.execute(t, "UPDATE idempotency SET at_ms = at_ms - ?", 25*60*60*1000)
	late := say(here.nobody, key, "192.0.2.1")
	require.Equal(t, http.StatusForbidden, change(late), "once it is forgotten, the key tells nothing about what it made")
	require.NotEqual(t, id, made(t, late))
}
