package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// Missing is an object that a record names and that is not there, or is not as
// long as it was.
type Missing struct {
	VideoID string `json:"video_id"`
	Key     string `json:"key"`
}

// Has tells the length of an object; false when there is none.
type Has func(ctx context.Context, key string) (size int64, found bool, err error)

// Folder looks objects up in a folder of them.
func Folder(path string) Has {
	return func(_ context.Context, key string) (int64, bool, error) {
		if !filepath.IsLocal(key) {
			return 0, false, nil
		}
		info, err := os.Stat(filepath.Join(path, filepath.FromSlash(key)))
		if errors.Is(err, fs.ErrNotExist) {
			return 0, false, nil
		}
		if err != nil {
			return 0, false, fmt.Errorf("backup: %w", err)
		}
		return info.Size(), true, nil
	}
}

// Named is one object that a record names; Size is -1 where the record does not
// know its length.
type Named struct {
	VideoID string `bun:"video_id"`
	Key     string `bun:"object_key"`
	Size    int64  `bun:"size"`
}

// Lacking lists the objects that records name and the store does not have.
func Lacking(ctx context.Context, db *database.DB, has Has) ([]Missing, error) {
	var lacking []Missing
	for after := ""; ; {
		videos, err := nextVideos(ctx, db, after)
		if err != nil || len(videos) == 0 {
			return lacking, err
		}
		last := videos[len(videos)-1]
		all, err := ObjectsOf(ctx, db, after, last)
		if err != nil {
			return nil, err
		}
		for _, o := range all {
			size, found, err := has(ctx, o.Key)
			if err != nil {
				return nil, err
			}
			if !found || o.Size >= 0 && size != o.Size {
				lacking = append(lacking, Missing{VideoID: o.VideoID, Key: o.Key})
			}
		}
		after = last
	}
}

// videosAtOnce bounds what is held in memory.
const videosAtOnce = 50

func nextVideos(ctx context.Context, db *database.DB, after string) ([]string, error) {
	var ids []string
	err := db.Reader.NewRaw("SELECT id FROM videos WHERE id > ? ORDER BY id LIMIT ?", after, videosAtOnce).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("backup: read the videos: %w", err)
	}
	return ids, nil
}

// ObjectsOf lists what the videos behind one id, up to another, are made of.
func ObjectsOf(ctx context.Context, db *database.DB, after, last string) ([]Named, error) {
	var all []Named
	err := db.Reader.NewRaw(`SELECT video_id, object_key, sum(length) AS size FROM parts WHERE video_id > ? AND video_id <= ? GROUP BY video_id, object_key
		UNION ALL SELECT video_id, object_key, size FROM tracks WHERE video_id > ? AND video_id <= ?`, after, last, after, last).Scan(ctx, &all)
	if err != nil {
		return nil, fmt.Errorf("backup: read what videos are made of: %w", err)
	}
	stills, err := stillsOf(ctx, db, after, last)
	return append(all, stills...), err
}
