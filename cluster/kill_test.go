package cluster_test

import (
	"sync"
	"testing"

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
