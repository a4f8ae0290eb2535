package cluster_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster/ledger"
	"github.com/meanwhile-app/meanwhile/cluster/toxic"
)

// Of the minute: pieces of a recording come faster than real ones, so that many are
// held back by their recorder.
const (
	minute    = time.Minute
	fastPiece = 250 * time.Millisecond
	ahead     = 8 // pieces before the outage, and after all has caught up
	// take is how long the recording may go on: longer than all this takes anywhere.
	take = 15 * minute
)

// TestTheStoreIsAwayForAMinute (F11): S3 refuses for a whole minute while somebody
// records. Their pieces are refused with a time to come back; once S3 is there again the
// recorder catches up before it has recorded twice as much as it was held back by.
func TestTheStoreIsAwayForAMinute(t *testing.T) {
	t.Parallel()
	r := many(t)
	u, err := r.ledger.Begin(t.Context(), t.Name(), r.clip.Take())
	require.NoError(t, err)
	size := int64(len(u.Content)) / int64(take/fastPiece)
	require.Positive(t, size)
	var recorded atomic.Int64
	recorder := time.NewTicker(fastPiece)
	defer recorder.Stop()
	go func() {
		for {
			select {
			case <-t.Context().Done():
				return
			case <-recorder.C:
				recorded.Add(size)
			}
		}
	}()
	send := func(until func(acked int64) bool) {
		for !until(u.Acked()) {
			require.Less(t, recorded.Load(), int64(len(u.Content)), "the take is too short for this machine")
			require.NoError(t, u.Send(t.Context(), recorded.Load()))
			<-time.After(fastPiece / 2)
		}
	}
	harm := func(harm toxic.Harm) {
		for _, node := range r.Nodes() {
			node.S3.Set(harm)
		}
	}
	send(func(acked int64) bool { return acked >= ahead*size })

	harm(toxic.Harm{Refuse: true})
	kept, healed := recorded.Load(), make(chan int64, 1)
	r.refusedForNow(t)
	time.AfterFunc(minute, func() {
		harm(toxic.Harm{})
		healed <- recorded.Load()
	})
	var held int64 // what the recorder had when S3 was there again
	send(func(acked int64) bool {
		if held == 0 && len(healed) > 0 {
			held = <-healed
		}
		return held > 0 && acked >= held
	})
	backlog, meanwhile := held-kept, recorded.Load()-held
	t.Logf("%d bytes were held back, and %d were recorded until they were sent", backlog, meanwhile)
	require.Positive(t, backlog)
	require.LessOrEqual(t, meanwhile, 2*backlog)
	caughtUp := u.Acked()
	send(func(acked int64) bool { return acked >= caughtUp+ahead*size })
	require.NoError(t, u.Finish(t.Context()))
	r.settled(t)
	require.NoError(t, r.Consistent(t.Context()))
}

// refusedForNow wants a piece to be answered by a time to come back, by each server.
func (r *rig) refusedForNow(t *testing.T) {
	t.Helper()
	for range r.Servers { // in turn
		u, err := r.ledger.Begin(t.Context(), t.Name(), r.clip.Take())
		require.NoError(t, err)
		header, err := u.Try(t.Context(), 1000)
		var status *ledger.Status
		require.ErrorAs(t, err, &status)
		require.Equal(t, http.StatusServiceUnavailable, status.Code, status.Text)
		require.NotEmpty(t, header.Get("Retry-After"))
	}
}
