package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// walkOthers asks the routes that name no video.
func (r *rig) walkOthers(t *testing.T, cast []who) (cases int, wrong []string) {
	t.Helper()
	place := r.found(t, cast)
	for _, route := range slices.Sorted(maps.Keys(r.server.needs)) {
		need := r.server.needs[route]
		var n int
		var found []string
		switch need.Names {
		case access.Workspace:
			n, found = place.walk(t, route, need)
		case access.Account, access.Owner:
			n, found = r.walkRole(t, route, need, cast)
		}
		cases, wrong = cases+n, append(wrong, found...)
	}
	return cases, wrong
}

// walkRole asks a route that needs an account, or a role in the workspace that the
// account works in. Routes for whoever is signed in are about what is one's own.
func (r *rig) walkRole(t *testing.T, route string, need access.Need, cast []who) (cases int, wrong []string) {
	t.Helper()
	for _, w := range cast {
		want := http.StatusUnauthorized
		if w.person.account != nil {
			account, err := r.catalog.Account(t.Context(), w.person.account.ID)
			require.NoError(t, err)
			switch {
			case need.Names == access.Owner && !account.Operator, need.Role != "" && !account.RoleIn(account.WorkspaceID).AtLeast(need.Role):
				want = http.StatusForbidden
			case need.Role == "" && need.Names == access.Account:
				continue
			default:
				want = 0
			}
		}
		cases++
		if complaint := stated(r.knock(t, w.person, route, r.own(t, w.person, route), "{}").StatusCode, want); complaint != "" {
			wrong = append(wrong, fmt.Sprintf("%s · %s: %s", route, w.name, complaint))
		}
	}
	return cases, wrong
}

// own names a thing in the workspace that somebody works in, for routes that name one.
func (r *rig) own(t testing.TB, p *person, route string) *strings.Replacer {
	t.Helper()
	if p.account != nil && strings.Contains(route, "/api/webhooks/:id") {
		account, err := r.catalog.Account(t.Context(), p.account.ID)
		require.NoError(t, err)
		return strings.NewReplacer(":id", r.hook(t, account.WorkspaceID).ID, ":event", "evt_1")
	}
	return strings.NewReplacer(":id", "x", ":event", "x")
}

func (r *rig) knock(t testing.TB, p *person, route string, names *strings.Replacer, body string) *http.Response {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	return p.ask(t, method, names.Replace(path), body)
}

// stated says what is wrong with a status, or ""; want is 0 for "let in".
func stated(status, want int) string {
	if want == 0 && !slices.Contains([]int{401, 403, 404}, status) && status < 500 || status == want {
		return ""
	}
	return fmt.Sprintf("status %d, not %d", status, want)
}

// place is where the routes that name a workspace are tried.
type place struct {
	*rig
	// ada owns every workspace, and target is a viewer of each.
	ada, target *people.Account
	// caller has the role of the case, or none.
	caller, nobody *person
}

func (r *rig) found(t testing.TB, cast []who) place {
	t.Helper()
	target := r.as(t, "Tom"+record.NewID(), people.Viewer)
	caller := r.as(t, "Cal"+record.NewID(), people.Viewer)
	r.elsewhere(t, caller.account)
	return place{rig: r, ada: r.owner.account, target: target.account, caller: caller, nobody: cast[0].person}
}

// open makes a workspace in which the caller has a role, or none.
func (p place) open(t testing.TB, role people.Role) (id string) {
	t.Helper()
	id = record.NewID()
	p.execute(t, "INSERT INTO workspaces (id, name, created_at) VALUES (?, ?, ?)", id, secret, time.Now())
	for account, has := range map[string]people.Role{p.ada.ID: people.Owner, p.target.ID: people.Viewer, p.caller.account.ID: role} {
		if has != "" {
			p.execute(t, "INSERT INTO memberships (workspace_id, account_id, role, created_at) VALUES (?, ?, ?, ?)", id, account, has, time.Now())
		}
	}
	return id
}

