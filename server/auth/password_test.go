package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
)

func TestPasswords(t *testing.T) {
	t.Parallel()
	first, err := auth.NewHasher().Hash(t.Context(), password)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(first, "$argon2id$v=19$m=32768,t=2,p=1$"), first)

	// A hash keeps the cost it was made at.
	h := auth.NewHasherAt(cheap())
	matches, err := h.Verify(t.Context(), first, password)
	require.NoError(t, err)
	require.True(t, matches)

	hash, err := h.Hash(t.Context(), "pa\u0308ssword") // a composed by the keyboard
	require.NoError(t, err)
	for password, want := range map[string]bool{
		"p\u00e4ssword": true, "password": false, "": false, strings.Repeat("x", 1<<20): false,
	} {
		ok, err := h.Verify(t.Context(), hash, password)
		require.NoError(t, err)
		require.Equal(t, want, ok, "%.20q", password)
	}
	other, err := h.Hash(t.Context(), "p\u00e4ssword")
	require.NoError(t, err)
	require.NotEqual(t, hash, other, "salted")
}

func TestPasswordsThatWillNotDo(t *testing.T) {
	t.Parallel()
	h := auth.NewHasherAt(cheap())
	for _, password := range []string{"", "1234567", "äöüäöüä", strings.Repeat("x", 1025), "invalid \xff utf-8"} {
		_, err := h.Hash(t.Context(), password)
		require.Error(t, err, "%.20q", password)
	}
}

func TestDamagedHashesAreErrorsAndNotPanics(t *testing.T) {
	t.Parallel()
	h := auth.NewHasherAt(cheap())
	for _, hash := range []string{
		"x", "$$$$$", "$argon2id$v=19$m=32768,t=2,p=1$", "$argon2id$v=19$m=32768,t=2,p=1$c2FsdA$", "$argon2id$v=19$m=32768,t=0,p=1$c2FsdA$a2V5",
		"$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdA$a2V5", "$argon2id$v=19$m=32768,t=2,p=0$c2FsdA$a2V5", "$argon2i$v=19$m=32768,t=2,p=1$c2FsdA$a2V5",
	} {
		ok, err := h.Verify(t.Context(), hash, "password")
		require.Error(t, err, hash)
		require.False(t, ok)
	}
}

func TestNobodyTakesAsLongAsSomebody(t *testing.T) {
	t.Parallel()
	first, err := auth.NewHasher().Hash(t.Context(), password)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(first, "$argon2id$v=19$m=32768,t=2,p=1$"), first)

	// A hash keeps the cost it was made at.
	h := auth.NewHasherAt(cheap())
	matches, err := h.Verify(t.Context(), first, password)
	require.NoError(t, err)
	require.True(t, matches)

	hash, err := h.Hash(t.Context(), "password")
	require.NoError(t, err)
	// The fastest of several rounds is robust against a busy machine.
	fastest := func(hash string) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			ok, err := h.Verify(t.Context(), hash, "wrong")
			require.NoError(t, err)
			require.False(t, ok)
			best = min(best, time.Since(start))
		}
		return best
	}
	somebody, nobody := fastest(hash), fastest("")
	require.InDelta(t, 1, float64(nobody)/float64(somebody), 0.7)
}
