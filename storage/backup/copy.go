package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// copiers is how many objects are copied at once: most are small, and each waits
// for the disk to say that it is kept.
const copiers = 8

// copying brings the objects of one folder to another.
type copying struct {
	from, to string
	link     bool
}

func (c copying) prepare() error {
	if c.from == "" {
		return nil
	}
	within, err := inside(c.from, c.to)
	if err != nil {
		return err
	}
	if within {
		return fmt.Errorf("backup: %s is within the media itself; choose a folder elsewhere", c.to)
	}
	if err := os.MkdirAll(c.to, 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func inside(folder, path string) (bool, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return false, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return false, err
	}
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel), nil
}

// add copies what is not there yet. Objects never change, so one of the same
// length is the same.
func (c copying) add(ctx context.Context) error {
	if c.from == "" {
		return nil
	}
	keys := make(chan string)
	failed := make(chan error, copiers)
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range copiers {
		all.Go(func() {
			for key := range keys {
				if err := c.one(key); err != nil {
					failed <- err
					cancel()
					return
				}
			}
		})
	}
	err := walk(c.from, func(key string, _ fs.FileInfo) error {
		select {
		case keys <- key:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(keys)
	all.Wait()
	close(failed)
	for cause := range failed {
		err = cause // rather than that the others were told to stop
	}
	if err != nil {
		return err
	}
	return syncFolders(c.to)
}

func (c copying) one(key string) error {
	from, to := filepath.Join(c.from, filepath.FromSlash(key)), filepath.Join(c.to, filepath.FromSlash(key))
	source, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted since it was seen
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if there, err := os.Stat(to); err == nil && there.Size() == info.Size() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if c.link {
		switch err := os.Link(from, to); {
		case err == nil, errors.Is(err, fs.ErrNotExist):
			return nil
		case !errors.Is(err, syscall.EXDEV) && !errors.Is(err, syscall.EPERM) && !errors.Is(err, fs.ErrExist):
			return fmt.Errorf("backup: %w", err)
		}
	}
	if err := save(to+unfinished, source); err != nil {
		return errors.Join(err, ignoreAbsent(os.Remove(to+unfinished)))
	}
	return os.Rename(to+unfinished, to)
}

// unfinished marks a file that is still being written.
const unfinished = ".unfinished"

// left lists what the source no longer holds.
func (c copying) left() (keys []string, err error) {
	if c.from == "" {
		return nil, nil
	}
	return keys, walk(c.to, func(key string, _ fs.FileInfo) error {
		_, err := os.Lstat(filepath.Join(c.from, filepath.FromSlash(key)))
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		keys = append(keys, key)
		return nil
	})
}

// drop removes objects from the copy.
func (c copying) drop(keys []string) error {
	for _, key := range keys {
		if err := ignoreAbsent(os.Remove(filepath.Join(c.to, filepath.FromSlash(key)))); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	return nil
}

// walk calls do with the key of each object in a folder of objects. What is not
// an object yet (tmp) or never will be one (health) is passed over.
func walk(folder string, do func(key string, info fs.FileInfo) error) error {
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		key, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if key == "tmp" || key == "health" {
				return fs.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			return ignoreAbsent(err)
		}
		return do(filepath.ToSlash(key), info)
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("backup: %w", err)
	}
	return err
}

// measure counts the objects of a folder and their bytes.
func measure(folder string) (n int, bytes int64, err error) {
	err = walk(folder, func(key string, info fs.FileInfo) error {
		if strings.HasSuffix(key, unfinished) {
			return nil
		}
		n, bytes = n+1, bytes+info.Size()
		return nil
	})
	return n, bytes, err
}

// save writes a file that survives a power cut once its folder is synced.
func save(path string, r io.Reader) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := io.Copy(file, r); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return file.Sync()
}

func syncFolders(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return syncFolder(path)
	})
}

func syncFolder(path string) (err error) {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	return folder.Sync()
}
