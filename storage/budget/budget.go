// Package budget keeps how often something has been done, for all servers of an
// installation together.
//
// A budget is one number: the moment at which it is whole again (GCRA, the
// generic cell rate algorithm of ATM Forum TM 4.1, annex C). Taking from it
// moves the moment on; it may not lie further ahead than the whole budget takes
// to come back. So a budget costs one row and one statement, needs nobody to
// refill it, and a row whose moment has passed is as good as none. Servers count
// by their own clocks: one that is a second fast gives a second's worth more.
package budget

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// Limit is how much a budget holds, and how long one of it takes to come back.
type Limit struct {
	Burst int
	Every time.Duration
}

// Charge takes from one budget.
type Charge struct {
	// Key names the budget.
	Key []byte
	N   int
	Limit
	// Unless is a key that excuses the charge while Store remembers it; nil for
	// none.
	Unless []byte
}

// Refusal says which charge could not be paid, and when it could be.
type Refusal struct {
	Charge int
	Wait   time.Duration
}

// Store is the budgets of an installation. Its methods may be called at the
// same time.
type Store struct{ db *database.DB }

// New makes a store over a migrated database.
func New(db *database.DB) *Store { return &Store{db: db} }

var errRefused = errors.New("budget: refused")

// Take pays all charges or none. It returns a Refusal for the first one that
// could not be paid.
func (s *Store) Take(ctx context.Context, now time.Time, charges ...Charge) (*Refusal, error) {
	var refusal *Refusal
	err := s.db.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
		refusal = nil
		for i, c := range charges {
			wait, err := pay(ctx, tx, now, c)
			if err != nil {
				return err
			}
			if wait > 0 {
				refusal = &Refusal{Charge: i, Wait: wait}
				return errRefused
			}
		}
		return nil
	})
	if errors.Is(err, errRefused) {
		return refusal, nil
	}
	return nil, err
}

// pay returns how long the charge would have to wait; 0 if it is paid or excused.
func pay(ctx context.Context, tx bun.Tx, now time.Time, c Charge) (time.Duration, error) {
	paid, err := move(ctx, tx, now, c)
	if err != nil || paid {
		return 0, err
	}
	if c.Unless != nil {
		until, err := read(ctx, tx, c.Unless)
		if err != nil || until > now.UnixMicro() {
			return 0, err
		}
	}
	full, err := read(ctx, tx, c.Key)
	cost, room := c.span()
	// An unlucky rounding must not make a refusal look like a payment.
	return max(time.Microsecond, time.Duration(full+cost-room-now.UnixMicro())*time.Microsecond), err
}

// move is the whole of the algorithm, in one statement that servers may run at
// the same time.
func move(ctx context.Context, tx bun.Tx, now time.Time, c Charge) (bool, error) {
	cost, room := c.span()
	if cost > room {
		return false, nil
	}
	at := now.UnixMicro()
	result, err := tx.ExecContext(ctx, `
		INSERT INTO limits (key, full_us) VALUES (?0, ?1 + ?2)
		ON CONFLICT (key) DO UPDATE
		SET full_us = CASE WHEN limits.full_us > ?1 THEN limits.full_us ELSE ?1 END + ?2
		WHERE limits.full_us + ?2 <= ?1 + ?3`, c.Key, at, cost, room)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// span is what the charge costs and what its budget holds, in microseconds.
func (c Charge) span() (cost, room int64) {
	every := c.Every.Microseconds()
	return int64(c.N) * every, int64(c.Burst) * every
}

// read returns 0 for a budget that is whole.
func read(ctx context.Context, db bun.IDB, key []byte) (int64, error) {
	var full int64
	err := db.NewRaw("SELECT full_us FROM limits WHERE key = ?", key).Scan(ctx, &full)
	if database.IsNotFound(err) {
		return 0, nil
	}
	return full, err
}

// Settlement sets budgets right after what was counted turned out well.
type Settlement struct {
	// Whole are budgets that are made whole again.
	Whole [][]byte
	// Back gets its charge back; its Key is nil if there is none.
	Back Charge
	// Remember is a key that Unless finds until a time; nil for none.
	Remember []byte
	Until    time.Time
}

// Settle does all of a settlement or nothing.
func (s *Store) Settle(ctx context.Context, o Settlement) error {
	return s.db.WriteBeside(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, key := range o.Whole {
			if _, err := tx.NewRaw("DELETE FROM limits WHERE key = ?", key).Exec(ctx); err != nil {
				return err
			}
		}
		if o.Back.Key != nil {
			cost, _ := o.Back.span()
			if _, err := tx.NewRaw("UPDATE limits SET full_us = full_us - ? WHERE key = ?", cost, o.Back.Key).Exec(ctx); err != nil {
				return err
			}
		}
		if o.Remember == nil {
			return nil
		}
		_, err := tx.NewRaw("INSERT INTO limits (key, full_us) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET full_us = excluded.full_us",
			o.Remember, o.Until.UnixMicro()).Exec(ctx)
		return err
	})
}

// Sweep drops the budgets that are whole.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	_, err := s.db.Writer.NewRaw("DELETE FROM limits WHERE full_us <= ?", now.UnixMicro()).Exec(ctx)
	return err
}
