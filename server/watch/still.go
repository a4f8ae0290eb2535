package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// still serves poster, storyboard and preview.
func (w *Watch) still(c *gin.Context) error {
	video, err := w.catalog.Video(c.Request.Context(), c.Param("video"))
	if err != nil {
		return err
	}
	stills := video.Stills()
	key, contentType := "", "image/jpeg"
	switch c.Param("file") {
	case "poster.jpg":
		key = stills.Poster
	case "preview.webp":
		key, contentType = stills.Preview, "image/webp"
	case "storyboard.jpg":
		key = stills.Storyboard
	case "storyboard.vtt":
		return storyboard(c, video, stills)
	}
	if key == "" {
		return reply.NotFound
	}
	return w.serveObject(c, key, contentType)
}

// storyboard renders WebVTT whose cues name tiles of one picture, as players
// expect for the seek bar. The address is absolute because players resolve it
// against the page.
func storyboard(c *gin.Context, video *catalog.Video, s catalog.Stills) error {
	if s.Storyboard == "" || s.Columns == 0 {
		return reply.NotFound
	}
	image := strings.TrimSuffix(c.Request.URL.Path, ".vtt") + ".jpg"
	var b strings.Builder
	b.WriteString("WEBVTT\n")
	for i := range s.Tiles {
		from, to := s.Interval*time.Duration(i), s.Interval*time.Duration(i+1)
		if i == s.Tiles-1 {
			to = max(to, video.Duration())
		}
		fmt.Fprintf(&b, "\n%s --> %s\n%s#xywh=%d,%d,%d,%d\n", clock(from), clock(to), image,
			i%s.Columns*s.TileWidth, i/s.Columns*s.TileHeight, s.TileWidth, s.TileHeight)
	}
	c.Header("Cache-Control", "private, max-age=3600")
	c.Data(http.StatusOK, "text/vtt; charset=utf-8", []byte(b.String()))
	return nil
}

// readAll reads a few slices into memory.
func (w *Watch) readAll(ctx context.Context, slices []objects.Slice) (b []byte, err error) {
	r := objects.NewConcat(ctx, w.objects, slices)
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(r)
}

// clock writes a time as WebVTT does.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d.%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000)
}
