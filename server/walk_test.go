package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// scene is a video as its owner set it.
type scene struct {
	name       string
	visibility catalog.Visibility
	guests     bool
	trashed    bool
}

func scenes() []scene {
	return []scene{
		{name: "private", visibility: catalog.Private},
		{name: "people", visibility: catalog.NamedOnly},
		{name: "workspace", visibility: catalog.InTeam},
		{name: "link", visibility: catalog.WithLink},
		{name: "link with guests", visibility: catalog.WithLink, guests: true},
		{name: "trashed", visibility: catalog.InTeam, trashed: true},
		{name: "trashed link", visibility: catalog.WithLink, guests: true, trashed: true},
	}
}

// who is one of those that walk: a sort of person, with what it carries.
type who struct {
	name   string
	person *person
	// inside says that it belongs to the workspace, admin that it looks after it.
	inside, admin bool
	author        bool
	// lets are the further rights that it was given for the video of the scene.
	named, linked bool
	comments      bool
	downloads     bool
}

// rights are the rules in other words than the gate's.
func (s scene) rights(w who) (watch, comment, download, edit bool) {
	open := s.visibility == catalog.WithLink
	team := w.inside && (open || s.visibility == catalog.InTeam)
	signedIn := w.person.account != nil
	switch {
	case w.author:
		return true, !s.trashed, true, true
	case s.visibility == catalog.Private:
		return false, false, false, false
	case s.trashed:
		return team && w.admin, false, team && w.admin, team && w.admin
	}
	extra := w.named || w.linked
	return team || open || extra,
		team || open && (signedIn || s.guests) || extra && w.comments,
		team || open && s.guests || extra && w.downloads,
		team && w.admin
}

// cast makes everybody who walks.
func (r *rig) cast(t testing.TB) []who {
	t.Helper()
	stranger := r.as(t, "Eve", people.Owner)
	r.elsewhere(t, stranger.account)
	guest := r.as(t, "Gus", people.Member)
	r.elsewhere(t, guest.account)
	return []who{
		{name: "nobody", person: &person{rig: r}},
		{name: "stranger", person: stranger},
		{name: "viewer", person: r.as(t, "Vic", people.Viewer), inside: true},
		{name: "member", person: r.member, inside: true},
		{name: "admin", person: r.as(t, "Ann", people.Admin), inside: true, admin: true},
		{name: "owner", person: r.as(t, "Oda", people.Owner), inside: true, admin: true},
		{name: "author", person: r.owner, inside: true, author: true},
		{name: "named", person: guest, named: true},
		{name: "named, may comment and download", person: guest, named: true, comments: true, downloads: true},
		{name: "link", person: &person{rig: r}, linked: true},
		{name: "link, may comment and download", person: &person{rig: r}, linked: true, comments: true, downloads: true},
		{name: "expired link", person: &person{rig: r}},
		{name: "revoked link", person: &person{rig: r}},
		{name: "wrong password", person: &person{rig: r}},
		{name: "stolen pass", person: &person{rig: r}},
		{name: "another video's link", person: &person{rig: r}},
	}
}

// as adds an account to the workspace and signs it in.
func (r *rig) as(t testing.TB, name string, role people.Role) *person {
	t.Helper()
	p := r.join(t, name)
	r.execute(t, "UPDATE memberships SET role = ? WHERE account_id = ?", role, p.account.ID)
	// who looks after a workspace does not look after the server
	r.execute(t, "UPDATE accounts SET operator = FALSE WHERE id = ?", p.account.ID)
	return p
}

// elsewhere moves an account into a workspace of its own.
func (r *rig) elsewhere(t testing.TB, account *people.Account) {
	t.Helper()
	id := "elsewhere-" + account.Name
	r.execute(t, "INSERT INTO workspaces (id, name, created_at) VALUES (?, ?, ?)", id, id, time.Now())
	r.execute(t, "UPDATE memberships SET workspace_id = ? WHERE account_id = ?", id, account.ID)
	r.execute(t, "UPDATE accounts SET workspace_id = ? WHERE id = ?", id, account.ID)
}

func (r *rig) execute(t testing.TB, query string, args ...any) {
	t.Helper()
	_, err := r.db.Writer.NewRaw(query, args...).Exec(t.Context())
	require.NoError(t, err)
}

// set makes a fresh video of a scene, with a comment of its author.
func (r *rig) set(t testing.TB, s scene) *catalog.Video {
	t.Helper()
	v := r.start(t, s.visibility)
	r.execute(t, "UPDATE videos SET guests_may_comment = ?, guests_may_download = ? WHERE id = ?", s.guests, s.guests, v.ID)
	r.execute(t, `INSERT INTO comments (id, video_id, author_id, at_us, body, created_at) VALUES (?, ?, ?, 0, ?, ?)`, "c-"+v.ID, v.ID, r.owner.account.ID, secret, time.Now())
	if s.trashed {
		r.execute(t, "UPDATE videos SET trashed_at = ? WHERE id = ?", time.Now(), v.ID)
	}
	return r.read(t, v.ID)
}

