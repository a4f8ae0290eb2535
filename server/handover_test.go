package server

import (
	"context"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/notify"
	"github.com/meanwhile-app/meanwhile/server/share"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

func (r *rig) letter(t testing.TB, template, ref, to string) (notify.Letter, error) {
	t.Helper()
	return share.Letters(r.catalog, &url.URL{Scheme: "http", Host: "127.0.0.1:1"})[template](t.Context(), ref, to)
}

// TestRequestsGoWithTheVideo: whoever has a video answers who asks for it, and who
// had it neither reads nor is told of that.
func TestRequestsGoWithTheVideo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	had := r.as(t, "Hal", people.Member)
	out := r.outsider(t, "Eve")
	v, err := r.catalog.StartVideo(t.Context(), catalog.NewVideo{OwnerID: had.account.ID, Title: secret, Visibility: catalog.Private, Length: -1})
	require.NoError(t, err)
	out.do(t, "POST /api/requests", object{"slug": v.Slug}, 204, nil)
	r.member.do(t, "POST /api/requests", object{"slug": v.Slug}, 204, nil) // the heir asks, too
	ref := ""
	for _, n := range had.inbox(t).Items {
		if n.From == "Eve" {
			ref = n.Request.ID
		}
	}
	_, err = r.letter(t, catalog.MailRequest, ref, had.account.Email)
	require.NoError(t, err)
	had.do(t, "POST /api/inbox/read", object{"all": true}, 204, nil)

	require.NoError(t, r.catalog.RemoveMember(t.Context(), people.Removal{
		WorkspaceID: v.WorkspaceID, By: had.account.ID, AccountID: had.account.ID, HeirID: r.member.account.ID,
	}))
	require.Empty(t, had.inbox(t).Items)
	mine := r.member.inbox(t)
	require.Len(t, mine.Items, 1, "of what one asked oneself nobody asks any more")
	require.Equal(t, "Eve", mine.Items[0].From)
	require.Equal(t, 1, mine.Unread)
	_, err = r.letter(t, catalog.MailRequest, ref, had.account.Email)
	require.ErrorIs(t, err, notify.ErrStale, "who had the video need not know who asks")
	_, err = r.letter(t, catalog.MailRequest, ref, r.member.account.Email)
	require.NoError(t, err)
	r.member.do(t, "POST /api/requests/"+ref, object{"grant": true}, 200, nil)
	out.do(t, "GET /api/videos/"+v.ID, nil, 200, nil)
}

// TestOnlyItsOwnerOpensAPrivateVideo: an admin's answer that is on its way while the
// owner makes the video private opens nothing.
func TestOnlyItsOwnerOpensAPrivateVideo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	admin, out := r.as(t, "Ann", people.Admin), r.outsider(t, "Eve")
	v := r.start(t, catalog.InTeam)
	out.do(t, "POST /api/requests", object{"slug": v.Slug}, 204, nil)
	ref := r.owner.inbox(t).Items[0].Request.ID
	r.owner.do(t, "PATCH /api/videos/"+v.ID, object{"visibility": "private"}, 200, nil)
	// The gate let them pass before that.
	late := catalog.Naming{VideoID: v.ID, By: admin.account.ID, People: []catalog.Invitee{{AccountID: out.account.ID}}}
	require.ErrorIs(t, r.catalog.NamePeople(t.Context(), late), record.ErrNotFound)
	late.Raise = true
	require.ErrorIs(t, r.catalog.NamePeople(t.Context(), late), record.ErrNotFound)
	require.ErrorIs(t, r.catalog.AnswerRequest(t.Context(), catalog.Answer{RequestID: ref, By: admin.account.ID, Grant: true}), record.ErrNotFound)
	require.Equal(t, catalog.Private, r.read(t, v.ID).Visibility)
	require.Empty(t, r.namesOf(t, v))
	require.NoError(t, r.catalog.AnswerRequest(t.Context(), catalog.Answer{RequestID: ref, By: r.owner.account.ID, Grant: true}))
	require.Equal(t, catalog.NamedOnly, r.read(t, v.ID).Visibility)
}

func (r *rig) namesOf(t testing.TB, v *catalog.Video) []*catalog.Named {
	t.Helper()
	all, err := r.catalog.NamedPeople(t.Context(), v.ID)
	require.NoError(t, err)
	return all
}

// TestADenialTellsNoAddress: somebody asked by a link that is closed.
func TestADenialTellsNoAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	out := r.outsider(t, "Eve")
	v := r.start(t, catalog.InTeam)
	link := r.makeLink(t, v, object{})
	r.owner.do(t, "DELETE /api/links/"+link.ID, nil, 204, nil)
	out.do(t, "POST /api/requests", object{"slug": link.Slug}, 204, nil)
	ref := r.owner.inbox(t).Items[0].Request.ID
	r.owner.do(t, "POST /api/requests/"+ref, object{"grant": false}, 200, nil)
	letter, err := r.letter(t, catalog.MailDenied, ref, out.account.Email)
	require.NoError(t, err)
	require.Equal(t, notify.AccessDenied{}, letter)
}

// TestNothingPlaysOfAWorkspaceThatIsGone: addresses of media are void at once, though
// the objects are there for a while.
func TestNothingPlaysOfAWorkspaceThatIsGone(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context, *rig, *catalog.Video) error{
		"workspace": func(ctx context.Context, r *rig, v *catalog.Video) error {
			return r.catalog.DeleteWorkspace(ctx, r.owner.account.ID, v.WorkspaceID)
		},
		"video": func(ctx context.Context, r *rig, v *catalog.Video) error { return r.catalog.RemoveVideo(ctx, v.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			require.NoError(t, r.server.Start(t.Context(), r.catalog, quiet()))
			r.execute(t, "UPDATE memberships SET role = ? WHERE account_id = ?", people.Owner, r.owner.account.ID)
			v := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
			at := r.media(v, "stream.mp4")
			require.Equal(t, 200, r.nobody.ask(t, "GET", at, "").StatusCode)
			require.NoError(t, end(t.Context(), r, v))
			soon(t, within, func() bool {
				res := r.nobody.ask(t, "GET", at, "")
				return res.StatusCode >= 400 && code(t, res) == "grant_lapsed"
			}, "it still plays")
		})
	}
}

// TestAWritingTokenDoesNotSayWhoMayFrame: who may frame the player decides whom the
// people of a workspace trust; a token must be a full one for that.
func TestAWritingTokenDoesNotSayWhoMayFrame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	admin := r.as(t, "Ann", people.Admin)
	for scope, want := range map[people.Scope]int{people.ScopeRead: 403, people.ScopeWrite: 403, people.ScopeAdmin: 200} {
		_, shown, err := r.catalog.AddToken(t.Context(), people.NewToken{Account: admin.account, Name: "t", Scope: scope})
		require.NoError(t, err)
		program := &person{rig: r, bearer: shown}
		program.do(t, "PUT /api/workspace/embed-origins", object{"origins": []string{"https://example.com"}}, want, nil)
	}
}
