package catalog

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// garbageGrace is how long an object stays after its row is gone, so that
// whoever plays it now may finish.
const garbageGrace = 15 * time.Minute

// checkpointEmitted reads the one field of container.Checkpoint that the
// records rely on: how many fragments were closed for good. What the end of a
// quiet upload closed beyond that is taken back when the upload goes on.
func checkpointEmitted(raw json.RawMessage) int64 {
	var c struct {
		Emitted int64 `json:"emitted"`
	}
	_ = json.Unmarshal(raw, &c) // an empty one starts at 0
	return c.Emitted
}

// EmptyTrash removes the records of videos that have been in the trash since
// before a time; their objects become garbage in the same transaction.
func (c *Catalog) EmptyTrash(ctx context.Context, before time.Time) error {
	return c.removeVideos(ctx, "trashed_at < ?", before.UTC())
}

// RemoveVideo removes a video with everything that belongs to it, at once.
func (c *Catalog) RemoveVideo(ctx context.Context, id string) error {
	return c.removeVideos(ctx, "id = ?", id)
}

func (c *Catalog) removeVideos(ctx context.Context, where string, value any) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		var ids []string
		if err := tx.NewSelect().Table("videos").Column("id").Where(where, value).Scan(ctx, &ids); err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if _, err := tx.NewRaw("INSERT INTO garbage (object_prefix, due_at) VALUES (?, ?) ON CONFLICT DO NOTHING", ObjectPrefix(id), c.Now()).Exec(ctx); err != nil {
				return err
			}
			tx.Tell(record.Event{Kind: record.VideoRemoved, VideoID: id})
		}
		_, err := tx.NewDelete().Table("videos").Where("id IN (?)", bun.List(ids)).Exec(ctx)
		return err
	})
}

// ForgetVisitors drops what was noted of visitors without an account since
// before a time; their views stay counted.
func (c *Catalog) ForgetVisitors(ctx context.Context, before time.Time) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewRaw("DELETE FROM views WHERE viewer LIKE 'day:%' AND last_at < ?", before.UTC()).Exec(ctx)
		return err
	})
}

// ObjectPrefix is where all objects of a video live.
func ObjectPrefix(videoID string) string { return "v/" + videoID + "/" }

// Garbage lists keys and prefixes of objects that nothing names any more.
func (c *Catalog) Garbage(ctx context.Context) ([]string, error) {
	var keys []string
	err := c.DB.Reader.NewRaw("SELECT object_prefix FROM garbage WHERE due_at <= ? LIMIT 1000", c.Now()).Scan(ctx, &keys)
	return keys, record.Translate(err)
}

// ForgetGarbage notes that the objects are deleted.
func (c *Catalog) ForgetGarbage(ctx context.Context, key string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewRaw("DELETE FROM garbage WHERE object_prefix = ?", key).Exec(ctx)
		return err
	})
}

// Census counts what the server holds, by state.
type Census struct {
	Videos  map[string]int
	Uploads map[string]int
}

// Census counts the videos outside the trash and the uploads that are not
// finished.
func (c *Catalog) Census(ctx context.Context) (Census, error) {
	videos, err := c.countBy(ctx, "SELECT state, count(*) AS n FROM videos WHERE trashed_at IS NULL GROUP BY state")
	if err != nil {
		return Census{}, err
	}
	uploads, err := c.countBy(ctx, "SELECT state, count(*) AS n FROM uploads WHERE state <> 'finished' GROUP BY state")
	return Census{Videos: videos, Uploads: uploads}, err
}

func (c *Catalog) countBy(ctx context.Context, query string) (map[string]int, error) {
	var rows []struct {
		State string
		N     int
	}
	if err := c.DB.Reader.NewRaw(query).Scan(ctx, &rows); err != nil {
		return nil, record.Translate(err)
	}
	counts := make(map[string]int, len(rows))
	for _, row := range rows {
		counts[row.State] = row.N
	}
	return counts, nil
}
