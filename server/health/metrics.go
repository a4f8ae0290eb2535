package health

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// metrics are the numbers of one server. They are in a registry of their own,
// so that two servers fit into one process.
type metrics struct {
	registry  *prometheus.Registry
	page      http.Handler
	took      *prometheus.HistogramVec
	running   prometheus.Gauge
	received  prometheus.Counter
	followers prometheus.Gauge
	jobs      *prometheus.GaugeVec
	videos    *prometheus.GaugeVec
	uploads   *prometheus.GaugeVec
	// mu keeps two readers from emptying each other's gauges.
	mu sync.Mutex
}

func newMetrics(version string, queries func() int64) *metrics {
	gauges := func(name, help, label string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "meanwhile_http_request_seconds", Help: "How long requests took, by route and status.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10},
		}, []string{"method", "route", "status"}),
		running:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "meanwhile_http_requests_running", Help: "Requests that are being answered."}),
		received:  prometheus.NewCounter(prometheus.CounterOpts{Name: "meanwhile_received_bytes_total", Help: "Bytes of request bodies that came in."}),
		followers: prometheus.NewGauge(prometheus.GaugeOpts{Name: "meanwhile_event_streams", Help: "Streams of events that are open."}),
		jobs:      gauges("meanwhile_jobs", "Jobs that wait or run, by state.", "state"),
		videos:    gauges("meanwhile_videos", "Videos outside the trash, by state.", "state"),
		uploads:   gauges("meanwhile_uploads", "Uploads that are not finished, by state.", "state"),
	}
	build := gauges("meanwhile_build_info", "Always 1; the label tells the version.", "version")
	build.WithLabelValues(version).Set(1)
	asked := prometheus.NewCounterFunc(
		prometheus.CounterOpts{Name: "meanwhile_database_queries_total", Help: "Queries of the records; segments cost none."},
		func() float64 { return float64(queries()) })
	m.registry.MustRegister(asked, m.took, m.running, m.received, m.followers, m.jobs, m.videos, m.uploads, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.page = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// Observe is the middleware that counts requests. Streams of events are counted
// but not timed: they last as long as somebody listens.
func (h *Health) Observe(c *gin.Context) {
	if c.Request.Body != nil && c.Request.Body != http.NoBody {
		// On a copy: net/http looks at the body of its own request to decide whether
		// what follows on the line is a new one, and is misled by a wrapper.
		c.Request = c.Request.WithContext(c.Request.Context())
		c.Request.Body = &counted{c.Request.Body, h.metrics.received}
	}
	h.metrics.running.Inc()
	defer h.metrics.running.Dec()
	start := time.Now()
	c.Next()
	took := time.Since(start)
	if c.Writer.Header().Get("Content-Type") == "text/event-stream" {
		took = 0
	}
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	h.metrics.took.WithLabelValues(method(c.Request.Method), route, strconv.Itoa(c.Writer.Status())).Observe(took.Seconds())
}

// method keeps strangers from making labels up.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// counted counts what is read.
type counted struct {
	io.ReadCloser
	bytes prometheus.Counter
}

// Read implements io.Reader.
func (r *counted) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.bytes.Add(float64(n))
	return n, err
}

// Metrics is GET /metrics, in the text format of Prometheus. It is for the owner
// of the installation by API token or session, and for programs on the same
// machine.
func (h *Health) Metrics(c *gin.Context) error {
	if !h.mayRead(c) {
		return reply.NotFound
	}
	return h.numbers(c)
}

// numbers answers whoever may read them.
func (h *Health) numbers(c *gin.Context) error {
	m := h.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := h.refresh(c.Request.Context()); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	m.page.ServeHTTP(c.Writer, c.Request)
	return nil
}

// mayRead lets in an owner who may do everything, and, where there is no other
// way in, whoever is on this very machine: but not what a reverse proxy there
// brings from elsewhere.
func (h *Health) mayRead(c *gin.Context) bool {
	p := auth.From(c.Request.Context())
	if p.Account != nil {
		return p.Account.Operator && p.Scope == people.ScopeAdmin
	}
	if !h.Local {
		return false
	}
	for _, mark := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if c.GetHeader(mark) != "" {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(c.Request.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}

// refresh reads what is counted in the database.
func (h *Health) refresh(ctx context.Context) error {
	census, err := h.Catalog.Census(ctx)
	if err != nil {
		return err
	}
	m := h.metrics
	set(m.videos, census.Videos)
	set(m.uploads, census.Uploads)
	if h.Jobs != nil {
		jobs, err := h.Jobs(ctx)
		if err != nil {
			return err
		}
		set(m.jobs, jobs)
	}
	if h.Followers != nil {
		m.followers.Set(float64(h.Followers()))
	}
	return nil
}

func set(gauge *prometheus.GaugeVec, counts map[string]int) {
	gauge.Reset()
	for state, n := range counts {
		gauge.WithLabelValues(state).Set(float64(n))
	}
}
