package whip

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
)

const (
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
	methods      = "POST, PATCH, DELETE, OPTIONS"
)

// Preflight is OPTIONS on the endpoint and on sessions: pages of other sites may
// record here with a token; cookies never go with it.
func (w *WHIP) Preflight(c *gin.Context) error {
	open(c)
	h := c.Writer.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Accept-Post", typeSDP)
	h.Set("Accept-Patch", typeFragment)
	h.Set("Allow", methods)
	c.Status(http.StatusNoContent)
	return nil
}

func open(c *gin.Context) {
	c.Header("Access-Control-Allow-Origin", "*")
	c.Header("Access-Control-Expose-Headers", "Location, Link, ETag, Retry-After")
}

// Publish is POST on the endpoint: an offer begins a session.
func (w *WHIP) Publish(c *gin.Context) error {
	open(c)
	body, err := read(c, typeSDP, maxOffer, errType)
	if err != nil {
		return err
	}
	if w.Network == nil {
		return errOff
	}
	if auth.From(c.Request.Context()).Account == nil {
		return reply.SignIn
	}
	offer, err := parseOffer(body)
	if err != nil {
		return err
	}
	s, answer, err := w.begin(c.Request.Context(), offer, c.Query("title"))
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Location", Path+"/"+s.id)
	h.Set("ETag", s.etag)
	h.Set("Cache-Control", "no-store")
	h.Set("Accept-Patch", typeFragment)
	for _, link := range w.ICE.links(s.principal.Account.ID, time.Now()) {
		h.Add("Link", link)
	}
	h.Add("Link", fmt.Sprintf(`<%s>; rel="alternate"; type="text/html"`, w.BaseURL.JoinPath("v", s.recording.Link())))
	h.Add("Link", fmt.Sprintf(`</api/videos/%s>; rel="describedby"; type="application/json"`, s.recording.VideoID()))
	c.Data(http.StatusCreated, typeSDP, []byte(answer))
	return nil
}

// Change is PATCH on a session: more candidates, or a restart of ICE.
func (w *WHIP) Change(c *gin.Context) error {
	open(c)
	s, err := w.mine(c)
	if errors.Is(err, reply.NotFound) && w.elsewhere(c, false) == nil {
		return errElsewhere
	}
	if err != nil {
		return err
	}
	body, err := read(c, typeFragment, maxFragment, errFragment)
	if err != nil {
		return err
	}
	fragment, err := parseFragment(body)
	if err != nil {
		return err
	}
	match := c.GetHeader("If-Match")
	if match == "" {
		return errNoMatch
	}
	answer, etag, err := s.change(match, fragment)
	if err != nil {
		return err
	}
	if answer == "" {
		c.Status(http.StatusNoContent)
		return nil
	}
	c.Header("ETag", etag)
	c.Data(http.StatusOK, typeFragment, []byte(answer))
	return nil
}

// End is DELETE on a session: the recording ends, and is whole when the answer comes.
func (w *WHIP) End(c *gin.Context) error {
	open(c)
	s, err := w.mine(c)
	if errors.Is(err, reply.NotFound) {
		if err := w.elsewhere(c, true); err != nil {
			return err
		}
		c.Status(http.StatusOK)
		return nil
	}
	if err != nil {
		return err
	}
	s.end(endedByClient)
	select {
	case <-s.done:
		c.Status(http.StatusOK)
		return s.failure
	case <-c.Request.Context().Done():
		return c.Request.Context().Err()
	}
}

func (w *WHIP) mine(c *gin.Context) (*session, error) {
	p := auth.From(c.Request.Context())
	if p.Account == nil {
		return nil, reply.SignIn
	}
	return w.find(c.Param("id"), p.Account.ID)
}

// elsewhere asks about a session that is not here.
func (w *WHIP) elsewhere(c *gin.Context, end bool) error {
	videoID, _, ok := strings.Cut(c.Param("id"), idMark)
	if !ok || w.Elsewhere == nil {
		return reply.NotFound
	}
	return w.Elsewhere(c.Request.Context(), Session{ID: c.Param("id"), VideoID: videoID, Principal: auth.From(c.Request.Context())}, end)
}

// read reads a body of a type, up to a limit.
func read(c *gin.Context, contentType string, limit int64, wrongType error) ([]byte, error) {
	if c.ContentType() != contentType {
		return nil, wrongType
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, reply.TooLarge
	}
	return body, err
}
