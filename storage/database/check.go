package database

import (
	"context"
	"fmt"
	"strings"
)

// maxFaults is how many faults Check names.
const maxFaults = 10

// Check reads the whole database and returns an error that names what is broken
// in it, if anything.
func (db *DB) Check(ctx context.Context) error {
	var faults []string
	if err := db.Reader.NewRaw(fmt.Sprintf("PRAGMA integrity_check(%d)", maxFaults)).Scan(ctx, &faults); err != nil {
		return fmt.Errorf("database: check: %w", err)
	}
	if len(faults) == 1 && faults[0] == "ok" {
		return nil
	}
	return fmt.Errorf("database: damaged: %s", strings.Join(faults, "; "))
}
