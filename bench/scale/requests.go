package scale

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/bench/figure"
	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
)

// asked counts what the processes of a cluster asked their stores for, the seconds
// that their servers computed, and those that went by.
type asked struct{ queries, reads, writes, cpu, took float64 }

func (a asked) since(b asked) asked {
	return asked{a.queries - b.queries, a.reads - b.reads, a.writes - b.writes, a.cpu - b.cpu, a.took - b.took}
}

// beyond is what was asked beyond what is asked when nothing happens.
func (a asked) beyond(idle asked) asked {
	share := a.took / idle.took
	return asked{
		max(0, a.queries-share*idle.queries), max(0, a.reads-share*idle.reads), max(0, a.writes-share*idle.writes), max(0, a.cpu-share*idle.cpu), a.took,
	}
}

// requests counts what a minute costs the stores: recorded in pieces of a second
// as browsers send it and made into renditions, then watched whole.
func requests(ctx context.Context, l Lab, stores *cluster.Stores) ([]figure.Figure, error) {
	seconds := l.pick(60, 20)
	content, err := l.read(ctx, Clip{"minute", 640, 360, 800, seconds})
	if err != nil {
		return nil, err
	}
	r, err := l.open(ctx, stores, 1, 1, "MEANWHILE_WORKER_ADDR=127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	minute := 60 / float64(seconds)
	idle, err := r.over(ctx, func() error { time.Sleep(10 * time.Second); return nil })
	if err != nil {
		return nil, err
	}
	var u *ledger.Upload
	recorded, err := r.over(ctx, func() (err error) { u, err = r.record(ctx, content, seconds); return err })
	if err != nil {
		return nil, err
	}
	made, err := r.over(ctx, func() error { return r.quiet(ctx) })
	if err != nil {
		return nil, err
	}
	var segments int
	viewed, err := r.over(ctx, func() (err error) { segments, err = r.view(ctx, u.Video, 1); return err })
	if err != nil {
		return nil, err
	}
	least, err := r.leastForSegments(ctx, u.Video)
	if err != nil {
		return nil, err
	}
	perMinute := func(name string, a asked) []figure.Figure {
		return []figure.Figure{
			told("database: queries, "+name, a.beyond(idle).queries*minute, "/min"),
			told("S3: writes, "+name, a.writes*minute, "/min"), told("S3: reads, "+name, a.reads*minute, "/min"),
			told("server: CPU, "+name, a.beyond(idle).cpu*minute, "s"),
		}
	}
	found := []figure.Figure{told("database: queries, idle server and worker", idle.queries*6, "/min")}
	found = append(found, perMinute("a recorded minute", recorded)...)
	found = append(found, perMinute("its renditions", made)...)
	found = append(found, perMinute("a viewed minute", viewed)...)
	return append(found, told("segments of a viewed minute", float64(segments)*minute, ""),
		figure.AtMost("database: queries for a minute's segments", least, "", 0)), nil
}

// over counts while something is done.
func (r *room) over(ctx context.Context, do func() error) (asked, error) {
	before, err := r.count(ctx)
	if err != nil {
		return asked{}, err
	}
	if err := do(); err != nil {
		return asked{}, err
	}
	after, err := r.count(ctx)
	return after.since(before), err
}

// count reads the metrics of every process.
func (r *room) count(ctx context.Context) (asked, error) {
	sum := asked{took: float64(time.Now().UnixMicro()) / 1e6}
	for _, node := range r.Servers {
		sum.cpu += node.CPU().Seconds()
	}
	for _, node := range r.Nodes() {
		base, err := metricsOf(ctx, node)
		if err != nil {
			return sum, err
		}
		raw, _, err := r.api.Once(ctx, ledger.Request{Method: http.MethodGet, Path: base + "/metrics"})
		if err != nil {
			return sum, err
		}
		for line := range strings.Lines(string(raw)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				continue
			}
			switch {
			case strings.HasPrefix(name, "meanwhile_database_queries_total"):
				sum.queries += n
			case strings.HasPrefix(name, "meanwhile_object_request_duration_seconds_count"):
				if strings.Contains(name, `"GET"`) || strings.Contains(name, `"HEAD"`) {
					sum.reads += n
				} else {
					sum.writes += n
				}
			}
		}
	}
	return sum, nil
}

// metricsOf is where a process tells its metrics.
func metricsOf(ctx context.Context, node *cluster.Node) (string, error) {
	if url := node.URL(); url != "" {
		return url, nil
	}
	line, err := node.Line(ctx, 0, `"addr":"`)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(line, `"addr":"`)
	addr, _, _ := strings.Cut(rest, `"`)
	return "http://" + addr, nil
}

// view plays a video's smallest rendition from its page on, rounds times its
// segments, and returns how many of them there are.
func (r *room) view(ctx context.Context, id string, rounds int) (int, error) {
	segments, err := r.segments(ctx, id)
	if err != nil {
		return 0, err
	}
	for range rounds {
		if err := r.fetch(ctx, segments); err != nil {
			return 0, err
		}
	}
	return len(segments), nil
}

func (r *room) fetch(ctx context.Context, segments []ledger.Request) error {
	for _, s := range segments {
		if _, _, err := r.api.Once(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// segments reads the playlists as a player does.
func (r *room) segments(ctx context.Context, id string) ([]ledger.Request, error) {
	v, err := r.api.Video(ctx, id)
	if err != nil {
		return nil, err
	}
	master, err := r.lines(ctx, v.Playback.HLS)
	if err != nil {
		return nil, err
	}
	var last string
	for _, line := range master {
		if !strings.HasPrefix(line, "#") {
			last = line
		}
	}
	list, err := r.lines(ctx, path.Join(path.Dir(v.Playback.HLS), last))
	if err != nil {
		return nil, err
	}
	var found []ledger.Request
	var bytes string
	var offset int
	for _, line := range list {
		if rest, ok := strings.CutPrefix(line, "#EXT-X-BYTERANGE:"); ok {
			size, at, given := strings.Cut(rest, "@")
			n, _ := strconv.Atoi(size)
			if given {
				offset, _ = strconv.Atoi(at)
			}
			bytes = fmt.Sprintf("bytes=%d-%d", offset, offset+n-1)
			offset += n
		}
		if !strings.HasPrefix(line, "#") {
			address := path.Join(path.Dir(v.Playback.HLS), path.Dir(last), line)
			found = append(found, ledger.Request{Method: http.MethodGet, Path: address, Header: map[string]string{"Range": bytes}})
		}
	}
	if len(found) == 0 {
		return nil, errors.New("the playlist has no segments")
	}
	return found, nil
}

func (r *room) lines(ctx context.Context, address string) ([]string, error) {
	raw, _, err := r.api.Send(ctx, ledger.Request{Method: http.MethodGet, Path: address})
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, err
}

// leastForSegments is the smallest number of queries that a server made while
// all segments of a video were asked for: some windows hold work of its own.
func (r *room) leastForSegments(ctx context.Context, id string) (float64, error) {
	segments, err := r.segments(ctx, id)
	if err != nil {
		return 0, err
	}
	server := &room{Cluster: &cluster.Cluster{Servers: r.Servers}, api: r.api}
	least := -1.0
	for range 10 {
		a, err := server.over(ctx, func() error { return r.fetch(ctx, segments) })
		if err != nil {
			return 0, err
		}
		if least < 0 || a.queries < least {
			least = a.queries
		}
	}
	return least, nil
}
