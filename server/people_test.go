package server

import (
	"bufio"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/share"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

type listed struct{ Items []share.NamedPerson }

func TestNamedPeople(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.NamedOnly)
	out := r.outsider(t, "Eve")
	at := "/api/videos/" + v.ID + "/people"
	r.member.do(t, "GET /api/videos/"+v.ID, nil, 404, nil)
	out.do(t, "GET /api/videos/"+v.ID, nil, 404, nil)

	var all listed
	r.owner.do(t, "POST "+at, object{"people": []object{{"account_id": r.member.account.ID}, {"email": " EVE@Example.com"}, {"email": "nobody@example.com"}}}, 200, &all)
	require.Len(t, all.Items, 3)
	require.Equal(t, "Ben", *all.Items[0].Name)
	for _, one := range all.Items[1:] {
		require.True(t, one.Pending, "whether %s has an account is not told", one.Email)
		require.Nil(t, one.Name)
		require.Nil(t, one.AccountID)
	}
	var seen struct {
		May struct{ Edit, Comment, Download bool }
	}
	for _, p := range []*person{r.member, out} {
		p.do(t, "GET /api/videos/"+v.ID, nil, 200, &seen)
		require.True(t, seen.May.Comment && !seen.May.Download && !seen.May.Edit)
	}
	var list struct{ Items []struct{ ID string } }
	out.do(t, "GET /api/videos?filter=shared", nil, 200, &list)
	require.Len(t, list.Items, 1)

	// An address that is proved later counts from then on.
	late := r.outsider(t, "Late")
	r.owner.do(t, "POST "+at, object{"people": []object{{"email": "later@example.com"}}}, 200, nil)
	late.do(t, "GET /api/videos/"+v.ID, nil, 404, nil)
	late.account.Email = "later@example.com"
	require.NoError(t, r.catalog.Write(t.Context(), func(ctx context.Context, tx record.Change) error { return people.LinkNamed(ctx, tx, late.account) }))
	late.do(t, "GET /api/videos/"+v.ID, nil, 200, nil)

	// Once they have watched, they are known.
	out.do(t, "POST /api/videos/"+v.ID+"/views", object{"position_ms": 0, "watched_ms": 5000, "first": true}, 204, nil)
	r.owner.do(t, "GET "+at, nil, 200, &all)
	require.Equal(t, "Eve", *all.Items[1].Name)

	eve := at + "/" + all.Items[1].ID
	r.owner.do(t, "PATCH "+eve, object{"may_comment": false, "may_download": true}, 200, nil)
	out.do(t, "GET /api/videos/"+v.ID, nil, 200, &seen)
	require.True(t, !seen.May.Comment && seen.May.Download)
	other := r.start(t, catalog.InTeam)
	r.owner.do(t, "DELETE /api/videos/"+other.ID+"/people/"+all.Items[1].ID, nil, 404, nil)
	r.owner.do(t, "DELETE "+eve, nil, 204, nil)
	out.do(t, "GET /api/videos/"+v.ID, nil, 404, nil)

	// Naming twice is naming once; the owner needs no name.
	r.owner.do(t, "POST "+at, object{"people": []object{{"email": email(r.member)}, {"account_id": r.member.account.ID}, {"email": email(r.owner)}}}, 200, &all)
	require.Len(t, all.Items, 3)
	for _, bad := range []object{
		{"people": []object{}},
		{"people": []object{{"email": "no address"}}},
		{"people": []object{{}}},
		{"people": []object{{"account_id": out.account.ID}}},
		{"people": []object{{"account_id": "nobody"}}},
		{"people": []object{{"email": "a@b.c", "role": "owner"}}},
		{},
	} {
		r.owner.do(t, "POST "+at, bad, 422, nil)
	}
}

// TestAnAddressIsNotAProof: whoever types somebody else's address into a form of
// ours gets nothing that is meant for them.
func TestAnAddressIsNotAProof(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.NamedOnly)
	liar := r.join(t, "boss")
	r.execute(t, "UPDATE accounts SET verified_at = NULL WHERE id = ?", liar.account.ID)
	r.owner.do(t, "POST /api/videos/"+v.ID+"/people", object{"people": []object{{"email": "boss@example.com"}}}, 200, nil)
	liar.do(t, "GET /api/videos/"+v.ID, nil, 404, nil)
	var found checked
	r.owner.do(t, "POST /api/videos/"+v.ID+"/check", object{"addresses": "boss@example.com"}, 200, &found)
	require.False(t, found.Items[0].Proved, "who names them by account is told")
	require.False(t, found.Items[0].Can)
}

type checked struct {
	Items []share.Checked
	Links int
}

