package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
)

const (
	rollers = 10
	players = 3
	// takePieces is how many pieces a take has, and pieceEvery how far apart.
	takePieces = 80
	pieceEvery = 150 * time.Millisecond
	// stall is how long a player plays from what it has loaded already.
	stall = 8 * time.Second
)

// TestRollingRestart (F19): every server is restarted, one after the other, while ten
// people record and others watch. No recording fails and no player waits for
// longer than it has loaded ahead.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	all.open(t)
	r := start(t, all.stores, cluster.Options{Servers: 2, Workers: 1, Slots: 1, Env: []string{"MEANWHILE_DRAIN=1s"}})
	shown := r.record(t, 1, func(int) {})
	within(t, stall, func() time.Duration { return r.rolled(t, shown) })
	r.settled(t)
}

// rolled restarts every server among all that goes on, and returns how long a player
// waited at most.
func (r *rig) rolled(t *testing.T, shown *ledger.Upload) time.Duration {
	t.Helper()
	rolled := make(chan struct{})
	var work sync.WaitGroup
	for n := range rollers {
		work.Go(func() {
			if err := r.recordThrough(t.Context(), n, rolled); err != nil {
				t.Error(err)
			}
		})
	}
	var slowest, asked atomic.Int64
	for range players {
		work.Go(func() {
			for !over(rolled) {
				if err := r.play(t.Context(), shown, &slowest); err != nil {
					t.Error(err)
					return
				}
				asked.Add(1)
			}
		})
	}
	for _, server := range r.Servers {
		<-time.After(time.Second) // among what goes on
		if err := server.Terminate(soon); err != nil {
			t.Errorf("%s ended: %v", server.Name, err)
		}
		if err := r.Restart(t.Context(), server); err != nil {
			t.Error(err)
		}
	}
	close(rolled)
	work.Wait()
	require.Positive(t, asked.Load())
	t.Logf("players asked %d times and waited for %v at most", asked.Load(), time.Duration(slowest.Load()).Round(time.Millisecond))
	return time.Duration(slowest.Load())
}

func over(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// recordThrough sends a take piece by piece, the last ones when all is over.
func (r *rig) recordThrough(ctx context.Context, n int, rolled <-chan struct{}) error {
	u, err := r.ledger.Begin(ctx, fmt.Sprintf("rolling %d", n), r.clip.Take())
	if err != nil {
		return err
	}
	for i := 1; i < takePieces; i++ {
		if err := u.Send(ctx, int64(len(u.Content)*i/takePieces)); err != nil {
			return err
		}
		if i > takePieces*3/4 {
			<-rolled
		}
		<-time.After(pieceEvery)
	}
	return u.Finish(ctx)
}

// play reads what a player reads: what the video is, its playlist, and some bytes.
func (r *rig) play(ctx context.Context, u *ledger.Upload, slowest *atomic.Int64) error {
	get := func(path string, header map[string]string) ([]byte, error) {
		began := time.Now()
		raw, _, err := r.client.Send(ctx, ledger.Request{Method: http.MethodGet, Path: path, Header: header})
		for took := int64(time.Since(began)); ; {
			old := slowest.Load()
			if took <= old || slowest.CompareAndSwap(old, took) {
				return raw, err
			}
		}
	}
	raw, err := get("/api/videos/"+u.Video, nil)
	if err != nil {
		return err
	}
	media := ledger.MediaOf(raw)
	list, err := get(media+"/master.m3u8", nil)
	if err == nil && !bytes.Contains(list, []byte("#EXTM3U")) {
		err = fmt.Errorf("no playlist: %.100s", list)
	}
	if err != nil {
		return err
	}
	to := len(u.Content) / 2
	shown, err := get(media+"/source", map[string]string{"Range": fmt.Sprintf("bytes=0-%d", to-1)})
	if err == nil && !bytes.Equal(shown, u.Content[:to]) {
		err = fmt.Errorf("%w: other bytes are shown", ledger.ErrBroken)
	}
	return err
}
