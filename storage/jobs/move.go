package jobs

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// Unfinished reads, in order, the jobs of a database that are still to be done,
// for another queue to take over.
func Unfinished(ctx context.Context, db *database.DB) ([]Wanted, error) {
	var rows []struct {
		Kind, Args string
		Priority   int
	}
	text := "json(args)" // which SQLite keeps in a form of its own
	if db.Engine() == database.PostgreSQL {
		text = "CAST(args AS TEXT)"
	}
	err := db.Reader.NewRaw(`SELECT kind, `+text+` AS args, priority FROM river_job
		WHERE state IN ('available', 'pending', 'running', 'retryable', 'scheduled') ORDER BY priority, id`).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("jobs: unfinished: %w", err)
	}
	var all []Wanted
	for _, row := range rows {
		args, err := decode(row.Kind, row.Args)
		if err != nil {
			return nil, fmt.Errorf("jobs: unfinished: %w", err)
		}
		if args != nil {
			all = append(all, Wanted{Args: args, Priority: row.Priority})
		}
	}
	return all, nil
}

// decode reads what a job is about; nil is one that comes by itself.
func decode(kind, raw string) (Args, error) {
	switch kind {
	case Span{}.Kind():
		return read[Span](raw)
	case Audio{}.Kind():
		return read[Audio](raw)
	case Stills{}.Kind():
		return read[Stills](raw)
	case Probe{}.Kind():
		return read[Probe](raw)
	case Mail{}.Kind():
		return read[Mail](raw)
	case Webhook{}.Kind():
		return read[Webhook](raw)
	case Housekeeping{}.Kind():
		return nil, nil //nolint:nilnil // said above
	}
	return nil, fmt.Errorf("a job of the unknown kind %q", kind)
}

func read[A Args](raw string) (Args, error) {
	var args A
	if err := json.Unmarshal([]byte(raw), &args); err != nil {
		return nil, fmt.Errorf("a job of kind %s: %w", args.Kind(), err)
	}
	return args, nil
}