func TestTheCheckBeforeSharing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	boss := r.as(t, "Boss", people.Admin)
	known, stranger := r.outsider(t, "Eve"), "never@example.com"
	v := r.start(t, catalog.InTeam)
	r.owner.do(t, "POST /api/videos/"+v.ID+"/people", object{"people": []object{{"email": "named@example.com"}, {"account_id": r.member.account.ID}}}, 200, nil)
	text := "Ada <" + r.owner.account.Email + ">, Ben Ode <" + r.member.account.Email + ">; " + email(boss) + "\n" + email(known) + " " + stranger +
		"\tnamed@example.com, mailto:" + stranger + ", what is this, <script>@x"
	want := map[catalog.Visibility]string{
		catalog.Private:   "owner+ private- private- private- private- private- invalid- invalid-",
		catalog.NamedOnly: "owner+ named+ not_named- outside- outside- named_pending+ invalid- invalid-",
		catalog.InTeam:    "owner+ named+ admin+ outside- outside- named_pending+ invalid- invalid-",
		catalog.WithLink:  "owner+ named+ link+ link+ link+ link+ invalid- invalid-",
	}
	for visibility, whys := range want {
		r.owner.do(t, "PATCH /api/videos/"+v.ID, object{"visibility": visibility}, 200, nil)
		var found checked
		r.owner.do(t, "POST /api/videos/"+v.ID+"/check", object{"addresses": text}, 200, &found)
		var got []string
		for _, one := range found.Items {
			mark := "-"
			if one.Can {
				mark = "+"
			}
			got = append(got, one.Why+mark)
			if one.Email != nil && (*one.Email == email(known) || *one.Email == stranger) {
				require.Nil(t, one.Account, "who has an account elsewhere is not told")
			}
		}
		require.Equal(t, whys, strings.Join(got, " "), visibility)
	}

	// One click for all who cannot.
	r.owner.do(t, "PATCH /api/videos/"+v.ID, object{"visibility": "private"}, 200, nil)
	grant := object{"people": []object{{"email": email(known)}, {"account_id": boss.account.ID}}, "raise": true}
	r.owner.do(t, "POST /api/videos/"+v.ID+"/people", grant, 200, nil)
	known.do(t, "GET /api/videos/"+v.ID, nil, 200, nil)
	boss.do(t, "GET /api/videos/"+v.ID, nil, 200, nil)
	require.Equal(t, catalog.NamedOnly, r.read(t, v.ID).Visibility)
}

func TestWhoGainsAndWhoLoses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.InTeam)
	r.makeLink(t, v, object{})
	r.owner.do(t, "POST /api/videos/"+v.ID+"/people", object{"people": []object{{"email": "eve@example.com"}, {"account_id": r.member.account.ID}}}, 200, nil)
	for range 4 {
		r.join(t, "Zoe"+record.NewID()[:4])
	}
	type preview struct {
		Gains, Loses             share.Crowd
		AnyoneGains, AnyoneLoses bool
		LinksPaused, LinksOpened int
	}
	ask := func(visibility string) (p preview) {
		var got struct {
			Gains       share.Crowd `json:"gains"`
			Loses       share.Crowd `json:"loses"`
			AnyoneGains bool        `json:"anyone_gains"`
			AnyoneLoses bool        `json:"anyone_loses"`
			LinksPaused int         `json:"links_paused"`
			LinksOpened int         `json:"links_opened"`
		}
		r.owner.do(t, "POST /api/videos/"+v.ID+"/preview-visibility", object{"visibility": visibility}, 200, &got)
		return preview(got)
	}
	none := share.Crowd{Names: []string{}}
	require.Equal(t, preview{Gains: none, Loses: none}, ask("workspace"))
	require.Equal(t, preview{Gains: none, Loses: none, AnyoneGains: true}, ask("link"))
	p := ask("people")
	require.Equal(t, 4, p.Loses.Count)
	require.Len(t, p.Loses.Names, 3)
	p = ask("private")
	require.Equal(t, 6, p.Loses.Count)
	require.Equal(t, "Ben", p.Loses.Names[0])
	require.Equal(t, 1, p.LinksPaused)
	r.owner.do(t, "PATCH /api/videos/"+v.ID, object{"visibility": "private"}, 200, nil)
	p = ask("people")
	require.Equal(t, share.Crowd{Count: 2, Names: []string{"Ben", "eve@example.com"}}, p.Gains)
	require.Equal(t, 1, p.LinksOpened)
}

type inbox struct {
	Items  []share.Notice
	Unread int
}

func (p *person) inbox(t testing.TB) (all inbox) {
	t.Helper()
	p.do(t, "GET /api/inbox", nil, 200, &all)
	return all
}

