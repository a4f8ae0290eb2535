// Package health tells machines how the server is: whether it lives, whether it
// can do its work, and in numbers what it does.
package health

import (
	"context"
	"errors"
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
	checks   map[string]*check
	patience time.Duration // with the checks
}

// New makes a Health.
func New(o Options) *Health {
	if o.Meter == nil {
		o.Meter = NewMeter(o.Version)
	}
	h := &Health{Options: o, patience: readyTime}
	h.checks = map[string]*check{
		"database": {ask: o.Catalog.Ping, every: databaseEvery, patience: readyTime},
		"schema":   {ask: h.checkSchema, every: schemaEvery, patience: readyTime},
		"store":    {ask: h.checkStore, every: storeEvery, patience: readyTime},
	}
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

// Ready is GET /readyz: the database answers and has this release's schema, media
// can be written, and the server is not about to stop. Why a check failed is in the
// log.
func (h *Health) Ready(c *gin.Context) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), h.patience)
	defer cancel()
	status, checks := http.StatusOK, gin.H{}
	for name, err := range h.Checks(ctx) {
		checks[name] = "ok"
		if err == nil {
			continue
		}
		h.Log.Warn("not ready", "check", name, "error", err)
		checks[name] = "failed"
		// A bucket that is away is away for all servers. What needs no media goes on,
		// and uploads are told when to come back, if requests still get here.
		if !errors.Is(err, objects.ErrUnavailable) {
			status = http.StatusServiceUnavailable
		}
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(status, gin.H{"ready": status == http.StatusOK, "checks": checks})
	return nil
}

// Checks asks what readiness asks, by name, all at the same time. A server that is
// about to stop asks nobody.
func (h *Health) Checks(ctx context.Context) map[string]error {
	if h.stopping.Load() {
		return map[string]error{"running": reply.Stopping}
	}
	results := map[string]error{"running": nil}
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, c := range h.checks {
		all.Go(func() {
			err := c.result(ctx)
			mu.Lock()
			defer mu.Unlock()
			results[name] = err
		})
	}
	all.Wait()
	return results
}

// How long what was found out is good for: balancers of many kinds may ask every
// second, and the check of the store writes. What failed is looked at again sooner.
const (
	storeEvery    = 10 * time.Second
	databaseEvery = time.Second
	schemaEvery   = time.Hour
	failedEvery   = time.Second
)

// probeKey is what the check of the store writes.
const probeKey = "health/probe"

func (h *Health) checkStore(ctx context.Context) error {
	if _, err := h.Objects.Put(ctx, probeKey, strings.NewReader("Meanwhile wrote this to see whether it can.\n")); err != nil {
		return err
	}
	return h.Objects.Delete(ctx, probeKey)
}

var errSchema = errors.New("the database's schema is older than this release; run meanwhile migrate")

// checkSchema says whether the database has been migrated. A newer one is for
// newer servers beside this one, and good enough.
func (h *Health) checkSchema(ctx context.Context) error {
	current, latest, err := h.Catalog.DB.SchemaVersion(ctx)
	if err == nil && current < latest {
		err = errSchema
	}
	return err
}

// check is a question whose answer is good for a while. It is asked once for all
// who want to know, and nobody waits for it longer than he may.
type check struct {
	ask      func(ctx context.Context) error
	every    time.Duration
	patience time.Duration

	mu     sync.Mutex
	at     time.Time
	err    error
	asking chan struct{} // closed when the answer is there; nil if nobody asks
}

func (c *check) result(ctx context.Context) error {
	c.mu.Lock()
	every := c.every
	if c.err != nil {
		every = min(every, failedEvery)
	}
	if c.asking == nil && !c.at.IsZero() && time.Since(c.at) < every {
		defer c.mu.Unlock()
		return c.err
	}
	if c.asking == nil {
		c.asking = make(chan struct{})
		go c.run(context.WithoutCancel(ctx), c.asking)
	}
	asking := c.asking
	c.mu.Unlock()
	select {
	case <-asking:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *check) run(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	err := c.ask(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.err, c.asking = time.Now(), err, nil
	close(done)
}
