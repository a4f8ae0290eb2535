package talk

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

func TestOneSpeaksAndTheOtherHears(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	events := r.member.listen(t.Context(), "/api/videos/"+r.video.ID+"/events")
	require.Contains(t, nextOf(t, events, "video").data, `"edit":false`, "the state at the start")

	said := r.owner.say(map[string]any{"at_ms": 42_000, "body": "</script>\nsecond line"})
	got := decode[Comment](t, []byte(nextOf(t, events, "comment").data))
	require.Equal(t, said.Body, got.Body)
	require.Equal(t, May{}, got.May, "rights are the listener's, not the speaker's")
	require.Contains(t, nextOf(t, events, "video").data, `"comments":1`)

	status, _ := r.owner.call(http.MethodPatch, "/api/comments/"+said.ID, map[string]any{"resolved": true})
	require.Equal(t, 200, status)
	require.NotNil(t, decode[Comment](t, []byte(nextOf(t, events, "comment").data)).ResolvedAt)
	status, _ = r.owner.call(http.MethodDelete, "/api/comments/"+said.ID, nil)
	require.Equal(t, 204, status)
	require.JSONEq(t, fmt.Sprintf(`{"id":%q}`, said.ID), nextOf(t, events, "comment_deleted").data)
}

func TestARecordingDoesNotFloodItsViewers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.feed.pause = 300 * time.Millisecond
	began := time.Now()
	events := r.member.listen(t.Context(), "/api/videos/"+r.video.ID+"/events")
	for i := range 40 {
		title := fmt.Sprintf("part %d", i)
		_, err := r.catalog.ChangeVideo(t.Context(), r.video.ID, catalog.VideoChange{Title: &title})
		require.NoError(t, err)
	}
	shown := 0
	for !strings.Contains(nextOf(t, events, "video").data, "part 39") {
		shown++
	}
	require.LessOrEqual(t, shown, int(time.Since(began)/r.feed.pause), "one in a pause at most, however long it took")
}

func TestRightsEndAStream(t *testing.T) {
	t.Parallel()
	private := catalog.Private
	rows := map[string]func(r *rig) error{
		"made private": func(r *rig) error {
			_, err := r.catalog.ChangeVideo(t.Context(), r.video.ID, catalog.VideoChange{Visibility: &private})
			return err
		},
		"put into the trash": func(r *rig) error { return r.catalog.TrashVideo(t.Context(), r.video.ID) },
		"removed":            func(r *rig) error { return r.catalog.RemoveVideo(t.Context(), r.video.ID) },
	}
	for name, revoke := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			events := r.member.listen(t.Context(), "/api/videos/"+r.video.ID+"/events")
			nextOf(t, events, "video")
			require.NoError(t, revoke(r))
			rest := end(t, events)
			require.Equal(t, []heard{{"video_removed", fmt.Sprintf(`{"id":%q}`, r.video.ID)}}, rest)
			res := r.member.request(t.Context(), http.MethodGet, "/api/videos/"+r.video.ID+"/events", nil)
			defer res.Body.Close()
			require.Equal(t, 404, res.StatusCode)
		})
	}
}

func TestNothingIsHeardAfterSigningOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	events := r.member.listen(t.Context(), "/api/events")
	require.NoError(t, r.catalog.EndSession(t.Context(), record.HashToken(r.member.cookies["meanwhile_session"])))
	require.Empty(t, end(t, events))
}

