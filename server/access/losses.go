package access

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Losses knows who has lost access while grants of theirs may still be about,
// so that playback ends with the right to it and no segment costs a query.
type Losses struct {
	mu    sync.RWMutex
	now   func() time.Time
	seen  map[string]loss
	swept time.Time
}

// loss is the first epoch whose grants are good, and when no older one is left.
type loss struct {
	epoch int64
	until time.Time
}

func newLosses(now func() time.Time) *Losses { return &Losses{now: now, seen: map[string]loss{}} }

// void says whether a grant was made before its holder lost access.
func (l *Losses) void(g Grant, videoID string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return g.videoEpoch < l.seen["v"+videoID].epoch || g.AccountID != "" && g.accountEpoch < l.seen["a"+g.AccountID].epoch
}

// Outdated says whether an account has lost rights since it was read.
func (l *Losses) Outdated(account *people.Account) bool {
	if account == nil {
		return false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return account.Epoch < l.seen["a"+account.ID].epoch
}

// Note takes in an event of the records.
func (l *Losses) Note(e record.Event) {
	if e.Kind != record.AccessLost {
		return
	}
	key := "v" + e.VideoID
	if e.AccountID != "" {
		key = "a" + e.AccountID
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if e.Epoch > l.seen[key].epoch {
		l.seen[key] = loss{e.Epoch, now.Add(grantLife + grantStep)}
	}
	if now.Sub(l.swept) > grantStep {
		for key, lost := range l.seen {
			if now.After(lost.until) {
				delete(l.seen, key)
			}
		}
		l.swept = now
	}
}

// relax is how long to wait before following anew after trouble.
const relax = time.Second

// Follow keeps up with the records until the context ends. What was lost while
// nobody followed is read from them first.
func (l *Losses) Follow(ctx context.Context, records *catalog.Catalog, log *slog.Logger) {
	for ctx.Err() == nil {
		if err := l.follow(ctx, records); err != nil && ctx.Err() == nil {
			log.Error("cannot read who lost access; trying again", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(relax):
			}
		}
	}
}

// Load reads what was lost lately; a server does it before it listens.
func (l *Losses) Load(ctx context.Context, records *catalog.Catalog) error {
	lost, err := records.Losses(ctx, l.now().Add(-grantLife-grantStep))
	for _, e := range lost {
		l.Note(e)
	}
	return err
}

func (l *Losses) follow(ctx context.Context, records *catalog.Catalog) error {
	sub := records.Subscribe("")
	defer sub.Close()
	if err := l.Load(ctx, records); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-sub.C:
			if !ok {
				return nil // too slow: what was missed is read anew
			}
			l.Note(e)
		}
	}
}
