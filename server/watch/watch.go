// Package watch serves what viewers play: playlists, media, pictures. A
// playlist is a view of rows; a segment is a byte range of an immutable object
// and costs no query. The gate has checked the grant before anything here runs.
package watch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// Prefix is the route below which all media of a video lie.
const Prefix = "/media/:grant/:video"

// Watch serves media.
type Watch struct {
	catalog *catalog.Catalog
	objects objects.Store
	log     *slog.Logger
	sources *cache[*source]
	heads   *cache[*progressive]
	lists   *cache[[]byte]
	sizes   *cache[int64]
	// look, if set, finds out what a video lacks; looked remembers when it did.
	look    func(ctx context.Context, videoID string) error
	looked  *cache[time.Time]
	looking sync.Mutex
	// bucket, if players are to fetch objects there, makes their addresses.
	bucket objects.Presigner
}

// How many entries each cache keeps. A source is a list of parts, a head the
// sample tables of one video, a list a rendered playlist.
const (
	keptSources = 512
	keptHeads   = 16
	keptLists   = 512
	keptSizes   = 8192
)

// How long an address in the bucket is good for, and how long a browser may use
// it again before it asks here: a link that was closed plays no longer than the
// first. What was used last must still arrive in time.
const (
	presignTime  = time.Minute
	presignUse   = presignTime - objects.PresignAge - presignSpare
	presignSpare = 10 * time.Second
)

// The slowest client that is still served: some minutes, and 32 KiB a second.
const (
	slowest  = 5 * time.Minute
	slowRate = 32 << 10
)

func size(body io.ReadSeekCloser) int64 {
	if sized, ok := body.(interface{ Size() int64 }); ok {
		return sized.Size()
	}
	return 0
}

// Redirect sends players to the bucket for what is exactly one object there.
func (w *Watch) Redirect(bucket objects.Presigner) { w.bucket = bucket }

// New makes a Watch.
func New(records *catalog.Catalog, store objects.Store, log *slog.Logger) *Watch {
	return &Watch{
		catalog: records, objects: store, log: log,
		sources: newCache[*source](keptSources), heads: newCache[*progressive](keptHeads), lists: newCache[[]byte](keptLists), sizes: newCache[int64](keptSizes),
		looked: newCache[time.Time](keptSources),
	}
}

// Object serves an object of the video's own prefix: segments of the ladder.
func (w *Watch) Object(c *gin.Context) error {
	key := catalog.ObjectPrefix(c.Param("video")) + strings.TrimPrefix(c.Param("key"), "/")
	if path.Clean(key) != key || !strings.HasPrefix(key, catalog.ObjectPrefix(c.Param("video"))+"ladder/") {
		return reply.NotFound
	}
	return w.serveObject(c, key, "video/mp4")
}

func (w *Watch) serveObject(c *gin.Context, key, contentType string) error {
	if w.bucket != nil && c.Request.Method == http.MethodGet {
		return w.sendAway(c, key, contentType)
	}
	// Where players fetch objects in the bucket, one that was sent there in vain asks
	// here whether the object is there at all.
	size, err := w.size(c.Request.Context(), key, w.bucket == nil)
	if err != nil {
		return w.noticed(c, err)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", objectCache)
	h.Set("ETag", strconv.Quote(path.Base(path.Dir(key))+"-"+path.Base(key)))
	return w.serve(c, []objects.Slice{{Key: key, Length: size}})
}

// objectCache is how long a browser may keep an object: it never changes.
const objectCache = "private, max-age=86400, immutable"

// size is the length of an object, which never changes either: S3 is asked once, if
// what it said before will do.
func (w *Watch) size(ctx context.Context, key string, before bool) (int64, error) {
	if known, ok := w.sizes.get(key); ok && before {
		return known, nil
	}
	size, err := w.objects.Size(ctx, key)
	if err == nil {
		w.sizes.put(key, size)
	}
	return size, err
}

// sendAway answers with the address of the object in its bucket. Nobody is asked
// for it, neither the database nor the bucket.
func (w *Watch) sendAway(c *gin.Context, key, contentType string) error {
	address, err := w.bucket.Presign(c.Request.Context(), key, presignTime, http.Header{"Content-Type": {contentType}, "Cache-Control": {objectCache}})
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "private, max-age="+strconv.Itoa(int(presignUse.Seconds())))
	c.Redirect(http.StatusFound, address)
	return nil
}

// serve answers with a sequence of slices, or the one range of it that was
// asked for. The headers that describe it are set already.
func (w *Watch) serve(c *gin.Context, slices []objects.Slice) error {
	return w.serveBody(c, objects.NewConcat(c.Request.Context(), w.objects, slices))
}

func (w *Watch) serveBody(c *gin.Context, body io.ReadSeekCloser) error {
	defer func() {
		if err := body.Close(); err != nil {
			w.log.Warn("a media object did not close", "error", err)
		}
	}()
	if strings.Contains(c.GetHeader("Range"), ",") {
		return reply.New(http.StatusRequestedRangeNotSatisfiable, "one_range", "Ask for one range at a time.")
	}
	// A client that stops reading holds a file; a paused player asks again.
	deadline := time.Now().Add(slowest + time.Duration(size(body)/slowRate)*time.Second)
	if err := http.NewResponseController(c.Writer).SetWriteDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	var failed error
	http.ServeContent(direct{c.Writer, &failed}, c.Request, "", noTime(), body)
	failed = w.noticed(c, failed)
	if failed != nil && !c.Writer.Written() {
		describeNothing(c.Writer.Header())
		return failed
	}
	return nil
}

// describeNothing takes back what was said of an answer that did not come.
func describeNothing(h http.Header) {
	for _, name := range []string{"Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range", "Content-Type", "ETag"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
}
