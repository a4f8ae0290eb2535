package team

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

const (
	// sameDownload is how long after its last request a download may go on, range
	// by range, and still be the same.
	sameDownload = 15 * time.Minute
	// flushEvery is how soon a download stands in the log.
	flushEvery = time.Second
	// mostDownloads bounds what is in memory.
	mostDownloads = 20_000
)

// Downloads notes who saved which file, beside the way of the media: it costs a
// request no query and no wait.
type Downloads struct {
	catalog *catalog.Catalog
	log     *slog.Logger
	now     func() time.Time

	mu      sync.Mutex
	seen    map[catalog.Download]time.Time
	pending []catalog.Download
	// ended says that nobody writes by himself any more: the server stops.
	ended bool
}

// NewDownloads makes a Downloads. Nothing is written before Run.
func NewDownloads(records *catalog.Catalog, log *slog.Logger) *Downloads {
	return &Downloads{catalog: records, log: log, now: time.Now, seen: map[catalog.Download]time.Time{}}
}

// Watch notes what a handler of files sends: the first request of each download
// counts, and those for further ranges of it do not.
func (d *Downloads) Watch(file string, handle gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		handle(c)
		status := c.Writer.Status()
		if c.Request.Method != http.MethodGet || status != http.StatusOK && status != http.StatusPartialContent {
			return
		}
		grant := access.Granted(c.Request.Context())
		ended := d.note(catalog.Download{
			VideoID: c.Param("video"), AccountID: grant.AccountID, LinkID: grant.LinkID, Address: limit.Network(c.ClientIP()), File: file,
		})
		if ended {
			d.Flush(context.WithoutCancel(c.Request.Context()))
		}
	}
}

// note says whether whoever notes must write, too.
func (d *Downloads) note(one catalog.Download) (ended bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	last, known := d.seen[one]
	d.seen[one] = now
	if known && now.Sub(last) < sameDownload {
		return d.ended
	}
	if len(d.pending) < mostDownloads {
		d.pending = append(d.pending, one)
	}
	if len(d.seen) <= mostDownloads {
		return d.ended
	}
	for key, at := range d.seen {
		if now.Sub(at) >= sameDownload || len(d.seen) > mostDownloads {
			delete(d.seen, key)
		}
	}
	return d.ended
}

// Run writes what was noted until the context ends, and then the rest.
func (d *Downloads) Run(ctx context.Context) {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			d.mu.Lock()
			d.ended = true
			d.mu.Unlock()
			d.Flush(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
			d.Flush(ctx)
		}
	}
}

// Flush writes what was noted so far. What the records do not take now is tried
// again with the next.
func (d *Downloads) Flush(ctx context.Context) {
	d.mu.Lock()
	pending := d.pending
	d.pending = nil
	d.mu.Unlock()
	if len(pending) == 0 {
		return
	}
	if err := d.catalog.NoteDownloads(ctx, pending); err != nil {
		d.log.Error("downloads could not be noted in the audit log", "downloads", len(pending), "error", err)
		d.mu.Lock()
		d.pending = append(pending, d.pending...)[:min(len(pending)+len(d.pending), mostDownloads)]
		d.mu.Unlock()
	}
}
