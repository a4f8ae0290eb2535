package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// TestNobodyGoesOnRecordingWhatIsThrownAway: a recording over WebRTC ends when its
// video is in the trash, or gone.
func TestNobodyGoesOnRecordingWhatIsThrownAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.InTeam)
	account, err := r.catalog.Account(t.Context(), r.owner.account.ID)
	require.NoError(t, err)
	may := func() bool {
		goes, err := r.server.mayRecord(t.Context(), auth.Principal{Account: account}, v.ID)
		require.NoError(t, err)
		return goes
	}
	require.True(t, may())
	require.NoError(t, r.catalog.TrashVideo(t.Context(), v.ID))
	require.False(t, may())
	require.NoError(t, r.catalog.RestoreVideo(t.Context(), v.ID))
	require.True(t, may())
	require.NoError(t, r.catalog.RemoveVideo(t.Context(), v.ID))
	require.False(t, may())
}
