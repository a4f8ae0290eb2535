// Package record is what all records have in common: one transaction with the
// jobs and the events that it causes, identifiers, secrets, and the errors that
// callers tell apart. The records themselves are in the packages beside it.
package record

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// Errors that callers tell apart.
var (
	// ErrNotFound says that the record does not exist, or no longer.
	ErrNotFound = errors.New("not found")
	// ErrDuplicate says that a record with this name exists.
	ErrDuplicate = errors.New("exists already")
	// ErrFull says that the disk below the database has no room left.
	ErrFull = errors.New("no space left for records")
	// ErrUnavailable says that the database is away: see database.ErrUnavailable.
	ErrUnavailable = database.ErrUnavailable
	// ErrTooMany says that there are as many of these as there may be.
	ErrTooMany = errors.New("there are too many of these already")
)

// InvalidError says which value a record cannot hold, in a sentence.
type InvalidError struct {
	// Field is the value's name in the API.
	Field   string
	Message string
}

func (e *InvalidError) Error() string { return e.Message }

// Queue takes the jobs that a change causes.
type Queue interface {
	InsertAll(ctx context.Context, tx bun.Tx, all []jobs.Wanted) error
}

// Options set up a Store.
type Options struct {
	DB    *database.DB
	Queue Queue
	Log   *slog.Logger
	// Clock is the database's; nil makes one that nobody else keeps right.
	Clock *clocks.Clock
}

// Store is the door to the database that all records share. Its methods may be
// called at the same time.
type Store struct {
	DB    *database.DB
	Log   *slog.Logger
	queue Queue
	hub   *hub
	clock *clocks.Clock
	// origin names this process in the events that it tells others.
	origin  string
	hinting atomic.Bool
}

// NewStore makes a store over a migrated database.
func NewStore(o Options) *Store {
	if o.Clock == nil {
		o.Clock = clocks.OfDatabase(nil, o.Log)
	}
	return &Store{DB: o.DB, Log: o.Log, queue: o.Queue, hub: newHub(), clock: o.Clock, origin: NewID()}
}

// Write runs change in one transaction, as if it were alone, and tells
// subscribers of events only after the commit. It may be run again: see
// database.DB.Write.
func (s *Store) Write(ctx context.Context, change func(ctx context.Context, tx Change) error) error {
	return s.write(ctx, s.DB.Write, change)
}

// WriteBeside is Write for what happens often: the change locks what it reads
// (Change.Lock), see database.DB.WriteBeside.
func (s *Store) WriteBeside(ctx context.Context, change func(ctx context.Context, tx Change) error) error {
	return s.write(ctx, s.DB.WriteBeside, change)
}

type writing = func(ctx context.Context, change func(ctx context.Context, tx bun.Tx) error) error

func (s *Store) write(ctx context.Context, in writing, change func(ctx context.Context, tx Change) error) error {
	var events []Event
	err := in(ctx, func(ctx context.Context, tx bun.Tx) error {
		events = events[:0]
		var left end
		var wanted []jobs.Wanted
		c := Change{Tx: tx, store: s, events: &events, left: &left, jobs: &wanted}
		if err := change(ctx, c); err != nil {
			return err
		}
		if len(wanted) > 0 {
			if err := s.queue.InsertAll(ctx, tx, wanted); err != nil {
				return err
			}
		}
		told, err := s.outbox(tx, events)
		if err != nil {
			return err
		}
		return c.finish(ctx, told)
	})
	if err == nil || errors.Is(err, database.ErrUncertain) { // whoever is told looks for himself
		s.hub.publish(events)
		s.hint(ctx, events)
	}
	return Translate(err)
}

// Change is a transaction with what belongs to it.
type Change struct {
	bun.Tx
	store  *Store
	events *[]Event
	left   *end
	jobs   *[]jobs.Wanted
}

// embedded says that this is the only server, and that there is one writer.
func (s *Store) embedded() bool { return s.DB.Engine() == database.SQLite }

// Lock keeps the rows that a query reads as they are until the transaction ends;
// rows that point to them may come and go. On SQLite there is one writer, so they
// are locked already.
func (t Change) Lock(q *bun.SelectQuery) *bun.SelectQuery {
	if t.store.embedded() {
		return q
	}
	return q.For("NO KEY UPDATE")
}

// LockOf is Lock for a query of several tables: it locks the rows of those named,
// in this order.
func (t Change) LockOf(q *bun.SelectQuery, tables string) *bun.SelectQuery {
	if t.store.embedded() {
		return q
	}
	return q.For("NO KEY UPDATE OF " + tables)
}

// Hold keeps the rows that a query reads from being removed until the transaction
// ends; they may change otherwise.
func (t Change) Hold(q *bun.SelectQuery) *bun.SelectQuery {
	if t.store.embedded() {
		return q
	}
	return q.For("KEY SHARE")
}

// Enqueue adds a job that exists only if the transaction commits. All of a
// transaction are put in together when all else is done, for a workspace's place
// in the queue is a row that many want.
func (t Change) Enqueue(_ context.Context, args jobs.Args, priority int) error {
	*t.jobs = append(*t.jobs, jobs.Wanted{Args: args, Priority: priority})
	return nil
}

// Tell announces an event once the transaction has committed.
func (t Change) Tell(e Event) { *t.events = append(*t.events, e) }

// Now is the time as records hold it.
func (t Change) Now() time.Time { return t.store.Now() }

// Queries is how many queries were made of the records.
func (s *Store) Queries() int64 { return s.DB.Queries() }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.DB.Reader.NewRaw("SELECT 1").Scan(ctx, &one)
}

// Subscribe follows the events of one video, or of everything with an empty id.
func (s *Store) Subscribe(videoID string) *Subscription { return s.hub.subscribe(videoID) }

// Translate turns the database's errors into those of this package.
func Translate(err error) error {
	switch {
	case err == nil:
		return nil
	case database.IsNotFound(err):
		return ErrNotFound
	case database.IsDuplicate(err):
		return fmt.Errorf("%w: %w", ErrDuplicate, err)
	case database.IsFull(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case database.IsUnavailable(err) && !errors.Is(err, ErrUnavailable) && !errors.Is(err, database.ErrUncertain):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// Must turns "no row changed" into ErrNotFound.
func Must(result interface{ RowsAffected() (int64, error) }, err error) error {
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

// slugBytes makes the addresses that people pass on of 128 bits, too: whoever has
// one may see what it leads to.
const slugBytes = 16

// NewSlug returns the random part of an address that people pass on.
func NewSlug() string { return random(slugBytes) }

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// secretBytes is the strength of tokens: 256 bits cannot be searched, so a plain
// SHA-256 at rest is enough for them.
const secretBytes = 32

// Secret makes a token. Only its hash is stored.
func Secret() (token string, hash []byte) {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails since Go 1.24
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, HashToken(token)
}

// HashToken is the form in which a token is stored and looked up. A look-up by
// hash tells nothing about the token by its timing.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
