package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// Events reach subscribers on other servers as rows of the table events, which a
// change writes in its own transaction, so that none is lost and none is told of
// what did not happen. A notification only hints that there are rows to read; it
// is sent after the commit, for several at a time, because PostgreSQL lets
// changes that notify commit only one after another. Whoever hears no hint reads
// every other second all the same.
//
// An embedded database has one server, whose subscribers hear of a change at
// once: it writes no rows.
const (
	eventChannel = "meanwhile_events"
	// hintEvery is how soon after a change the others are told.
	hintEvery = 10 * time.Millisecond
	hintTime  = 5 * time.Second
	// pollEvery is how soon rows are read that nobody has hinted at.
	pollEvery = 2 * time.Second
	// listenPause is the wait before listening anew.
	listenPause = time.Second
	// gapTime is how long a number that was passed over may still appear: what a
	// change does at last, each within the time that it may wait for a lock, and its
	// commit take no longer. One that stands still for longer is cut off before.
	gapTime = 45 * time.Second
	// maxGap bounds how many numbers are waited for; more are no changes under
	// way, but a sequence that has been moved.
	maxGap = 10_000
	// startWindow is how far behind the last number reading begins, for what was
	// not committed yet.
	startWindow = 200
	// readAtOnce bounds what is read at a time.
	readAtOnce = 1000
	// keepEvents is how long rows are kept, and behindTime how long a server may
	// have read nothing before it cannot be sure to have missed nothing.
	keepEvents = 10 * time.Minute
	behindTime = 5 * time.Minute
)

// databaseMS is PostgreSQL's own clock in milliseconds since 1970.
const databaseMS = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

// outbox is how a change writes what it tells.
func (s *Store) outbox(tx bun.Tx, events []Event) ([]bun.Query, error) {
	if len(events) == 0 || s.embedded() {
		return nil, nil
	}
	payload, err := json.Marshal(events)
	if err != nil {
		return nil, err
	}
	return []bun.Query{tx.NewRaw("INSERT INTO events (origin, at_ms, payload) VALUES (?, "+databaseMS+", ?)", s.origin, string(payload))}, nil
}

// hint tells the other servers soon that there is something to read. One that
// does not get through is made up for by their polling.
func (s *Store) hint(ctx context.Context, events []Event) {
	if len(events) == 0 || s.embedded() || s.hinting.Swap(true) {
		return
	}
	ctx = context.WithoutCancel(ctx)
	time.AfterFunc(hintEvery, func() {
		s.hinting.Store(false)
		ctx, cancel := context.WithTimeout(ctx, hintTime)
		defer cancel()
		if _, err := s.DB.Writer.ExecContext(ctx, "SELECT pg_notify(?, ?)", eventChannel, s.origin); err != nil {
			s.Log.DebugContext(ctx, "other servers are not told of an event and will find it", "error", err)
		}
	})
}

// Relay brings what other servers did to the subscribers of this one, until the
// context ends. With an embedded database there is nothing to do.
func (s *Store) Relay(ctx context.Context) {
	if s.embedded() {
		return
	}
	ctx = database.Promptly(ctx) // a database that says nothing must not hold others' news up
	r := &relay{store: s, gaps: map[int64]time.Time{}}
	hints := make(chan struct{}, 1)
	go s.listen(ctx, hints)
	ticker, clock := time.NewTicker(pollEvery), time.NewTicker(clockEvery)
	defer ticker.Stop()
	defer clock.Stop()
	for {
		if err := r.read(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "what other servers did cannot be read; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-hints:
		case <-ticker.C:
		case <-clock.C:
			if err := s.SyncClock(ctx); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "the database's clock cannot be read", "error", err)
			}
		}
	}
}

