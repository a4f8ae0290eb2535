package databasetest

import (
	"errors"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// patience is how long the database lets anybody wait for others: five seconds, less a
// pause that would reach beyond.
const patience = 4 * time.Second

// Insist is for changes that many make at once, on a machine that may stand still:
// whoever has waited for as long as anybody is let wait may be told that the database
// is away, and asks again. Nobody is told so before.
func Insist(do func() error) error {
	for {
		asked := time.Now()
		if err := do(); !errors.Is(err, database.ErrUnavailable) || time.Since(asked) < patience {
			return err
		}
	}
}
