package server

import (
	"bufio"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// within is how soon after somebody lost a right nothing may open any more, on the
// server that took it and on any other.
const within = 6 * time.Second

// TestWhoLosesRightsLosesThemEverywhere: sessions, tokens, media addresses and
// streams that are open end with the right that opened them.
func TestWhoLosesRightsLosesThemEverywhere(t *testing.T) {
	t.Parallel()
	loseRights(t, func(t *testing.T) (r, far *rig) {
		t.Helper()
		r = newRigAt(t, new(float64))
		require.NoError(t, r.server.Start(t.Context(), r.catalog, quiet()))
		return r, r
	})
}

// TestWhoLosesRightsLosesThemOnEveryServer: attack 37 where another server than the
// one that is told has the streams and the media.
func TestWhoLosesRightsLosesThemOnEveryServer(t *testing.T) {
	t.Parallel()
	loseRights(t, func(t *testing.T) (r, far *rig) { t.Helper(); return newPair(t) })
}

// loseRights takes rights away on one server and looks at what they open on
// another, or the same.
func loseRights(t *testing.T, servers func(t *testing.T) (r, far *rig)) {
	t.Helper()
	for name, x := range map[string]struct {
		lose func(t *testing.T, r *rig, p *person)
		// session and token say that these are void, too, and not just the video.
		session, token bool
	}{
		"signs out": {func(t *testing.T, r *rig, p *person) {
			t.Helper()
			require.Less(t, (&person{rig: r, session: p.session}).ask(t, "DELETE", "/api/session", "").StatusCode, 300)
		}, true, false},
		"is disabled": {func(t *testing.T, r *rig, p *person) {
			t.Helper()
			require.NoError(t, r.catalog.SetDisabled(t.Context(), p.account.ID, true))
		}, true, true},
		"changes the password": {func(t *testing.T, r *rig, p *person) {
			t.Helper()
			require.NoError(t, r.catalog.ChangePassword(t.Context(), people.PasswordChange{Account: p.account, NewHash: "y"}))
		}, true, true},
		"is removed from the workspace": {func(t *testing.T, r *rig, p *person) {
			t.Helper()
			require.NoError(t, r.catalog.RemoveMember(t.Context(), people.Removal{WorkspaceID: r.owner.account.WorkspaceID, AccountID: p.account.ID, By: r.owner.account.ID, HeirID: r.owner.account.ID}))
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, far := servers(t)
			r.execute(t, "UPDATE memberships SET role = ? WHERE account_id = ?", people.Owner, r.owner.account.ID)
			p := r.as(t, "Mia", people.Member)
			_, shown, err := r.catalog.AddToken(t.Context(), people.NewToken{Account: p.account, Name: "t", Scope: people.ScopeAdmin})
			require.NoError(t, err)
			program, nobody := &person{rig: far, bearer: shown}, &person{rig: far}
			v := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
			path := "/api/videos/" + v.ID
			grant, _ := r.granter.Grant(auth.Principal{Account: p.account}, v)
			segment := "/media/" + grant + "/" + v.ID + "/stream.mp4"
			near := p
			p = p.at(far)
			ended := listen(t, p, path+"/events")
			for _, one := range []*person{p, program} {
				require.Equal(t, http.StatusOK, one.ask(t, "GET", path, "").StatusCode)
			}
			require.Equal(t, http.StatusOK, nobody.ask(t, "GET", segment, "").StatusCode)

			x.lose(t, r, near)
			closed := func(one *person, path string) func() bool {
				return func() bool { return one.ask(t, "GET", path, "").StatusCode >= 400 }
			}
			soon(t, within, closed(p, path), "the session still opens it")
			if x.token || !x.session {
				soon(t, within, closed(program, path), "the token still opens it")
			}
			if name == "is disabled" || name == "is removed from the workspace" { // the others may still watch
				soon(t, within, closed(nobody, segment), "the media address still opens it")
			}
			soon(t, within+4*time.Second, over(ended), "the stream of events goes on")
			session, _ := p.get(t, "/api/session")
			require.Equal(t, http.StatusOK, session.StatusCode)
		})
	}
}

// over looks whether a channel has been closed.
func over(ended <-chan struct{}) func() bool {
	return func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}
}

// listen opens a stream of events; the channel is closed when it ends, or tells
// that the video is gone.
func listen(t *testing.T, p *person, path string) <-chan struct{} {
	t.Helper()
	res := p.ask(t, "GET", path, "")
	require.Equal(t, http.StatusOK, res.StatusCode)
	ended := make(chan struct{})
	var once sync.Once
	begun := make(chan struct{})
	go func() {
		defer once.Do(func() { close(ended) })
		lines := bufio.NewScanner(res.Body)
		first := true
		for lines.Scan() {
			if first {
				close(begun)
				first = false
			}
			if strings.Contains(lines.Text(), "gone") || strings.Contains(lines.Text(), "removed") {
				return
			}
		}
	}()
	select {
	case <-begun:
	case <-ended:
		t.Error("the stream says nothing")
	}
	return ended
}
