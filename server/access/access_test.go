package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

func TestRights(t *testing.T) {
	t.Parallel()
	owner := auth.Principal{Account: &catalog.Account{ID: "ada"}}
	member := auth.Principal{Account: &catalog.Account{ID: "ben", Role: catalog.Owner}} // of the installation: no more than a member here
	nobody := auth.Principal{}
	all, viewer, guest, none := access.Rights{Watch: true, Comment: true, Download: true, Edit: true}, access.Rights{Watch: true, Comment: true, Download: true}, access.Rights{Watch: true, Download: true}, access.Rights{}
	var trashed catalog.Video
	trashed.TrashedAt.Time = time.Unix(1, 0)
	for _, c := range []struct {
		video                 catalog.Video
		owner, member, nobody access.Rights
	}{
		{catalog.Video{Visibility: catalog.Private}, all, none, none},
		{catalog.Video{Visibility: catalog.Private, GuestsMayComment: true}, all, none, none},
		{catalog.Video{Visibility: catalog.Members}, all, viewer, none},
		{catalog.Video{Visibility: catalog.Members, GuestsMayComment: true}, all, viewer, none},
		{catalog.Video{Visibility: catalog.Link}, all, viewer, guest},
		{catalog.Video{Visibility: catalog.Link, GuestsMayComment: true}, all, viewer, viewer},
		{catalog.Video{Visibility: catalog.Link, TrashedAt: trashed.TrashedAt}, access.Rights{Watch: true, Download: true, Edit: true}, none, none},
	} {
		c.video.OwnerID = "ada"
		require.Equal(t, c.owner, access.RightsOf(owner, &c.video), "%+v", c.video)
		require.Equal(t, c.member, access.RightsOf(member, &c.video), "%+v", c.video)
		require.Equal(t, c.nobody, access.RightsOf(nobody, &c.video), "%+v", c.video)
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := access.NewGranter([]byte("key"), func() time.Time { return now })
	token, _ := g.Grant("video")
	require.True(t, g.Valid(token, "video"))
	require.False(t, g.Valid(token, "video2"))
	require.False(t, g.Valid(token, ""))
	require.False(t, access.NewGranter([]byte("other"), func() time.Time { return now }).Valid(token, "video"))
	for i := range token {
		for _, c := range []string{"0", "z", ".", "A"} {
			if changed := token[:i] + c + token[i+1:]; changed != token {
				require.False(t, g.Valid(changed, "video"), changed)
			}
		}
		require.False(t, g.Valid(token[:i], "video"))
	}
	for _, wrong := range []string{"", ".", "..", token + "x", token + "." + token, strings.ToUpper(token)} {
		require.False(t, g.Valid(wrong, "video"), wrong)
	}
	// Whenever it is given, it lasts at least ten minutes and at most fifteen.
	for range 50 {
		now = now.Add(17 * time.Second)
		_, lapses := g.Grant("video")
		require.GreaterOrEqual(t, lapses.Sub(now), 10*time.Minute)
		require.LessOrEqual(t, lapses.Sub(now), 15*time.Minute)
	}
	token, lapses := g.Grant("video")
	now = lapses.Add(-time.Second)
	require.True(t, g.Valid(token, "video"))
	now = lapses
	require.False(t, g.Valid(token, "video"), "it has lapsed")
}
