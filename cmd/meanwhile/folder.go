package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

// lockFolder makes this process the only server on a data folder: an embedded
// database and its queue have one owner. The kernel lets go of the lock when
// the process ends, however it ends.
func lockFolder(folder string) (unlock func(), err error) {
	unlock, err = lock(folder, "server.lock", unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("another server runs on the data folder %s; stop it first, or give this one a folder of its own", folder)
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
