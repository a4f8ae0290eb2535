package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// TestClocksThatDiffer is F17: one server's clock is ten minutes fast and another's
// ten minutes slow. Nothing ends early, nothing waits for the slow one, and no time
// runs backwards.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	skewed := func(far time.Duration) func(*Options) { return by(func() time.Time { return time.Now().Add(far) }) }
	first := newRigOver(t, databasetest.New(t, database.PostgreSQL), nil)
	fast, slow := first.beside(t, skewed(10*time.Minute)), first.beside(t, skewed(-10*time.Minute))
	for _, r := range []*rig{fast, slow} {
		require.Greater(t, time.Until(r.catalog.Now()).Abs(), 9*time.Minute, "it is off")
		require.NoError(t, r.server.Start(t.Context(), r.catalog, r.options.Log))
		require.WithinDuration(t, time.Now(), r.catalog.Now(), time.Minute, "the database's clock counts") // as exact as its answer was quick
	}

	// Grants for media, sessions and what was just proved are good on both.
	v := slow.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	for _, r := range []*rig{fast, slow} {
		other := fast
		if r == fast {
			other = slow
		}
		_, body := r.owner.get(t, "/api/videos/"+v.ID)
		_, address, _ := strings.Cut(body, `"hls":"`)
		address, _, _ = strings.Cut(address, `"`)
		res := other.nobody.ask(t, http.MethodGet, address, "")
		require.Equal(t, http.StatusOK, res.StatusCode)
		token, err := r.catalog.StartSession(t.Context(), first.owner.account, people.Entry{Method: people.ByPassword})
		require.NoError(t, err)
		session, err := other.catalog.Session(t.Context(), record.HashToken(token))
		require.NoError(t, err)
		require.True(t, session.Fresh(other.catalog.Now()))
	}

	// What one receives, the other does not take for silent, and what is silent ends.
	open := slow.start(t, catalog.InTeam)
	slow.send(t, open, 0, recording(t, "tiny.mp4"))
	require.NoError(t, fast.server.Ingest.CloseQuiet(t.Context()))
	require.Equal(t, catalog.UploadOpen, fast.read(t, open.ID).UploadState)
	slow.execute(t, "UPDATE uploads SET touched_at = ? WHERE id = ?", time.Now().Add(-4*time.Minute).UTC(), open.UploadID)
	require.NoError(t, slow.server.Ingest.CloseQuiet(t.Context()))
	require.Equal(t, catalog.UploadQuiet, slow.read(t, open.ID).UploadState)

	// Durations and orders are those of one clock.
	a, b := fast.start(t, catalog.InTeam), slow.start(t, catalog.InTeam)
	require.WithinDuration(t, a.CreatedAt, b.CreatedAt, time.Minute)

	// Guesses that are used up at the fast one come back at the slow one as soon.
	through, _, used := fast.guess(t)
	require.GreaterOrEqual(t, through, 10)
	through, wait, refused := slow.guess(t)
	const every, inexact = 6 * time.Second, 3 // the two clocks may differ by a few seconds
	require.LessOrEqual(t, through, int(refused.Sub(used)/every)+inexact, "they are counted together")
	require.LessOrEqual(t, wait, time.Minute)
}

// guess tries passwords until it is refused: how many were looked at, for how long it
// is to wait, and when the last one was sent.
func (r *rig) guess(t *testing.T) (through int, wait time.Duration, sent time.Time) {
	t.Helper()
	for {
		sent = time.Now()
		res := r.nobody.ask(t, http.MethodPost, "/api/session", `{"email":"ada@example.com","password":"wrong"}`)
		if res.StatusCode != http.StatusTooManyRequests {
			through++
			require.Less(t, through, 1000, "nobody is ever refused")
			continue
		}
		wait, err := time.ParseDuration(res.Header.Get("Retry-After") + "s")
		require.NoError(t, err)
		return through, wait, sent
	}
}
