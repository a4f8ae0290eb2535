package auth_test

import (
	"slices"
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
	h := auth.NewHasherAt(auth.Cost{KiB: 1 << 10, Passes: 1})
	hash, err := h.Hash(t.Context(), "password")
	require.NoError(t, err)
	wrong := func(hash string) func() {
		return func() {
			ok, err := h.Verify(t.Context(), hash, "wrong")
			require.NoError(t, err)
			require.False(t, ok)
		}
	}
	requireAlike(t, wrong(hash), wrong(""))
}

// requireAlike wants neither of two things to take more than twice as long as the
// other. Whatever else the machine does only adds to a time, so each counts by its
// fastest run; they run in turn until these are alike, which what truly takes
// longer never gets to.
func requireAlike(t *testing.T, first, second func()) {
	t.Helper()
	const enough, atMost = 25, 1000
	fastest := []time.Duration{time.Hour, time.Hour}
	alike := func() bool { return slices.Max(fastest) <= 2*slices.Min(fastest) }
	rounds := 0
	for ; rounds < atMost && (rounds < enough || !alike()); rounds++ {
		order := []int{rounds % 2, 1 - rounds%2} // neither always comes second
		for _, i := range order {
			began := time.Now()
			[]func(){first, second}[i]()
			fastest[i] = min(fastest[i], time.Since(began))
		}
	}
	t.Logf("%v and %v after %d rounds", fastest[0], fastest[1], rounds)
	require.True(t, alike(), "%v and %v", fastest[0], fastest[1])
}
