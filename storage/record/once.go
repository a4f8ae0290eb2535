package record

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// Whoever gets no answer asks again, and must not make the same thing twice. A
// client gives such a request a key; the change that makes the thing writes the
// key with it, in the same transaction, so that one server's death or two servers
// at once cannot come between. Whoever asks again by the same key gets what was
// made then.

// ErrOtherRequest says that a key was used before for something else.
var ErrOtherRequest = errors.New("the key was used for another request")

// errMade says that somebody has made it already by this key.
var errMade = errors.New("it has been made by this key")

// onceFor is how long a key is remembered.
const onceFor = 24 * time.Hour

// Once is a request that may come again: its key, which only who asks can know, and
// a hash of what it says. Secret is made of the key, too, and is kept nowhere.
type Once struct{ Key, Fingerprint, Secret []byte }

type onceKey struct{}

// WithOnce says that what is made in a context is made once by this key.
func WithOnce(ctx context.Context, once Once) context.Context {
	return context.WithValue(ctx, onceKey{}, once)
}

// SecretOf is the secret of the request by which something is made once; nil if it
// has no key.
func SecretOf(ctx context.Context) []byte {
	once, _ := ctx.Value(onceKey{}).(Once)
	return once.Secret
}

// Once makes something, or finds what was made by the context's key before. It
// returns its id. What makes it must say so by Change.Made.
func (s *Store) Once(ctx context.Context, id string, create func() error) (string, error) {
	once, ok := ctx.Value(onceKey{}).(Once)
	if !ok {
		return id, create()
	}
	made, err := s.made(ctx, once)
	if err != nil || made != "" {
		return made, err
	}
	if err = create(); errors.Is(err, errMade) {
		return s.made(ctx, once)
	}
	return id, err
}

// made finds what was made by a key; "" if nothing was.
func (s *Store) made(ctx context.Context, once Once) (string, error) {
	var row struct {
		Fingerprint []byte
		Subject     string
	}
	err := s.DB.Reader.NewRaw("SELECT fingerprint, subject FROM idempotency WHERE key = ? AND at_ms > ?", once.Key, s.Now().Add(-onceFor).UnixMilli()).
		Scan(ctx, &row.Fingerprint, &row.Subject)
	switch {
	case database.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", Translate(err)
	case !bytes.Equal(row.Fingerprint, once.Fingerprint):
		return "", ErrOtherRequest
	}
	return row.Subject, nil
}

// Made notes what a change makes by the context's key, if it has one. It comes
// first: whoever comes second by the same key then waits, and makes nothing.
func (t Change) Made(ctx context.Context, id string) error {
	once, ok := ctx.Value(onceKey{}).(Once)
	if !ok {
		return nil
	}
	err := Must(t.NewRaw(`INSERT INTO idempotency (key, fingerprint, subject, at_ms) VALUES (?0, ?1, ?2, ?3)
		ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, subject = excluded.subject, at_ms = excluded.at_ms WHERE idempotency.at_ms <= ?4`,
		once.Key, once.Fingerprint, id, t.Now().UnixMilli(), t.Now().Add(-onceFor).UnixMilli()).Exec(ctx))
	if errors.Is(err, ErrNotFound) {
		return errMade
	}
	return err
}

// ForgetOnce drops keys that are not remembered any more.
func (s *Store) ForgetOnce(ctx context.Context) error {
	_, err := s.DB.Writer.NewRaw("DELETE FROM idempotency WHERE at_ms <= ?", s.Now().Add(-onceFor).UnixMilli()).Exec(ctx)
	return Translate(err)
}
