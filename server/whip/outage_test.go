package whip_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

func (r *tape) away(is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = nil
	if is {
		r.fail = objects.ErrUnavailable
	}
}

// TestAnOutageOfTheStoreLosesNothing: F11 for what has no spool in its client. The
// storage is away while it records, and while its client ends.
func TestAnOutageOfTheStoreLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{})
	c := newClient(t, r, wants{audio: true})
	c.publish(t, "ada")
	stop := c.babble(t, newTone(t, 1))
	require.Eventually(t, func() bool { return r.tape(t, 0).parts() > 0 }, testTime, tick)
	r.tape(t, 0).away(true)
	const seconds = 5
	until := c.babbled.Load() + int64(seconds*time.Second/soundTime)
	require.Eventually(t, func() bool { return c.babbled.Load() >= until }, testTime, tick)
	require.Equal(t, 1, r.whip.Sessions(), "it records on")
	stop()
	require.NoError(t, c.pc.Close())
	require.Never(t, func() bool { return r.tape(t, 0).over() }, time.Second, tick)
	r.tape(t, 0).away(false)
	r.quiet(t)
	require.True(t, r.tape(t, 0).over())
	text := run(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", r.tape(t, 0).file(t))
	length, err := time.ParseDuration(strings.TrimSpace(string(text)) + "s")
	require.NoError(t, err)
	require.GreaterOrEqual(t, length, seconds*time.Second, "as much was said since the outage began")
}

// TestAServerThatStopsDoesNotWaitForEver: the storage does not come back.
func TestAServerThatStopsDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{})
	c := newClient(t, r, wants{audio: true})
	c.publish(t, "ada")
	stop := c.babble(t, newTone(t, 1))
	defer stop()
	require.Eventually(t, func() bool { return r.tape(t, 0).parts() > 0 }, testTime, tick)
	r.tape(t, 0).away(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.whip.Stop()
	}()
	select {
	case <-done:
	case <-time.After(testTime):
		require.Fail(t, "it still waits")
	}
}
