package access

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// Names says what a route's path names.
type Names int

// What a path may name.
const (
	Nothing   Names = iota + 1 // open to everybody
	Account                    // whoever is signed in
	Owner                      // the owner of the installation
	VideoID                    // a video, by :id
	VideoSlug                  // a video, by :slug
	UploadID                   // a video, by its upload's :id
	CommentID                  // a video, by a comment's :id
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
	// Page says that the handler shows a page of its own to whoever may not
	// watch; it then finds no video in its context.
	Page bool
}

// Gate asks every request who it is and what it may do.
type Gate struct {
	catalog *catalog.Catalog
	granter *Granter
	needs   map[string]Need
	log     *slog.Logger
}

// NewGate makes the gate. needs holds one entry for each route, by method, a
// space and gin's path pattern; a route without one is closed.
func NewGate(videos *catalog.Catalog, granter *Granter, needs map[string]Need, log *slog.Logger) *Gate {
	return &Gate{catalog: videos, granter: granter, needs: needs, log: log}
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
		if !g.granter.Valid(c.Param("grant"), c.Param("video")) {
			return reply.New(403, "grant_lapsed", "This media address has lapsed. Load the page again.")
		}
		return nil
	}
	p := auth.From(c.Request.Context())
	if err := g.admitPrincipal(p, need); err != nil || need.Names <= Owner {
		return err
	}
	video, err := g.find(c, need.Names)
	if err != nil {
		return err
	}
	rights := RightsOf(p, video)
	if !rights.Watch {
		return reply.NotFound
	}
	if !rights.has(need.Right) {
		if need.Names == UploadID {
			return reply.NotFound // who may only watch does not learn how it came in
		}
		return reply.Forbidden
	}
	c.Request = c.Request.WithContext(with(c.Request.Context(), entry{video: video, rights: rights}))
	return nil
}

func (g *Gate) admitPrincipal(p auth.Principal, need Need) error {
	if need.Names == Nothing {
		return nil
	}
	if need.Write && p.Account != nil && !p.Scope.Allows(catalog.ScopeWrite) {
		return reply.Scope
	}
	switch {
	case (need.Names == Account || need.Names == Owner) && p.Account == nil:
		return reply.SignIn
	case need.Names == Owner && (p.Account.Role != catalog.Owner || !p.Scope.Allows(catalog.ScopeAdmin)):
		return reply.Forbidden
	}
	return nil
}

func (g *Gate) find(c *gin.Context, names Names) (*catalog.Video, error) {
	ctx := c.Request.Context()
	var video *catalog.Video
	err := error(reply.NotFound)
	switch names {
	case VideoID:
		video, err = g.catalog.Video(ctx, c.Param("id"))
	case VideoSlug:
		video, err = g.catalog.VideoBySlug(ctx, c.Param("slug"))
	case UploadID:
		video, err = g.catalog.VideoByUpload(ctx, c.Param("id"))
	case CommentID:
		video, err = g.catalog.VideoByComment(ctx, c.Param("id"))
	}
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, reply.NotFound
	}
	return video, err
}

func (r Rights) has(right Right) bool {
	switch right {
	case ToComment:
		return r.Comment
	case ToDownload:
		return r.Download
	case ToEdit:
		return r.Edit
	}
	return r.Watch
}
