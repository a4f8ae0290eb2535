package record_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// pause holds up one query that reads what is new.
type pause struct {
	wanted  atomic.Bool
	at, end chan struct{}
}

// BeforeQuery implements bun.QueryHook.
func (p *pause) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	if strings.Contains(event.Query, "payload") && strings.Contains(event.Query, "id > ") && p.wanted.Swap(false) {
		close(p.at)
		<-p.end
	}
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (p *pause) AfterQuery(context.Context, *bun.QueryEvent) {}

// TestAServerThatStandsStillKeepsTheOrder: it knows of a change that is under way, and
// reads when that and the next one of the same video have happened meanwhile.
func TestAServerThatStandsStillKeepsTheOrder(t *testing.T) {
	t.Parallel()
	if databasetest.Engines()[len(databasetest.Engines())-1] != database.PostgreSQL {
		t.Skip("two servers need PostgreSQL")
	}
	db, stands := databasetest.New(t, database.PostgreSQL), &pause{at: make(chan struct{}), end: make(chan struct{})}
	db.Reader = db.Reader.WithQueryHook(stands)
	quiet := slog.New(slog.DiscardHandler)
	first, second := record.NewStore(record.Options{DB: db, Log: quiet}), record.NewStore(record.Options{DB: db, Log: quiet})
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { second.Relay(ctx) })
	t.Cleanup(func() { stop(); all.Wait() })
	sub := second.Subscribe("")
	t.Cleanup(sub.Close)

	tx, err := db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	payload, err := json.Marshal([]record.Event{about(1)})
	require.NoError(t, err)
	_, err = tx.NewRaw("INSERT INTO events (origin, at_ms, payload) VALUES ('somebody', ?, ?)", time.Now().UnixMilli(), string(payload)).Exec(t.Context())
	require.NoError(t, err)
	require.NoError(t, tell(t.Context(), first, about(2)))
	require.Equal(t, about(2), heard(t, sub), "and a number before it was passed over")

	stands.wanted.Store(true)
	select {
	case <-stands.at:
	case <-time.After(soon):
		require.FailNow(t, "it does not read any more")
	}
	require.NoError(t, tx.Commit())
	next := about(1)
	next.Epoch = 1
	require.NoError(t, tell(t.Context(), first, next))
	close(stands.end)
	require.Equal(t, about(1), heard(t, sub))
	require.Equal(t, next, heard(t, sub))
}
