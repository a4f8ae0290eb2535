package health

import (
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// web are the numbers of a process that serves HTTP.
type web struct {
	took     *prometheus.HistogramVec
	running  prometheus.Gauge
	received prometheus.Counter
}

func newWeb(registry *prometheus.Registry, followers, sessions func() int) *web {
	w := &web{
		took: histogram("meanwhile_http_request_seconds", "How long requests took, by route and status.",
			[]float64{.001, .005, .02, .1, .5, 2, 10}, "method", "route", "status"),
		running:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "meanwhile_http_requests_running", Help: "Requests that are being answered."}),
		received: counter("meanwhile_received_bytes_total", "Bytes of request bodies that came in."),
	}
	count := func(name, help string, of func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(of()) })
	}
	registry.MustRegister(w.took, w.running, w.received,
		count("meanwhile_event_streams", "Streams of events that are open.", followers),
		count("meanwhile_whip_sessions", "Recordings over WebRTC that run.", sessions))
	return w
}

// Observe is the middleware that counts requests. Streams of events are counted
// but not timed: they last as long as somebody listens.
func (h *Health) Observe(c *gin.Context) {
	if c.Request.Body != nil && c.Request.Body != http.NoBody {
		// On a copy: net/http looks at the body of its own request to decide whether
		// what follows on the line is a new one, and is misled by a wrapper.
		c.Request = c.Request.WithContext(c.Request.Context())
		c.Request.Body = &counted{c.Request.Body, h.web.received}
	}
	h.web.running.Inc()
	defer h.web.running.Dec()
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
	h.web.took.WithLabelValues(method(c.Request.Method), route, strconv.Itoa(c.Writer.Status())).Observe(took.Seconds())
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

func (h *Health) numbers(c *gin.Context) error {
	h.Meter.ServeHTTP(c.Writer, c.Request)
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
