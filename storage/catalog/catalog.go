// Package catalog holds the records: accounts, videos, what was received of
// them, what was made from them, and what people said.
//
// A method is a whole event of the product – a video was started, a part
// arrived, a span was encoded – and is one transaction together with the jobs
// that it causes. SQL stands here, beside the method that scans its rows, and
// nowhere else.
package catalog

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// Errors that callers tell apart.
var (
	// ErrNotFound says that the record does not exist, or no longer.
	ErrNotFound = errors.New("not found")
	// ErrOffset says that another writer was faster: the upload stands elsewhere
	// than the caller believes.
	ErrOffset = errors.New("the upload's offset is another one")
	// ErrFinished says that the upload is complete and takes no more bytes.
	ErrFinished = errors.New("the upload is finished")
	// ErrLength says that more bytes arrived than were announced, or that the
	// announced length changed.
	ErrLength = errors.New("the upload's length does not fit")
	// ErrAlreadyDone says that somebody else has committed this result before.
	ErrAlreadyDone = errors.New("already done")
	// ErrDuplicate says that a record with this name exists.
	ErrDuplicate = errors.New("exists already")
	// ErrFull says that the disk below the database has no room left.
	ErrFull = errors.New("no space left for records")
)

// Queue takes the jobs that a change causes.
type Queue interface {
	Insert(ctx context.Context, tx bun.Tx, args jobs.Args, priority int) error
}

// Catalog is the door to the records. Its methods may be called at the same
// time.
type Catalog struct {
	db    *database.DB
	queue Queue
	hub   *hub
	log   *slog.Logger
	now   func() time.Time
}

// Options set up a Catalog.
type Options struct {
	DB    *database.DB
	Queue Queue
	Log   *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// New makes a catalog over a migrated database.
func New(o Options) *Catalog {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Catalog{db: o.DB, queue: o.Queue, hub: newHub(), log: o.Log, now: func() time.Time { return o.Now().UTC().Truncate(time.Microsecond) }}
}

// write runs change in one transaction and tells subscribers of events only
// after the commit.
func (c *Catalog) write(ctx context.Context, change func(ctx context.Context, tx change) error) error {
	var events []Event
	err := c.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		events = events[:0]
		return change(ctx, changeOf(tx, c, &events))
	})
	if err != nil {
		return translate(err)
	}
	c.hub.publish(events)
	return nil
}

// change is a transaction with what belongs to it.
type change struct {
	bun.Tx
	catalog *Catalog
	events  *[]Event
}

func changeOf(tx bun.Tx, c *Catalog, events *[]Event) change {
	return change{Tx: tx, catalog: c, events: events}
}

// enqueue adds a job that exists only if the transaction commits.
func (t change) enqueue(ctx context.Context, args jobs.Args, priority int) error {
	return t.catalog.queue.Insert(ctx, t.Tx, args, priority)
}

// tell announces an event once the transaction has committed.
func (t change) tell(e Event) { *t.events = append(*t.events, e) }

// Queries is how many queries were made of the records.
func (c *Catalog) Queries() int64 { return c.db.Queries() }

// Ping says whether the database answers.
func (c *Catalog) Ping(ctx context.Context) error {
	var one int
	return c.db.Reader.NewRaw("SELECT 1").Scan(ctx, &one)
}

func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case database.IsNotFound(err):
		return ErrNotFound
	case database.IsDuplicate(err):
		return fmt.Errorf("%w: %w", ErrDuplicate, err)
	case database.IsFull(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// must turns "no row changed" into ErrNotFound.
func must(result interface{ RowsAffected() (int64, error) }, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// idBytes makes identifiers of 128 bits: they cannot be guessed.
const idBytes = 16

// NewID returns a random identifier of 26 lower-case letters and digits.
func NewID() string { return random(idBytes) }

// slugBytes makes share links of 96 bits, short enough to be pasted.
const slugBytes = 12

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// EventKind tells what happened.
type EventKind string

// The kinds of event.
const (
	VideoChanged EventKind = "video"
	VideoRemoved EventKind = "video_removed"
	// VideoHidden says that a video was made private: who saw it must forget it.
	VideoHidden    EventKind = "video_hidden"
	CommentChanged EventKind = "comment"
	CommentRemoved EventKind = "comment_deleted"
)

// Event says that a record changed; whoever may see it reads it anew.
type Event struct {
	Kind      EventKind
	VideoID   string
	CommentID string // for the kinds of comment
}

// subscriberBuffer is how many events may wait for a slow subscriber before the
// oldest knowledge it has counts as lost and it is told to read everything.
const subscriberBuffer = 64

// Subscription receives events. When C is closed the subscriber was too slow or
// has been ended, and should start anew.
type Subscription struct {
	C     <-chan Event
	close func()
}

// Close ends the subscription. It may be called twice.
func (s *Subscription) Close() { s.close() }

// Subscribe follows the events of one video, or of all with an empty id.
func (c *Catalog) Subscribe(videoID string) *Subscription { return c.hub.subscribe(videoID) }

type hub struct {
	mu    sync.Mutex
	rooms map[string]map[chan Event]struct{}
}

func newHub() *hub { return &hub{rooms: map[string]map[chan Event]struct{}{}} }

func (h *hub) subscribe(room string) *Subscription {
	ch := make(chan Event, subscriberBuffer)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rooms[room] == nil {
		h.rooms[room] = map[chan Event]struct{}{}
	}
	h.rooms[room][ch] = struct{}{}
	return &Subscription{C: ch, close: func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(room, ch)
	}}
}

func (h *hub) publish(events []Event) {
	if len(events) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		for _, room := range []string{e.VideoID, ""} {
			for ch := range h.rooms[room] {
				select {
				case ch <- e:
				default:
					h.drop(room, ch)
				}
			}
		}
	}
}

// drop runs with the lock held.
func (h *hub) drop(room string, ch chan Event) {
	if _, ok := h.rooms[room][ch]; !ok {
		return
	}
	delete(h.rooms[room], ch)
	if len(h.rooms[room]) == 0 {
		delete(h.rooms, room)
	}
	close(ch)
}
