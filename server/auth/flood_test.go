package auth

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAFloodOfPasswordsDoesNotTakeTheMachine: two hashes run at a time, some wait,
// and whoever else comes is refused at once.
func TestAFloodOfPasswordsDoesNotTakeTheMachine(t *testing.T) {
	t.Parallel()
	h := NewHasherAt(Cost{KiB: 64, Passes: 1})
	var running, most, refused, done atomic.Int32
	release := make(chan struct{})
	var all sync.WaitGroup
	const flood = 500
	for range flood {
		all.Go(func() {
			err := h.inTurn(t.Context(), func() {
				now := running.Add(1)
				for {
					seen := most.Load()
					if now <= seen || most.CompareAndSwap(seen, now) {
						break
					}
				}
				<-release
				running.Add(-1)
				done.Add(1)
			})
			if err != nil {
				refused.Add(1)
			}
		})
	}
	const through = hashesAtOnce + hashesQueued
	enough := assert.Eventually(t, func() bool { return refused.Load() == flood-through }, 2*time.Minute, time.Millisecond, "all who came are taken in")
	close(release)
	all.Wait()
	require.True(t, enough)
	require.LessOrEqual(t, most.Load(), int32(hashesAtOnce))
	require.EqualValues(t, through, done.Load())
}
