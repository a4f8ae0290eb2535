// Package shield stands around every answer and tells browsers how little it
// may do.
//
// An answer is closed unless its handler opens it: what it holds, be it JSON,
// media or a file of a user, runs nothing, loads nothing and is shown in no frame,
// whatever a browser takes it for. Page makes it a page of the application,
// Embed a page that named sites may frame, Asset a file that pages load, and Open
// lets other sites read it. No other place sets these headers.
package shield

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

// Options set up a Shield.
type Options struct {
	// BaseURL is where people reach the server.
	BaseURL *url.URL
	// Named says that the operator has set BaseURL. Requests by any other name
	// that somebody else could own are then turned away.
	Named bool
	// Media is another origin from which pages load media and pictures: that of a
	// bucket. It may be "".
	Media string
}

// Shield sets the headers of answers and turns away requests that are not for
// this server.
type Shield struct {
	base  *url.URL
	named bool
	// hsts is the value of Strict-Transport-Security, "" for none.
	hsts string
	// upgrade ends a page's policy.
	upgrade string
	// media follows 'self' where media may come from; it is "" or begins with a space.
	media string
}

// New makes a Shield.
func New(o Options) *Shield {
	s := &Shield{base: o.BaseURL, named: o.Named}
	if sound := origins([]string{o.Media}); len(sound) > 0 {
		s.media = " " + sound[0]
	}
	if o.BaseURL.Scheme != "https" {
		return s
	}
	s.upgrade = "; upgrade-insecure-requests"
	if !ownMachine(o.BaseURL.Host) {
		s.hsts = "max-age=31536000" // localhost belongs to other programs, too
	}
	return s
}

// Handle is the gin middleware. It stands before everything that may answer.
func (s *Shield) Handle(c *gin.Context) {
	s.close(c.Writer.Header())
	if err := s.admit(c); err != nil {
		reply.Write(c, err)
	}
}

var (
	errEncoding = reply.New(http.StatusUnsupportedMediaType, "content_encoding", "Bodies are read as they are: send it without Content-Encoding.")
	errNamedNot = reply.New(http.StatusBadRequest, "host", "The request does not say by a Host header whom it is for.")
)

// admit refuses what no handler should see: packed bodies, which are larger
// than they look, and requests for another host.
func (s *Shield) admit(c *gin.Context) error {
	r := c.Request
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return errEncoding
	}
	if !s.named || s.answersTo(r.Host) || probe(r.URL.Path) {
		return nil
	}
	if r.Host == "" {
		return errNamedNot
	}
	if !opensPage(r) {
		return reply.New(http.StatusMisdirectedRequest, "host", "This server answers at "+s.base.String()+" and by no other name.")
	}
	// Only the path is the client's; the host is the operator's.
	to := *s.base
	to.Path, to.RawPath, to.RawQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery
	c.Redirect(http.StatusTemporaryRedirect, to.String())
	c.Abort()
	return nil
}

// answersTo says whether a Host header is one of this server's: that of its
// base URL, or one that leads nowhere else. An address, localhost and a name
// without a dot (as containers and proxies use among themselves) cannot be bought
// by somebody who then points it here (DNS rebinding). Ports are left out: a proxy
// may say its own. No link is ever made of any of this.
func (s *Shield) answersTo(host string) bool {
	name := hostname(host)
	return name != "" && (strings.EqualFold(name, hostname(s.base.Host)) || ownMachine(host) || !strings.Contains(name, "."))
}

// ownMachine says whether a host is an address or localhost.
func ownMachine(host string) bool {
	name := strings.ToLower(hostname(host))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// hostname is the host without its port and without the dot of the DNS root.
func hostname(host string) string {
	return strings.TrimSuffix((&url.URL{Host: host}).Hostname(), ".")
}

// probe says whether a path is for programs that look after the server: they
// know it by its address in the machine room.
func probe(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}

// opensPage says whether a person has typed or followed an address.
func opensPage(r *http.Request) bool {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	return read && strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/media/")
}
