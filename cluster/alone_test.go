package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOneMachineKilledAtEveryPiece (F1, F2): the server is killed after each piece
// of a recording, and at its end.
func TestOneMachineKilledAtEveryPiece(t *testing.T) {
	t.Parallel()
	r := alone(t)
	r.record(t, 4, func(int) {
		r.Servers[0].Kill()
		require.NoError(t, r.Start(t.Context()))
	})
	r.settled(t)
}
