package cluster_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAnyServerTakesAnyPiece: pieces of one recording go to both servers in turn,
// and every promise is kept without a fault, too.
func TestAnyServerTakesAnyPiece(t *testing.T) {
	t.Parallel()
	r := many(t)
	u := r.record(t, 6, func(int) {})
	require.NoError(t, r.ledger.Say(t.Context(), u.Video, "Well said.", 0))
	r.settled(t)
}

// TestServersKilledInMidPiece (F1, F2): a server is killed while it takes a piece,
// again and again; the other one goes on.
func TestServersKilledInMidPiece(t *testing.T) {
	t.Parallel()
	r := many(t)
	for round := range 4 {
		r.record(t, 8, func(piece int) {
			switch piece {
			case 2, 5: // while the next piece is sent
				r.later(t, r.Servers[(round+piece)%2])
			case 4:
				r.revive(t)
			}
		})
		r.revive(t)
	}
	r.settled(t)
}

// TestAllKilledAtOnce (F1, F5): servers and workers are lost together, as when the
// power goes, and everything goes on where it stood.
func TestAllKilledAtOnce(t *testing.T) {
	t.Parallel()
	r := many(t)
	r.record(t, 6, func(piece int) {
		if piece%2 == 0 {
			var all sync.WaitGroup
			for _, node := range r.Nodes() {
				all.Go(node.Kill)
			}
			all.Wait()
			r.revive(t)
		}
	})
	r.settled(t)
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
