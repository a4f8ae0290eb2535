package server

import (
	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

func belonging() access.Need { return access.Need{Names: access.Workspace, Role: people.Viewer} }

// leading asks for a role in the workspace that the path names.
func leading(role people.Role) access.Need {
	return access.Need{Names: access.Workspace, Role: role, Write: true}
}

// auditing asks for an admin of the workspace that the account works in.
func auditing() access.Need { return access.Need{Names: access.Account, Role: people.Admin} }

// teamRoutes are about workspaces and who belongs to them.
func (s *Server) teamRoutes() []route {
	const member = "/api/workspaces/{id}/members/{account}"
	return []route{
		operation(changing(), "POST /api/workspaces", "create-workspace: Make a further workspace, and work in it", s.team.Create),
		operation(changing(), "PUT /api/account/workspace", "switch-workspace: Work in another workspace", s.team.Switch),
		operation(belonging(), "GET /api/workspaces/{id}", "read-workspace: A workspace, its bounds and what it holds", s.team.Read),
		operation(leading(people.Admin), "PATCH /api/workspaces/{id}", "change-workspace: Name, bounds, retention", s.team.Change),
		operation(leading(people.Owner), "DELETE /api/workspaces/{id}", "delete-workspace: Delete a workspace with all its videos", s.team.Delete),
		operation(belonging(), "GET /api/workspaces/{id}/members", "list-members: Who belongs to a workspace", s.team.ListMembers),
		operation(leading(people.Admin), "PATCH "+member, "change-member: Give a member another role", s.team.ChangeRole),
		// Everybody may leave; whom else one may remove is decided with the removal.
		operation(leading(people.Viewer), "DELETE "+member, "remove-member: Remove a member, or leave; somebody takes over the videos", s.team.Remove),
		operation(changing(), "POST /api/invitations/join", "join-workspace: Join a further workspace by an invitation", s.team.Join),
		operation(auditing(), "GET /api/audit", "read-audit: Who did what in the workspace", s.team.Audit),
		plain(auditing(), "GET", "/api/audit/export", reply.Handle(s.team.Export)),
	}
}
