package server

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// TestNamesOfOneThingOpenNoOther puts every id where another one belongs, and
// joins things of two videos.
func TestNamesOfOneThingOpenNoOther(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	mine, theirs := r.set(t, scene{visibility: catalog.InTeam}), r.set(t, scene{visibility: catalog.Private})
	r.execute(t, "UPDATE videos SET owner_id = ? WHERE id = ?", r.member.account.ID, theirs.ID)
	for key, need := range r.server.needs {
		method, pattern, _ := strings.Cut(key, " ")
		if need.Names <= access.Owner || need.Names == access.Media {
			continue
		}
		ids := map[access.Names]string{access.VideoID: mine.ID, access.VideoSlug: mine.Slug, access.UploadID: mine.UploadID, access.CommentID: "c-" + mine.ID}
		right := ids[need.Names]
		for _, id := range ids {
			if id == right {
				continue
			}
			path := strings.NewReplacer(":id", id, ":slug", id).Replace(pattern)
			res := r.owner.ask(t, method, path, bodies[key], "Tus-Resumable", "1.0.0")
			require.Equal(t, http.StatusNotFound, res.StatusCode, "%s with the id of something else", key)
		}
	}
	answer := r.owner.ask(t, "POST", "/api/videos/"+mine.ID+"/comments", fmt.Sprintf(`{"parent_id":"c-%s","body":"x"}`, theirs.ID))
	require.Equal(t, http.StatusUnprocessableEntity, answer.StatusCode, "an answer to a comment of another video: %s", text(t, answer))
	n, err := r.db.Reader.NewSelect().Table("comments").Where("parent_id = ?", "c-"+theirs.ID).Count(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

// forbidden are names under which a client might try to say what it may not.
var forbidden = []string{
	"id", "owner_id", "owner", "workspace_id", "account_id", "state", "status", "slug", "object_key", "storage_key", "upload_id", "epoch", "views", "size",
	"operator", "verified", "verified_at", "password_hash", "created_at", "trashed_at", "url", "created_by", "version",
}

// TestNobodySaysWhoseAThingIs sends every operation fields that are the server's
// to fill (mass assignment).
func TestNobodySaysWhoseAThingIs(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	tried := 0
	for _, op := range r.operations(t) {
		if op.body == nil {
			continue
		}
		for _, name := range forbidden {
			if slices.Contains(op.fields, name) {
				if !slices.Contains(said, op.name+" "+name) {
					t.Errorf("%q: whether a client may say this is decided here", op.name+" "+name)
				}
				continue
			}
			v := r.set(t, openScene())
			whole := op.sample()
			whole[name] = "x"
			raw, err := json.Marshal(whole)
			require.NoError(t, err)
			method, pattern, _ := strings.Cut(op.at, " ")
			res := r.owner.ask(t, method, r.places(v, r.names(t, v))(pattern), string(raw))
			require.GreaterOrEqual(t, res.StatusCode, 400, "%s takes %s", op.at, name)
			now := r.read(t, v.ID)
			require.Equal(t, r.owner.account.ID, now.OwnerID)
			require.Equal(t, v.WorkspaceID, now.WorkspaceID)
			r.execute(t, "UPDATE uploads SET state = 'finished' WHERE video_id = ?", v.ID) // open ones are bounded
			tried++
		}
	}
	require.Greater(t, tried, 200)
	t.Logf("%d bodies", tried)
}

// said are the fields of that kind that an operation takes on purpose; what they
// may be is checked by its handler, and tested with it.
var said = []string{
	"ask-access slug", "name-people account_id", "switch-workspace id", "create-webhook url", "change-webhook url",
}

// TestAVideoStaysInItsWorkspace: whoever makes one says not where, and nobody
// moves one.
func TestAVideoStaysInItsWorkspace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	eve := r.as(t, "Eve", people.Owner)
	r.elsewhere(t, eve.account)
	account, err := r.catalog.Account(t.Context(), eve.account.ID)
	require.NoError(t, err)
	ours := r.start(t, catalog.InTeam)
	word := base64.StdEncoding.EncodeToString([]byte(ours.WorkspaceID))
	res := eve.ask(t, "POST", "/api/uploads", "", "Tus-Resumable", "1.0.0", "Upload-Length", "5", "Upload-Metadata", "workspace_id "+word+",workspace "+word+",owner_id "+word)
	require.Equal(t, http.StatusCreated, res.StatusCode, text(t, res))
	res = eve.ask(t, "POST", "/api/videos", `{"title":"Trojan","workspace_id":"`+ours.WorkspaceID+`"}`)
	require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
	for _, p := range []*person{eve, r.owner} {
		res = p.ask(t, "PATCH", "/api/videos/"+ours.ID, `{"workspace_id":"`+account.WorkspaceID+`"}`)
		require.GreaterOrEqual(t, res.StatusCode, 400)
	}
	require.Equal(t, ours.WorkspaceID, r.read(t, ours.ID).WorkspaceID)
	page, err := r.catalog.Videos(t.Context(), catalog.ListQuery{AccountID: r.owner.account.ID, WorkspaceID: ours.WorkspaceID, Limit: 100})
	require.NoError(t, err)
	require.Len(t, page.Videos, 1, "nothing of hers is among ours")
}

// TestNoListTellsOfWhatIsNotForOne asks every route that lists anything, as
// everybody, for a word that stands in videos that they may not see.
func TestNoListTellsOfWhatIsNotForOne(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	for _, s := range []scene{{visibility: catalog.Private}, {visibility: catalog.NamedOnly}, {visibility: catalog.InTeam, trashed: true}} {
		r.set(t, s)
	}
	cast := r.cast(t)
	asked := 0
	look := func(w who, path string) {
		_, body := w.person.get(t, path, "Accept", "text/html,application/json")
		require.NotContains(t, body, secret, "%s reads of it in %s", w.name, path)
		if !w.inside {
			for _, mate := range []*person{r.owner, r.member} {
				require.NotContains(t, body, mate.account.Email, "%s reads of people of another workspace in %s", w.name, path)
				require.NotContains(t, body, mate.account.ID, "%s reads of people of another workspace in %s", w.name, path)
			}
		}
		asked++
	}
	for key, need := range r.server.needs {
		method, path, _ := strings.Cut(key, " ")
		if method != http.MethodGet || need.Names > access.Owner || strings.ContainsAny(path, ":*") || path == "/api/events" {
			continue
		}
		for _, w := range cast {
			if w.author || w.admin {
				continue
			}
			look(w, path)
			for _, query := range []string{"filter=all", "filter=mine", "filter=shared", "filter=trash", "q=" + secret, "limit=100", "format=csv"} {
				look(w, path+"?"+query)
			}
		}
	}
	require.Greater(t, asked, 500)
	res, body := r.owner.get(t, "/api/videos")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, body, secret, "the control: its author reads it")
}

