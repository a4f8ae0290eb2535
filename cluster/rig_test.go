package cluster_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
)

// What all tests share: one PostgreSQL, one S3 server and one clip, made by the
// first test that wants them.
type shared struct {
	clustertest.Shared

	once   sync.Once
	stores *cluster.Stores
	clip   *ledger.Clip
	err    error
}

var all shared

func TestMain(m *testing.M) { os.Exit(all.Run(m)) }

// clipSeconds is long enough for more than one span.
const clipSeconds = 12

func (s *shared) open(t *testing.T) {
	t.Helper()
	binary := clustertest.Binary(t)
	s.once.Do(func() {
		ctx := context.WithoutCancel(t.Context())
		s.stores = s.Stores(t)
		if s.err = s.stores.Prepare(ctx, binary); s.err == nil {
			s.clip, s.err = ledger.NewClip(ctx, clipSeconds)
		}
	})
	require.NoError(t, s.err)
}

// rig is a cluster of a test, and a client that is signed in.
type rig struct {
	*cluster.Cluster

	client *ledger.Client
	ledger *ledger.Ledger
	clip   *ledger.Clip
	kills  sync.WaitGroup // that are still to come
}

// many starts two servers and three workers with one slot each.
func many(t *testing.T, env ...string) *rig {
	t.Helper()
	all.open(t)
	return start(t, all.stores, cluster.Options{Servers: 2, Workers: 3, Slots: 1, Env: env})
}

// alone starts one server that keeps everything in its folder.
func alone(t *testing.T, env ...string) *rig {
	t.Helper()
	all.open(t)
	return start(t, nil, cluster.Options{Servers: 1, Slots: 1, Env: env})
}

func start(t *testing.T, stores *cluster.Stores, o cluster.Options) *rig {
	t.Helper()
	c := clustertest.Start(t, stores, o)
	token, err := c.SetupToken(t.Context())
	require.NoError(t, err)
	client := ledger.NewClient(c.Front.URL())
	require.NoError(t, client.SetUp(t.Context(), token))
	return &rig{Cluster: c, client: client, ledger: ledger.New(client), clip: all.clip}
}

// record begins a video and sends it in so many pieces, with something to do
// after each; then it says that this was all.
func (r *rig) record(t *testing.T, pieces int, after func(piece int)) *ledger.Upload {
	t.Helper()
	u, err := r.ledger.Begin(t.Context(), t.Name(), r.clip.Take())
	require.NoError(t, err)
	for i := 1; i <= pieces; i++ {
		if i == pieces {
			require.NoError(t, u.Finish(t.Context()))
		} else {
			require.NoError(t, u.Send(t.Context(), int64(len(u.Content)*i/pieces)))
		}
		after(i)
	}
	return u
}

// settled wants every promise kept.
func (r *rig) settled(t *testing.T) {
	t.Helper()
	require.NoError(t, r.Heal(t.Context()))
	require.NoError(t, r.ledger.Settled(t.Context(), r.clip))
	require.Empty(t, r.client.Puzzled())
}

// soon is how long what should happen may take. It only notices what never does.
const soon = 4 * time.Minute

// samples is how often something is timed at most.
const samples = 3

// within wants something to take no longer than is promised. What else this machine
// does, or that it stands still, only ever adds to it: where it took too long it is
// timed once more, and the quickest counts.
func within(t *testing.T, promised time.Duration, took func() time.Duration) {
	t.Helper()
	var all []time.Duration
	for range samples {
		all = append(all, took())
		if slices.Min(all) < promised {
			return
		}
		t.Logf("it took %v, and %v are promised", all[len(all)-1], promised)
	}
	require.Less(t, slices.Min(all), promised)
}

// later kills a node at a random moment of what comes next.
func (r *rig) later(t *testing.T, node *cluster.Node) {
	t.Helper()
	moment := time.After(time.Duration(rand.IntN(int(30 * time.Millisecond))))
	r.kills.Go(func() { <-moment; node.Kill() })
}

// revive starts whoever is gone, or will be in a moment.
func (r *rig) revive(t *testing.T) {
	t.Helper()
	r.kills.Wait()
	require.NoError(t, r.Start(t.Context()))
}
