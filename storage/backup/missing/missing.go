// Package missing notes which videos have lost media: an object that the records
// name and the store does not have, or has in another length. Somebody deleted it
// behind our back, or the store lost it. Those who look after the installation are
// told; nobody else can do anything about it.
package missing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/backup"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const (
	// lookedAt is how many videos housekeeping looks at closely at a time, as each of
	// their objects is asked for.
	lookedAt = 20
	// videosAtOnce bounds what is compared with one page of a listing.
	videosAtOnce = 1000
	// againAfter is when a video that lacks something is looked at again.
	againAfter = time.Minute
	// beyond is behind every id of a video.
	beyond = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
)

// Media is where videos that lack media are noted. Its methods may be called at the
// same time.
type Media struct {
	db  *database.DB
	has backup.Has
	now func() time.Time
}

// New makes a Media over a migrated database; has asks the store.
func New(db *database.DB, has backup.Has, now func() time.Time) *Media {
	return &Media{db: db, has: has, now: now}
}

// Video is one that lacks an object.
type Video struct {
	ID        string `bun:"id"`
	Title     string `bun:"title"`
	Workspace string `bun:"workspace"`
	Object    string `bun:"object_key"`
	NoticedMS int64  `bun:"noticed_ms"`
}

// List lists the videos that lack something, the last noticed first, and says how
// many there are.
func (m *Media) List(ctx context.Context, limit int) (found []Video, all int, err error) {
	err = m.db.Reader.NewRaw(`SELECT videos.id, videos.title, coalesce(workspaces.name, '') AS workspace, missing_media.object_key, missing_media.noticed_ms
		FROM missing_media JOIN videos ON videos.id = missing_media.video_id LEFT JOIN workspaces ON workspaces.id = videos.workspace_id
		ORDER BY missing_media.noticed_ms DESC, videos.id LIMIT ?`, limit).Scan(ctx, &found)
	if err == nil {
		all, err = m.Count(ctx)
	}
	return found, all, failed("list", err)
}

// Count says how many videos lack something.
func (m *Media) Count(ctx context.Context) (n int, err error) {
	err = m.db.Reader.NewRaw("SELECT count(*) FROM missing_media").Scan(ctx, &n)
	return n, failed("count", err)
}

// Look asks the store for everything that a video is made of, and notes what it
// finds. Its records are read again before that: a video that is being worked on
// needs other objects from one moment to the next.
func (m *Media) Look(ctx context.Context, videoID string) error {
	all, err := m.named(ctx, videoID)
	if err != nil {
		return err
	}
	lost := ""
	for _, o := range all {
		there, err := m.there(ctx, o)
		if err != nil {
			return err
		}
		if !there {
			lost = o.Key
			break
		}
	}
	if lost == "" {
		return m.forget(ctx, videoID)
	}
	if all, err = m.named(ctx, videoID); err != nil {
		return err
	}
	for _, o := range all {
		if o.Key == lost {
			there, err := m.there(ctx, o)
			if err != nil || there {
				return err
			}
			return m.note(ctx, videoID, lost)
		}
	}
	return nil
}

// named lists what a video is made of.
func (m *Media) named(ctx context.Context, videoID string) ([]backup.Named, error) {
	if videoID == "" {
		return nil, nil
	}
	all, err := backup.ObjectsOf(ctx, m.db, before(videoID), videoID)
	return slices.DeleteFunc(all, func(o backup.Named) bool { return o.VideoID != videoID }), err
}

func (m *Media) there(ctx context.Context, o backup.Named) (bool, error) {
	size, found, err := m.has(ctx, o.Key)
	return found && (o.Size < 0 || size == o.Size), err
}

func (m *Media) note(ctx context.Context, videoID, key string) error {
	now := m.now().UnixMilli()
	return m.write(ctx, `INSERT INTO missing_media (video_id, object_key, noticed_ms, checked_ms) SELECT id, ?, ?, ? FROM videos WHERE id = ?
		ON CONFLICT (video_id) DO UPDATE SET object_key = excluded.object_key, checked_ms = excluded.checked_ms`, key, now, now, videoID)
}

func (m *Media) forget(ctx context.Context, videoID string) error {
	return m.write(ctx, "DELETE FROM missing_media WHERE video_id = ?", videoID)
}

func (m *Media) write(ctx context.Context, query string, values ...any) error {
	return failed("note", m.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(query, values...).Exec(ctx)
		return err
	}))
}

// Again looks at some of the videos that lacked something: it may be back.
func (m *Media) Again(ctx context.Context) error {
	var ids []string
	err := m.db.Reader.NewRaw("SELECT video_id FROM missing_media WHERE checked_ms < ? ORDER BY checked_ms LIMIT ?", m.now().Add(-againAfter).UnixMilli(), lookedAt).Scan(ctx, &ids)
	return errors.Join(failed("again", err), m.lookAll(ctx, ids))
}

// Page is a page of the store's listing below "v/".
type Page struct {
	// After is the key behind which it begins, and Last its last one; that is empty
	// where the listing ends.
	After, Last string
	// Sizes are the objects' lengths by key.
	Sizes map[string]int64
}

// Compare finds videos of which a listing lacks something. What it costs to list has
// been paid for: housekeeping looks through it for what nobody names.
func (m *Media) Compare(ctx context.Context, page Page) error {
	last := beyond
	if page.Last != "" {
		last = videoOf(page.Last)
	}
	var ids []string
	after := before(videoOf(page.After))
	err := m.db.Reader.NewRaw("SELECT id FROM videos WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", after, last, videosAtOnce).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return failed("compare", err)
	}
	var known []string
	last = ids[len(ids)-1] // beyond that, it is the next time's turn
	if err := m.db.Reader.NewRaw("SELECT video_id FROM missing_media WHERE video_id > ? AND video_id <= ?", after, last).Scan(ctx, &known); err != nil {
		return failed("compare", err)
	}
	all, err := backup.ObjectsOf(ctx, m.db, after, last)
	if err != nil {
		return err
	}
	var lacking []string
	for _, o := range all {
		size, there := page.Sizes[o.Key]
		outside := o.Key <= page.After || page.Last != "" && o.Key > page.Last
		if outside || there && (o.Size < 0 || size == o.Size) || slices.Contains(known, o.VideoID) || slices.Contains(lacking, o.VideoID) {
			continue
		}
		if lacking = append(lacking, o.VideoID); len(lacking) == lookedAt {
			break
		}
	}
	return m.lookAll(ctx, lacking)
}

func (m *Media) lookAll(ctx context.Context, ids []string) error {
	errs := make([]error, 0, len(ids))
	for _, id := range ids {
		errs = append(errs, m.Look(ctx, id))
	}
	return errors.Join(errs...)
}

// videoOf is the video that a key belongs to.
func videoOf(key string) string {
	rest, _ := strings.CutPrefix(key, "v/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// before is a text that comes before an id, in the order of every database: ids are
// of small letters and digits, and their beginnings come first.
func before(id string) string { return id[:max(0, len(id)-1)] }

func failed(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("missing media: %s: %w", doing, record.Translate(err))
	}
	return nil
}
