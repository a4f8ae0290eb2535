package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
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
