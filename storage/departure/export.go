package departure

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Video is what is taken along of a video.
type Video struct {
	ID         string     `json:"id"`
	Slug       string     `json:"slug"`
	Title      string     `json:"title"`
	Visibility string     `json:"visibility"`
	State      string     `json:"state"`
	MIME       string     `bun:"mime" json:"mime"`
	Size       int64      `json:"size_bytes"`
	DurationUS int64      `bun:"duration_us" json:"duration_us"`
	Views      int64      `json:"views"`
	CreatedAt  time.Time  `json:"created_at"`
	TrashedAt  *time.Time `json:"trashed_at"`
	// WatchURL is filled in by who knows the address of the server.
	WatchURL string `bun:"-" json:"watch_url"`
}

// Comment is what is taken along of a comment.
type Comment struct {
	ID        string     `json:"id"`
	VideoID   string     `json:"video_id"`
	ParentID  *string    `json:"parent_id"`
	AtUS      int64      `bun:"at_us" json:"at_us"`
	Body      string     `json:"body"`
	CreatedAt time.Time  `json:"created_at"`
	EditedAt  *time.Time `json:"edited_at"`
}

// View is how far somebody has come with a video.
type View struct {
	ID         string    `bun:"video_id" json:"video_id"`
	FirstAt    time.Time `json:"first_at"`
	LastAt     time.Time `json:"last_at"`
	WatchedUS  int64     `bun:"watched_us" json:"watched_us"`
	PositionUS int64     `bun:"position_us" json:"position_us"`
}

// page is how many rows are read at a time: an export of any size takes little
// memory.
const page = 500

// Videos gives each video of an account.
func (s *Store) Videos(ctx context.Context, accountID string, give func(*Video) error) error {
	return each(ctx, reading[Video]{s.DB.Reader, func(v *Video) string { return v.ID }, `SELECT id, slug, title, visibility, state, mime, size, duration_us, views, created_at, trashed_at
		FROM videos WHERE owner_id = ? AND id > ? ORDER BY id LIMIT ?`}, accountID, give)
}

// Comments gives each comment of an account.
func (s *Store) Comments(ctx context.Context, accountID string, give func(*Comment) error) error {
	return each(ctx, reading[Comment]{s.DB.Reader, func(c *Comment) string { return c.ID }, `SELECT id, video_id, parent_id, at_us, body, created_at, edited_at
		FROM comments WHERE author_id = ? AND id > ? ORDER BY id LIMIT ?`}, accountID, give)
}

// Viewed gives each video that a viewer has watched.
func (s *Store) Viewed(ctx context.Context, viewer string, give func(*View) error) error {
	return each(ctx, reading[View]{s.DB.Reader, func(v *View) string { return v.ID }, `SELECT video_id, first_at, last_at, watched_us, position_us
		FROM views WHERE viewer = ? AND video_id > ? ORDER BY video_id LIMIT ?`}, viewer, give)
}

// NoteExport notes in the audit log that an account took everything along.
func (s *Store) NoteExport(ctx context.Context, account *people.Account) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		return tx.Audit(ctx, record.Audit{WorkspaceID: account.WorkspaceID, Action: record.AccountExported})
	})
}

// reading is a query that takes whose rows, the last id and how many.
type reading[T any] struct {
	db    *bun.DB
	id    func(*T) string
	query string
}

// each reads page after page.
func each[T any](ctx context.Context, r reading[T], whose string, give func(*T) error) error {
	for after := ""; ; {
		var rows []T
		if err := r.db.NewRaw(r.query, whose, after, page).Scan(ctx, &rows); err != nil {
			return record.Translate(err)
		}
		for i := range rows {
			if err := give(&rows[i]); err != nil {
				return err
			}
		}
		if len(rows) < page {
			return nil
		}
		after = r.id(&rows[len(rows)-1])
	}
}
