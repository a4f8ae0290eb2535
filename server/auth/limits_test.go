package auth

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

func TestWaitingForAHashEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	h := NewHasherAt(Cost{KiB: 64, Passes: 1})
	for range hashesAtOnce {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Verify(ctx, "", "x")
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, h.waiting.Load())

	h.waiting.Store(hashesAtOnce + hashesQueued)
	_, err = h.Verify(t.Context(), "", "x")
	require.ErrorIs(t, err, reply.TooMany)
	require.EqualValues(t, hashesAtOnce+hashesQueued, h.waiting.Load())
}
