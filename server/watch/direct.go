package watch

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// direct lets a copy from a file go straight to the socket (sendfile), which
// gin's writer would otherwise hide.
type direct struct {
	gin.ResponseWriter

	// failed is told why nothing could be sent.
	failed *error
}

// ReadFrom implements io.ReaderFrom for http.ServeContent, which hands over a
// limited *objects.Concat.
func (d direct) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if ok {
		// While nothing is sent the answer can still become an error.
		if body, ok := limited.R.(interface{ Ready(n int64) error }); ok {
			if *d.failed = body.Ready(limited.N); *d.failed != nil {
				return 0, *d.failed
			}
		}
	}
	d.WriteHeaderNow()
	w := io.Writer(struct{ io.Writer }{d.ResponseWriter})
	if inner, ok := d.ResponseWriter.(interface{ Unwrap() http.ResponseWriter }); ok {
		w = inner.Unwrap()
	}
	if ok {
		if body, ok := limited.R.(*objects.Concat); ok {
			n, err := body.CopyTo(w, limited.N)
			limited.N -= n
			return n, err
		}
	}
	return io.Copy(w, r)
}

// noTime tells http.ServeContent that there is no modification time: objects
// never change, and their ETag says which they are.
func noTime() time.Time { return time.Time{} }

// cache keeps a bounded number of values; when it is full any one makes room.
type cache[V any] struct {
	mu   sync.Mutex
	most int
	kept map[string]V
}

func newCache[V any](most int) *cache[V] { return &cache[V]{most: most, kept: map[string]V{}} }

func (c *cache[V]) get(key string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.kept[key]
	return v, ok
}

func (c *cache[V]) put(key string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.kept[key]; !ok && len(c.kept) >= c.most {
		for old := range c.kept {
			delete(c.kept, old)
			break
		}
	}
	c.kept[key] = v
}
