package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// Target is where a backup is brought back to.
type Target struct {
	Database string // the path of the file
	Objects  string // the folder; empty where media is in a bucket
}

// Restore brings the backup at from to an empty place, void of what was handed out
// before. One that was cut off is called again. The caller migrates the database.
func Restore(ctx context.Context, from string, to Target, o Options) (Manifest, error) {
	m, err := Read(from)
	if err != nil {
		return m, err
	}
	if err := to.empty(); err != nil {
		return m, err
	}
	snapshot := filepath.Join(from, databaseName)
	switch sum, err := digest(snapshot); {
	case err != nil:
		return m, err
	case sum != m.Database:
		return m, fmt.Errorf("%w: %s is not the file that was written", ErrDamaged, databaseName)
	}
	back := copying{to: to.Objects, link: o.Link}
	if to.Objects != "" {
		back.from = filepath.Join(from, objectsName)
	}
	if err := errors.Join(back.prepare(), os.MkdirAll(filepath.Dir(to.Database), 0o700)); err != nil {
		return m, err
	}
	if err := back.add(ctx); err != nil {
		return m, err
	}
	return m, to.place(ctx, snapshot)
}

// place gives the database its name last and all at once, when nothing in it is
// valid that should not be: until then, this place is empty.
func (t Target) place(ctx context.Context, snapshot string) (err error) {
	path := t.Database + unfinished
	for _, left := range []string{path, path + "-wal", path + "-shm"} {
		if err := ignoreAbsent(os.Remove(left)); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	file, err := os.Open(snapshot)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer file.Close()
	if err := save(path, file); err != nil {
		return err
	}
	db, err := database.Open(ctx, "sqlite:"+path)
	if err != nil {
		return err
	}
	if err := errors.Join(Void(ctx, db, false), db.Close()); err != nil {
		return err
	}
	if err := os.Rename(path, t.Database); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return syncFolder(filepath.Dir(t.Database))
}

func (t Target) empty() error {
	for _, path := range []string{t.Database, t.Database + "-wal"} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("%w: %s", ErrOccupied, path), err)
		}
	}
	return nil
}

// keyBytes is the strength of the key that signs media addresses.
const keyBytes = 32

// Void ends what was handed out before the moment to which a restore went back:
// sessions, mailed links, sign-ins that are half way, and the key that signs media
// addresses. A session that was ended after the backup was made would otherwise be
// alive again. With tokens, API tokens end, too.
func Void(ctx context.Context, db *database.DB, tokens bool) error {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails since Go 1.24
	tables := []string{"sessions", "one_time_links", "ceremonies"}
	if tokens {
		tables = append(tables, "api_tokens")
	}
	err := db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, table := range tables {
			if _, err := tx.NewDelete().Table(table).Where("1 = 1").Exec(ctx); err != nil {
				return err
			}
		}
		_, err := tx.NewUpdate().Table("instance").Set("grant_key = ?", key).Where("id = 1").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("backup: void what was handed out before: %w", err)
	}
	return nil
}

// both keeps the objects that are missing in two lists.
func both(one, other []Missing) []Missing {
	in := make(map[Missing]bool, len(other))
	for _, m := range other {
		in[m] = true
	}
	var kept []Missing
	for _, m := range one {
		if in[m] {
			kept = append(kept, m)
		}
	}
	return kept
}
