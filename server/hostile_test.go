package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// TestOddTextIsNoServerError puts what SQL text, JSON or UTF-8 cannot hold into
// every string that a client may send.
func TestOddTextIsNoServerError(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.WithLink)
	guests := true
	_, err := r.catalog.ChangeVideo(t.Context(), v.ID, catalog.VideoChange{GuestsMayComment: &guests})
	require.NoError(t, err)
	for _, odd := range []string{`a\u0000b`, "a\xffb", `\ud800`, `\u202e\u0007`, strings.Repeat("x", 1<<20), `'; DROP TABLE videos; --`, `%s?0?`, `\\`} {
		for path, body := range map[string]string{
			"POST /api/videos":                         `{"title":"ODD"}`,
			"POST /api/videos ":                        `{"mime":"ODD"}`,
			"POST /api/videos  ":                       `{"visibility":"ODD"}`,
			"PATCH /api/videos/" + v.ID:                `{"title":"ODD"}`,
			"POST /api/videos/" + v.ID + "/comments":   `{"at_ms":0,"body":"ODD"}`,
			"POST /api/videos/" + v.ID + "/comments ":  `{"at_ms":0,"body":"x","parent_id":"ODD"}`,
			"POST /api/videos/" + v.ID + "/comments  ": `{"at_ms":0,"body":"x","guest_name":"ODD"}`,
			"PATCH /api/account":                       `{"name":"ODD"}`,
			"POST /api/tokens":                         `{"name":"ODD","scope":"read"}`,
			"POST /api/invitations":                    `{"email":"ODD@example.com"}`,
			"POST /api/invitations/lookup":             `{"token":"ODD"}`,
			"POST /api/invitations/accept":             `{"token":"ODD","name":"ODD","email":"ODD@example.com","password":"long enough to be one"}`,
			"POST /api/setup":                          `{"token":"ODD","name":"x","email":"x@example.com","password":"long enough to be one"}`,
			"POST /api/session":                        `{"email":"ODD","password":"ODD"}`,
		} {
			method, path, _ := strings.Cut(strings.TrimSpace(path), " ")
			res := r.owner.ask(t, method, path, strings.ReplaceAll(body, "ODD", odd))
			if res.StatusCode >= 500 {
				t.Errorf("%s %s %s %.20q: %s", method, path, body, odd, text(t, res))
			}
		}
	}
	for _, body := range []string{"", "{", "[]", "null", `"x"`, `{"title":1}`, `{"title":null}`, strings.Repeat(`{"a":`, 100_000), `{"title":"a","title":"b"}`, `{"owner_id":"x","id":"y","state":"ready","title":"ok"}`} {
		res := r.owner.ask(t, http.MethodPost, "/api/videos", body)
		require.Less(t, res.StatusCode, 500, "%.40s", body)
		res.Body.Close()
	}
	page, err := r.catalog.Videos(t.Context(), catalog.ListQuery{AccountID: r.owner.account.ID, Limit: 100})
	require.NoError(t, err)
	for _, made := range page.Videos {
		require.Equal(t, r.owner.account.ID, made.OwnerID)
		require.Equal(t, catalog.Recording, made.State, "the client does not say what a video is")
	}
}
