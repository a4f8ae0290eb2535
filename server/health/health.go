// Package health tells machines how the server is: whether it lives, whether it
// can do its work, and in numbers what it does.
package health

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/census"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// Options set up Health.
type Options struct {
	Catalog *catalog.Catalog
	Objects objects.Store
	// Meter are the numbers of this process; nil makes some.
	Meter *Meter
	// Queue and Census tell what waits, runs and is held.
	Queue  *jobs.Queue
	Census *census.Census
	// Followers is how many streams of events are open, and Sessions how many
	// recordings over WebRTC run; nil in a process that serves nothing else.
	Followers, Sessions func() int
	// Local says that people reach the server on this machine alone, so that
	// whoever comes from it is trusted with its numbers.
	Local   bool
	Version string
	Log     *slog.Logger
}

// Health answers /healthz, /readyz and /metrics.
type Health struct {
	Options

	web      *web
	stopping atomic.Bool

	mu      sync.Mutex
	checked time.Time
	store   error
}

// New makes a Health.
func New(o Options) *Health {
	if o.Meter == nil {
		o.Meter = NewMeter(o.Version)
	}
	h := &Health{Options: o}
	if o.Queue != nil {
		o.Meter.Follow(o.Catalog.DB, o.Queue, o.Census, o.Log)
	}
	if o.Followers != nil {
		h.web = newWeb(o.Meter.registry, o.Followers, o.Sessions)
	}
	return h
}

// Stop makes the server not ready from now on, so that nothing new is sent to it.
func (h *Health) Stop() { h.stopping.Store(true) }

// Live is GET /healthz: the process answers. Nothing else is asked, so that a
// slow disk does not get a working server killed.
func (h *Health) Live(c *gin.Context) error {
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"status": "ok", "version": h.Version})
	return nil
}

// readyTime is how long the checks may take.
const readyTime = 5 * time.Second

// Ready is GET /readyz: the database answers, media can be written, and the
// server is not about to stop. Why a check failed is in the log.
func (h *Health) Ready(c *gin.Context) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTime)
	defer cancel()
	status, checks := http.StatusOK, gin.H{}
	for name, err := range h.Checks(ctx) {
		checks[name] = "ok"
		if err != nil {
			h.Log.Warn("not ready", "check", name, "error", err)
			status, checks[name] = http.StatusServiceUnavailable, "failed"
		}
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(status, gin.H{"ready": status == http.StatusOK, "checks": checks})
	return nil
}

// Checks asks what readiness asks, by name.
func (h *Health) Checks(ctx context.Context) map[string]error {
	return map[string]error{"database": h.Catalog.Ping(ctx), "store": h.checkStore(ctx), "running": h.checkRunning(ctx)}
}

func (h *Health) checkRunning(context.Context) error {
	if h.stopping.Load() {
		return reply.Stopping
	}
	return nil
}

// storeEvery is how long a check of the store is good for: it writes, and
// anybody may ask.
const storeEvery = 10 * time.Second

// probeKey is what the check writes.
const probeKey = "health/probe"

func (h *Health) checkStore(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.checked) < storeEvery {
		return h.store
	}
	_, h.store = h.Objects.Put(ctx, probeKey, strings.NewReader("Meanwhile wrote this to see whether it can.\n"))
	if h.store == nil {
		h.store = h.Objects.Delete(ctx, probeKey)
	}
	h.checked = time.Now()
	return h.store
}
