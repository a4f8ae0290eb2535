package site

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/shield"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// embedded is what a page in a frame needs to know besides its video.
type embedded struct {
	Slug     string `json:"slug"`
	WatchURL string `json:"watch_url"`
	// Locked says that a share link asks for something first: for a password, or
	// only whether somebody wants to watch, because it lets in a few.
	Locked   bool `json:"locked"`
	Password bool `json:"password"`
	// Ancestors are the origins whose pages may frame this one, and talk to it.
	Ancestors []string `json:"ancestors"`
}

// Embed is GET and HEAD /embed/:slug: the player by itself, for frames on other
// sites. There, browsers send no cookies of ours, so it mostly shows what its
// address alone opens. It signs nobody in and changes nothing.
func (s *Site) Embed(c *gin.Context) error {
	if s.frame == nil {
		return s.notBuilt(c)
	}
	ctx, slug := c.Request.Context(), c.Param("slug")
	page, status, err := s.embed(ctx, slug, c.GetHeader("Referer"))
	if err != nil {
		return err
	}
	page.nonce = s.shield.Embed(c.Writer.Header(), page.Embed.Ancestors)
	c.Header("Cache-Control", "no-store") // it may hold a grant
	c.Header("X-Robots-Tag", "noindex")
	raw, err := s.frame.fill(page)
	if err != nil {
		return err
	}
	c.Data(status, htmlType, raw)
	return nil
}

// embed describes the page: a video, a link that is locked, or neither, where
// what there is not and what is not for the one who asks are the same.
func (s *Site) embed(ctx context.Context, slug, referer string) (*page, int, error) {
	v, link := access.Video(ctx), access.Locked(ctx)
	if v == nil && link == nil {
		ancestors, err := s.asking(ctx, referer)
		return s.inFrame(&page{head: "<title>Meanwhile</title>"}, slug, ancestors), http.StatusNotFound, err
	}
	if v == nil {
		of, err := s.records.Video(ctx, link.VideoID)
		if err != nil {
			return nil, 0, err
		}
		framed, err := s.framed(ctx, of)
		p := s.inFrame(&page{head: "<title>Meanwhile</title>"}, slug, framed)
		p.Embed.Locked, p.Embed.Password = true, link.PasswordHash != ""
		return p, http.StatusNotFound, err
	}
	p, known, err := s.show(ctx, v)
	if err != nil {
		return nil, 0, err
	}
	var h head
	h.add(`<title>%s – Meanwhile</title>`, known.Title)
	h.add(`<link rel="canonical" href="%s">`, s.at(slug).watch.String())
	h.preload(known)
	p.head = h.String()
	framed, err := s.framed(ctx, v)
	return s.inFrame(p, slug, framed), http.StatusOK, err
}

func (s *Site) inFrame(p *page, slug string, ancestors []string) *page {
	if ancestors == nil {
		ancestors = []string{}
	}
	p.Embed = &embedded{Slug: slug, WatchURL: s.at(slug).watch.String(), Ancestors: ancestors}
	return p
}

// framed lists the sites that may show the player of a video: those that its
// workspace names.
func (s *Site) framed(ctx context.Context, v *catalog.Video) ([]string, error) {
	if v.WorkspaceID == "" {
		return nil, nil
	}
	w, err := s.records.Workspace(ctx, v.WorkspaceID)
	if err != nil {
		return nil, err
	}
	return w.EmbedOrigins, nil
}

// asking is who may frame the page that says nothing. It cannot be the list of a
// workspace, for that would tell whose video it is: it is the site that asks, if
// any workspace lists it, so that its readers see a sentence of ours instead of
// the browser's.
func (s *Site) asking(ctx context.Context, referer string) ([]string, error) {
	u, err := url.Parse(referer)
	if err != nil || referer == "" {
		return nil, nil //nolint:nilerr // no address is no site
	}
	origin := u.Scheme + "://" + u.Host
	listed, err := s.records.MayEmbed(ctx, origin)
	if !listed {
		return nil, err
	}
	return []string{origin}, err
}

// Script is GET and HEAD /embed.js: pages of other sites load it to show players
// of ours. Its address stays; what it understands is versioned inside.
func (s *Site) Script(c *gin.Context) error {
	f := s.files["embed.js"]
	if f == nil {
		return s.notBuilt(c)
	}
	shield.Open(c.Writer.Header())
	c.Header("Cache-Control", "public, max-age=3600")
	f.serve(c)
	return nil
}
