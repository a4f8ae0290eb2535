package talk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAVisitorIsKnownForADayUnderOurKeyAlone: who has the records, but not the
// key, cannot try addresses and browsers until one fits.
func TestAVisitorIsKnownForADayUnderOurKeyAlone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	api := func(secret string) *API {
		return New(Options{Secret: []byte(secret), Now: func() time.Time { return now }})
	}
	name := api("ours").viewer(t.Context(), "a browser")
	require.Equal(t, name, api("ours").viewer(t.Context(), "a browser"))
	require.NotEqual(t, name, api("another").viewer(t.Context(), "a browser"), "it needs the key")
	require.NotEqual(t, name, api("ours").viewer(t.Context(), "another browser"))
	now = now.Add(24 * time.Hour)
	require.NotEqual(t, name, api("ours").viewer(t.Context(), "a browser"), "tomorrow it is somebody else")
}
