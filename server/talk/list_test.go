package talk

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// A list that is kept and brought up to date must be what a fresh server reads.
func TestAKeptListIsTheOneInTheRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	random := rand.New(rand.NewPCG(1, 2))
	var said []Comment
	for step := range 120 {
		if n := len(said); n == 0 || random.IntN(3) > 0 {
			who := []*person{r.owner, r.member, r.other}[random.IntN(3)]
			said = append(said, who.say(map[string]any{"at_ms": random.IntN(60_000), "body": fmt.Sprint("step ", step)}))
		} else if i := random.IntN(n); random.IntN(2) == 0 {
			require.NoError(t, r.catalog.EditComment(t.Context(), said[i].ID, fmt.Sprint("edit ", step)))
		} else {
			require.NoError(t, r.catalog.DeleteComment(t.Context(), said[i].ID))
			said = slices.Delete(said, i, i+1)
		}
		if step%3 == 0 {
			_ = r.member.comments()
		}
		if step == 60 {
			_, err := r.catalog.RenameAccount(t.Context(), r.other.account.ID, "Cidney")
			require.NoError(t, err)
		}
	}
	kept := r.member.comments()
	r.api.shelf = newShelf()
	require.Equal(t, r.member.comments(), kept)
	require.Len(t, kept, len(said))
}

func TestAnEmptyListIsAList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	status, raw := r.member.call(http.MethodGet, "/api/videos/"+r.video.ID+"/comments", nil)
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"items":[]}`, string(raw))
}

func TestTheShelfStaysSmall(t *testing.T) {
	t.Parallel()
	s := newShelf()
	for i := range 100 {
		s.put(strconv.Itoa(i), &kept{version: 1, bytes: 1 << 20})
	}
	require.LessOrEqual(t, s.bytes, shelfBytes)
	require.Nil(t, s.get("0"))
	require.NotNil(t, s.get("99"))
	s.put("99", &kept{version: 3, bytes: 1})
	s.put("99", &kept{version: 2, bytes: 1})
	require.Equal(t, int64(3), s.get("99").version, "a later list stays")
	s.put("huge", &kept{version: 1, bytes: shelfBytes + 1})
	require.Nil(t, s.get("huge"))
	require.Zero(t, s.bytes)
}

func fill(b testing.TB, r *rig, n int) {
	b.Helper()
	_, err := r.db.Writer.ExecContext(b.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO comments (id, video_id, author_id, at_us, body, created_at)
		SELECT 'c' || i, ?, ?, i * 1000, ?, ? FROM n`, n, r.video.ID, r.member.account.ID, fmt.Sprintf("%0100d", 7), time.Now().UTC())
	require.NoError(b, err)
	_, err = r.db.Writer.ExecContext(b.Context(), "UPDATE videos SET comments = ?, comments_version = comments_version + 1 WHERE id = ?", n, r.video.ID)
	require.NoError(b, err)
}

func BenchmarkList5000(b *testing.B) {
	r := newRig(b)
	fill(b, r, 5000)
	path := "/api/videos/" + r.video.ID + "/comments"
	measure := func(b *testing.B, before func()) {
		b.Helper()
		var took []time.Duration
		for b.Loop() {
			before()
			start := time.Now()
			status, raw := r.member.call(http.MethodGet, path, nil)
			took = append(took, time.Since(start))
			require.Equal(b, 200, status)
			require.Greater(b, len(raw), 1<<20)
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	}
	b.Run("first", func(b *testing.B) { measure(b, func() { r.api.shelf = newShelf() }) })
	b.Run("kept", func(b *testing.B) { measure(b, func() {}) })
	b.Run("after-a-change", func(b *testing.B) {
		measure(b, func() {
			require.NoError(b, r.catalog.ResolveComment(b.Context(), "c77", true))
		})
	})
	b.Run("after-another-comment", func(b *testing.B) {
		at := time.Second
		measure(b, func() {
			_, err := r.catalog.AddComment(b.Context(), catalog.NewComment{VideoID: r.video.ID, AuthorID: r.member.account.ID, At: &at, Body: "x"})
			require.NoError(b, err)
		})
	})
}