func TestTheLibraryHearsOnlyWhatItMayShow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	member := r.member.listen(t.Context(), "/api/events")
	owner := r.owner.listen(t.Context(), "/api/events")
	res := r.guest(t).request(t.Context(), http.MethodGet, "/api/events", nil)
	require.Equal(t, 401, res.StatusCode)
	require.NoError(t, res.Body.Close())

	secret, err := r.catalog.StartVideo(t.Context(), catalog.NewVideo{OwnerID: r.owner.account.ID, Title: "SECRET", Visibility: catalog.Private, Length: -1})
	require.NoError(t, err)
	require.Contains(t, nextOf(t, owner, "video").data, "SECRET")
	require.NoError(t, r.catalog.TrashVideo(t.Context(), secret.ID))
	require.Contains(t, nextOf(t, owner, "video_removed").data, secret.ID)
	r.owner.say(map[string]any{"at_ms": 1, "body": "SECRET WORDS"})
	open := nextOf(t, member, "video")
	require.Contains(t, open.data, r.video.ID, "the first that the member hears")
	require.NotContains(t, open.data, "SECRET")

	private := catalog.Private
	_, err = r.catalog.ChangeVideo(t.Context(), r.video.ID, catalog.VideoChange{Visibility: &private})
	require.NoError(t, err)
	require.JSONEq(t, fmt.Sprintf(`{"id":%q}`, r.video.ID), nextOf(t, member, "video_removed").data)
	title := "SECRET too"
	_, err = r.catalog.ChangeVideo(t.Context(), r.video.ID, catalog.VideoChange{Title: &title})
	require.NoError(t, err)
	require.NoError(t, r.catalog.RemoveVideo(t.Context(), secret.ID))
	require.Contains(t, nextOf(t, owner, "video_removed").data, secret.ID)
	other := r.newVideo(t, catalog.InTeam)
	require.Contains(t, next(t, member).data, other.ID, "nothing of what was never there for them")
	require.NoError(t, r.catalog.RemoveVideo(t.Context(), other.ID))
	require.Contains(t, nextOf(t, member, "video_removed").data, other.ID)
}

// TestOfWhatIsHiddenOnlyThoseHearWhoSawIt: a closed link and a dropped name are
// no news for who never could watch.
func TestOfWhatIsHiddenOnlyThoseHearWhoSawIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	member := r.member.listen(t.Context(), "/api/events")
	other := r.other.listen(t.Context(), "/api/events")
	for _, visibility := range []catalog.Visibility{catalog.Private, catalog.NamedOnly} {
		v := r.newVideo(t, visibility)
		name := catalog.Naming{VideoID: v.ID, By: r.owner.account.ID, People: []catalog.Invitee{{AccountID: r.other.account.ID}}}
		require.NoError(t, r.catalog.NamePeople(t.Context(), name))
		link, err := r.catalog.AddShareLink(t.Context(), v.ID, r.owner.account.ID, catalog.LinkChange{})
		require.NoError(t, err)
		require.NoError(t, r.catalog.RevokeShareLink(t.Context(), link.ID))
		named, err := r.catalog.NamedPeople(t.Context(), v.ID)
		require.NoError(t, err)
		require.NoError(t, r.catalog.UnnamePerson(t.Context(), v.ID, named[0].ID))
		if visibility == catalog.NamedOnly {
			require.Contains(t, nextOf(t, other, "video_removed").data, v.ID, "who was named saw it")
		}
	}
	handed, err := r.catalog.StartVideo(t.Context(), catalog.NewVideo{OwnerID: r.other.account.ID, Title: "x", Visibility: catalog.Private, Length: -1})
	require.NoError(t, err)
	owner := r.owner.listen(t.Context(), "/api/events")
	require.NoError(t, r.catalog.RemoveMember(t.Context(), people.Removal{
		WorkspaceID: handed.WorkspaceID, By: r.other.account.ID, AccountID: r.other.account.ID, HeirID: r.owner.account.ID,
	}))
	require.Contains(t, nextOf(t, owner, "video").data, handed.ID)
	// What the member hears first is what is theirs to see.
	seen := r.newVideo(t, catalog.InTeam)
	for heard := next(t, member); !strings.Contains(heard.data, seen.ID); heard = next(t, member) {
		require.Contains(t, heard.data, r.video.ID, "%s of what was never there for them", heard.name)
	}
}

