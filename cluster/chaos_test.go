package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
	"github.com/meanwhile-app/meanwhile/cluster/toxic"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// TestChaos records, comments and watches while machines and lines fail at random,
// and then wants every promise kept. MEANWHILE_CHAOS_RUNS says how often,
// MEANWHILE_CHAOS_SEED repeats one run exactly as far as chance is ours.
func TestChaos(t *testing.T) {
	all.open(t)
	stores, err := cluster.StartStores(t.Context()) // which nobody minds to lose for a moment
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stores.Close()) })
	require.NoError(t, stores.Prepare(t.Context(), clustertest.Binary(t)))
	r := start(t, stores, cluster.Options{Servers: 2, Workers: 3, Slots: 1})
	runs, seeds := chaosRuns(t)
	for i := range runs {
		began := time.Now()
		c := newChaos(r, seeds(i))
		t.Logf("run %d of %d: MEANWHILE_CHAOS_SEED=%d", i+1, runs, c.seed)
		c.run(t)
		t.Logf("run %d: kept every promise, %d bytes, %d faults, %v: %s", i+1, c.sent(), len(c.done), time.Since(began).Round(time.Millisecond), strings.Join(c.done, ", "))
	}
	orphans, err := r.Orphans(t.Context(), 0)
	require.NoError(t, err)
	t.Logf("%d objects were left by who was killed before the records knew of them", len(orphans))
	require.NoError(t, stores.Postgres.Examine(t.Context(), r.Name))
}

// chaosRuns says how many runs there are, and the seed of each.
func chaosRuns(t *testing.T) (runs int, seeds func(run int) uint64) {
	t.Helper()
	if given := os.Getenv("MEANWHILE_CHAOS_SEED"); given != "" {
		seed, err := strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
		return 1, func(int) uint64 { return seed }
	}
	runs = 3
	if given := os.Getenv("MEANWHILE_CHAOS_RUNS"); given != "" {
		var err error
		runs, err = strconv.Atoi(given)
		require.NoError(t, err)
	}
	first := rand.Uint64() >> 32
	return runs, func(run int) uint64 { return first<<16 + uint64(run) }
}

// chaos is one run.
type chaos struct {
	*rig

	seed uint64
	mu   sync.Mutex // of what follows
	dice *rand.Rand
	done []string
	book *ledger.Ledger
}

func newChaos(r *rig, seed uint64) *chaos {
	return &chaos{rig: r, seed: seed, dice: rand.New(rand.NewPCG(seed, 4)), book: ledger.New(r.client)}
}

// roll is a random number below n.
func (c *chaos) roll(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dice.IntN(n)
}

// between waits for a random time.
func (c *chaos) between(ctx context.Context, from, to time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(from + time.Duration(c.roll(int(to-from)))):
	}
}

func (c *chaos) sent() (n int64) {
	for _, u := range c.book.Uploads() {
		n += u.Acked()
	}
	return n
}

// Of each run.
const (
	recorders = 3
	comments  = 5
	faultsMax = 4
)

// run is one run: who records, who speaks, who watches, and what fails.
func (c *chaos) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	errs := make(chan error, recorders+3)
	var work, beside sync.WaitGroup
	for i := range recorders {
		work.Go(func() { errs <- c.record(ctx, i) })
	}
	work.Go(func() { errs <- c.talk(ctx) })
	beside.Go(func() { errs <- c.watch(ctx) })
	beside.Go(func() { errs <- c.fail(ctx) })
	work.Wait()
	stop()
	beside.Wait()
	close(errs)
	require.NoError(t, c.Heal(t.Context()))
	for err := range errs {
		require.NoError(t, err, c.said())
	}
	require.NoError(t, c.book.Settled(t.Context(), c.clip), c.said())
	require.NoError(t, c.Consistent(t.Context()), c.said())
	require.Empty(t, c.client.Puzzled(), c.said())
}