// names writes the parameters of a path as names of one video.
func (r *rig) names(_ testing.TB, v *catalog.Video) *strings.Replacer {
	return strings.NewReplacer("/api/videos/:id", "/api/videos/"+v.ID, "/api/comments/:id", "/api/comments/c-"+v.ID,
		"/api/uploads/:id", "/api/uploads/"+v.UploadID, "/api/links/:id", "/api/links/l-"+v.ID, "/api/requests/:id", "/api/requests/r-"+v.ID, ":person", "p-"+v.ID, ":slug", v.Slug)
}

// equip gives somebody what it carries for one video: to be named, or a pass.
func (r *rig) equip(t testing.TB, w who, v *catalog.Video) (pass, slug string) {
	t.Helper()
	if w.named {
		r.execute(t, "INSERT INTO video_people (id, video_id, email, account_id, may_comment, may_download, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			"n-"+v.ID, v.ID, w.person.account.Email, w.person.account.ID, w.comments, w.downloads, time.Now())
	}
	r.execute(t, "INSERT INTO access_requests (id, video_id, account_id, state, created_at) VALUES (?, ?, ?, 'open', ?)", "r-"+v.ID, v.ID, r.owner.account.ID, time.Now())
	if w.person.account != nil || w.name == "nobody" {
		r.execute(t, `INSERT INTO share_links (id, video_id, slug, name, password_hash, may_comment, may_download, created_at)
			VALUES (?, ?, ?, '', 'none', TRUE, TRUE, ?)`, "l-"+v.ID, v.ID, "s"+v.ID, time.Now())
		return "", v.Slug
	}
	link := &catalog.ShareLink{
		ID: "l-" + v.ID, Slug: "s" + v.ID, VideoID: v.ID, MayComment: w.comments || !w.linked, MayDownload: w.downloads || !w.linked,
	}
	var expires, revoked any
	password := ""
	version := int64(0)
	switch w.name {
	case "expired link":
		expires = time.Now().Add(-time.Second)
	case "revoked link":
		revoked = time.Now().Add(-time.Second)
	case "wrong password":
		password, version = "$argon2id$", 1 // the password was changed since the pass was made
	case "another video's link":
		link.VideoID = r.start(t, catalog.InTeam).ID
		defer func() { slug = v.Slug }()
	}
	r.execute(t, `INSERT INTO share_links (id, video_id, slug, name, password_hash, version, may_comment, may_download, expires_at, revoked_at, created_at)
		VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?)`, link.ID, link.VideoID, link.Slug, password, version, link.MayComment, link.MayDownload, expires, revoked, time.Now())
	finder := access.NewFinder(r.catalog, []byte(rigKey), time.Now)
	if w.name == "stolen pass" {
		finder = access.NewFinder(r.catalog, []byte("another key"), time.Now)
		return finder.Pass(link, nil), v.Slug
	}
	return finder.Pass(link, nil), link.Slug
}

var bodies = map[string]string{
	"PATCH /api/videos/:id":         `{"title":"new"}`,
	"POST /api/videos/:id/comments": `{"at_ms":0,"body":"hi","guest_name":"Gus"}`,
	"POST /api/videos/:id/views":    `{"position_ms":0,"watched_ms":0}`,
	"PATCH /api/comments/:id":       `{"body":"new"}`,
}

// call is one case of the walk: somebody asks for one route of one video.
type call struct {
	route string
	need  access.Need
	scene scene
	who   who
}

func (c call) String() string {
	return fmt.Sprintf("%s · %s · %s", c.route, c.scene.name, c.who.name)
}

// picture says that the route shows a picture of the video at a lasting address.
func (c call) picture() bool {
	return strings.HasSuffix(c.route, ".jpg") || strings.HasSuffix(c.route, ".webp")
}

// draw gives a video its pictures.
func (r *rig) draw(t testing.TB, v *catalog.Video) {
	t.Helper()
	stills := catalog.Stills{Poster: catalog.ObjectPrefix(v.ID) + "still/1/poster.jpg", Preview: catalog.ObjectPrefix(v.ID) + "still/1/preview.webp"}
	for _, key := range []string{stills.Poster, stills.Preview} {
		path, err := r.store.Path(key) // the store would wait for the disk, two thousand times in a walk
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(secret), 0o600))
	}
	raw, err := json.Marshal(stills)
	require.NoError(t, err)
	r.execute(t, "UPDATE videos SET stills = ? WHERE id = ?", string(raw), v.ID)
}