func TestAQuietStreamShowsThatItLives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	res := r.member.request(t.Context(), http.MethodGet, "/api/events", nil)
	defer res.Body.Close()
	require.Equal(t, "no", res.Header.Get("X-Accel-Buffering"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	buf := make([]byte, 0, 100)
	for !strings.Contains(string(buf), "\n:\n\n") {
		p := make([]byte, 64)
		n, err := res.Body.Read(p)
		require.NoError(t, err)
		buf = append(buf, p[:n]...)
	}
}

func TestAServerThatStopsEndsItsStreams(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	events := r.member.listen(t.Context(), "/api/events")
	require.Equal(t, 1, r.feed.Followers())
	r.feed.Stop()
	r.feed.Stop()
	last := end(t, events)
	require.Len(t, last, 1)
	require.Equal(t, "retry", last[0].name, "when to go to another server")
	require.Eventually(t, func() bool { return r.feed.Followers() == 0 }, testTime, tick)
}

// slowStart passes on the deadlines of a stream's writes once its test says so.
type slowStart struct {
	http.ResponseWriter
	hasty *atomic.Bool
}

// SetWriteDeadline implements what http.ResponseController looks for.
func (s *slowStart) SetWriteDeadline(at time.Time) error {
	if !s.hasty.Load() {
		return nil
	}
	return http.NewResponseController(s.ResponseWriter).SetWriteDeadline(at)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *slowStart) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Flush implements http.Flusher.
func (s *slowStart) Flush() { _ = http.NewResponseController(s.ResponseWriter).Flush() }

func TestWhoDoesNotReadIsLetGo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.feed.patience, r.feed.pause = 100*time.Millisecond, 0
	// Not before its first event: until then a slow machine would be let go, too.
	var hasty atomic.Bool
	r.feed.Video = func(context.Context, *catalog.Video) (any, error) {
		hasty.Store(true)
		return strings.Repeat("x", 1<<20), nil
	}
	inner := r.Config.Handler
	r.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { inner.ServeHTTP(&slowStart{w, &hasty}, req) })
	res := r.member.request(t.Context(), http.MethodGet, "/api/videos/"+r.video.ID+"/events", nil)
	defer res.Body.Close()
	require.Equal(t, 200, res.StatusCode)
	began := time.Now()
	for i := 0; !hasty.Load() || r.feed.Followers() > 0; i++ {
		require.Less(t, time.Since(began), testTime)
		title := fmt.Sprint("title ", i)
		_, err := r.catalog.ChangeVideo(t.Context(), r.video.ID, catalog.VideoChange{Title: &title})
		require.NoError(t, err)
	}
}

func TestWhoLagsBehindStartsAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := httptest.NewRecorder()
	x := &follower{feed: r.feed, stream: openStream(w, time.Second), stale: map[string]mark{}}
	overrun := make(chan record.Event)
	close(overrun)
	require.NoError(t, x.run(t.Context(), overrun))
	require.Equal(t, "retry: 2000\n\n", w.Body.String())
}

func TestStreamsAreCountedByWhoOpensThem(t *testing.T) {
	t.Parallel()
	s := newSeats()
	who, other := seat{key: "a", max: 2}, seat{key: "b", max: 1}
	leave, err := s.take(who)
	require.NoError(t, err)
	_, err = s.take(who)
	require.NoError(t, err)
	_, err = s.take(who)
	require.Error(t, err)
	_, err = s.take(other)
	require.NoError(t, err)
	leave()
	_, err = s.take(who)
	require.NoError(t, err)
	require.Equal(t, 3, s.count())
}

func TestTooManyTabsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range seatsPerAccount {
		r.member.listen(t.Context(), "/api/events")
	}
	res := r.member.request(t.Context(), http.MethodGet, "/api/events", nil)
	defer res.Body.Close()
	require.Equal(t, 429, res.StatusCode)
	require.NotEmpty(t, res.Header.Get("Retry-After"))
	r.owner.listen(t.Context(), "/api/events")
}

// Not parallel: it counts goroutines.
func TestTenThousandReconnectsLeaveNothingBehind(t *testing.T) {
	r := newRig(t)
	path := "/api/videos/" + r.video.ID + "/events"
	visit := func() {
		ctx, cancel := context.WithCancel(t.Context())
		res := r.member.request(ctx, http.MethodGet, path, nil)
		_, _ = res.Body.Read(make([]byte, 16))
		cancel()
		_ = res.Body.Close()
	}
	visit()
	r.Client().CloseIdleConnections()
	settled := goleak.IgnoreCurrent()
	reconnects := 10_000
	if testing.Short() {
		reconnects = 500
	}
	began := time.Now()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range reconnects / 10 {
				visit()
				if time.Since(began) > testTime {
					return // on a slow machine fewer must do
				}
			}
		})
	}
	all.Wait()
	require.Eventually(t, func() bool { return r.feed.Followers() == 0 }, testTime, tick)
	r.Client().CloseIdleConnections()
	began = time.Now()
	for left := goleak.Find(settled); left != nil; left = goleak.Find(settled) { // what ends may take a while to
		require.Less(t, time.Since(began), testTime, left)
	}
}
