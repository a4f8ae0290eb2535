package server

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/people"
)

// TestMadeUpTokensCostNothingForLong: whoever shows many is refused unseen, and
// whoever shares the network with a good one goes on.
func TestMadeUpTokensCostNothingForLong(t *testing.T) {
	t.Parallel()
	r, _ := newRigInNoTime(t, nil)
	_, shown, err := r.catalog.AddToken(t.Context(), people.NewToken{Account: r.owner.account, Name: "script", Scope: people.ScopeRead})
	require.NoError(t, err)
	script := &person{rig: r, bearer: shown}
	require.Equal(t, http.StatusOK, script.ask(t, http.MethodGet, "/api/videos", "").StatusCode)
	status := http.StatusUnauthorized
	for i := 0; i < 1000 && status == http.StatusUnauthorized; i++ {
		flood := &person{rig: r, bearer: fmt.Sprintf("mw_%d", i)}
		res := flood.ask(t, http.MethodGet, "/api/videos", "")
		status = res.StatusCode
		res.Body.Close()
	}
	require.Equal(t, http.StatusTooManyRequests, status)
	before := r.catalog.Queries()
	for i := range 50 {
		flood := &person{rig: r, bearer: fmt.Sprintf("mw_again_%d", i)}
		res := flood.ask(t, http.MethodGet, "/api/videos", "")
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		require.NotEmpty(t, res.Header.Get("Retry-After"))
	}
	require.Equal(t, before, r.catalog.Queries(), "no query for any of them")
	require.Equal(t, http.StatusOK, script.ask(t, http.MethodGet, "/api/videos", "").StatusCode)
	require.Equal(t, http.StatusOK, r.owner.ask(t, http.MethodGet, "/api/videos", "").StatusCode, "a browser has no token")
}
