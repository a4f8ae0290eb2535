package cluster_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRollingRestart (F18, F19): while people record, one server after the other
// is asked to end and comes back, and then the workers. Each ends by itself and in
// time; nobody loses anything.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	r := many(t)
	var recorders sync.WaitGroup
	for range 5 {
		recorders.Go(func() {
			u, err := r.ledger.Begin(t.Context(), t.Name(), r.clip.Take())
			for at := 0; err == nil && at < len(u.Content); at += len(u.Content) / 12 {
				err = u.Send(t.Context(), int64(at))
				<-time.After(250 * time.Millisecond) // as it is recorded
			}
			if err == nil {
				err = u.Finish(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	for _, node := range r.Nodes() {
		require.NoError(t, node.Terminate(soon), "%s ends by itself, with exit code 0", node.Name)
		require.NoError(t, r.Restart(t.Context(), node))
	}
	recorders.Wait()
	r.settled(t)
	require.NoError(t, r.Consistent(t.Context()))
}

// TestKilledAtTheEnd (F4): both servers are killed at every step of the end of a
// recording, from the last byte on its way to the jobs that follow. The end is
// sent again; there is one video, once, with every byte.
func TestKilledAtTheEnd(t *testing.T) {
	t.Parallel()
	r := many(t)
	const rounds = 6
	for round := range rounds {
		u, err := r.ledger.Begin(t.Context(), t.Name(), r.clip.Take())
		require.NoError(t, err)
		require.NoError(t, u.Send(t.Context(), int64(len(u.Content)*3/4)))
		var killed sync.WaitGroup
		for _, node := range r.Servers {
			killed.Go(func() {
				<-time.After(time.Duration(round) * 8 * time.Millisecond) // the end takes about 40 ms
				node.Kill()
			})
		}
		ended := make(chan error, 1)
		go func() { ended <- u.Finish(t.Context()) }()
		killed.Wait()
		r.revive(t)
		require.NoError(t, <-ended)
	}
	r.settled(t)
	require.NoError(t, r.Consistent(t.Context()))
}
