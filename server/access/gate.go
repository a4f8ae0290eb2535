package access

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Names says what a route's path names.
type Names int

// What a path may name.
const (
	Nothing   Names = iota + 1 // open to everybody
	Account                    // whoever is signed in
	Owner                      // the owner of the installation
	Workspace                  // a workspace that the account belongs to, by :id
	VideoID                    // a video, by :id
	VideoSlug                  // a video, by :slug
	UploadID                   // a video, by its upload's :id
	CommentID                  // a video, by a comment's :id
	LinkID                     // a video, by a share link's :id
	RequestID                  // a video, by the :id of a request to watch it
	Media                      // a video's media, by :grant and :video
)

// Right is what a route needs of the video it names.
type Right int

// The rights a route may need.
const (
	ToWatch Right = iota
	ToComment
	ToDownload
	ToEdit
)

// Need is what a route declares.
type Need struct {
	Names Names
	Right Right
	// Write says that the route changes something: API tokens to read are refused.
	Write bool
	// Role is what an account must be, at least, in the workspace that the path
	// names, or else in the one it works in; "" asks for nothing.
	Role people.Role
	// Page says that the handler shows a page of its own to whoever may not
	// watch; it then finds no video in its context.
	Page bool
}

// Gate asks every request who it is and what it may do.
type Gate struct {
	finder  *Finder
	granter *Granter
	needs   map[string]Need
	log     *slog.Logger
}

// NewGate makes the gate. needs holds one entry for each route, by method, a
// space and gin's path pattern; a route without one is closed.
func NewGate(finder *Finder, granter *Granter, needs map[string]Need, log *slog.Logger) *Gate {
	return &Gate{finder: finder, granter: granter, needs: needs, log: log}
}

// Handle is the gin middleware.
func (g *Gate) Handle(c *gin.Context) {
	if c.FullPath() == "" {
		return // no route; the not-found handler names nothing
	}
	if strings.ContainsRune(c.Request.URL.Path, 0) {
		reply.Write(c, reply.NotFound) // no name of ours has a NUL, and SQL text cannot
		return
	}
	need, declared := g.needs[c.Request.Method+" "+c.FullPath()]
	if !declared {
		g.log.Error("a route declares no need and is closed", "method", c.Request.Method, "path", c.FullPath())
		reply.Write(c, reply.NotFound)
		return
	}
	err := g.admit(c, need)
	if err == nil || need.Page && errors.Is(err, reply.NotFound) {
		return
	}
	reply.Write(c, err)
}

func (g *Gate) admit(c *gin.Context, need Need) error {
	if need.Names == Media {
		return g.admitMedia(c, need)
	}
	p := auth.From(c.Request.Context())
	if err := g.admitPrincipal(p, need); err != nil || need.Names <= Owner {
		return err
	}
	if need.Names == Workspace {
		return admitMember(p.Account.RoleIn(c.Param("id")), need.Role)
	}
	found, err := g.find(c, p, need.Names)
	if err != nil {
		return err
	}
	c.Request = c.Request.WithContext(with(c.Request.Context(), found))
	switch {
	case found.locked != nil:
		return reply.NotFound
	case found.rights.has(need.Right):
		return nil
	case need.Names == UploadID || need.Names == LinkID || need.Names == RequestID:
		return reply.NotFound // who may only watch does not learn how it came in, or who else may
	}
	return reply.Forbidden
}

func (g *Gate) admitMedia(c *gin.Context, need Need) error {
	grant, ok := g.granter.Check(c.Param("grant"), c.Param("video"))
	if !ok {
		return reply.New(403, "grant_lapsed", "This media address has lapsed. Load the page again.")
	}
	if need.Right == ToDownload && !grant.Download {
		return reply.Forbidden
	}
	c.Request = c.Request.WithContext(with(c.Request.Context(), entry{grant: grant}))
	return nil
}

func (g *Gate) admitPrincipal(p auth.Principal, need Need) error {
	if need.Names == Nothing {
		return nil
	}
	if need.Write && p.Account != nil && !p.Scope.Allows(people.ScopeWrite) {
		return reply.Scope
	}
	switch {
	case need.Names <= Workspace && p.Account == nil:
		return reply.SignIn
	case need.Role != "" && need.Names != Workspace && !p.Account.RoleIn(p.Account.WorkspaceID).AtLeast(need.Role):
		return reply.Forbidden
	case need.Names == Owner && (!p.Account.Operator || !p.Scope.Allows(people.ScopeAdmin)):
		return reply.Forbidden
	}
	return nil
}

// admitMember admits to a workspace. Whoever does not belong to it learns not
// even that there is one.
func admitMember(role, needed people.Role) error {
	switch {
	case role == "":
		return reply.NotFound
	case !role.AtLeast(needed):
		return reply.Forbidden
	}
	return nil
}

// keys are the parameters of paths that name a video, and what they name it by.
func keyOf(names Names) (param string, key catalog.VideoKey) {
	switch names {
	case VideoSlug:
		return "slug", catalog.VideoSlug
	case UploadID:
		return "id", catalog.VideoUpload
	case CommentID:
		return "id", catalog.VideoComment
	case LinkID:
		return "id", catalog.VideoLinkID
	case RequestID:
		return "id", catalog.VideoRequest
	}
	return "id", catalog.VideoID
}

// find finds the video that a path names, if the principal may watch it, or the
// share link that does not let it in yet. What there is not and what is not for
// the one who asks look the same.
func (g *Gate) find(c *gin.Context, p auth.Principal, names Names) (entry, error) {
	ctx := c.Request.Context()
	param, key := keyOf(names)
	video, err := g.finder.Find(ctx, p, key, c.Param(param))
	if errors.Is(err, record.ErrNotFound) && names == VideoSlug {
		return g.findByLink(ctx, p, c.Param(param))
	}
	if errors.Is(err, record.ErrNotFound) {
		return entry{}, reply.NotFound
	}
	if err != nil {
		return entry{}, err
	}
	return seen(p, video)
}

func seen(p auth.Principal, video *catalog.Video) (entry, error) {
	rights := RightsOf(p, video)
	if !rights.Watch {
		return entry{}, reply.NotFound
	}
	return entry{video: video, rights: rights}, nil
}

// findByLink finds the video of a share link. A link that neither asks for a
// password nor counts who opens it lets everybody in at once.
func (g *Gate) findByLink(ctx context.Context, p auth.Principal, slug string) (entry, error) {
	link, err := g.finder.catalog.ShareLinkBySlug(ctx, slug)
	if errors.Is(err, record.ErrNotFound) || err == nil && !link.Open(g.finder.now()) {
		return entry{}, reply.NotFound
	}
	if err != nil {
		return entry{}, err
	}
	video, err := g.finder.Find(ctx, p, catalog.VideoID, link.VideoID)
	if err != nil {
		return entry{}, err
	}
	switch {
	case link.Free():
		video.Via = link
	case video.Via != nil && video.Via.ID != link.ID:
		video.Via = nil // a pass through one link opens no other
	}
	if Without(p, video) {
		return seen(p, video)
	}
	if ok, err := g.finder.Admits(ctx, p, video, link); !ok {
		return entry{}, cmp.Or(err, error(reply.NotFound))
	}
	return entry{locked: link}, nil
}