func (c *chaos) said() string {
	return fmt.Sprintf("MEANWHILE_CHAOS_SEED=%d: %s", c.seed, strings.Join(c.done, ", "))
}

// record sends a take in pieces of many sizes.
func (c *chaos) record(ctx context.Context, n int) error {
	u, err := c.book.Begin(ctx, fmt.Sprintf("chaos %d.%d", c.seed, n), c.clip.Take())
	if err != nil {
		return err
	}
	for at := 0; at < len(u.Content); at += 1 + c.roll(len(u.Content)/4) {
		if err := u.Send(ctx, int64(at)); err != nil {
			return err
		}
		c.between(ctx, 0, 150*time.Millisecond)
	}
	return u.Finish(ctx)
}

// talk writes comments under what is recorded.
func (c *chaos) talk(ctx context.Context) error {
	for i := range comments {
		c.between(ctx, 50*time.Millisecond, 400*time.Millisecond)
		uploads := c.book.Uploads()
		if len(uploads) == 0 {
			continue
		}
		video := uploads[c.roll(len(uploads))].Video
		if err := c.book.Say(ctx, video, fmt.Sprintf("word %d of %d", i, c.seed), time.Second); err != nil {
			return err
		}
	}
	return nil
}

// watch plays what there is. It may fail while something fails, but what it shows
// are the bytes that were recorded.
func (c *chaos) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		c.between(ctx, 20*time.Millisecond, 100*time.Millisecond)
		uploads := c.book.Uploads()
		if len(uploads) == 0 {
			continue
		}
		u := uploads[c.roll(len(uploads))]
		if err := c.glance(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// glance reads a range of what was recorded.
func (c *chaos) glance(ctx context.Context, u *ledger.Upload) error {
	raw, _, err := c.client.Once(ctx, ledger.Request{Method: http.MethodGet, Path: "/api/videos/" + u.Video})
	if err != nil {
		return nil //nolint:nilerr // while it fails nothing is shown
	}
	media := ledger.MediaOf(raw)
	held := u.Acked()
	if media == "" || held < 2 {
		return nil
	}
	from := c.roll(int(held) - 1)
	to := from + 1 + c.roll(int(held)-from)
	shown, _, err := c.client.Once(ctx, ledger.Request{
		Method: http.MethodGet, Path: media + "/source", Header: map[string]string{"Range": fmt.Sprintf("bytes=%d-%d", from, to-1)},
	})
	if err == nil && !bytes.Equal(shown, u.Content[from:to]) {
		return fmt.Errorf("%w: video %s shows other bytes from %d to %d", ledger.ErrBroken, u.Video, from, to)
	}
	return nil
}

// fault is something that fails for a while, and how it heals.
type fault struct {
	name string
	do   func(c *chaos, ctx context.Context) (heal func() error)
}

// fail lets one thing after the other fail, sometimes two at once.
func (c *chaos) fail(ctx context.Context) error {
	var healing sync.WaitGroup
	errs := make(chan error, faultsMax)
	kinds := faultKinds()
	for range 1 + c.roll(faultsMax) {
		c.between(ctx, 0, 500*time.Millisecond)
		kind := kinds[c.roll(len(kinds))]
		c.mu.Lock()
		c.done = append(c.done, kind.name)
		c.mu.Unlock()
		heal := kind.do(c, ctx)
		healing.Go(func() {
			c.between(ctx, 100*time.Millisecond, 1500*time.Millisecond)
			errs <- heal()
		})
		if c.roll(3) > 0 {
			healing.Wait()
		}
	}
	healing.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// server and worker are random ones.
func (c *chaos) server() *cluster.Node { return c.Servers[c.roll(len(c.Servers))] }

func (c *chaos) worker() *cluster.Node { return c.Workers[c.roll(len(c.Workers))] }

// again starts nodes that are gone, whatever becomes of the run, and as whatever manages
// a machine's services does: another fault may end them before they are ready.
func (c *chaos) again(ctx context.Context, nodes ...*cluster.Node) func() error {
	return func() error {
		var errs []error
		for _, node := range nodes {
			errs = append(errs, storestest.Until(context.WithoutCancel(ctx), soon, func(ctx context.Context) error { return c.Restart(ctx, node) }))
		}
		return errors.Join(errs...)
	}
}

// to does harm to the lines of a node to S3, or to PostgreSQL.
func to(s3 bool, harm func(c *chaos) toxic.Harm, everywhere bool) func(c *chaos, _ context.Context) func() error {
	return func(c *chaos, _ context.Context) func() error {
		nodes := c.Nodes()
		if !everywhere {
			nodes = nodes[c.roll(len(nodes)):][:1]
		}
		what := harm(c)
		set := func(h toxic.Harm) {
			for _, node := range nodes {
				if s3 {
					node.S3.Set(h)
				} else {
					node.Postgres.Set(h)
				}
			}
		}
		set(what)
		return func() error {
			set(toxic.Harm{})
			return nil
		}
	}
}

func just(harm toxic.Harm) func(*chaos) toxic.Harm { return func(*chaos) toxic.Harm { return harm } }

func cutting(c *chaos) toxic.Harm { return toxic.Harm{CutAfter: int64(1 + c.roll(20_000))} }

// faultKinds is everything that fails.
func faultKinds() []fault {
	kill := func(pick func(c *chaos) *cluster.Node) func(*chaos, context.Context) func() error {
		return func(c *chaos, ctx context.Context) func() error {
			node := pick(c)
			node.Kill()
			return c.again(ctx, node)
		}
	}
	sleep := func(pick func(c *chaos) *cluster.Node) func(*chaos, context.Context) func() error {
		return func(c *chaos, _ context.Context) func() error {
			node := pick(c)
			_ = node.Sleep() // who is gone sleeps already
			return func() error { node.Wake(); return nil }
		}
	}
	return []fault{
		{"a server is killed", kill((*chaos).server)},
		{"a worker is killed", kill((*chaos).worker)},
		{"all are killed", func(c *chaos, ctx context.Context) func() error {
			for _, node := range c.Nodes() {
				node.Kill()
			}
			return c.again(ctx, c.Nodes()...)
		}},
		{"a server is stopped", func(c *chaos, ctx context.Context) func() error {
			node := c.server()
			pid := node.PID()
			_ = node.Signal(syscall.SIGTERM) // who is gone has stopped already
			return func() error {
				if node.PID() == pid { // and is none that another fault has left behind and started
					_ = node.Terminate(20 * time.Second)
				}
				return c.again(ctx, node)()
			}
		}},
		{"a server sleeps", sleep((*chaos).server)},
		{"a worker sleeps", sleep((*chaos).worker)},
		{"S3 is busy", to(true, just(toxic.Harm{Answer: toxic.SlowDown}), true)},
		{"S3 refuses", to(true, just(toxic.Harm{Refuse: true}), true)},
		{"S3 is slow", to(true, just(toxic.Harm{Latency: 200 * time.Millisecond}), true)},
		{"S3 cuts off", to(true, cutting, true)},
		{"S3 is silent", to(true, just(toxic.Harm{Mute: true}), true)},
		{"a machine has lost S3", to(true, just(toxic.Harm{Mute: true}), false)},
		{"PostgreSQL is restarted", func(c *chaos, ctx context.Context) func() error {
			err := c.Stores.Postgres.Crash()
			return func() error { return errors.Join(err, c.Stores.Postgres.Start(context.WithoutCancel(ctx))) }
		}},
		{"PostgreSQL is slow", to(false, just(toxic.Harm{Latency: 100 * time.Millisecond}), true)},
		{"PostgreSQL is silent", to(false, just(toxic.Harm{Mute: true}), true)},
		{"a machine has lost PostgreSQL", to(false, just(toxic.Harm{Mute: true}), false)},
		{"a line to PostgreSQL is reset", to(false, just(toxic.Harm{Refuse: true}), false)},
	}
}
