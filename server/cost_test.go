package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
)

// TestAPieceCostsFewQueries: who asks, the video, and a transaction of a reading and
// a writing; other servers are told, too. The embedded database writes one table
// after another.
func TestAPieceCostsFewQueries(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		r := newRigOver(t, db, nil)
		raw := recording(t, "avc3-opus.mp4")
		v := r.start(t, catalog.InTeam)
		piece := len(raw)/8 + 1
		var costs []int64
		fragments := 0
		for at := 0; at < len(raw); at += piece {
			before := db.Queries()
			r.send(t, v, at, raw[at:min(at+piece, len(raw))])
			costs = append(costs, db.Queries()-before)
			found, err := r.catalog.Fragments(t.Context(), v.ID, 0, -1)
			require.NoError(t, err)
			fragments = len(found)
		}
		require.Positive(t, fragments)
		most := int64(7 + 1) // the news of the piece before may come late
		if db.Engine() == database.SQLite {
			most = 10
		}
		for n, cost := range costs[1:] { // the first finds no upload that stands anywhere
			require.LessOrEqual(t, cost, most, "piece %d of %v", n+1, costs)
		}
	})
}
