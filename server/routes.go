package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/ingest"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/talk"
	"github.com/meanwhile-app/meanwhile/server/watch"
	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// route is a row of the table: what it is, what the gate asks for, and how it
// is put into the engine.
type route struct {
	method, path string
	need         access.Need
	register     func(*Server)
}

// operation makes a row of a typed operation of the API. The name becomes its
// operation id. adjust is for what huma cannot read off the types.
func operation[I, O any](need access.Need, at, about string, handle func(context.Context, *I) (*O, error), adjust ...func(huma.API, *huma.Operation)) route {
	method, path, _ := strings.Cut(at, " ")
	name, summary, _ := strings.Cut(about, ": ")
	op := huma.Operation{
		OperationID: name, Method: method, Path: path, Summary: summary, Tags: []string{chapter(path)},
	}
	if verb, _, _ := strings.Cut(name, "-"); method == http.MethodPost && slices.Contains(making(), verb) {
		op.DefaultStatus = http.StatusCreated
	}
	if need.Names == access.Nothing {
		op.Security = []map[string][]string{}
	}
	return route{method, path, need, func(s *Server) {
		for _, a := range adjust {
			a(s.api, &op)
		}
		reply.Register(s.api, op, handle)
	}}
}

// chapter is where a path stands in the documentation.
func chapter(path string) string {
	return strings.SplitN(strings.TrimPrefix(path, "/api/"), "/", 2)[0]
}

// plain makes a row of a handler that speaks for itself.
func plain(need access.Need, method, path string, handle gin.HandlerFunc) route {
	return route{method, path, need, func(s *Server) { s.engine.Handle(method, path, handle) }}
}

// ginPath writes an OpenAPI path as gin does.
func ginPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// making are the verbs of operations that make something and answer 201.
func making() []string { return []string{"create", "add", "invite", "accept", "sign", "set"} }

// The needs that many rows share.
func open() access.Need     { return access.Need{Names: access.Nothing} }
func signedIn() access.Need { return access.Need{Names: access.Account} }
func changing() access.Need { return access.Need{Names: access.Account, Write: true} }
func creating() access.Need {
	return access.Need{Names: access.Account, Role: people.Member, Write: true}
}
func watching() access.Need { return access.Need{Names: access.VideoID} }
func playing() access.Need  { return access.Need{Names: access.Media} }

func saying() access.Need {
	return access.Need{Names: access.VideoID, Right: access.ToComment, Write: true}
}

func editing() access.Need {
	return access.Need{Names: access.VideoID, Right: access.ToEdit, Write: true}
}

func sending() access.Need {
	return access.Need{Names: access.UploadID, Right: access.ToEdit, Write: true}
}

// talking does not ask for the right to comment: an author may always take a
// comment back, which its handler decides.
func talking() access.Need { return access.Need{Names: access.CommentID, Write: true} }

func showing() access.Need { return access.Need{Names: access.VideoSlug, Page: true} }

func picturing() access.Need { return access.Need{Names: access.VideoSlug} }

// administering is for those who look after the workspace they work in.
func administering() access.Need {
	return access.Need{Names: access.Account, Role: people.Admin, Write: true}
}

// routes is the table of everything that the server answers.
func (s *Server) routes() ([]route, error) {
	uploads, err := s.uploadRoutes()
	if err != nil {
		return nil, err
	}
	var table []route
	for _, part := range [][]route{s.accountRoutes(), s.videoRoutes(), s.talkRoutes(), uploads, s.whipRoutes(), s.mediaRoutes(), s.pageRoutes(), s.machineRoutes()} {
		table = append(table, part...)
	}
	return table, nil
}

