// Package backup makes a copy of a running installation that keeps its records in
// SQLite and its media in a folder, and brings one back to an empty machine.
//
// Nothing is stopped for it. Objects never change, so a copy of the database taken
// at one moment needs only that every object it names is copied, too. Objects
// go first, so that one which is deleted meanwhile is there; then the database,
// as of one moment; then the objects that came in between. An object too many
// does no harm, one too few would.
//
//	DIR/meanwhile.db   the records
//	DIR/objects/…      the media, by the keys that the records name
//	DIR/backup.json    what and when; written last, so without it DIR is no backup
//
// What a restore of any kind must do, Void does: whoever had signed in before, and
// every address handed out before, is void.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/database"
)

// The names within a backup.
const (
	databaseName = "meanwhile.db"
	objectsName  = "objects"
	manifestName = "backup.json"
)

// format is the version of the layout above.
const format = 1

var (
	// ErrElsewhere says that the records are not in a file that this package copies.
	ErrElsewhere = errors.New("backup: the records are in PostgreSQL, which has a tool of its own for this: pg_dump")
	// ErrIncomplete says that a folder holds no backup that came to its end.
	ErrIncomplete = errors.New("backup: the folder holds no finished backup")
	// ErrDamaged says that a backup is not what was written.
	ErrDamaged = errors.New("backup: damaged")
	// ErrOccupied says that a restore would overwrite something.
	ErrOccupied = errors.New("backup: there is something here already; restore to an empty place")
)

// Options say how objects get to where they belong.
type Options struct {
	// Link makes hard links in place of copies where both are on one file system:
	// as quick as can be, and no help when that file system breaks.
	Link bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Manifest says what a backup holds.
type Manifest struct {
	Format  int       `json:"format"`
	Version string    `json:"version"` // of the program that made it
	Schema  int64     `json:"schema"`
	MadeAt  time.Time `json:"made_at"` // the moment whose records it holds
	Objects int       `json:"objects"`
	Bytes   int64     `json:"bytes"`
	// Database is the SHA-256 of the database's file.
	Database string `json:"database_sha256"`
	// Missing are objects that records name and that were nowhere to be found.
	Missing []Missing `json:"missing,omitempty"`
}

// Source is what a backup is made of.
type Source struct {
	DB *database.DB
	// Objects is the folder; empty where media is in a bucket, which others copy.
	Objects string
	Version string
}

// Make copies the source to the folder at to. A backup that is there already is
// brought up to date: only what is new is copied.
func Make(ctx context.Context, from Source, to string, o Options) (Manifest, error) {
	if from.DB.Engine() != database.SQLite {
		return Manifest{}, ErrElsewhere
	}
	copied := copying{from: from.Objects, to: filepath.Join(to, objectsName), link: o.Link}
	if err := errors.Join(os.MkdirAll(to, 0o700), copied.prepare()); err != nil {
		return Manifest{}, err
	}
	made := Manifest{Format: format, Version: from.Version}
	for range attempts {
		if err := copied.add(ctx); err != nil {
			return Manifest{}, err
		}
		old, err := copied.left() // which no record of the copy below names
		if err != nil {
			return Manifest{}, err
		}
		made.MadeAt = o.now().UTC()
		// Up to here the backup that is there already stays one.
		if err := from.DB.CopyTo(ctx, filepath.Join(to, databaseName)); err != nil {
			return Manifest{}, err
		}
		if err := ignoreAbsent(os.Remove(filepath.Join(to, manifestName))); err != nil {
			return Manifest{}, fmt.Errorf("backup: %w", err)
		}
		if err := errors.Join(copied.add(ctx), copied.drop(old)); err != nil {
			return Manifest{}, err
		}
		if from.Objects == "" {
			break
		}
		gone, err := made.look(ctx, from, to)
		if err != nil {
			return Manifest{}, err
		}
		if !gone {
			break
		}
	}
	if err := made.describe(ctx, from, to); err != nil {
		return Manifest{}, err
	}
	err := made.write(to)
	return made, err
}

// attempts is how often the database is copied until none of its records names
// what was made and deleted for good while we copied.
const attempts = 5

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// look notes which objects the records of the copy name that it does not have. They
// are gone if the source does not miss them: then they were deleted meanwhile.
func (m *Manifest) look(ctx context.Context, from Source, folder string) (gone bool, err error) {
	db, err := database.OpenCopy(ctx, filepath.Join(folder, databaseName))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	m.Missing, err = Lacking(ctx, db, Folder(filepath.Join(folder, objectsName)))
	if err != nil || len(m.Missing) == 0 {
		return false, err
	}
	still, err := Lacking(ctx, from.DB, Folder(from.Objects))
	return len(both(m.Missing, still)) < len(m.Missing), err
}

// describe fills the manifest from what lies in the folder.
func (m *Manifest) describe(ctx context.Context, from Source, folder string) (err error) {
	if m.Database, err = digest(filepath.Join(folder, databaseName)); err != nil {
		return err
	}
	if m.Objects, m.Bytes, err = measure(filepath.Join(folder, objectsName)); err != nil {
		return err
	}
	m.Schema, _, err = from.DB.SchemaVersion(ctx)
	return err
}

func (m *Manifest) write(folder string) error {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(folder, manifestName)
	if err := save(path+".new", strings.NewReader(string(raw)+"\n")); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return syncFolder(folder)
}

// Read tells what the backup at folder holds.
func Read(folder string) (Manifest, error) {
	var m Manifest
	raw, err := os.ReadFile(filepath.Join(folder, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%w: %s", ErrIncomplete, folder)
	}
	if err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fmt.Errorf("%w: %s: %w", ErrDamaged, manifestName, err)
	}
	if m.Format != format {
		return m, fmt.Errorf("%w: its layout is %d, this release knows %d", ErrDamaged, m.Format, format)
	}
	return m, nil
}

func digest(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