func TestAskingForAccess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v, open := r.start(t, catalog.Private), r.start(t, catalog.WithLink)
	out := r.outsider(t, "Eve")
	events := r.owner.ask(t, "GET", "/api/events", "")
	lines := bufio.NewScanner(events.Body)
	ended := r.makeLink(t, open, object{})
	r.owner.do(t, "DELETE /api/links/"+ended.ID, nil, 204, nil)

	// Whatever is asked for, the answer is the same.
	for _, slug := range []string{v.Slug, v.Slug, "absentabsent", open.Slug, ended.Slug, "a\x00b", ""} {
		res := out.do(t, "POST /api/requests", object{"slug": slug, "message": "Please?\nSecond line."}, 204, nil)
		require.Empty(t, text(t, res))
	}
	r.nobody.do(t, "POST /api/requests", object{"slug": v.Slug}, 401, nil)
	out.do(t, "POST /api/requests", object{"slug": v.Slug, "message": strings.Repeat("x", 501)}, 422, nil)
	out.do(t, "POST /api/requests", object{"slug": "absent", "message": strings.Repeat("x", 501)}, 422, nil)

	for lines.Scan() && !strings.HasPrefix(lines.Text(), "event: notice") { // live
	}
	require.True(t, lines.Scan())
	require.Equal(t, `data: {"unread":1}`, lines.Text())

	mine := r.owner.inbox(t)
	require.Equal(t, 1, mine.Unread)
	require.Len(t, mine.Items, 1, "asking twice is asking once")
	n := mine.Items[0]
	require.Equal(t, "access_request", n.Kind)
	require.Equal(t, "Eve", n.From)
	require.Equal(t, "Please?\nSecond line.", n.Request.Message)

	at := "/api/requests/" + n.Request.ID
	for _, p := range []*person{out, r.member, r.nobody} {
		p.do(t, "GET "+at, nil, 404, nil)
		p.do(t, "POST "+at, object{"grant": true}, 404, nil)
	}
	var request share.Request
	r.owner.do(t, "GET "+at, nil, 200, &request)
	require.Equal(t, secret, request.VideoTitle)
	require.True(t, request.Proved)
	require.Equal(t, "private", request.Visibility)
	r.owner.do(t, "POST "+at, object{"grant": true}, 200, &request)
	require.Equal(t, "granted", request.State)
	require.Equal(t, "people", request.Visibility)
	r.owner.do(t, "POST "+at, object{"grant": false}, 409, nil)
	out.do(t, "GET /api/videos/"+v.ID, nil, 200, nil)
	require.Zero(t, r.owner.inbox(t).Unread)
	theirs := out.inbox(t)
	require.Equal(t, 1, theirs.Unread)
	require.Equal(t, "access_granted", theirs.Items[0].Kind)
	require.Equal(t, secret, theirs.Items[0].Video.Title)
	out.do(t, "POST /api/inbox/read", object{"ids": []string{theirs.Items[0].ID, n.ID}}, 204, nil)
	require.Zero(t, out.inbox(t).Unread)
	require.False(t, r.owner.inbox(t).Items[0].Read && r.owner.inbox(t).Items[0].Request.State == "open")

	// Taken back, the inbox tells the title no more.
	r.owner.do(t, "PATCH /api/videos/"+v.ID, object{"visibility": "private"}, 200, nil)
	require.Nil(t, out.inbox(t).Items[0].Video)
}

func TestADenialTellsNothingAndHolds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.Private)
	ask := func() { r.member.do(t, "POST /api/requests", object{"slug": v.Slug}, 204, nil) }
	ask()
	r.owner.do(t, "POST /api/requests/"+r.owner.inbox(t).Items[0].Request.ID, object{"grant": false}, 200, nil)
	r.member.do(t, "GET /api/videos/"+v.ID, nil, 404, nil)
	denied := r.member.inbox(t)
	require.Equal(t, "access_denied", denied.Items[0].Kind)
	require.Nil(t, denied.Items[0].Video)
	res, body := r.member.get(t, "/api/inbox")
	require.Equal(t, 200, res.StatusCode)
	require.NotContains(t, body, secret)
	ask()
	require.Len(t, r.owner.inbox(t).Items, 1, "asking again on the same day reaches nobody")
	require.Equal(t, catalog.Private, r.read(t, v.ID).Visibility)
}

func TestAskingIsBoundedAlikeForTheAbsent(t *testing.T) {
	t.Parallel()
	for _, there := range []bool{true, false} {
		r := newRigAt(t, new(float64)) // the other limits are off
		v := r.start(t, catalog.Private)
		for i := range 41 {
			slug := "absent"
			if there {
				slug = v.Slug
			}
			status := 204
			if i == 40 {
				status = 429
			}
			r.member.do(t, "POST /api/requests", object{"slug": slug}, status, nil)
		}
	}
}

func TestNoInboxIsAnothers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.NamedOnly)
	r.owner.do(t, "POST /api/videos/"+v.ID+"/people", object{"people": []object{{"account_id": r.member.account.ID}}}, 200, nil)
	mine := r.member.inbox(t)
	require.Equal(t, "shared", mine.Items[0].Kind)
	require.Equal(t, "Ada", mine.Items[0].From)
	r.owner.do(t, "POST /api/inbox/read", object{"ids": []string{mine.Items[0].ID}}, 204, nil)
	require.Equal(t, 1, r.member.inbox(t).Unread)
	r.member.do(t, "POST /api/inbox/read", object{"all": true}, 204, nil)
	require.Zero(t, r.member.inbox(t).Unread)
	r.nobody.do(t, "GET /api/inbox", nil, 401, nil)
}
