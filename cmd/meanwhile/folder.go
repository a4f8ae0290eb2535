package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/backup"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/owner"
)

// own makes this process the only server or worker on its data folder: an embedded
// database and its queue have one owner, and so has scratch space, which whoever
// starts empties. PostgreSQL has as many of them as are wanted, each with a folder
// of its own. The kernel lets go of the lock when the process ends, however it ends.
func (c *Config) own() (unlock func(), err error) {
	unlock, err = lock(c.Data, "server.lock", unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("another server or worker runs on the data folder %s; stop it first, or give this one a folder of its own (MEANWHILE_DATA)", c.Data)
	}
	return unlock, err
}

// lockMigrations waits until no other process changes the schema: a tool may be
// called while a server starts.
func lockMigrations(folder string) (unlock func(), err error) {
	return lock(folder, "migrate.lock", unix.LOCK_EX)
}

func lock(folder, name string, how int) (unlock func(), err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(folder, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	err = unix.EINTR
	for errors.Is(err, unix.EINTR) {
		err = unix.Flock(int(file.Fd()), how)
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("data folder: lock: %w", err)
	}
	return func() { _ = file.Close() }, nil // closing lets go
}

// The reserve below which no new upload begins: recordings that run, and the
// database, need the rest.
const (
	reserveShare = 20 // one part in twenty of the disk
	reserveMost  = 1 << 30
	retryRoom    = time.Minute
)

// room says whether the disks below these folders have room for new uploads.
func room(folders ...string) func() error {
	return func() error {
		if slices.ContainsFunc(folders, crowded) {
			return reply.New(http.StatusInsufficientStorage, "full",
				"The server has too little room left to begin something new. Recordings that run are kept; ask whoever runs it to make room.").After(retryRoom)
		}
		return nil
	}
}

// folders are those of the places that are folders.
func folders(places ...string) []string {
	var found []string
	for _, place := range places {
		if folder, ok := objects.FolderPath(place); ok {
			found = append(found, folder)
		}
	}
	return found
}

// crowded says that the disk below folder has less left than the reserve.
func crowded(folder string) bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(folder, &fs); err != nil {
		return false // what cannot be measured is found out by writing
	}
	block := uint64(fs.Bsize)
	return fs.Bavail*block < min(fs.Blocks*block/reserveShare, reserveMost)
}

// keepPrivate makes sure that what this process writes is for its user alone.
func keepPrivate() { syscall.Umask(0o077) }

// exposed lists what other users of the machine could read or change though it
// is nobody's business: what lies at the top of the data folder, unless the folder
// itself is closed, and the certificate's key.
func exposed(config *Config) []string {
	var found []string
	if key := config.TLS.Key; key != "" {
		// A group for those who may read keys is a custom of its own.
		if info, err := os.Stat(key); err == nil && info.Mode().Perm()&0o007 != 0 {
			found = append(found, key)
		}
	}
	folder, err := os.Stat(config.Data)
	if err != nil || folder.Mode().Perm()&0o077 == 0 {
		return found // not there yet, or closed
	}
	if folder.Mode().Perm()&0o022 != 0 {
		found = append(found, config.Data)
	}
	entries, err := os.ReadDir(config.Data)
	if err != nil {
		return found
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode()&os.ModeSymlink == 0 && info.Mode().Perm()&0o077 != 0 {
			found = append(found, filepath.Join(config.Data, entry.Name()))
		}
	}
	return found
}

type backupCmd struct {
	To   string `help:"Folder to keep the backup in; one that holds a backup already is brought up to date." required:"" type:"path"`
	Link bool   `help:"Make hard links of media in place of copies, where both are on one file system."`
}

