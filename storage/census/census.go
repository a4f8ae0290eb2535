// Package census counts what an installation as a whole holds and does, for those
// who look after it: how much lies where, and, minute by minute, how it went.
package census

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Census counts. Its methods may be called at the same time.
type Census struct{ db *database.DB }

// New makes a census over a migrated database.
func New(db *database.DB) *Census { return &Census{db: db} }

// Workspace is what one workspace holds.
type Workspace struct {
	ID     string `bun:"id"`
	Name   string `bun:"name"`
	Bytes  int64  `bun:"bytes"`
	Quota  int64  `bun:"quota"`
	Videos int    `bun:"videos"`
	// Trashed and TrashedBytes are the part of it that is in the trash.
	Trashed      int   `bun:"trashed"`
	TrashedBytes int64 `bun:"trashed_bytes"`
}

// Workspaces lists what each workspace holds, the largest first.
func (c *Census) Workspaces(ctx context.Context, most int) ([]Workspace, error) {
	var found []Workspace
	err := c.db.Reader.NewRaw(`SELECT workspaces.id, workspaces.name, workspaces.used_bytes AS bytes, workspaces.quota_bytes AS quota,
			count(videos.id) AS videos, count(videos.trashed_at) AS trashed,
			CAST(coalesce(sum(CASE WHEN videos.trashed_at IS NOT NULL THEN videos.stored_bytes ELSE 0 END), 0) AS BIGINT) AS trashed_bytes
		FROM workspaces LEFT JOIN videos ON videos.workspace_id = workspaces.id
		GROUP BY workspaces.id, workspaces.name, workspaces.used_bytes, workspaces.quota_bytes
		ORDER BY workspaces.used_bytes DESC, workspaces.id LIMIT ?`, most).Scan(ctx, &found)
	return found, translate("workspaces", err)
}

// Storage is what the whole installation holds.
type Storage struct {
	Bytes  int64 `bun:"bytes"`
	Videos int   `bun:"videos"`
	// Trashed and TrashedBytes are the part of it that is in the trash.
	Trashed      int   `bun:"trashed"`
	TrashedBytes int64 `bun:"trashed_bytes"`
	// Uploads are not finished, UploadBytes is what has come of them.
	Uploads     int   `bun:"uploads"`
	UploadBytes int64 `bun:"upload_bytes"`
	// Garbage is how many objects, or groups of them, wait to be deleted.
	Garbage int `bun:"garbage"`
}

// Storage adds up what the installation holds.
func (c *Census) Storage(ctx context.Context) (Storage, error) {
	var s Storage
	err := c.db.Reader.NewRaw(`SELECT
		(SELECT CAST(coalesce(sum(used_bytes), 0) AS BIGINT) FROM workspaces) AS bytes,
		(SELECT count(*) FROM videos) AS videos,
		(SELECT count(*) FROM videos WHERE trashed_at IS NOT NULL) AS trashed,
		(SELECT CAST(coalesce(sum(stored_bytes), 0) AS BIGINT) FROM videos WHERE trashed_at IS NOT NULL) AS trashed_bytes,
		(SELECT count(*) FROM uploads WHERE state <> 'finished') AS uploads,
		(SELECT CAST(coalesce(sum(received), 0) AS BIGINT) FROM uploads WHERE state <> 'finished') AS upload_bytes,
		(SELECT count(*) FROM garbage) AS garbage`).Scan(ctx, &s)
	return s, translate("storage", err)
}

// Video is what a failed job is about.
type Video struct {
	ID        string `bun:"id"`
	Title     string `bun:"title"`
	Workspace string `bun:"workspace"`
}

// Titles finds videos and their workspaces by id.
func (c *Census) Titles(ctx context.Context, ids []string) (map[string]Video, error) {
	found := make(map[string]Video, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	var rows []Video
	err := c.db.Reader.NewSelect().TableExpr("videos").Join("LEFT JOIN workspaces ON workspaces.id = videos.workspace_id").
		ColumnExpr("videos.id, videos.title, coalesce(workspaces.name, '') AS workspace").Where("videos.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, translate("titles", err)
}

func translate(what string, err error) error {
	if err != nil {
		return fmt.Errorf("census: %s: %w", what, record.Translate(err))
	}
	return nil
}

// minute is the row that a moment belongs to.
func minute(at time.Time) int64 { return at.Unix() / 60 * 60 }
