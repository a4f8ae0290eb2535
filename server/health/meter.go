package health

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/meanwhile-app/meanwhile/storage/census"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// Meter are the numbers of one process; servers and workers have the same. They
// are in a registry of their own, so that two processes' worth fit into one.
type Meter struct {
	registry *prometheus.Registry
	page     http.Handler

	jobTook    *prometheus.HistogramVec
	jobWaited  *prometheus.HistogramVec
	ffmpegRuns *prometheus.CounterVec
	ffmpegCPU  prometheus.Counter
	ffmpegWall prometheus.Counter
	objectTook *prometheus.HistogramVec
	uploaded   prometheus.Counter
	// share is what came of uploads since the last sample was written.
	share atomic.Int64
	told  *gauges
}

// NewMeter makes a meter.
func NewMeter(version string) *Meter {
	m := &Meter{
		registry: prometheus.NewRegistry(),
		jobTook: histogram("meanwhile_job_duration_seconds", "How long attempts at jobs ran here, by kind and outcome.",
			[]float64{.01, .05, .25, 1, 5, 15, 60, 300, 1800}, "kind", "outcome"),
		jobWaited: histogram("meanwhile_job_wait_seconds", "How long jobs had waited when they were begun here, by queue.",
			[]float64{.01, .05, .25, 1, 5, 15, 60, 300, 1800}, "queue"),
		ffmpegRuns: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "meanwhile_ffmpeg_runs_total", Help: "Runs of ffmpeg here, by outcome."}, []string{"outcome"}),
		ffmpegCPU:  counter("meanwhile_ffmpeg_cpu_seconds_total", "CPU time that ffmpeg took here."),
		ffmpegWall: counter("meanwhile_ffmpeg_run_seconds_total", "Time that ffmpeg ran here."),
		objectTook: histogram("meanwhile_object_request_duration_seconds", "How long requests to the media store took here, by method and outcome.",
			[]float64{.002, .01, .05, .2, 1, 5, 20}, "method", "outcome"),
		uploaded: counter("meanwhile_upload_received_bytes_total", "Bytes of recordings and files that were kept here."),
	}
	m.begin()
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "meanwhile_build_info", Help: "Always 1; the labels tell the versions."}, []string{"version", "goversion"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(build, m.jobTook, m.jobWaited, m.ffmpegRuns, m.ffmpegCPU, m.ffmpegWall, m.objectTook, m.uploaded,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.page = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// begin makes what has not happened yet count as 0, so that the first time shows as
// a change.
func (m *Meter) begin() {
	for _, kind := range []string{"span", "audio", "stills", "probe", "mail", "webhook", "housekeeping"} {
		for _, outcome := range []jobs.Outcome{jobs.Done, jobs.Retried, jobs.Failed, jobs.PutOff} {
			m.jobTook.WithLabelValues(kind, string(outcome))
		}
	}
	for _, queue := range []string{jobs.QueueMedia, jobs.QueueMail} {
		m.jobWaited.WithLabelValues(queue)
	}
	for _, outcome := range []string{"done", "failed"} {
		m.ffmpegRuns.WithLabelValues(outcome)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete} {
		m.objectTook.WithLabelValues(method, "ok")
	}
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

// Follow adds what the database tells. It is called once, before anybody asks.
func (m *Meter) Follow(db *database.DB, queue *jobs.Queue, count *census.Census, log *slog.Logger) {
	m.told = &gauges{db: db, queue: queue, census: count, log: log, now: time.Now, patience: askTime}
	m.registry.MustRegister(&pools{db: db}, m.told)
}

// JobEnded counts an attempt at a job.
func (m *Meter) JobEnded(e jobs.Ended) {
	m.jobTook.WithLabelValues(e.Kind, string(e.Outcome)).Observe(e.Took.Seconds())
	m.jobWaited.WithLabelValues(e.Queue).Observe(e.Waited.Seconds())
}

// FFmpegEnded counts a run of ffmpeg.
func (m *Meter) FFmpegEnded(cpu, wall time.Duration, err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	m.ffmpegRuns.WithLabelValues(outcome).Inc()
	m.ffmpegCPU.Add(cpu.Seconds())
	m.ffmpegWall.Add(wall.Seconds())
}

// ObjectAsked counts a request to the media store.
func (m *Meter) ObjectAsked(method, outcome string, took time.Duration) {
	m.objectTook.WithLabelValues(method, outcome).Observe(took.Seconds())
}

// Kept counts bytes of an upload that were kept.
func (m *Meter) Kept(n int64) {
	m.uploaded.Add(float64(n))
	m.share.Add(n)
}

// ServeHTTP answers in the text format of Prometheus.
func (m *Meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m.told != nil {
		m.told.refresh(r.Context())
	}
	w.Header().Set("Cache-Control", "no-store")
	m.page.ServeHTTP(w, r)
}

// shareEvery is how often a server adds its share to the samples of all.
const shareEvery = time.Minute

// Share adds this server's share to the samples of the installation until the
// context ends. What could not be added is added later.
func (m *Meter) Share(ctx context.Context, count *census.Census, log *slog.Logger) {
	ticker := time.NewTicker(shareEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			n := m.share.Swap(0)
			if n == 0 {
				continue
			}
			if err := count.Add(ctx, census.Received, now, float64(n)); err != nil {
				m.share.Add(n)
				log.Warn("what came of uploads was not noted", "error", err)
			}
		}
	}
}
