package server

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/team"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

func (p *person) workspace() string { return "/api/workspaces/" + p.account.WorkspaceID }

func (p *person) member(other *person) string {
	return p.workspace() + "/members/" + other.account.ID
}

// code is the word for programs in a refusal.
func code(t testing.TB, res *http.Response) string {
	t.Helper()
	var p struct{ Code string }
	require.NoError(t, json.Unmarshal([]byte(text(t, res)), &p))
	return p.Code
}

// SAFETY 42: the last owner, and raising oneself.
func TestRolesOverTheWire(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	owner, admin, viewer := r.as(t, "Oda", people.Owner), r.as(t, "Ann", people.Admin), r.as(t, "Vic", people.Viewer)
	stranger := r.as(t, "Eve", people.Owner)
	r.elsewhere(t, stranger.account)
	asked := 0
	try := func(by *person, request, body string, status int, word string) {
		t.Helper()
		asked++
		method, path, _ := strings.Cut(request, " ")
		res := by.ask(t, method, path, body)
		require.Equal(t, status, res.StatusCode, "%s %s %s", by.account.Name, request, body)
		if word != "" {
			require.Equal(t, word, code(t, res))
		}
	}
	for _, role := range []string{"viewer", "member", "admin", "owner"} {
		body := `{"role":"` + role + `"}`
		for _, low := range []*person{r.member, viewer} {
			try(low, "PATCH "+low.member(low), body, 403, "forbidden")
			try(low, "PATCH "+low.member(owner), body, 403, "forbidden")
			try(low, "DELETE "+low.member(admin), "", 403, "role")
		}
		try(stranger, "PATCH "+owner.member(viewer), body, 404, "not_found")
		try(r.nobodyOf(owner), "PATCH "+owner.member(viewer), body, 401, "sign_in")
		try(admin, "PATCH "+admin.member(owner), body, 403, "role")
	}
	try(admin, "PATCH "+admin.member(admin), `{"role":"owner"}`, 403, "role")
	try(owner, "PATCH "+owner.member(owner), `{"role":"member"}`, 409, "last_owner")
	try(owner, "DELETE "+owner.member(owner), "", 409, "last_owner")
	try(owner, "PATCH "+owner.member(viewer), `{"role":"emperor"}`, 422, "")
	try(owner, "PATCH "+owner.member(viewer), `{"role":"member","workspace_id":"x"}`, 422, "")
	try(owner, "PATCH "+owner.workspace()+"/members/absent", `{"role":"member"}`, 404, "not_found")
	for _, low := range []*person{r.member, viewer, admin, stranger} {
		want := map[bool]int{true: 404, false: 403}[low == stranger]
		try(low, "DELETE "+owner.workspace(), `{"name":"Workspace"}`, want, "")
	}
	try(owner, "DELETE "+owner.workspace(), `{"name":"Else"}`, 422, "name")
	try(stranger, "GET "+owner.workspace(), "", 404, "not_found")
	try(stranger, "GET "+owner.workspace()+"/members", "", 404, "not_found")
	try(viewer, "GET "+owner.workspace()+"/members", "", 200, "")
	try(viewer, "POST /api/videos", "{}", 403, "forbidden")
	try(viewer, "PUT /api/account/workspace", `{"id":"elsewhere-Eve"}`, 404, "not_found")
	t.Logf("%d requests", asked)
}

// nobodyOf is somebody who is not signed in.
func (r *rig) nobodyOf(p *person) *person { return &person{rig: r, account: p.account} }

