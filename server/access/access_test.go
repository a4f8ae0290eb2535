package access_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// TestRights is the table of the rules in other words than the code's.
func TestRights(t *testing.T) {
	t.Parallel()
	as := func(id string, role people.Role, workspace string) auth.Principal {
		return auth.Principal{Account: &people.Account{ID: id, Operator: true, Memberships: []people.Membership{{WorkspaceID: workspace, AccountID: id, Role: role}}}}
	}
	who := map[string]auth.Principal{
		"nobody": {}, "author": as("ada", people.Member, "w"), "member": as("ben", people.Member, "w"), "viewer": as("vic", people.Viewer, "w"),
		"admin": as("ann", people.Admin, "w"), "owner": as("own", people.Owner, "w"), "stranger": as("eve", people.Owner, "other"),
	}
	var trashed catalog.Video
	trashed.TrashedAt.Time = time.Unix(1, 0)
	link := &catalog.ShareLink{VideoID: "v"}
	full := &catalog.ShareLink{VideoID: "v", MayComment: true, MayDownload: true}
	rows := []struct {
		name  string
		video catalog.Video
		want  string // for nobody, author, member, viewer, admin, owner, stranger: w atch, c omment, d ownload, e dit
	}{
		{"private", catalog.Video{Visibility: catalog.Private}, "- wcde - - - - -"},
		{"private, with a link and named", catalog.Video{Visibility: catalog.Private, Via: full, Named: true, NamedMayComment: true}, "- wcde - - - - -"},
		{"people", catalog.Video{Visibility: catalog.NamedOnly}, "- wcde - - - - -"},
		{"people, named", catalog.Video{Visibility: catalog.NamedOnly, Named: true}, "w wcde w w w w w"},
		{"people, named to comment", catalog.Video{Visibility: catalog.NamedOnly, Named: true, NamedMayComment: true}, "wc wcde wc wc wc wc wc"},
		{"people, with a link", catalog.Video{Visibility: catalog.NamedOnly, Via: link}, "w wcde w w w w w"},
		{"workspace", catalog.Video{Visibility: catalog.InTeam}, "- wcde wcd wcd wcde wcde -"},
		{"workspace, guests", catalog.Video{Visibility: catalog.InTeam, GuestsMayComment: true, GuestsMayDownload: true}, "- wcde wcd wcd wcde wcde -"},
		{"workspace, with a full link", catalog.Video{Visibility: catalog.InTeam, Via: full}, "wcd wcde wcd wcd wcde wcde wcd"},
		{"workspace, with another video's link", catalog.Video{Visibility: catalog.InTeam, Via: &catalog.ShareLink{VideoID: "x", MayComment: true}}, "- wcde wcd wcd wcde wcde -"},
		{"link", catalog.Video{Visibility: catalog.WithLink}, "w wcde wcd wcd wcde wcde wc"},
		{"link, guests", catalog.Video{Visibility: catalog.WithLink, GuestsMayComment: true, GuestsMayDownload: true}, "wcd wcde wcd wcd wcde wcde wcd"},
		{"trash", catalog.Video{Visibility: catalog.WithLink, TrashedAt: trashed.TrashedAt, Via: full, Named: true}, "- wde - - wde wde -"},
		{"trash, people", catalog.Video{Visibility: catalog.NamedOnly, TrashedAt: trashed.TrashedAt, Via: full, Named: true}, "- wde - - - - -"},
	}
	for _, row := range rows {
		row.video.ID, row.video.OwnerID, row.video.WorkspaceID = "v", "ada", "w"
		var got []string
		for _, name := range []string{"nobody", "author", "member", "viewer", "admin", "owner", "stranger"} {
			got = append(got, letters(access.RightsOf(who[name], &row.video)))
		}
		require.Equal(t, row.want, strings.Join(got, " "), row.name)
	}
}

func letters(r access.Rights) string {
	var text strings.Builder
	for _, right := range []struct {
		has    bool
		letter string
	}{{r.Watch, "w"}, {r.Comment, "c"}, {r.Download, "d"}, {r.Edit, "e"}} {
		if right.has {
			text.WriteString(right.letter)
		}
	}
	return cmp.Or(text.String(), "-")
}

func TestGrants(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := access.NewGranter([]byte("key"), func() time.Time { return now })
	video := &catalog.Video{ID: "video"}
	token, _ := g.Grant(auth.Principal{}, video)
	require.True(t, valid(g, token, "video"))
	require.False(t, valid(g, token, "video2"))
	require.False(t, valid(g, token, ""))
	require.False(t, valid(access.NewGranter([]byte("other"), func() time.Time { return now }), token, "video"))
	for i := range token {
		for _, c := range []string{"0", "z", ".", "A"} {
			if changed := token[:i] + c + token[i+1:]; changed != token {
				require.False(t, valid(g, changed, "video"), changed)
			}
		}
		require.False(t, valid(g, token[:i], "video"))
	}
	for _, wrong := range []string{"", ".", "..", token + "x", token + "." + token, strings.ToUpper(token)} {
		require.False(t, valid(g, wrong, "video"), wrong)
	}
	// Whenever it is given, it lasts at least ten minutes and at most fifteen.
	for range 50 {
		now = now.Add(17 * time.Second)
		_, lapses := g.Grant(auth.Principal{}, video)
		require.GreaterOrEqual(t, lapses.Sub(now), 10*time.Minute)
		require.LessOrEqual(t, lapses.Sub(now), 15*time.Minute)
	}
	token, lapses := g.Grant(auth.Principal{}, video)
	now = lapses.Add(-time.Second)
	require.True(t, valid(g, token, "video"))
	now = lapses
	require.False(t, valid(g, token, "video"), "it has lapsed")
}

func valid(g *access.Granter, token, videoID string) bool {
	_, ok := g.Check(token, videoID)
	return ok
}

// TestLossesVoidGrants: whoever loses access plays not one segment more.
func TestLossesVoidGrants(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := access.NewGranter([]byte("key"), func() time.Time { return now })
	ada := auth.Principal{Account: &people.Account{ID: "ada"}}
	video := &catalog.Video{ID: "video", OwnerID: "ada", Via: &catalog.ShareLink{ID: "link", VideoID: "video"}, Visibility: catalog.InTeam}
	mine, _ := g.Grant(ada, video)
	theirs, _ := g.Grant(auth.Principal{}, video)
	made, ok := g.Check(mine, "video")
	require.True(t, ok)
	require.Equal(t, "ada", made.AccountID)
	require.True(t, made.Download)
	made, ok = g.Check(theirs, "video")
	require.True(t, ok)
	require.Equal(t, "link", made.LinkID)
	require.False(t, made.Download)

	g.Losses().Note(record.Event{Kind: record.AccessLost, AccountID: "ada", Epoch: 1})
	require.False(t, valid(g, mine, "video"))
	require.True(t, valid(g, theirs, "video"))
	ada.Account.Epoch = 1
	mine, _ = g.Grant(ada, video)
	require.True(t, valid(g, mine, "video"), "a grant from after the loss is good")

	g.Losses().Note(record.Event{Kind: record.AccessLost, VideoID: "video", Epoch: 3})
	require.False(t, valid(g, mine, "video"))
	require.False(t, valid(g, theirs, "video"))
	video.Epoch = 3
	theirs, _ = g.Grant(auth.Principal{}, video)
	require.True(t, valid(g, theirs, "video"))
	g.Losses().Note(record.Event{Kind: record.AccessLost, VideoID: "video", Epoch: 2})
	require.True(t, valid(g, theirs, "video"), "old news changes nothing")
}
