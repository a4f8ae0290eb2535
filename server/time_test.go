package server

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// atOnce is how many tests run at once: for much of their time they wait for a stream
// to end, or for a store to be tried again.
const atOnce = 4

func TestMain(m *testing.M) {
	flag.Parse()
	if usual := strconv.Itoa(runtime.GOMAXPROCS(0)); flag.Lookup("test.parallel").Value.String() == usual {
		if err := flag.Set("test.parallel", strconv.Itoa(max(atOnce, runtime.GOMAXPROCS(0)))); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

const (
	// hangs is how long to wait for what nobody promises within a time: whatever takes
	// longer will not come.
	hangs = 3 * time.Minute
	// tick is how often is looked whether it has come.
	tick = 20 * time.Millisecond
)

// soon waits for what is promised within a time, of which only that counts in which
// this process runs.
func soon(t testing.TB, limit time.Duration, so func() bool, broken string) {
	t.Helper()
	for awake := storestest.NewAwake(t.Context()); !so(); <-time.After(tick) {
		require.Less(t, awake.Elapsed(), limit, broken)
	}
}

// hands are those of a clock that stands still until a test moves them.
type hands struct{ ahead atomic.Int64 }

func (h *hands) move(by time.Duration) { h.ahead.Add(int64(by)) }

// newRigInNoTime makes a rig for which no time passes but what the test lets pass: no
// budget comes back, and nothing ends early, because a machine was slow. It is a
// server alone, for several go by the clock of their database.
func newRigInNoTime(t testing.TB, pace *float64, adjust ...func(*Options)) (*rig, *hands) {
	t.Helper()
	began, h := time.Now(), new(hands)
	r := newRigOver(t, databasetest.New(t, database.SQLite), pace, append(adjust, by(func() time.Time {
		return began.Add(time.Duration(h.ahead.Load()))
	}))...)
	return r, h
}

// by has a server go by a clock.
func by(now func() time.Time) func(*Options) {
	return func(o *Options) {
		o.Catalog = catalog.New(record.Options{DB: o.Catalog.DB, Queue: o.Queue, Log: o.Log, Clock: clocks.OfDatabase(now, o.Log)})
	}
}
