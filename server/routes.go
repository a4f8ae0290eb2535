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
	if slices.Contains(repeatable(), method+" "+ginPath(path)) {
		op.Parameters = append(op.Parameters, keyParameter())
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

func saving() access.Need { return access.Need{Names: access.Media, Right: access.ToDownload} }

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

// managing is for who looks after a video and changes nothing now.
func managing() access.Need { return access.Need{Names: access.VideoID, Right: access.ToEdit} }

// naming is managing by something else than the video's id.
func naming(names access.Names, write bool) access.Need {
	return access.Need{Names: names, Right: access.ToEdit, Write: write}
}

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
	for _, part := range [][]route{s.accountRoutes(), s.entranceRoutes(), s.teamRoutes(), s.webhookRoutes(), s.videoRoutes(), s.shareRoutes(), s.talkRoutes(), uploads, s.whipRoutes(), s.mediaRoutes(), s.pageRoutes(), s.machineRoutes(), s.adminRoutes()} {
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

// shareRoutes are who may watch, and how they come to.
func (s *Server) shareRoutes() []route {
	const named = "/api/videos/{id}/people"
	return []route{
		operation(managing(), "GET /api/videos/{id}/links", "list-links: Share links of a video", s.share.ListLinks),
		operation(editing(), "POST /api/videos/{id}/links", "create-link: Make a share link", s.share.CreateLink),
		operation(naming(access.LinkID, true), "PATCH /api/links/{id}", "change-link: Change the terms of a share link", s.share.ChangeLink),
		operation(naming(access.LinkID, true), "DELETE /api/links/{id}", "revoke-link: Close a share link for good", s.share.RevokeLink),
		operation(open(), "POST /api/links/{slug}/open", "open-link: Come in by a share link", s.share.OpenLink),
		operation(managing(), "GET "+named, "list-people: Who was named for a video", s.share.ListPeople),
		operation(editing(), "POST "+named, "name-people: Name people for a video", s.share.NamePeople),
		operation(editing(), "PATCH "+named+"/{person}", "change-person: Change what somebody who was named may do", s.share.ChangePerson),
		operation(editing(), "DELETE "+named+"/{person}", "drop-person: Take a name from a video", s.share.DropPerson),
		operation(managing(), "POST /api/videos/{id}/check", "check-people: Who could not open a video, and why", s.share.Check),
		operation(managing(), "POST /api/videos/{id}/preview-visibility", "preview-visibility: Who gains and who loses by another visibility", s.share.Preview),
		operation(changing(), "POST /api/requests", "ask-access: Ask to watch what does not open", s.share.Ask),
		operation(naming(access.RequestID, false), "GET /api/requests/{id}", "read-request: Who asks to watch what", s.share.ReadRequest),
		operation(naming(access.RequestID, true), "POST /api/requests/{id}", "answer-request: Let somebody watch, or not", s.share.Answer),
		operation(signedIn(), "GET /api/inbox", "read-inbox: What one should know or answer", s.share.Inbox),
		operation(changing(), "POST /api/inbox/read", "mark-read: Note that notices were read", s.share.MarkRead),
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
			plain(saving(), method, watch.Prefix+"/download", s.downloads.Watch("download", reply.Handle(s.watch.Download))),
			plain(saving(), method, watch.Prefix+"/source", s.downloads.Watch("source", reply.Handle(s.watch.Source))),
			plain(playing(), method, watch.Prefix+"/o/*key", reply.Handle(s.watch.Object)),
		)
	}
	return table
}

// pageRoutes are what people open in a browser.
func (s *Server) pageRoutes() []route {
	shell := []string{"/", "/record", "/setup", "/sign-in", "/sign-in/link", "/sign-in/code", "/invite/:token", "/settings", "/settings/*rest", "/admin", "/trash", "/inbox", "/requests/:id", "/api/docs"}
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
