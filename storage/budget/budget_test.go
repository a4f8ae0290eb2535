package budget_test

import (
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/budget"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func count(t testing.TB, db *database.DB) int {
	t.Helper()
	var n int
	require.NoError(t, db.Reader.NewRaw("SELECT count(*) FROM limits").Scan(t.Context(), &n))
	return n
}

// take pays one charge and returns how long it would have to wait.
func take(t testing.TB, s *budget.Store, now time.Time, charges ...budget.Charge) (at int, wait time.Duration) {
	t.Helper()
	refusal, err := s.Take(t.Context(), now, charges...)
	require.NoError(t, err)
	if refusal == nil {
		return -1, 0
	}
	require.Positive(t, refusal.Wait)
	return refusal.Charge, refusal.Wait
}

func TestABudgetComesBackOneByOne(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := budget.New(databasetest.New(t, engine))
		c := budget.Charge{Key: []byte("k"), N: 1, Limit: budget.Limit{Burst: 3, Every: time.Second}}
		now := noon
		for range 3 {
			_, wait := take(t, s, now, c)
			require.Zero(t, wait)
		}
		_, wait := take(t, s, now, c)
		require.Equal(t, time.Second, wait)
		now = now.Add(400 * time.Millisecond)
		_, wait = take(t, s, now, c)
		require.Equal(t, 600*time.Millisecond, wait, "a refusal costs nothing")
		now = now.Add(600 * time.Millisecond)
		_, wait = take(t, s, now, c)
		require.Zero(t, wait)
		_, wait = take(t, s, now, c)
		require.Equal(t, time.Second, wait)
		now = now.Add(time.Hour)
		all := c
		all.N = 3
		_, wait = take(t, s, now, all)
		require.Zero(t, wait, "it never holds more than its burst")
		_, wait = take(t, s, now, c)
		require.Equal(t, time.Second, wait)
		all.N = 4
		_, wait = take(t, s, now.Add(time.Hour), all)
		require.Positive(t, wait, "more than it can ever hold")
	})
}

func TestAllChargesOrNone(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		s := budget.New(db)
		wide := budget.Charge{Key: []byte("wide"), N: 1, Limit: budget.Limit{Burst: 5, Every: time.Second}}
		narrow := budget.Charge{Key: []byte("narrow"), N: 1, Limit: budget.Limit{Burst: 1, Every: time.Minute}}
		at, _ := take(t, s, noon, wide, narrow)
		require.Equal(t, -1, at)
		for range 10 {
			at, wait := take(t, s, noon, wide, narrow)
			require.Equal(t, 1, at)
			require.Equal(t, time.Minute, wait)
		}
		for range 4 {
			_, wait := take(t, s, noon, wide)
			require.Zero(t, wait, "what was refused was not charged elsewhere")
		}
		_, wait := take(t, s, noon, wide)
		require.Equal(t, time.Second, wait)
	})
}

func TestWhatIsRememberedExcuses(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := budget.New(databasetest.New(t, engine))
		c := budget.Charge{Key: []byte("k"), N: 1, Limit: budget.Limit{Burst: 1, Every: time.Hour}, Unless: []byte("friend")}
		_, wait := take(t, s, noon, c)
		require.Zero(t, wait)
		_, wait = take(t, s, noon, c)
		require.Equal(t, time.Hour, wait)
		require.NoError(t, s.Settle(t.Context(), budget.Settlement{Remember: []byte("friend"), Until: noon.Add(time.Minute)}))
		_, wait = take(t, s, noon.Add(59*time.Second), c)
		require.Zero(t, wait)
		_, wait = take(t, s, noon.Add(time.Minute), c)
		require.Equal(t, 59*time.Minute, wait, "not for ever")
	})
}

func TestASettlementGivesBack(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := budget.New(databasetest.New(t, engine))
		limit := budget.Limit{Burst: 2, Every: time.Minute}
		pair, wide := budget.Charge{Key: []byte("p"), N: 2, Limit: limit}, budget.Charge{Key: []byte("w"), N: 1, Limit: limit}
		_, wait := take(t, s, noon, pair, wide, wide)
		require.Zero(t, wait)
		require.NoError(t, s.Settle(t.Context(), budget.Settlement{Whole: [][]byte{pair.Key}, Back: wide}))
		_, wait = take(t, s, noon, pair, wide)
		require.Zero(t, wait)
		at, wait := take(t, s, noon, wide)
		require.Equal(t, 0, at)
		require.Equal(t, time.Minute, wait, "one was given back, not all")
	})
}

func TestManyAtOnceOverTwoConnections(t *testing.T) {
	t.Parallel()
	path := "sqlite:" + filepath.Join(t.TempDir(), "m.db")
	var stores []*budget.Store
	for range 2 {
		db, err := database.Open(t.Context(), path)
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		require.NoError(t, db.Migrate(t.Context(), slog.New(slog.DiscardHandler)))
		stores = append(stores, budget.New(db))
	}
	c := budget.Charge{Key: []byte("k"), N: 1, Limit: budget.Limit{Burst: 10, Every: time.Minute}}
	var all sync.WaitGroup
	var passed atomic.Int32
	for i := range 200 {
		all.Go(func() {
			refusal, err := stores[i%2].Take(t.Context(), noon, c)
			if err != nil {
				t.Error(err)
			}
			if refusal == nil {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 10, passed.Load())
}

func TestSweepDropsWhatIsWhole(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		s := budget.New(db)
		limit := budget.Limit{Burst: 10, Every: time.Minute}
		take(t, s, noon, budget.Charge{Key: []byte("short"), N: 1, Limit: limit}, budget.Charge{Key: []byte("long"), N: 10, Limit: limit})
		require.NoError(t, s.Sweep(t.Context(), noon.Add(59*time.Second)))
		require.Equal(t, 2, count(t, db))
		require.NoError(t, s.Sweep(t.Context(), noon.Add(time.Minute)))
		require.Equal(t, 1, count(t, db))
		require.NoError(t, s.Sweep(t.Context(), noon.Add(10*time.Minute)))
		require.Zero(t, count(t, db))
	})
}

func TestWithoutADatabaseThereIsAnError(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		db := databasetest.New(t, engine)
		s := budget.New(db)
		require.NoError(t, db.Close())
		refusal, err := s.Take(t.Context(), noon, budget.Charge{Key: []byte("k"), N: 1, Limit: budget.Limit{Burst: 1, Every: 1}})
		require.Error(t, err)
		require.Nil(t, refusal)
	})
}

func BenchmarkTake(b *testing.B) {
	s := budget.New(databasetest.Any(b))
	c := budget.Charge{Key: []byte("k"), N: 1, Limit: budget.Limit{Burst: 1 << 30, Every: time.Microsecond}}
	for b.Loop() {
		if _, err := s.Take(b.Context(), noon, c); err != nil {
			b.Fatal(err)
		}
	}
}