func (s *Server) accountRoutes() []route {
	return []route{
		operation(open(), "GET /api/session", "read-session: Who is signed in", s.auth.ReadSession),
		operation(open(), "POST /api/session", "sign-in: Sign in", s.auth.SignIn),
		operation(open(), "DELETE /api/session", "sign-out: Sign out", s.auth.SignOut),
		operation(open(), "POST /api/setup", "set-up: Make the first account", s.auth.SetUp),
		operation(changing(), "PATCH /api/account", "rename-account: Change one's own name", s.auth.Rename),
		operation(changing(), "PUT /api/account/password", "change-password: Change one's own password", s.auth.ChangePassword),
		operation(signedIn(), "GET /api/accounts", "list-accounts: Everybody with an account", s.auth.ListAccounts),
		operation(signedIn(), "GET /api/invitations", "list-invitations: Invitations that are open", s.auth.ListInvitations),
		operation(changing(), "POST /api/invitations", "invite: Invite somebody by a link", s.auth.Invite),
		operation(changing(), "DELETE /api/invitations/{id}", "drop-invitation: Take an invitation back", s.auth.DropInvitation),
		operation(open(), "POST /api/invitations/lookup", "look-up-invitation: Who invites", s.auth.LookUpInvitation),
		operation(open(), "POST /api/invitations/accept", "accept-invitation: Make an account by an invitation", s.auth.AcceptInvitation),
		operation(signedIn(), "GET /api/workspace/embed-origins", "read-embed-origins: Sites that may show the player", s.site.ReadOrigins),
		operation(administering(), "PUT /api/workspace/embed-origins", "replace-embed-origins: Say which sites may show the player", s.site.SetOrigins),
		operation(signedIn(), "GET /api/tokens", "list-tokens: One's own API tokens", s.auth.ListTokens),
		operation(changing(), "POST /api/tokens", "add-token: Make an API token", s.auth.AddToken),
		operation(changing(), "DELETE /api/tokens/{id}", "drop-token: Take an API token back", s.auth.DropToken),
	}
}

func (s *Server) videoRoutes() []route {
	return []route{
		operation(signedIn(), "GET /api/videos", "list-videos: Videos, newest first", s.library.List),
		operation(creating(), "POST /api/videos", "create-video: Begin a video and get its link", s.library.Create),
		operation(watching(), "GET /api/videos/{id}", "read-video: One video and how to play it now", s.library.Read),
		operation(editing(), "PATCH /api/videos/{id}", "change-video: Title, who may watch, who may comment", s.library.Change),
		operation(editing(), "DELETE /api/videos/{id}", "trash-video: Put a video into the trash; once more removes it for good", s.library.Trash),
		operation(editing(), "POST /api/videos/{id}/restore", "restore-video: Take a video out of the trash", s.library.Restore),
		operation(editing(), "POST /api/videos/{id}/retry", "retry-video: Try again what failed", s.library.Retry),
		operation(editing(), "POST /api/videos/{id}/finish", "finish-video: End the upload with what arrived", s.library.Finish),
	}
}

func (s *Server) talkRoutes() []route {
	return []route{
		operation(watching(), "GET /api/videos/{id}/comments", "list-comments: What was said about a video", s.talk.ListComments, commentsAnswer),
		operation(saying(), "POST /api/videos/{id}/comments", "add-comment: Say something at a moment", s.talk.CreateComment, commentBody),
		operation(talking(), "PATCH /api/comments/{id}", "change-comment: Edit or resolve a comment", s.talk.ChangeComment, commentBody),
		operation(talking(), "DELETE /api/comments/{id}", "delete-comment: Delete a comment and its answers", s.talk.DeleteComment),
		operation(watching(), "GET /api/videos/{id}/views", "read-place: Where one left off", s.talk.ReadPlace),
		operation(watching(), "POST /api/videos/{id}/views", "report-view: Report what was watched", s.talk.RecordView),
		plain(watching(), "GET", "/api/videos/:id/events", reply.Handle(s.feed.VideoEvents)),
		plain(signedIn(), "GET", "/api/events", reply.Handle(s.feed.LibraryEvents)),
	}
}

