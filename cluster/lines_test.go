package cluster_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
	"github.com/meanwhile-app/meanwhile/cluster/toxic"
)

// outage is how long something is away: shorter than the minute of an operator,
// and longer than whatever only bridges a moment.
const outage = 6 * time.Second

// promised is how long somebody waits for a database that does not answer: five
// seconds, and what this machine takes to notice.
const promised = 8 * time.Second

// TestTheStoreIsAway (F11): S3 is busy, refuses, is slow, cuts off or is silent
// while people record. What was acknowledged is kept, and what was not is sent
// again once it is back.
func TestTheStoreIsAway(t *testing.T) {
	t.Parallel()
	r := many(t)
	for name, harm := range map[string]toxic.Harm{
		"busy":     {Answer: toxic.SlowDown},
		"refusing": {Refuse: true},
		"slow":     {Latency: 300 * time.Millisecond},
		"cut off":  {CutAfter: 100},
		"silent":   {Mute: true},
	} {
		t.Log(name)
		r.record(t, 4, func(piece int) {
			if piece != 2 {
				return
			}
			for _, node := range r.Nodes() {
				node.S3.Set(harm)
			}
			time.AfterFunc(outage/2, func() {
				for _, node := range r.Nodes() {
					node.S3.Set(toxic.Harm{})
				}
			})
		})
	}
	r.settled(t)
	require.NoError(t, r.Consistent(t.Context()))
}

// TestAServerIsCutOffFromTheStore (F11): one server of two cannot reach S3. It
// says so, and requests go to the other one.
func TestAServerIsCutOffFromTheStore(t *testing.T) {
	t.Parallel()
	r := many(t)
	r.Servers[0].S3.Set(toxic.Harm{Mute: true})
	r.record(t, 4, func(int) {})
	r.settled(t)
}

// TestTheDatabaseIsRestarted (F13): PostgreSQL is lost while people record and
// speak; nobody loses a byte or a word.
func TestTheDatabaseIsRestarted(t *testing.T) {
	t.Parallel()
	all.open(t)
	stores, err := cluster.StartStores(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stores.Close()) })
	require.NoError(t, stores.Prepare(t.Context(), clustertest.Binary(t)))
	r := start(t, stores, cluster.Options{Servers: 2, Workers: 3, Slots: 1})
	u := r.record(t, 6, func(piece int) {
		if piece%2 == 0 {
			require.NoError(t, stores.Postgres.Crash())
			require.NoError(t, stores.Postgres.Start(t.Context()))
		}
	})
	require.NoError(t, r.ledger.Say(t.Context(), u.Video, "After the storm.", time.Second))
	r.settled(t)
	require.NoError(t, r.Consistent(t.Context()))
	require.NoError(t, stores.Postgres.Examine(t.Context(), r.Name))
}

// TestTheDatabaseIsOutOfReach (F13): the lines to PostgreSQL are cut, or fall silent,
// and come back; who asks meanwhile is told to come again, and soon. Everybody comes
// back by himself.
func TestTheDatabaseIsOutOfReach(t *testing.T) {
	t.Parallel()
	r := many(t)
	harm := func(harm toxic.Harm) {
		for _, node := range r.Nodes() {
			node.Postgres.Set(harm)
		}
	}
	for _, fault := range []toxic.Harm{{Refuse: true}, {Mute: true}} {
		earlier := r.record(t, 3, func(int) {})
		r.record(t, 4, func(piece int) {
			if piece != 2 {
				return
			}
			harm(fault) // while workers are at renditions
			r.toldSoon(t, "/api/videos/"+earlier.Video)
			time.AfterFunc(outage/3, func() { harm(toxic.Harm{}) })
			r.record(t, 3, func(int) {})
		})
	}
	r.settled(t)
	require.NoError(t, r.Consistent(t.Context()))
}

// toldSoon wants a server without its database to say so within the time that is
// promised. The proxy would ask the other one, too.
func (r *rig) toldSoon(t *testing.T, path string) {
	t.Helper()
	server := strings.Replace(r.Servers[0].URL(), "127.0.0.1", "localhost", 1) // as the cookie has it
	within(t, promised, func() time.Duration {
		began := time.Now()
		_, _, err := r.client.Once(t.Context(), ledger.Request{Method: http.MethodGet, Path: server + path})
		var status *ledger.Status
		require.ErrorAs(t, err, &status)
		require.Equal(t, http.StatusServiceUnavailable, status.Code)
		return time.Since(began)
	})
}

// TestFewConnections (F13): far more people ask than there are connections to
// PostgreSQL. All are answered, if only by a time to come back.
func TestFewConnections(t *testing.T) {
	t.Parallel()
	all.open(t)
	r := start(t, all.stores, cluster.Options{Servers: 2, Workers: 1, Slots: 1, Plain: true, Pool: 9})
	u := r.record(t, 2, func(int) {})
	var crowd sync.WaitGroup
	var answered, put atomic.Int64
	for range 60 {
		crowd.Go(func() {
			for range 5 {
				_, _, err := r.client.Once(t.Context(), ledger.Request{Method: http.MethodGet, Path: "/api/videos/" + u.Video})
				var status *ledger.Status
				switch {
				case err == nil:
					answered.Add(1)
				case errors.As(err, &status) && status.Code == http.StatusServiceUnavailable:
					put.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	r.record(t, 4, func(int) {})
	crowd.Wait()
	t.Logf("%d were answered, %d were told to come back", answered.Load(), put.Load())
	require.Positive(t, answered.Load())
	r.settled(t)
}