// listen passes hints on, and begins anew when the connection is lost.
func (s *Store) listen(ctx context.Context, hints chan<- struct{}) {
	for ctx.Err() == nil {
		heard := func() {
			select {
			case hints <- struct{}{}:
			default: // there is one already
			}
		}
		err := s.DB.Listen(ctx, eventChannel, heard, func(origin string) {
			if origin != s.origin { // whose subscribers have heard
				heard()
			}
		})
		if ctx.Err() == nil {
			s.Log.WarnContext(ctx, "the database's notifications are lost; events of other servers are late until they are back", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(listenPause):
		}
	}
}

// relay is how far a server has read. One goroutine owns it.
type relay struct {
	store   *Store
	begun   bool
	begunAt time.Time
	// last is the highest number that was seen, and gaps are lower ones that were
	// not, with the time since when.
	last int64
	gaps map[int64]time.Time
	// readAt is when everything had been read.
	readAt time.Time
}

// row is what a change told.
type row struct {
	ID      int64
	Origin  string
	Payload string
}

// errMoved says that the numbers are not those that were seen before.
var errMoved = errors.New("the numbers of events have moved")

// read publishes what is new. Whoever may have missed something is told to read
// everything anew, by the end of his subscription.
func (r *relay) read(ctx context.Context) error {
	now := time.Now()
	if r.begun && now.Sub(r.readAt) > behindTime {
		r.restart(ctx, "nothing could be read for too long")
	}
	err := r.begin(ctx, now)
	if err == nil {
		err = r.readNew(ctx, now)
	}
	if errors.Is(err, errMoved) {
		r.restart(ctx, err.Error())
		return nil // the next reading begins anew
	}
	if err == nil {
		r.readAt = now
	}
	return err
}

func (r *relay) restart(ctx context.Context, why string) {
	r.store.Log.WarnContext(ctx, "events of other servers may have been missed; all who follow begin anew", "because", why)
	r.begun, r.last = false, 0
	clear(r.gaps)
	r.store.hub.restart()
}

// begin finds out where to read on, and whether the numbers still go up: after
// a fail-over they may begin again lower.
func (r *relay) begin(ctx context.Context, now time.Time) error {
	if r.begun && now.Sub(r.begunAt) < pollEvery {
		return nil
	}
	var last int64
	if err := r.store.DB.Reader.NewRaw("SELECT last_value FROM events_id_seq").Scan(ctx, &last); err != nil {
		return fmt.Errorf("record: events: %w", err)
	}
	if r.begun && last < r.last {
		return errMoved
	}
	if !r.begun {
		r.last, r.begun = max(0, last-startWindow), true
	}
	r.begunAt = now
	return nil
}

// readNew reads what is behind the last number, and numbers that were passed over: at
// one moment, for of two changes that follow one another it must not see the later
// one alone.
func (r *relay) readNew(ctx context.Context, now time.Time) error {
	for {
		var rows []row
		which := r.store.DB.Reader.NewSelect().Table("events").Column("id", "origin", "payload").Where("id > ?", r.last).Order("id").Limit(readAtOnce)
		if ids := r.open(now); len(ids) > 0 {
			which = which.WhereOr("id IN (?)", bun.List(ids))
		}
		if err := which.Scan(ctx, &rows); err != nil {
			return fmt.Errorf("record: events: %w", err)
		}
		for _, row := range rows {
			if row.ID-r.last+int64(len(r.gaps)) > maxGap {
				return errMoved
			}
			for id := r.last + 1; id < row.ID; id++ {
				r.gaps[id] = now
			}
			r.last = max(r.last, row.ID)
			delete(r.gaps, row.ID)
			r.publish(ctx, row)
		}
		if len(rows) < readAtOnce {
			return nil
		}
	}
}

// open are the numbers that may still appear.
func (r *relay) open(now time.Time) []int64 {
	ids := make([]int64, 0, len(r.gaps))
	for id, since := range r.gaps {
		if now.Sub(since) > gapTime {
			delete(r.gaps, id) // its change was undone
			continue
		}
		ids = append(ids, id)
	}
	return ids
}

// publish tells this server's subscribers of what another one did.
func (r *relay) publish(ctx context.Context, told row) {
	if told.Origin == r.store.origin {
		return
	}
	var events []Event
	if err := json.Unmarshal([]byte(told.Payload), &events); err != nil {
		r.store.Log.ErrorContext(ctx, "an event of another server cannot be read", "error", err, "event", told.ID)
		return
	}
	r.store.hub.publish(events)
}

// ForgetEvents drops events that every server has read, or will not read any
// more.
func (s *Store) ForgetEvents(ctx context.Context) error {
	if s.embedded() {
		return nil
	}
	_, err := s.DB.Writer.NewRaw("DELETE FROM events WHERE at_ms < "+databaseMS+" - ?", keepEvents.Milliseconds()).Exec(ctx)
	return Translate(err)
}