func commentsAnswer(api huma.API, op *huma.Operation) { op.Responses = talk.CommentsResponses(api) }

func commentBody(_ huma.API, op *huma.Operation) { op.MaxBodyBytes = talk.MaxBodyBytes }

func (s *Server) uploadRoutes() ([]route, error) {
	handle, err := s.Ingest.Handler()
	if err != nil {
		return nil, err
	}
	return []route{
		plain(open(), "OPTIONS", ingest.Path, handle),
		plain(open(), "OPTIONS", ingest.Path+"/:id", handle),
		plain(creating(), "POST", ingest.Path, handle),
		plain(sending(), "HEAD", ingest.Path+"/:id", handle),
		plain(sending(), "PATCH", ingest.Path+"/:id", handle),
		plain(sending(), "DELETE", ingest.Path+"/:id", handle),
		// For clients that cannot send PATCH: X-HTTP-Method-Override.
		plain(sending(), "POST", ingest.Path+"/:id", handle),
	}, nil
}

// whipRoutes take recordings over WebRTC. Sessions are no records: their handler
// asks whose they are.
func (s *Server) whipRoutes() []route {
	return []route{
		plain(open(), "OPTIONS", whip.Path, reply.Handle(s.whip.Preflight)),
		plain(open(), "OPTIONS", whip.Path+"/:id", reply.Handle(s.whip.Preflight)),
		plain(creating(), "POST", whip.Path, reply.Handle(s.whip.Publish)),
		plain(changing(), "PATCH", whip.Path+"/:id", reply.Handle(s.whip.Change)),
		plain(changing(), "DELETE", whip.Path+"/:id", reply.Handle(s.whip.End)),
	}
}

func (s *Server) mediaRoutes() []route {
	var table []route
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		table = append(table,
			plain(playing(), method, watch.Prefix+"/:file", reply.Handle(s.watch.File)),
			plain(playing(), method, watch.Prefix+"/o/*key", reply.Handle(s.watch.Object)),
		)
	}
	return table
}

// pageRoutes are what people open in a browser.
func (s *Server) pageRoutes() []route {
	shell := []string{"/", "/record", "/setup", "/sign-in", "/invite/:token", "/settings", "/settings/*rest", "/trash", "/api/docs"}
	var table []route
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, path := range shell {
			table = append(table, plain(open(), method, path, reply.Handle(s.site.Shell)))
		}
		table = append(table,
			plain(open(), method, "/assets/*file", reply.Handle(s.site.Asset)),
			plain(open(), method, "/robots.txt", reply.Handle(s.site.Robots)),
			plain(showing(), method, "/v/:slug", reply.Handle(s.site.Watch)),
			plain(picturing(), method, "/v/:slug/poster.jpg", reply.Handle(s.watch.SharedPoster)),
			plain(picturing(), method, "/v/:slug/preview.webp", reply.Handle(s.watch.SharedPreview)),
			plain(showing(), method, "/embed/:slug", reply.Handle(s.site.Embed)),
			plain(open(), method, "/embed.js", reply.Handle(s.site.Script)),
			// It names a video in its query: its handler sees what nobody may see.
			plain(open(), method, "/api/oembed", reply.Handle(s.site.OEmbed)),
		)
	}
	return table
}

// machineRoutes are for programs that look after the server.
func (s *Server) machineRoutes() []route {
	return []route{
		plain(open(), "GET", "/api/openapi.json", reply.Handle(s.describe)),
		plain(open(), "GET", "/healthz", reply.Handle(s.health.Live)),
		plain(open(), "GET", "/readyz", reply.Handle(s.health.Ready)),
		plain(open(), "GET", "/metrics", reply.Handle(s.health.Metrics)),
	}
}

// describe answers with the API's description.
func (s *Server) describe(c *gin.Context) error {
	raw, err := s.OpenAPI()
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "application/json", raw)
	return nil
}