// try makes a call and says what was wrong with the answer, or "".
func (r *rig) try(t testing.TB, c call) string {
	t.Helper()
	r.execute(t, "DELETE FROM videos") // nobody may have thousands open, and to count them takes longer and longer
	v := r.set(t, c.scene)
	if c.picture() {
		r.draw(t, v)
	}
	pass, slug := r.equip(t, c.who, v)
	method, pattern, _ := strings.Cut(c.route, " ")
	path := r.names(t, v).Replace(strings.Replace(pattern, ":slug", slug, 1))
	header := []string{"Meanwhile-Pass", pass}
	if c.need.Names == access.UploadID {
		header = append(header, "Tus-Resumable", "1.0.0")
	}
	res := c.who.person.ask(t, method, path, bodies[c.route], header...)
	defer res.Body.Close()
	watch, comment, download, edit := c.scene.rights(c.who)
	if slug != v.Slug && slices.Contains([]string{"expired link", "revoked link", "wrong password"}, c.who.name) && c.need.Names == access.VideoSlug {
		watch = false // the link's own address leads nowhere, whatever the video's does
	}
	if c.picture() { // for everybody who has the address, or for nobody
		open := slug == v.Slug && c.scene.visibility == catalog.WithLink || slug != v.Slug && c.who.linked && c.scene.visibility != catalog.Private
		watch = open && !c.scene.trashed
	}
	if wrong := c.judge(res.StatusCode, map[access.Right]bool{access.ToWatch: watch, access.ToComment: comment, access.ToDownload: download, access.ToEdit: edit}); wrong != "" {
		return c.String() + ": " + wrong
	}
	if !watch && (res.StatusCode < 400 || strings.Contains(text(t, res), secret)) {
		return c.String() + ": tells of the video"
	}
	if edit && watch {
		return ""
	}
	if now := r.read(t, v.ID); v.Title != now.Title || v.Trashed() != now.Trashed() || v.Visibility != now.Visibility || v.UploadState != now.UploadState {
		return c.String() + ": changed the video"
	}
	return ""
}

// judge says what is wrong with a status, or "".
func (c call) judge(status int, has map[access.Right]bool) string {
	allowed := has[access.ToWatch] && has[c.need.Right]
	switch {
	case status >= 500:
		return fmt.Sprintf("status %d", status)
	case !has[access.ToWatch] && status != http.StatusNotFound:
		return fmt.Sprintf("status %d for who may not watch", status)
	case !allowed && !slices.Contains([]int{401, 403, 404}, status):
		return fmt.Sprintf("status %d without the right", status)
	case c.need.Names == access.CommentID, c.need.Names == access.UploadID: // whose it is, and what the request says, decides the rest
		return ""
	case allowed && slices.Contains([]int{401, 403, 404}, status) && !c.mayRefuse():
		return fmt.Sprintf("status %d in spite of the right", status)
	}
	return ""
}

// mayRefuse lists the routes whose handlers ask for more than the gate: what
// they name besides the video is not there, or they need an account.
func (c call) mayRefuse() bool {
	return strings.Count(c.route, ":") > 1 || c.who.person.account == nil && c.need.Write
}

// TestTheWalk asks every route that names a video as everybody, for a video in
// every state, and for every other route that nobody gets past its need.
func TestTheWalk(t *testing.T) {
	t.Parallel()
	walk := func(name string, ask func(t *testing.T, r *rig, cast []who) (cases int, wrong []string)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRigAt(t, new(float64))
			cases, wrong := ask(t, r, r.cast(t))
			t.Logf("%d cases of a route, a video and a principal", cases)
			require.Positive(t, cases)
			require.Empty(t, wrong)
		})
	}
	for _, s := range scenes() {
		walk(s.name, func(t *testing.T, r *rig, cast []who) (int, []string) {
			t.Helper()
			return r.walk(t, s, cast)
		})
	}
	walk("no video", func(t *testing.T, r *rig, cast []who) (int, []string) {
		t.Helper()
		return r.walkOthers(t, cast)
	})
}

// walk asks every route that names a video for one in a state.
func (r *rig) walk(t *testing.T, s scene, cast []who) (cases int, wrong []string) {
	t.Helper()
	for _, route := range slices.Sorted(maps.Keys(r.server.needs)) {
		need := r.server.needs[route]
		if need.Names < access.VideoID || need.Names == access.Media {
			continue
		}
		for _, w := range cast {
			cases++
			if complaint := r.try(t, call{route, need, s, w}); complaint != "" {
				wrong = append(wrong, complaint)
			}
		}
	}
	return cases, wrong
}

// TestTheWalkNoticesAnOpenRoute is the control: whichever route loses its need,
// the walk is red.
func TestTheWalkNoticesAnOpenRoute(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	cast := r.cast(t)
	nobody, author := cast[0], cast[6]
	for _, route := range slices.Sorted(maps.Keys(r.server.needs)) {
		need := r.server.needs[route]
		if need.Names < access.VideoID || need.Names == access.Media {
			continue
		}
		r.server.needs[route] = access.Need{Names: access.Nothing}
		// a page without the gate has no video to show: its author misses it
		require.NotEmpty(t, r.try(t, call{route, need, scenes()[0], nobody})+r.try(t, call{route, need, scenes()[3], author}), route)
		r.server.needs[route] = need
		require.Empty(t, r.try(t, call{route, need, scenes()[0], nobody})+r.try(t, call{route, need, scenes()[3], author}), route)
	}
}

// openScene is a video that everybody may watch and talk about.
func openScene() scene { return scene{visibility: catalog.WithLink, guests: true} }
