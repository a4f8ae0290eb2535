package server

import (
	"fmt"
	"hash/fnv"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/ingest"
	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/storage/trace"
)

// maxRequestID bounds what a proxy may call a request.
const maxRequestID = 64

// named tells the log which request and which trace a line is about, if the client or
// a proxy has said so (W3C Trace Context; X-Request-Id).
func named(c *gin.Context) {
	parent, id := c.GetHeader(trace.Header), c.GetHeader("X-Request-Id")
	if parent == "" && !isRequestID(id) {
		return
	}
	ctx := trace.Carry(c.Request.Context(), parent)
	if isRequestID(id) {
		ctx = trace.WithRequest(ctx, id)
	}
	c.Request = c.Request.WithContext(ctx)
}

// isRequestID keeps what anybody may send from writing lines of the log.
func isRequestID(id string) bool {
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return id != "" && len(id) <= maxRequestID
}

// traced are the requests on the way of a video from its start to where it plays.
func traced() map[string]bool {
	return map[string]bool{
		"POST /api/videos": true, "POST /api/videos/:id/finish": true, "POST /api/videos/:id/retry": true,
		"POST " + ingest.Path: true, "PATCH " + ingest.Path + "/:id": true, "POST " + ingest.Path + "/:id": true,
		"POST " + whip.Path: true, "DELETE " + whip.Path + "/:id": true,
	}
}

// trace stands behind the gate, which has found the video that a request is about:
// what happens to that belongs to the trace in which it began.
func (s *Server) trace() gin.HandlerFunc {
	routes := traced()
	return func(c *gin.Context) {
		if !s.tracer.On() || !routes[c.Request.Method+" "+c.FullPath()] || c.IsAborted() {
			return
		}
		ctx := c.Request.Context()
		from := trace.Origin{Parent: trace.Parent(ctx), Entry: true}
		if video := access.Video(ctx); video != nil && video.Traceparent != "" {
			from.Parent, from.Link = video.Traceparent, from.Parent
		}
		if c.Request.Method == http.MethodPatch && !sampledPart(c.Param("id"), c.GetHeader("Upload-Offset")) {
			c.Request = c.Request.WithContext(trace.Carry(ctx, from.Parent))
			return
		}
		ctx, span := s.tracer.Begin(ctx, c.Request.Method+" "+c.FullPath(), from, trace.Text("http.request.method", c.Request.Method), trace.Text("http.route", c.FullPath()))
		c.Request = c.Request.WithContext(ctx)
		var err error
		defer func() { span.End(err) }()
		c.Next()
		if video := access.Video(ctx); video != nil {
			span.Set(trace.Text("video.id", video.ID))
		}
		span.Set(trace.Number("http.response.status_code", int64(c.Writer.Status())))
		if c.Writer.Status() >= http.StatusInternalServerError {
			err = fmt.Errorf("status %d", c.Writer.Status())
		}
	}
}

// oneIn is how many parts of an upload go by for one that is followed, besides the
// first: a recorder sends one every second or two, for hours.
const oneIn = 16

// sampledPart picks the parts that are followed, by what they are: on every server,
// and when a part is sent again, the choice is the same.
func sampledPart(uploadID, offset string) bool {
	if offset == "" || offset == "0" {
		return true
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(uploadID + " " + offset)) // never fails
	return sum.Sum32()%oneIn == 0
}
