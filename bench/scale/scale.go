// Package scale measures what an installation of many servers and workers
// promises, on a cluster of this machine: PostgreSQL, an S3 server, and the built
// binary as often as wanted.
package scale

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/bench/figure"
	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
)

// Lab is what the experiments stand on.
type Lab struct {
	Binary, Folder string
	Quick          bool
	// Make makes a recording as a browser's recorder does, and returns its file.
	Make func(ctx context.Context, clip Clip) (string, error)
}

// Clip describes a test recording.
type Clip struct {
	Name          string
	Width, Height int
	Kilobits      int // video, a second
	Seconds       int
}

func (l Lab) pick(full, quick int) int {
	if l.Quick {
		return quick
	}
	return full
}

// room is a cluster under measurement, and its owner's client.
type room struct {
	*cluster.Cluster

	api *ledger.Client
}

// open starts a cluster on fresh stores of its own in the given ones.
func (l Lab) open(ctx context.Context, stores *cluster.Stores, servers, workers int, env ...string) (*room, error) {
	name := "bench-" + strings.ToLower(rand.Text())
	c, err := cluster.New(ctx, stores, cluster.Options{
		Binary: l.Binary, Folder: filepath.Join(l.Folder, name), Name: name, Servers: servers, Workers: workers, Slots: 1,
		Env: append([]string{"MEANWHILE_RATE_FACTOR=0", "MEANWHILE_OBJECTS_DELIVERY=server"}, env...),
	})
	if err != nil {
		return nil, err
	}
	r := &room{Cluster: c, api: ledger.NewClient(c.Front.URL())}
	token, err := c.SetupToken(ctx)
	if err == nil {
		err = r.api.SetUp(ctx, token)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return r, nil
}

func (r *room) close(ctx context.Context) { _ = errors.Join(r.Close(), r.Stores.Drop(ctx, r.Name)) }

// record sends a recording in pieces and ends it.
func (r *room) record(ctx context.Context, content []byte, pieces int) (*ledger.Upload, error) {
	u, err := ledger.New(r.api).Begin(ctx, "Recording", content)
	if err != nil {
		return nil, err
	}
	for i := 1; i <= pieces; i++ {
		if err := u.Send(ctx, int64(len(content)*i/pieces)); err != nil {
			return nil, err
		}
	}
	err = u.Finish(ctx)
	return u, err
}

// experiment is one measurement on stores that all share.
type experiment func(ctx context.Context, l Lab, stores *cluster.Stores) ([]figure.Figure, error)

// Run measures everything; what fails does not stop the next.
func Run(ctx context.Context, l Lab) ([]figure.Figure, error) {
	stores, err := cluster.OpenStores(ctx)
	if err != nil {
		return nil, err
	}
	var found []figure.Figure
	var errs []error
	for _, run := range []experiment{queues, sharing, latency, longPlaylist, requests} {
		some, err := run(ctx, l, stores)
		found = append(found, some...)
		errs = append(errs, err)
	}
	return found, errors.Join(append(errs, stores.Close())...)
}

// told is a figure without a promise: what docs/scaling.md counts with.
func told(name string, value float64, unit string) figure.Figure {
	return figure.AtLeast(name, value, unit, 0)
}

// latency compares the API behind one server and behind two on the same cores:
// what a second server costs where it brings no machine of its own.
func latency(ctx context.Context, l Lab, stores *cluster.Stores) ([]figure.Figure, error) {
	var found []figure.Figure
	var alone float64
	for servers := 1; servers <= 2; servers++ {
		r, err := l.open(ctx, stores, servers, 0)
		if err != nil {
			return found, err
		}
		p99, err := r.callAtOnce(ctx, l.pick(2000, 200))
		r.close(ctx)
		if err != nil {
			return found, err
		}
		found = append(found, figure.AtMost(fmt.Sprintf("API p99, servers: %d", servers), p99, "ms", 100))
		if servers == 1 {
			alone = p99
		}
		if servers == 2 {
			found = append(found, told("API p99, two servers against one", p99/alone, "x"))
		}
	}
	return found, nil
}

// callers is how many clients ask at once.
const callers = 8

// callAtOnce asks for what pages ask for, from several clients, and returns the
// 99th percentile in milliseconds.
func (r *room) callAtOnce(ctx context.Context, calls int) (float64, error) {
	u, err := ledger.New(r.api).Begin(ctx, "Asked for", nil)
	if err != nil {
		return 0, err
	}
	paths := []string{"/api/videos", "/api/videos/" + u.Video, "/api/videos/" + u.Video + "/comments", "/api/session"}
	var mu sync.Mutex
	var taken []time.Duration
	var failure error
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := range calls / callers {
				start := time.Now()
				err := r.api.JSON(ctx, "GET", paths[i%len(paths)], nil, nil)
				mu.Lock()
				taken = append(taken, time.Since(start))
				failure = errors.Join(failure, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return figure.Milliseconds(figure.Quantile(taken, 0.99)), failure
}

// read reads a clip.
func (l Lab) read(ctx context.Context, clip Clip) ([]byte, error) {
	path, err := l.Make(ctx, clip)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
