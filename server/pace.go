package server

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
)

// paces are the routes whose limit is another one than their method says.
func paces() map[string]limit.Class {
	return map[string]limit.Class{
		// The bytes of a recording: what slows them is the disk, and the number of
		// uploads that may be open.
		"PATCH /api/uploads/:id": limit.Free,
		"POST /api/uploads/:id":  limit.Free,

		"POST /api/uploads": limit.Upload,
		"POST /api/videos":  limit.Upload,
		"POST /api/whip":    limit.Upload,

		"POST /api/videos/:id/comments": limit.Comment,
		"POST /api/videos/:id/views":    limit.Report,
		"POST /api/invitations":         limit.Invite,
		"POST /api/session/link/mail":   limit.Invite,
	}
}

// classOf is how a route is counted. Media are opened by their grants without a
// query, and pages are small; neither is counted.
func classOf(method, path string) limit.Class {
	if class, ok := paces()[method+" "+path]; ok {
		return class
	}
	switch {
	case !strings.HasPrefix(path, "/api/"), method == http.MethodOptions:
		return limit.Free
	case method == http.MethodGet, method == http.MethodHead:
		return limit.Read
	}
	return limit.Write
}

// pace answers whoever asks too often, before the gate looks anything up.
func (s *Server) pace(table []route) gin.HandlerFunc {
	classes := make(map[string]limit.Class, len(table))
	for _, r := range table {
		classes[r.method+" "+ginPath(r.path)] = classOf(r.method, ginPath(r.path))
	}
	return func(c *gin.Context) {
		class := classes[c.Request.Method+" "+c.FullPath()]
		if class == limit.Free {
			return
		}
		ctx := c.Request.Context()
		who := whoAsks(c)
		policy := s.limits.Policy(class, who)
		if policy == "" {
			return
		}
		c.Header("RateLimit-Policy", policy)
		if err := s.limits.Request(ctx, class, who); err != nil {
			wait := reply.Of(err).GetHeaders().Get("Retry-After")
			c.Header("RateLimit", `"`+string(class)+`";r=0;t=`+wait)
			reply.Write(c, err)
		}
	}
}

// whoAsks is what a request is counted by.
func whoAsks(c *gin.Context) limit.Who {
	ctx := c.Request.Context()
	who := limit.Who{Network: auth.Address(ctx)}
	if account := auth.From(ctx).Account; account != nil {
		who.Account = account.ID
	}
	return who
}

// restTime is how long the rest of a body may take that nobody wanted to hear.
const restTime = 5 * time.Second

// unheard lets nobody keep a line for ever by a body that comes byte by byte, and that
// the answer did not need: net/http hears it out before it answers. Whoever reads a
// body has a time-out of their own.
func unheard(c *gin.Context) {
	if c.Request.Body == nil || c.Request.Body == http.NoBody {
		return
	}
	body := &heard{ReadCloser: c.Request.Body}
	// In a copy: net/http looks at the body of its own, and ends the line if that was
	// not read to its end, or was no body.
	c.Request = c.Request.WithContext(c.Request.Context())
	c.Request.Body = body
	defer func() {
		if !body.whole.Load() {
			_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(restTime)) // a recorder in a test has no deadlines
		}
	}()
	c.Next()
}

// heard is a body that notes its end.
type heard struct {
	io.ReadCloser
	whole atomic.Bool
}

// Read implements io.Reader.
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		h.whole.Store(true)
	}
	return n, err
}
