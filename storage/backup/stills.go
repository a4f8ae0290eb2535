package backup

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// pictures are the keys in a video's column of stills.
type pictures struct {
	Poster     string `json:"poster"`
	Preview    string `json:"preview"`
	Storyboard string `json:"storyboard"`
}

func stillsOf(ctx context.Context, db *database.DB, after, last string) ([]Named, error) {
	var rows []struct {
		ID     string `bun:"id"`
		Stills string `bun:"stills"`
	}
	if err := db.Reader.NewRaw("SELECT id, stills FROM videos WHERE id > ? AND id <= ?", after, last).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("backup: read what videos are made of: %w", err)
	}
	var all []Named
	for _, row := range rows {
		var made pictures
		if err := json.Unmarshal([]byte(row.Stills), &made); err != nil {
			return nil, fmt.Errorf("%w: the stills of video %s: %w", ErrDamaged, row.ID, err)
		}
		for _, key := range []string{made.Poster, made.Preview, made.Storyboard} {
			if key != "" {
				all = append(all, Named{VideoID: row.ID, Key: key, Size: -1})
			}
		}
	}
	return all, nil
}
