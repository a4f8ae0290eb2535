package health

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/meanwhile-app/meanwhile/storage/census"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// asOld is how old a number of the database may be: whoever asks often does not
// make it work.
const asOld = 10 * time.Second

// askTime is how long the database may take to tell its numbers.
const askTime = 5 * time.Second

// gauges are what the database tells of the whole installation: each server and
// worker shows the same. When it does not answer they are missing, and
// meanwhile_database_up is 0; what the process itself counts is still shown.
type gauges struct {
	db     *database.DB
	queue  *jobs.Queue
	census *census.Census
	log    *slog.Logger
	now    func() time.Time
	// patience is how long the database may take.
	patience time.Duration

	mu      sync.Mutex
	asked   time.Time
	metrics []prometheus.Metric
}

// refresh asks the database, unless that was done a moment ago.
func (g *gauges) refresh(ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.metrics == nil || g.now().Sub(g.asked) >= asOld {
		g.asked, g.metrics = g.now(), g.ask(ctx)
	}
}

// Describe implements prometheus.Collector; what is shown depends on what is there.
func (g *gauges) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, metric := range g.metrics {
		to <- metric
	}
}

func (g *gauges) ask(ctx context.Context) []prometheus.Metric {
	ctx, cancel := context.WithTimeout(ctx, g.patience)
	defer cancel()
	up, metrics := 1.0, sheet{}
	for _, look := range []func(context.Context, *sheet) error{g.waiting, g.working, g.held, g.schema} {
		if err := look(ctx, &metrics); err != nil {
			g.log.Warn("some numbers cannot be read", "error", err)
			up = 0
		}
	}
	metrics.add("meanwhile_database_up", "Whether the database could be asked.", up)
	return metrics
}

// sheet collects numbers.
type sheet []prometheus.Metric

func (s *sheet) add(name, help string, value float64, labels ...string) {
	s.put(prometheus.GaugeValue, name, help, value, labels)
}

func (s *sheet) total(name, help string, value float64, labels ...string) {
	s.put(prometheus.CounterValue, name, help, value, labels)
}

// put adds a number; labels are names and values in turn.
func (s *sheet) put(kind prometheus.ValueType, name, help string, value float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	*s = append(*s, prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...))
}

// lane names a number of the queues.
type lane struct {
	queue    string
	priority int
	state    string
}

// waiting tells of every lane of media, so that an empty one is 0 and not unknown.
func (g *gauges) waiting(ctx context.Context, s *sheet) error {
	depths, err := g.queue.Depths(ctx)
	if err != nil {
		return err
	}
	jobsIn, oldest := map[lane]int{}, map[lane]time.Duration{}
	for priority := jobs.Waiting; priority <= jobs.Bulk; priority++ {
		for _, state := range []string{"available", "running"} {
			jobsIn[lane{jobs.QueueMedia, priority, state}] = 0
		}
		oldest[lane{queue: jobs.QueueMedia, priority: priority}] = 0
	}
	for _, d := range depths {
		jobsIn[lane{d.Queue, d.Priority, d.State}] = d.N
		if d.State == "available" {
			oldest[lane{queue: d.Queue, priority: d.Priority}] = max(0, g.now().Sub(d.OldestAt))
		}
	}
	for l, n := range jobsIn {
		s.add("meanwhile_jobs", "Jobs that wait or run, by queue, priority and state.", float64(n),
			"queue", l.queue, "priority", strconv.Itoa(l.priority), "state", l.state)
	}
	for l, waited := range oldest {
		s.add("meanwhile_job_oldest_wait_seconds", "How long the oldest job has waited, by queue and priority.", waited.Seconds(),
			"queue", l.queue, "priority", strconv.Itoa(l.priority))
	}
	return nil
}

func (g *gauges) working(ctx context.Context, s *sheet) error {
	workers, err := g.queue.Workers(ctx)
	if err != nil {
		return err
	}
	type sum struct{ alive, slots, busy int }
	sums := map[string]*sum{"server": {}, "worker": {}}
	for _, w := range workers {
		of := sums[w.Kind]
		if of == nil {
			continue
		}
		of.alive, of.slots, of.busy = of.alive+1, of.slots+w.Slots, of.busy+w.Busy
	}
	for kind, of := range sums {
		s.add("meanwhile_workers", "Processes that do jobs and were heard of lately.", float64(of.alive), "kind", kind)
		s.add("meanwhile_worker_slots", "Media jobs that they do at once.", float64(of.slots), "kind", kind)
		s.add("meanwhile_worker_slots_busy", "Media jobs that they do now.", float64(of.busy), "kind", kind)
	}
	return nil
}

// held is, save for uploads, what the last sample says: counting all rows takes long,
// and is done once a minute for all.
func (g *gauges) held(ctx context.Context, s *sheet) error {
	latest, err := g.census.Latest(ctx, g.now())
	if err != nil {
		return err
	}
	for name, metric := range map[census.Name][2]string{
		census.Stored:   {"meanwhile_stored_bytes", "What all recordings and their renditions hold."},
		census.Failures: {"meanwhile_jobs_failed_last_hour", "Jobs that were given up within the last hour."},
	} {
		if value, sampled := latest[name]; sampled {
			s.add(metric[0], metric[1], value)
		}
	}
	for _, state := range []string{"recording", "processing", "ready", "failed"} {
		if value, sampled := latest[census.VideosIn(state)]; sampled {
			s.add("meanwhile_videos", "Videos outside the trash, by state.", value, "state", state)
		}
	}
	uploads, err := g.census.Uploads(ctx)
	for _, state := range []string{"open", "quiet"} {
		s.add("meanwhile_uploads", "Uploads that are not finished, by state.", float64(uploads[state]), "state", state)
	}
	return err
}

func (g *gauges) schema(ctx context.Context, s *sheet) error {
	current, latest, err := g.db.SchemaVersion(ctx)
	if err == nil {
		s.add("meanwhile_schema_version", "The version of the tables.", float64(current))
		s.add("meanwhile_schema_latest_version", "The version of the tables that this program knows.", float64(latest))
	}
	return err
}

// pools are the connections to the database.
type pools struct{ db *database.DB }

// Describe implements prometheus.Collector.
func (p *pools) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (p *pools) Collect(to chan<- prometheus.Metric) {
	var s sheet
	s.total("meanwhile_database_queries_total", "Queries of the records; segments cost none.", float64(p.db.Queries()))
	s.total("meanwhile_database_retries_total", "Transactions that were run again, because another one was faster or the server was away.", float64(p.db.Retries()))
	for name, stats := range p.db.Pools() {
		for state, n := range map[string]int{"in_use": stats.InUse, "idle": stats.Idle} {
			s.add("meanwhile_database_connections", "Connections to the database, by pool and state.", float64(n), "pool", name, "state", state)
		}
		s.add("meanwhile_database_connections_max", "How many connections a pool may open; 0 is no bound.", float64(stats.Max), "pool", name)
		s.total("meanwhile_database_connection_waits_total", "How often a connection was waited for.", float64(stats.Waits), "pool", name)
		s.total("meanwhile_database_connection_wait_seconds_total", "How long connections were waited for.", stats.Waited.Seconds(), "pool", name)
	}
	for _, metric := range s {
		to <- metric
	}
}
