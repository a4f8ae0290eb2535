package watch

import (
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/shield"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// sharedAge is how many seconds a picture of a link may be kept: after that a
// link that was closed shows nothing any more.
const sharedAge = 60

// SharedPoster is GET and HEAD /v/:slug/poster.jpg: the poster at an address that
// lasts, for cards, READMEs and letters. It is there for what the link shows to
// everybody, whoever asks.
func (w *Watch) SharedPoster(c *gin.Context) error {
	if v := access.Video(c.Request.Context()); access.Open(v, c.Param("slug")) {
		return w.shared(c, v.Stills().Poster, "image/jpeg")
	}
	return reply.NotFound
}

// SharedPreview is GET and HEAD /v/:slug/preview.webp: the same of the moving
// picture.
func (w *Watch) SharedPreview(c *gin.Context) error {
	if v := access.Video(c.Request.Context()); access.Open(v, c.Param("slug")) {
		return w.shared(c, v.Stills().Preview, "image/webp")
	}
	return reply.NotFound
}

func (w *Watch) shared(c *gin.Context, key, contentType string) error {
	if key == "" {
		return reply.NotFound
	}
	size, err := w.size(c.Request.Context(), key, true)
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	shield.Picture(h)
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "private, max-age="+strconv.Itoa(sharedAge))
	h.Set("X-Robots-Tag", "noindex")
	return w.serve(c, []objects.Slice{{Key: key, Length: size}})
}