// Run copies the data of a server, which may run meanwhile. The database is not
// migrated: a backup is what one makes before.
func (c backupCmd) Run(ctx context.Context, config *Config) (err error) {
	media, err := config.mediaFolder()
	if err != nil {
		return err
	}
	db, err := database.Open(ctx, config.database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	began := time.Now()
	made, err := backup.Make(ctx, backup.Source{DB: db, Objects: media, Version: version}, c.To, backup.Options{Link: c.Link})
	if err != nil {
		return err
	}
	if media == "" {
		_, _ = fmt.Fprintln(os.Stdout, "The media is in a bucket and no part of this: copy it with the tools of your S3 store, before and after (docs/backup.md).")
	}
	_, _ = fmt.Fprintf(os.Stdout, "Backed up to %s in %s: %d objects, %d bytes.\n", c.To, time.Since(began).Round(time.Millisecond), made.Objects, made.Bytes)
	return lacking(made.Missing)
}

type restoreCmd struct {
	From      string `help:"Folder of the backup, to be brought to an empty data folder. Default: none, because the data is there already (PostgreSQL and S3)." type:"path"`
	Link      bool   `help:"Make hard links of media in place of copies, where both are on one file system."`
	EndTokens bool   `help:"End all API tokens, too: one that was revoked after the backup is valid again otherwise." name:"end-tokens"`
	OwnMedia  bool   `help:"The installation that the backup is of is gone for good: from now on this one deletes media that it needs no more, also in a bucket that both knew." name:"own-media"`
}

// Run brings a backup back, or finishes what other tools have brought back:
// sessions and addresses of before are void, and all media is looked for. No server
// may run meanwhile.
func (c restoreCmd) Run(ctx context.Context, config *Config) (err error) {
	unlock, err := config.own()
	if err != nil {
		return err
	}
	defer unlock()
	if c.From != "" {
		if err := c.bring(ctx, config); err != nil {
			return err
		}
	}
	a, err := open(ctx, config, tool())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := c.leave(ctx, a); err != nil {
		return err
	}
	if err := backup.Void(ctx, a.db, c.EndTokens); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(os.Stdout, "Sessions, mailed links and media addresses of before are void: everybody signs in again.")
	if err := c.own(ctx, a); err != nil {
		return err
	}
	missing, err := backup.Lacking(ctx, a.db, objects.Has(a.objects))
	if err != nil {
		return err
	}
	return lacking(missing)
}

// takes says that the media are to be this installation's: they are a copy of its
// own, or the operator says so.
func (c restoreCmd) takes(a *app) bool {
	_, folder := a.objects.(objects.Locator)
	return c.OwnMedia || c.From != "" && folder
}

// leave leaves the media to the installation that the backup is of, by the secret
// that this one has in common with it for the last time. The other may never have
// said that they are its own.
func (c restoreCmd) leave(ctx context.Context, a *app) error {
	if c.takes(a) {
		return nil
	}
	_, err := a.owns(ctx)
	return err
}

// own makes the media this installation's, if it takes them.
func (c restoreCmd) own(ctx context.Context, a *app) error {
	if !c.takes(a) {
		_, _ = fmt.Fprintln(os.Stdout, "Media that nobody needs any more are kept here, as they may be another installation's. If that one is gone for good, call this again with --own-media.")
		return nil
	}
	key, err := a.catalog.GrantKey(ctx)
	if err != nil {
		return err
	}
	return owner.Take(ctx, a.objects, owner.Mark(key))
}

func (c restoreCmd) bring(ctx context.Context, config *Config) error {
	media, err := config.mediaFolder()
	if err != nil {
		return err
	}
	path, ok := strings.CutPrefix(config.database(), "sqlite:")
	if !ok {
		return backup.ErrElsewhere
	}
	began := time.Now()
	m, err := backup.Restore(ctx, c.From, backup.Target{Database: path, Objects: media}, backup.Options{Link: c.Link})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(os.Stdout, "Restored what was there at %s in %s: %d objects, %d bytes.\n",
		m.MadeAt.Format(time.RFC3339), time.Since(began).Round(time.Millisecond), m.Objects, m.Bytes)
	return nil
}

// mediaFolder is the folder of the media; empty if they are in a bucket.
func (c *Config) mediaFolder() (string, error) {
	folder, err := c.objects()
	if strings.HasPrefix(folder, "s3:") {
		return "", err
	}
	return folder, err
}

// lackingNamed is how many absent objects are named.
const lackingNamed = 20

// lacking says which objects are not there, as an error.
func lacking(missing []backup.Missing) error {
	if len(missing) == 0 {
		return nil
	}
	for _, m := range missing[:min(len(missing), lackingNamed)] {
		_, _ = fmt.Fprintf(os.Stdout, "missing: %s of video %s\n", m.Key, m.VideoID)
	}
	return fmt.Errorf("%d objects that records name are missing or cut off; everything else is there", len(missing))
}
