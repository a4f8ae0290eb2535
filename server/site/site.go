// Package site serves the web application: its files, the shell of its pages,
// and the page of one video, which is filled in here so that the first frame
// waits for no request of the page's own.
package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/shield"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// Options set up a Site.
type Options struct {
	// Files are the built application: index.html, watch.html, embed.html, embed.js, and hashed files
	// below assets/. They may be missing.
	Files fs.FS
	// BaseURL is where people reach the server.
	BaseURL *url.URL
	// Shield says what a page may do.
	Shield *shield.Shield
	// Records know the workspaces, and Finder what an address shows to everybody.
	Records *catalog.Catalog
	Finder  *access.Finder
	// Session makes what GET /api/session answers, and Video what GET
	// /api/videos/{id} does, as JSON marshals them.
	Session func(ctx context.Context) (any, error)
	Video   func(ctx context.Context, v *catalog.Video) (any, error)
}

// Site serves the pages.
type Site struct {
	base    *url.URL
	shield  *shield.Shield
	records *catalog.Catalog
	finder  *access.Finder
	session func(ctx context.Context) (any, error)
	video   func(ctx context.Context, v *catalog.Video) (any, error)
	files   map[string]*file
	shell   *file
	// watch is the page of a video, and frame the one for frames, cut at their
	// placeholders.
	watch, frame *template
	// hls is the path of the script that plays playlists, "" if unknown.
	hls string
}

// errNotBuilt is the answer of a binary without its pages.
var errNotBuilt = errors.New("site: the pages are not built")

// New reads all files into memory and compresses what is not compressed yet.
// Files that are missing are no error here: the pages then say so.
func New(o Options) (*Site, error) {
	s := &Site{base: o.BaseURL, shield: o.Shield, records: o.Records, finder: o.Finder, session: o.Session, video: o.Video}
	var err error
	if s.files, err = load(o.Files); err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	s.shell = s.files["index.html"]
	for name, to := range map[string]**template{"watch.html": &s.watch, "embed.html": &s.frame} {
		if page := s.files[name]; page != nil {
			if *to, err = parse(string(page.plain)); err != nil {
				return nil, fmt.Errorf("site: %s: %w", name, err)
			}
		}
	}
	for name := range s.files {
		if strings.HasPrefix(name, "assets/hls-") && strings.HasSuffix(name, ".js") {
			s.hls = "/" + name
		}
	}
	return s, nil
}

// Asset is GET and HEAD /assets/*file: files whose names change with what is in
// them, so that they can be kept for ever.
func (s *Site) Asset(c *gin.Context) error {
	f := s.files["assets/"+strings.TrimPrefix(c.Param("file"), "/")]
	if f == nil {
		return reply.NotFound
	}
	h := c.Writer.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	shield.Asset(h)
	f.serve(c)
	return nil
}

// Robots is GET and HEAD /robots.txt: nothing here is for search engines.
func (s *Site) Robots(c *gin.Context) error {
	c.Header("Cache-Control", "public, max-age=86400")
	c.String(http.StatusOK, "User-agent: *\nDisallow: /\n")
	return nil
}

// Shell is GET and HEAD of every page that the application draws by itself: /,
// /record, /setup, /sign-in, /invite/:token, /settings and what is below.
func (s *Site) Shell(c *gin.Context) error { return s.serveShell(c, http.StatusOK) }

// Absent answers a browser that asks for a page that there is not, and programs
// as reply does. It is for gin's NoRoute.
func (s *Site) Absent(c *gin.Context) error {
	read := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead
	if !read || strings.HasPrefix(c.Request.URL.Path, "/api/") || !strings.Contains(c.GetHeader("Accept"), "text/html") {
		return reply.NotFound
	}
	return s.serveShell(c, http.StatusNotFound)
}

func (s *Site) serveShell(c *gin.Context, status int) error {
	if s.shell == nil {
		return s.notBuilt(c)
	}
	nonce := s.shield.Page(c.Writer.Header())
	c.Data(status, htmlType, bytes.ReplaceAll(s.shell.plain, []byte(nonceMark), []byte(nonce)))
	return nil
}

// Watch is GET and HEAD /v/:slug. The gate leaves it without a video when there
// is none, or none for whoever asks: both get the same page. A share link that
// asks for something first gets a page that does so by script: a program that
// looks at what a link leads to is not let in by that, nor counted.
func (s *Site) Watch(c *gin.Context) error {
	if s.watch == nil {
		return s.notBuilt(c)
	}
	ctx := c.Request.Context()
	page, err := s.describe(ctx, access.Video(ctx), c.Param("slug"))
	if err != nil {
		return err
	}
	if link := access.Locked(ctx); link != nil {
		page.Locked = &locked{Slug: link.Slug, Password: link.PasswordHash != ""}
	}
	page.nonce = s.shield.Page(c.Writer.Header())
	c.Header("Cache-Control", "no-store") // it holds a grant and who is signed in
	c.Header("X-Robots-Tag", "noindex")
	status := http.StatusOK
	if page.Video == nil {
		status = http.StatusNotFound
	}
	raw, err := s.watch.fill(page)
	if err != nil {
		return err
	}
	c.Data(status, htmlType, raw)
	return nil
}

func (s *Site) notBuilt(*gin.Context) error {
	return reply.New(http.StatusServiceUnavailable, "not_built",
		"This binary was built without its pages. Run `make build`, which builds them first, and start it again.").Because(errNotBuilt)
}

const htmlType = "text/html; charset=utf-8"
