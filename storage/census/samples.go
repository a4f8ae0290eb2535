package census

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// Name says what was sampled.
type Name string

// What is sampled each minute, of the whole installation.
const (
	JobsWaiting Name = "jobs_waiting"
	JobsRunning Name = "jobs_running"
	// OldestWait is how long the job has waited that waits longest, in seconds.
	OldestWait Name = "oldest_wait_seconds"
	// Recordings are uploads that are open.
	Recordings Name = "recordings"
	// Received is how many bytes of uploads came within the minute.
	Received Name = "received_bytes"
	// Stored is what all recordings and their renditions hold.
	Stored Name = "stored_bytes"
	// Failures are the jobs that were given up within the last hour.
	Failures Name = "failures_per_hour"
	// Workers are the processes that take jobs.
	Workers Name = "workers"
)

// VideosIn is how many videos outside the trash are in a state.
func VideosIn(state string) Name { return Name("videos_" + state) }

// adds says that the servers each write their own share of a sample.
func (n Name) adds() bool { return n == Received }

// Keep is how long samples are kept: a dozen names, one row a minute, for eight days are
// about 140,000 rows, and there are never more.
const Keep = 8 * 24 * time.Hour

// Sampled says whether a minute has been sampled. It costs one look into an index.
func (c *Census) Sampled(ctx context.Context, at time.Time) (bool, error) {
	var n int
	err := c.db.Reader.NewRaw("SELECT count(*) FROM samples WHERE name = ? AND at_s = ?", Stored, minute(at)).Scan(ctx, &n)
	return n > 0, translate("samples", err)
}

// Sample writes what was seen in a minute, with what the records themselves say, and
// forgets what is too old. Who comes second with a minute changes nothing.
func (c *Census) Sample(ctx context.Context, at time.Time, seen map[Name]float64) error {
	all, err := c.look(ctx)
	if err != nil {
		return err
	}
	maps.Copy(all, seen)
	return c.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if _, err := tx.ExecContext(ctx, "INSERT INTO samples (name, at_s, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", name, minute(at), all[name]); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM samples WHERE at_s < ?", minute(at.Add(-Keep)))
		return err
	})
}

// look counts what the records say. It reads every video, which is why it is done
// once a minute for all servers.
func (c *Census) look(ctx context.Context) (map[Name]float64, error) {
	var stored float64
	if err := c.db.Reader.NewRaw("SELECT CAST(coalesce(sum(used_bytes), 0) AS DOUBLE PRECISION) FROM workspaces").Scan(ctx, &stored); err != nil {
		return nil, translate("stored", err)
	}
	uploads, err := c.Uploads(ctx)
	if err != nil {
		return nil, err
	}
	states, err := c.countBy(ctx, "SELECT state, count(*) AS n FROM videos WHERE trashed_at IS NULL GROUP BY state")
	all := map[Name]float64{Recordings: float64(uploads["open"]), Stored: stored}
	for _, state := range []string{"recording", "processing", "ready", "failed"} {
		all[VideosIn(state)] = float64(states[state])
	}
	return all, err
}

// Uploads counts the uploads that are not finished, by state.
func (c *Census) Uploads(ctx context.Context) (map[string]int, error) {
	return c.countBy(ctx, "SELECT state, count(*) AS n FROM uploads WHERE state <> 'finished' GROUP BY state")
}

func (c *Census) countBy(ctx context.Context, query string) (map[string]int, error) {
	var rows []struct {
		State string
		N     int
	}
	err := c.db.Reader.NewRaw(query).Scan(ctx, &rows)
	counts := make(map[string]int, len(rows))
	for _, row := range rows {
		counts[row.State] = row.N
	}
	return counts, translate("count", err)
}

// Add adds one server's share to a minute.
func (c *Census) Add(ctx context.Context, name Name, at time.Time, value float64) error {
	return c.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO samples (name, at_s, value) VALUES (?, ?, ?)
			ON CONFLICT (name, at_s) DO UPDATE SET value = samples.value + excluded.value`, name, minute(at), value)
		return err
	})
}

func (c *Census) write(ctx context.Context, change func(ctx context.Context, tx bun.Tx) error) error {
	return translate("samples", c.db.Write(ctx, change))
}

// Point is a value at a time.
type Point struct {
	AtS   int64   `bun:"at_s"`
	Value float64 `bun:"value"`
}

// Series reads samples from a time on, by name, in steps. A step holds the highest of
// its minutes: what operators look for are peaks. Of what is added up it holds the
// mean of a minute.
func (c *Census) Series(ctx context.Context, since time.Time, step time.Duration) (map[Name][]Point, error) {
	var rows []struct {
		Name  Name    `bun:"name"`
		AtS   int64   `bun:"at_s"`
		Peak  float64 `bun:"peak"`
		Total float64 `bun:"total"`
	}
	width := int64(max(step, time.Minute) / time.Second)
	err := c.db.Reader.NewRaw(`SELECT name, step * ? AS at_s, max(value) AS peak, sum(value) AS total
		FROM (SELECT name, value, at_s / ? AS step FROM samples WHERE at_s >= ?) AS seen GROUP BY name, step ORDER BY name, step`,
		width, width, since.Unix()/width*width).Scan(ctx, &rows)
	if err != nil {
		return nil, translate("samples", err)
	}
	series := map[Name][]Point{}
	for _, row := range rows {
		value := row.Peak
		if row.Name.adds() {
			value = row.Total / float64(width/60)
		}
		series[row.Name] = append(series[row.Name], Point{AtS: row.AtS, Value: value})
	}
	return series, nil
}

// Latest reads the newest samples that are not older than some minutes.
func (c *Census) Latest(ctx context.Context, now time.Time) (map[Name]float64, error) {
	var rows []struct {
		Name  Name    `bun:"name"`
		Value float64 `bun:"value"`
	}
	err := c.db.Reader.NewRaw("SELECT name, value FROM samples WHERE at_s >= ? ORDER BY at_s", minute(now.Add(-latestWithin))).Scan(ctx, &rows)
	latest := make(map[Name]float64, len(rows))
	for _, row := range rows {
		latest[row.Name] = row.Value
	}
	return latest, translate("samples", err)
}

const latestWithin = 5 * time.Minute
