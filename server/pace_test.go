package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// uncounted are the routes of the API that nobody is slowed down on.
var uncounted = []string{
	"OPTIONS /api/uploads", "OPTIONS /api/uploads/:id", "PATCH /api/uploads/:id", "POST /api/uploads/:id",
	"OPTIONS /api/whip", "OPTIONS /api/whip/:id",
}

func TestEveryRouteOfTheAPIIsCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var free []string
	for key, need := range needsOf(t, r.server) {
		method, path, _ := strings.Cut(key, " ")
		class := classOf(method, path)
		switch {
		case need.Names == access.Media, !strings.HasPrefix(path, "/api/"):
			require.Equal(t, limit.Free, class, key)
		case class == limit.Free:
			free = append(free, key)
		case need.Write && method != http.MethodHead:
			require.NotEqual(t, limit.Read, class, key)
		}
	}
	require.ElementsMatch(t, uncounted, free)
	routes := needsOf(t, r.server)
	for key := range paces() {
		require.Contains(t, routes, key, "a class for a route that does not exist")
	}
}

// flood sends the same request until it is refused.
func (p *person) flood(t *testing.T, most int, method, path, body string) (through int, refused *http.Response) {
	t.Helper()
	for through = range most {
		res := p.ask(t, method, path, body)
		if res.StatusCode == http.StatusTooManyRequests {
			return through, res
		}
		res.Body.Close()
	}
	return most, nil
}

func TestAFloodOfGuestCommentsIsSlowed(t *testing.T) {
	t.Parallel()
	r, _ := newRigInNoTime(t, nil)
	yes := true
	v := r.start(t, "link")
	_, err := r.catalog.ChangeVideo(t.Context(), v.ID, catalog.VideoChange{GuestsMayComment: &yes})
	require.NoError(t, err)
	path := "/api/videos/" + v.ID + "/comments"
	through, refused := r.nobody.flood(t, 100, http.MethodPost, path, `{"at_ms":1,"body":"hello","guest_name":"Zoë"}`)
	require.NotNil(t, refused)
	require.GreaterOrEqual(t, through, 20)
	require.LessOrEqual(t, through, 30)
	require.NotEmpty(t, refused.Header.Get("Retry-After"))
	require.Equal(t, `"comment";q=20;w=100`, refused.Header.Get("Ratelimit-Policy"))
	require.Equal(t, `"comment";r=0;t=`+refused.Header.Get("Retry-After"), refused.Header.Get("Ratelimit"))
	require.Contains(t, text(t, refused), "Try again in")
	require.Equal(t, http.StatusCreated, r.member.ask(t, http.MethodPost, path, `{"at_ms":1,"body":"hello"}`).StatusCode, "a member is not held up by guests of his network")
	require.Equal(t, http.StatusOK, r.nobody.ask(t, http.MethodGet, path, "").StatusCode)
}

// TestAFloodIsStoppedBeforeAnythingIsLookedUp: what is refused costs the
// question who asks, and no more.
func TestAFloodIsStoppedBeforeAnythingIsLookedUp(t *testing.T) {
	t.Parallel()
	r, _ := newRigInNoTime(t, nil)
	v := r.start(t, "link")
	through, refused := r.member.flood(t, 2000, http.MethodGet, "/api/videos/"+v.ID, "")
	require.NotNil(t, refused)
	require.GreaterOrEqual(t, through, 1000)
	seen := 0
	for range 100 {
		before := r.catalog.Queries()
		if r.member.ask(t, http.MethodGet, "/api/videos/"+v.ID, "").StatusCode == http.StatusTooManyRequests {
			require.LessOrEqual(t, r.catalog.Queries()-before, int64(2), "only the session is read, with its memberships")
			seen++
		}
	}
	require.Positive(t, seen)
	require.Equal(t, http.StatusOK, r.owner.ask(t, http.MethodGet, "/api/videos/"+v.ID, "").StatusCode, "others go on")
}

// TestRecordingIsNotSlowed: the bytes of an upload, and media with a grant, are not
// counted. All limits are a tenth of what they are.
func TestRecordingIsNotSlowed(t *testing.T) {
	t.Parallel()
	tenth := 0.1
	r, _ := newRigInNoTime(t, &tenth)
	v := r.start(t, "link")
	for i := range 100 {
		r.send(t, v, i, []byte("x"))
	}
	const most = 300
	through, refused := r.nobody.flood(t, most, http.MethodGet, r.media(v, "master.m3u8"), "")
	require.Nil(t, refused, through)
	_, refused = r.nobody.flood(t, most, http.MethodGet, "/api/videos/"+v.ID, "")
	require.NotNil(t, refused, "the control: what is counted is refused by then")
	_, refused = r.owner.flood(t, 100, http.MethodPost, "/api/videos/"+v.ID+"/finish", "")
	require.NotNil(t, refused, "and so is what changes something")
}
