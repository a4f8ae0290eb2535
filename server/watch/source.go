package watch

import (
	"context"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

// source is what is known of a video's original: its pieces, which are only
// ever added to.
type source struct {
	slices      []objects.Slice
	size        int64
	contentType string
	// whole says that nothing will be added any more.
	whole bool
}

// Source serves the original, byte for byte. While a recording runs it serves
// what has arrived.
func (w *Watch) Source(c *gin.Context) error {
	src, err := w.source(c.Request.Context(), c.Param("video"), rangeEnd(c.GetHeader("Range")))
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Content-Type", src.contentType)
	if src.contentType == "application/octet-stream" {
		h.Set("Content-Disposition", "attachment")
	}
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("ETag", strconv.Quote("source-"+strconv.FormatInt(src.size, 10)))
	return w.serve(c, src.slices)
}

// Stream serves the source for players that take it apart, range by range as a
// playlist names them: with frame durations repaired, at the same length.
func (w *Watch) Stream(c *gin.Context) error {
	src, err := w.source(c.Request.Context(), c.Param("video"), rangeEnd(c.GetHeader("Range")))
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Content-Type", src.contentType)
	h.Set("Cache-Control", "private, max-age=86400")
	return w.serveBody(c, &repaired{Concat: objects.NewConcat(c.Request.Context(), w.objects, src.slices)})
}

// repaired passes each range that begins with a fragment through
// container.Repair.
type repaired struct {
	*objects.Concat

	r io.Reader
}

// Seek implements io.Seeker.
func (r *repaired) Seek(offset int64, whence int) (int64, error) {
	r.r = nil
	return r.Concat.Seek(offset, whence)
}

// Read implements io.Reader.
func (r *repaired) Read(p []byte) (int, error) {
	if r.r == nil {
		r.r = container.Repair(r.Concat)
	}
	return r.r.Read(p)
}

// source finds the pieces of a video's original: up to at least the byte last,
// or, if that is negative, all that have arrived. What is known of a recording
// that runs is enough for a range that lies in it, and for nothing else.
func (w *Watch) source(ctx context.Context, videoID string, last int64) (*source, error) {
	if known, ok := w.sources.get(videoID); ok && (known.whole || last >= 0 && last < known.size) {
		return known, nil
	}
	video, err := w.catalog.Video(ctx, videoID)
	if err != nil {
		return nil, err
	}
	src, err := w.readSource(ctx, video)
	if err != nil {
		return nil, err
	}
	if src.whole || video.Format != "" { // what it is may still turn out
		w.sources.put(videoID, src)
	}
	return src, nil
}

func (w *Watch) readSource(ctx context.Context, video *catalog.Video) (*source, error) {
	parts, err := w.catalog.Parts(ctx, video.ID)
	if err != nil {
		return nil, err
	}
	src := &source{contentType: typeOf(video), whole: video.UploadState == catalog.UploadFinished}
	for _, p := range parts {
		src.slices = append(src.slices, objects.Slice{Key: p.ObjectKey, Length: p.Length})
		src.size += p.Length
	}
	return src, nil
}

// rangeEnd reads the last byte that a Range header asks for; -1 means the end,
// wherever that is now.
func rangeEnd(header string) int64 {
	first, last, _ := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	n, err := strconv.ParseInt(strings.TrimSpace(last), 10, 64)
	if err != nil || strings.TrimSpace(first) == "" {
		return -1
	}
	return n
}

// typeOf is the media type of the original by what was found in it; what the
// client said of it is never repeated.
func typeOf(video *catalog.Video) string {
	kind := "video/"
	if !video.HasVideo {
		kind = "audio/"
	}
	switch video.Format {
	case "mp4":
		return kind + "mp4"
	case "webm":
		return kind + "webm"
	}
	return "application/octet-stream"
}

// attachment makes the browser save what follows under the video's title.
func attachment(h http.Header, title, extension string) {
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(title) + "." + extension}))
}

// fileName makes a name of a title that no system takes for anything else: no
// path, no hidden file, no text that runs the other way.
func fileName(title string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r < ' ', strings.ContainsRune(`/\:*?"<>|`, r):
			return '-'
		case unicode.Is(unicode.Cf, r) && r != joiner:
			return -1
		}
		return r
	}, title)
	if runes := []rune(name); len(runes) > maxFileName {
		name = string(runes[:maxFileName])
	}
	if name = strings.Trim(name, ". "); name == "" {
		return "video"
	}
	return name
}

const (
	// maxFileName is the longest name, in characters, that is proposed for a file.
	maxFileName = 120
	// joiner makes one picture of several emoji.
	joiner = '\u200d'
)