// Who is removed while watching loses the media and the page at once; the videos
// belong to the heir.
func TestRemovalEndsPlayback(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.server.Start(t.Context(), r.catalog, slog.New(slog.DiscardHandler)))
	admin := r.as(t, "Ann", people.Admin)
	v := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	mine, err := r.catalog.StartVideo(t.Context(), catalog.NewVideo{OwnerID: r.member.account.ID, Title: "Ben's", Visibility: catalog.Private, Length: -1})
	require.NoError(t, err)
	res, body := r.member.get(t, "/api/videos/"+v.ID)
	require.Equal(t, 200, res.StatusCode)
	var seen struct {
		Playback struct{ Progressive string } `json:"playback"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &seen))
	res, _ = r.nobody.get(t, seen.Playback.Progressive)
	require.Equal(t, 200, res.StatusCode)

	require.Equal(t, "heir", code(t, admin.ask(t, "DELETE", admin.member(r.member), "")))
	require.Equal(t, 204, admin.ask(t, "DELETE", admin.member(r.member)+"?heir="+r.owner.account.ID, "").StatusCode)
	soon(t, 5*time.Second, func() bool {
		res, _ := r.nobody.get(t, seen.Playback.Progressive)
		return res.StatusCode == http.StatusForbidden
	}, "the grant is not void")
	res, _ = r.member.get(t, "/api/videos/"+v.ID)
	require.Equal(t, 404, res.StatusCode)
	require.Equal(t, r.owner.account.ID, r.read(t, mine.ID).OwnerID)
	require.Equal(t, 403, r.member.ask(t, "POST", "/api/videos", "{}").StatusCode, "nowhere to record")
}

// SAFETY 41, for accounts that exist: another address, reuse, after revoking.
func TestInvitationsToAFurtherWorkspace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	guest := r.as(t, "Gus", people.Member)
	r.elsewhere(t, guest.account)
	admin := r.as(t, "Ann", people.Admin)
	invite := func(body string) (token, id string) {
		res := admin.ask(t, "POST", "/api/invitations", body)
		require.Equal(t, 201, res.StatusCode)
		var made struct{ ID, URL string }
		require.NoError(t, json.Unmarshal([]byte(text(t, res)), &made))
		return made.URL[strings.LastIndex(made.URL, "/")+1:], made.ID
	}
	join := func(token string) *http.Response {
		return guest.ask(t, "POST", "/api/invitations/join", `{"token":"`+token+`"}`)
	}
	require.Equal(t, 403, admin.ask(t, "POST", "/api/invitations", `{"role":"owner"}`).StatusCode, "nobody hands out more than they have")
	another, _ := invite(`{"email":"else@example.com"}`)
	require.Equal(t, 422, join(another).StatusCode)
	dropped, id := invite(`{}`)
	require.Equal(t, 204, admin.ask(t, "DELETE", "/api/invitations/"+id, "").StatusCode)
	require.Equal(t, "token", code(t, join(dropped)))
	bound, _ := invite(`{"email":"GUS@example.com","role":"viewer"}`)
	res := join(bound)
	require.Equal(t, 200, res.StatusCode)
	var joined team.WorkspaceDetails
	require.NoError(t, json.Unmarshal([]byte(text(t, res)), &joined))
	require.Equal(t, people.Viewer, joined.Role)
	require.Equal(t, "token", code(t, join(bound)))
	require.Equal(t, 401, r.nobody.ask(t, "POST", "/api/invitations/join", `{"token":"x"}`).StatusCode)
}

// SAFETY 63: no cell of the export is a formula.
func TestTheAuditLogIsExported(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	owner := r.as(t, "Oda", people.Owner)
	evil := []string{"=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =1", "＝1", "plain, \"quoted\"\r\nline"}
	for _, title := range evil {
		_, err := r.catalog.StartVideo(record.WithActor(t.Context(), record.Actor{Name: title}), catalog.NewVideo{OwnerID: r.owner.account.ID, Title: "x" + title, Visibility: catalog.InTeam, Length: -1})
		require.NoError(t, err)
	}
	for i := range 2300 {
		require.NoError(t, r.catalog.AuditAlone(t.Context(), record.Audit{WorkspaceID: owner.account.WorkspaceID, Action: record.SignedIn, Detail: map[string]string{"n": strconv.Itoa(i)}}))
	}
	res, body := owner.get(t, "/api/audit/export?format=csv")
	require.Equal(t, 200, res.StatusCode)
	require.Contains(t, res.Header.Get("Content-Disposition"), "attachment")
	require.Contains(t, res.Header.Get("Content-Type"), "text/csv")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	require.NoError(t, err)
	require.Greater(t, len(rows), 2309, "more than one step, and nothing is lost")
	actors := map[string]bool{}
	for _, row := range rows {
		actors[row[2]] = true
		for _, cell := range row {
			require.NotRegexp(t, "^[ \u00a0]*[=+@\t\r＝＋－＠-]", cell)
		}
	}
	for _, title := range evil[:8] {
		require.True(t, actors["'"+strings.ReplaceAll(title, "\r", "")] || actors["'"+title], "%q", title)
	}
	require.NotContains(t, strings.ReplaceAll(body, "\r\n", ""), "\n", "every line ends in CRLF")

	_, body = owner.get(t, "/api/audit/export?format=json&action=video.created")
	var all []team.AuditEntry
	require.NoError(t, json.Unmarshal([]byte(body), &all))
	require.Len(t, all, len(evil))
	_, body = owner.get(t, "/api/audit/export?format=json&action=never")
	require.NoError(t, json.Unmarshal([]byte(body), &all))
	require.Empty(t, all)

	for _, p := range []*person{r.member, r.as(t, "Vic", people.Viewer)} {
		for _, path := range []string{"/api/audit", "/api/audit/export?format=csv"} {
			res, _ := p.get(t, path)
			require.Equal(t, 403, res.StatusCode)
		}
	}
	for _, query := range []string{"", "format=xlsx", "format=csv&since=yesterday"} {
		res, _ := owner.get(t, "/api/audit/export?"+query)
		require.Equal(t, 422, res.StatusCode, query)
	}
}

func TestTheAuditLogIsReadPageByPage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	owner, stranger := r.as(t, "Oda", people.Owner), r.as(t, "Eve", people.Owner)
	r.elsewhere(t, stranger.account)
	v := r.start(t, catalog.InTeam)
	require.Equal(t, 200, r.owner.ask(t, "PATCH", "/api/videos/"+v.ID, `{"visibility":"link"}`).StatusCode)
	require.Equal(t, 204, r.member.ask(t, "POST", "/api/videos/"+v.ID+"/views", `{"position_ms":1,"watched_ms":1}`).StatusCode)
	require.Equal(t, 204, r.member.ask(t, "POST", "/api/videos/"+v.ID+"/views", `{"position_ms":2,"watched_ms":2}`).StatusCode)
	require.Equal(t, 204, r.owner.ask(t, "POST", "/api/videos/"+v.ID+"/views", `{"position_ms":2,"watched_ms":2}`).StatusCode)
	read := func(p *person, query string) (all []team.AuditEntry) {
		t.Helper()
		cursor := ""
		for {
			var page struct {
				Items      []team.AuditEntry `json:"items"`
				NextCursor *string           `json:"next_cursor"`
			}
			res, body := p.get(t, "/api/audit?limit=1&"+query+"&cursor="+url.QueryEscape(cursor))
			require.Equal(t, 200, res.StatusCode, body)
			require.NoError(t, json.Unmarshal([]byte(body), &page))
			all = append(all, page.Items...)
			if page.NextCursor == nil {
				return all
			}
			cursor = *page.NextCursor
		}
	}
	about := read(owner, "video="+v.ID)
	require.Len(t, about, 3)
	require.Equal(t, []string{"video.watched", "video.shared", "video.created"}, []string{about[0].Action, about[1].Action, about[2].Action})
	require.Equal(t, "Ben", about[0].Actor.Name)
	require.Equal(t, "Ben@example.com", strings.Replace(about[0].Actor.Email, "ben", "Ben", 1))
	require.NotEmpty(t, about[0].Actor.Address)
	require.Equal(t, "workspace → link", about[1].Detail["visibility"])
	require.Len(t, read(owner, "account="+r.member.account.ID+"&video="+v.ID), 1)
	require.Empty(t, read(owner, "until=2020-01-01T00:00:00Z"))
	require.Empty(t, read(stranger, "video="+v.ID), "another workspace's log is its own")
	for _, cursor := range []string{"x", "e30", "bnVsbA"} {
		res, _ := owner.get(t, "/api/audit?cursor="+cursor)
		require.Equal(t, 422, res.StatusCode)
	}
}

// A download is one line of the log, in however many ranges it comes, and only
// those who may download come that far.
func TestDownloadsAreNoted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.upload(t, recording(t, "avc3-opus.mp4"), 1<<20, true)
	path := r.media(v, "download")
	before := r.catalog.Queries()
	for range 3 {
		res, _ := r.nobody.get(t, path, "Range", "bytes=0-99")
		require.Equal(t, 206, res.StatusCode)
	}
	require.Less(t, r.catalog.Queries()-before, int64(12), "the log is not written on the way")
	require.Equal(t, 200, r.nobody.ask(t, "HEAD", path, "").StatusCode)
	r.server.downloads.Flush(t.Context())
	r.server.downloads.Flush(t.Context())
	rows, err := r.catalog.AuditLog(t.Context(), record.AuditQuery{WorkspaceID: r.owner.account.WorkspaceID, Action: record.VideoDownloaded, Limit: 10})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, "Ada", rows[0].Actor)
	require.Equal(t, "download", rows[0].Detail["file"])

	require.NoError(t, r.setDownload(t.Context(), v.ID, false))
	watching, _ := r.granter.Grant(auth.Principal{}, r.read(t, v.ID))
	for _, name := range []string{"download", "source"} {
		res, _ := r.nobody.get(t, "/media/"+watching+"/"+v.ID+"/"+name)
		require.Equal(t, 403, res.StatusCode, name)
	}
	res, _ := r.nobody.get(t, "/media/"+watching+"/"+v.ID+"/progressive")
	require.Equal(t, 200, res.StatusCode, "but watch")
}

func (r *rig) setDownload(ctx context.Context, id string, may bool) error {
	_, err := r.catalog.ChangeVideo(ctx, id, catalog.VideoChange{Visibility: new(catalog.WithLink), GuestsMayDownload: &may})
	return err
}

// Deletion removes every object, of a video and of a whole workspace.
func TestNothingIsLeftOfWhatWasDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	owner := r.as(t, "Oda", people.Owner)
	left := func() (files []string) {
		root, err := r.store.Path("v")
		require.NoError(t, err)
		err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				files = append(files, name)
			}
			if os.IsNotExist(err) {
				return nil
			}
			return err
		})
		require.NoError(t, err)
		return files
	}
	sweep := func() {
		keys, err := r.catalog.Garbage(t.Context())
		require.NoError(t, err)
		for _, key := range keys {
			require.NoError(t, r.store.Delete(t.Context(), key))
		}
	}
	raw := recording(t, "avc3-opus.mp4")
	v := r.upload(t, raw, 30_000, true)
	r.draw(t, v)
	r.ladder(t, v)
	require.Greater(t, len(left()), 5)
	require.NoError(t, r.catalog.TrashVideo(t.Context(), v.ID))
	require.NoError(t, r.catalog.RemoveVideo(t.Context(), v.ID))
	sweep()
	require.Empty(t, left())

	r.upload(t, raw, 30_000, true)
	r.upload(t, raw, 30_000, false)
	require.NotEmpty(t, left())
	require.Equal(t, 204, owner.ask(t, "DELETE", owner.workspace(), `{"name":"Workspace"}`).StatusCode)
	sweep()
	require.Empty(t, left())
	res, _ := owner.get(t, "/api/session")
	require.Equal(t, 200, res.StatusCode, "the accounts stay")
	res, body := owner.get(t, "/api/videos?filter=shared")
	require.Equal(t, 200, res.StatusCode, body)
}

// Nobody escapes the bounds of a workspace by making others without.
func TestFurtherWorkspacesAreBounded(t *testing.T) {
	t.Parallel()
	const further = `{"name":"Mine"}`
	r := newRigAt(t, nil, func(o *Options) { o.Workspaces = team.Rules{QuotaBytes: 1e9} })
	details := func(res *http.Response, status int) (w team.WorkspaceDetails) {
		body := text(t, res)
		require.Equal(t, status, res.StatusCode, body)
		require.NoError(t, json.Unmarshal([]byte(body), &w))
		return w
	}
	at := "/api/workspaces/" + r.owner.account.WorkspaceID
	for _, role := range []people.Role{people.Member, people.Admin, people.Owner} {
		p := r.as(t, string(role), role)
		require.Equal(t, 403, p.ask(t, "POST", "/api/workspaces", further).StatusCode, role)
		require.False(t, details(p.ask(t, "GET", at, ""), 200).MayCreate, role)
	}
	operator := r.as(t, "Op", people.Member)
	r.execute(t, "UPDATE accounts SET operator = TRUE WHERE id = ?", operator.account.ID)
	require.Zero(t, details(operator.ask(t, "POST", "/api/workspaces", further), 201).Limits.QuotaBytes)

	r = newRigAt(t, nil, func(o *Options) { o.Workspaces = team.Rules{Everyone: true, QuotaBytes: 1e9} })
	mine := details(r.member.ask(t, "POST", "/api/workspaces", further), 201)
	require.Equal(t, int64(1e9), mine.Limits.QuotaBytes)
	require.True(t, mine.MayCreate)
	at = "/api/workspaces/" + mine.ID
	set := func(bytes string, status int) {
		res := r.member.ask(t, "PATCH", at, `{"quota_bytes":`+bytes+`}`)
		require.Equal(t, status, res.StatusCode, bytes)
	}
	set("0", 422)
	set("1000000001", 422)
	set("5", 200)
	set("1000000000", 200)
	r.execute(t, "UPDATE workspaces SET quota_bytes = 5000000000 WHERE id = ?", mine.ID)
	set("5000000000", 200) // as an operator has set it
	set("5000000001", 422)
	set("4000000000", 200)
	r.execute(t, "UPDATE accounts SET operator = TRUE WHERE id = ?", r.member.account.ID)
	set("0", 200)
}

func TestFurtherWorkspaces(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, nil, func(o *Options) { o.Workspaces.Everyone = true })
	viewer := r.as(t, "Vic", people.Viewer)
	require.Equal(t, 403, viewer.ask(t, "POST", "/api/workspaces", `{"name":"Mine"}`).StatusCode, "who may not record makes no library")
	require.Equal(t, 422, r.member.ask(t, "POST", "/api/workspaces", `{"name":"  "}`).StatusCode)
	v := r.start(t, catalog.InTeam)
	res := r.member.ask(t, "POST", "/api/workspaces", `{"name":"Mine"}`)
	require.Equal(t, 201, res.StatusCode)
	var made team.WorkspaceDetails
	require.NoError(t, json.Unmarshal([]byte(text(t, res)), &made))
	require.Equal(t, people.Owner, made.Role)
	_, list := r.member.get(t, "/api/videos")
	require.NotContains(t, list, v.ID, "another library")
	_, mates := r.member.get(t, "/api/accounts")
	require.NotContains(t, mates, "ada@example.com")
	require.Equal(t, 204, r.member.ask(t, "PUT", "/api/account/workspace", `{"id":"`+r.owner.account.WorkspaceID+`"}`).StatusCode)
	_, list = r.member.get(t, "/api/videos")
	require.Contains(t, list, v.ID)
	require.Equal(t, 404, r.owner.ask(t, "PUT", "/api/account/workspace", `{"id":"`+made.ID+`"}`).StatusCode)
}