// TestTheAbsentAndTheForbiddenLookTheSame: who may not watch a video cannot tell
// it from one that there is not, by any route.
func TestTheAbsentAndTheForbiddenLookTheSame(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	stranger := r.as(t, "Eve", people.Owner)
	r.elsewhere(t, stranger.account)
	v := r.set(t, scene{visibility: catalog.InTeam})
	r.draw(t, v)
	absent := &catalog.Video{ID: record.NewID(), Slug: record.NewSlug(), UploadID: record.NewID()}
	for key, need := range r.server.needs {
		method, pattern, _ := strings.Cut(key, " ")
		if need.Names <= access.Owner || need.Names == access.Media {
			continue
		}
		for _, p := range []*person{stranger, r.nobody} {
			var answers []string
			for _, one := range []*catalog.Video{v, absent} {
				path := r.names(t, one).Replace(pattern)
				res := p.ask(t, method, path, bodies[key], "Tus-Resumable", "1.0.0", "Accept", "text/html")
				answers = append(answers, fmt.Sprint(res.StatusCode, r.same(res.Header), masked(text(t, res), res.Header, one)))
			}
			require.Equal(t, answers[1], answers[0], key)
		}
	}
	require.GreaterOrEqual(t, len(record.NewSlug())*5, 128, "an address is not found by trying")
	seen := map[string]bool{}
	for range 1000 {
		seen[record.NewSlug()] = true
	}
	require.Len(t, seen, 1000)
}

// same are the headers of an answer that do not differ each time anyway.
func (r *rig) same(h http.Header) http.Header {
	kept := h.Clone()
	for _, name := range []string{"Date", "Content-Security-Policy", "Ratelimit", "Content-Length"} {
		kept.Del(name)
	}
	return kept
}

// masked takes out of a body what differs with every answer.
func masked(body string, h http.Header, v *catalog.Video) string {
	if _, rest, ok := strings.Cut(h.Get("Content-Security-Policy"), "'nonce-"); ok {
		nonce, _, _ := strings.Cut(rest, "'")
		body = strings.ReplaceAll(body, nonce, "NONCE")
	}
	return strings.NewReplacer(v.ID, "ID", v.Slug, "SLUG", v.UploadID, "UPLOAD").Replace(body)
}
