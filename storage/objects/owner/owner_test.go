package owner_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
	"github.com/meanwhile-app/meanwhile/storage/objects/owner"
)

func TestAStoreHasOneOwner(t *testing.T) {
	t.Parallel()
	objectstest.Each(t, func(t *testing.T, s objects.Keeper) {
		t.Helper()
		ours, theirs := owner.Mark([]byte("one")), owner.Mark([]byte("two"))
		owns := func(mark string) bool {
			t.Helper()
			mine, err := owner.Owns(t.Context(), s, mark)
			require.NoError(t, err)
			return mine
		}
		require.True(t, owns(ours), "the first one has it")
		require.True(t, owns(ours))
		require.False(t, owns(theirs))
		require.NoError(t, owner.Take(t.Context(), s, theirs))
		require.False(t, owns(ours))
		require.True(t, owns(theirs))
	})
}