// walk asks one route that names a workspace: with every role in it, with none but
// one elsewhere, and without an account.
func (p place) walk(t testing.TB, route string, need access.Need) (cases int, wrong []string) {
	t.Helper()
	for _, role := range []people.Role{"", people.Viewer, people.Member, people.Admin, people.Owner} {
		want := 0
		switch {
		case role == "":
			want = http.StatusNotFound
		case !role.AtLeast(need.Role):
			want = http.StatusForbidden
		}
		cases++
		if complaint := p.try(t, route, role, want); complaint != "" {
			wrong = append(wrong, fmt.Sprintf("%s · %q: %s", route, role, complaint))
		}
	}
	cases++
	if complaint := p.tryAs(t, p.nobody, route, p.open(t, ""), http.StatusUnauthorized); complaint != "" {
		wrong = append(wrong, route+" · nobody: "+complaint)
	}
	return cases, wrong
}

func (p place) try(t testing.TB, route string, role people.Role, want int) string {
	t.Helper()
	return p.tryAs(t, p.caller, route, p.open(t, role), want)
}

func (p place) tryAs(t testing.TB, by *person, route, id string, want int) string {
	t.Helper()
	body := map[string]string{
		"PATCH /api/workspaces/:id":                  `{"name":"new"}`,
		"DELETE /api/workspaces/:id":                 `{"name":"` + secret + `"}`,
		"PATCH /api/workspaces/:id/members/:account": `{"role":"member"}`,
	}[route]
	res := p.knock(t, by, route, strings.NewReplacer(":id", id, ":account", p.target.ID), body)
	got := text(t, res)
	left := want == 0 && res.StatusCode == http.StatusForbidden && strings.Contains(got, `"role"`) && p.leaving(route)
	if complaint := stated(res.StatusCode, want); complaint != "" && !left {
		return complaint
	}
	if want == 0 && !left {
		return ""
	}
	if strings.Contains(got, secret) || strings.Contains(got, p.target.Email) {
		return "tells of the workspace"
	}
	var as struct{ Name, Role string }
	err := p.db.Reader.NewRaw("SELECT workspaces.name, memberships.role FROM workspaces JOIN memberships ON workspace_id = workspaces.id WHERE workspaces.id = ? AND account_id = ?",
		id, p.target.ID).Scan(t.Context(), &as.Name, &as.Role)
	if err != nil || as.Name != secret || as.Role != string(people.Viewer) {
		return fmt.Sprintf("changed the workspace: %v %v", as, err)
	}
	return ""
}

// leaving says that a route is open to everybody in the workspace, for everybody may
// leave it, and that its handler decides whom else one may remove.
func (p place) leaving(route string) bool {
	return route == "DELETE /api/workspaces/:id/members/:account"
}

// guardedTwice says that what carries a route out asks for the role once more.
func (p place) guardedTwice(route string) bool {
	return route == "PATCH /api/workspaces/:id/members/:account" || route == "POST /api/videos"
}

// TestTheWalkNoticesAnOpenRole is the control: whichever route loses its role, or
// the workspace that it is about, the walk is red.
func TestTheWalkNoticesAnOpenRole(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	cast := r.cast(t)
	p := r.found(t, cast)
	tried := 0
	for _, route := range slices.Sorted(maps.Keys(r.server.needs)) {
		need := r.server.needs[route]
		if need.Names != access.Workspace && need.Names != access.Owner && (need.Names != access.Account || need.Role == "") {
			continue
		}
		red := func() []string {
			if need.Names == access.Workspace {
				_, wrong := p.walk(t, route, need)
				return wrong
			}
			_, wrong := r.walkRole(t, route, need, cast)
			return wrong
		}
		opened := []access.Need{{Names: access.Nothing}, {Names: access.Account, Write: need.Write}}
		if need.Role.AtLeast(people.Member) && need.Names == access.Workspace {
			opened = append(opened, access.Need{Names: access.Workspace, Role: people.Viewer, Write: true})
		}
		for _, open := range opened {
			tried++
			r.server.needs[route] = open
			if open.Names == access.Nothing || !p.guardedTwice(route) {
				require.NotEmpty(t, red(), "%s with %+v", route, open)
			}
		}
		r.server.needs[route] = need
		require.Empty(t, red(), route)
	}
	require.Greater(t, tried, 20)
}
