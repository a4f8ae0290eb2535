package objects

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Folder keeps each object as one file, its key being the path below a root.
// A file is written under a temporary name beside the root's "tmp" folder,
// synced, renamed into place, and its folder synced: so a name that can be seen
// always has all of its bytes, also after a power cut.
type Folder struct {
	root *os.Root
	path string
}

// OpenFolder opens, and if need be makes, the store at path.
func OpenFolder(path string) (*Folder, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(absolute, "tmp"), 0o700); err != nil {
		return nil, fmt.Errorf("objects: make folder: %w", err)
	}
	root, err := os.OpenRoot(absolute)
	if err != nil {
		return nil, fmt.Errorf("objects: open folder: %w", err)
	}
	return &Folder{root: root, path: absolute}, nil
}

// AbortUploads implements Janitor. What a crash cut off never got its name, so
// nobody was told of it; what another process writes now looks the same, and is new.
func (f *Folder) AbortUploads(ctx context.Context, before time.Time) (n int, err error) {
	folder := filepath.Join(f.path, "tmp")
	left, err := os.ReadDir(folder)
	if err != nil {
		return 0, fmt.Errorf("objects: unfinished writes: %w", err)
	}
	for _, entry := range left {
		info, err := entry.Info()
		if err == nil && info.ModTime().Before(before) {
			err = os.Remove(filepath.Join(folder, entry.Name()))
			n++
		}
		if err = errors.Join(ctx.Err(), ignoreAbsent(err)); err != nil {
			return n, fmt.Errorf("objects: unfinished writes: %w", err)
		}
	}
	return n, nil
}

// Close releases the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Put implements Store.
func (f *Folder) Put(_ context.Context, key string, r io.Reader) (int64, error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	temporary := "tmp/" + randomName()
	n, err := f.write(temporary, r)
	if err == nil {
		err = unwritten(f.publish(temporary, key))
	}
	if err != nil {
		return 0, errors.Join(classify(err), ignoreAbsent(f.root.Remove(temporary)))
	}
	return n, nil
}

func (f *Folder) write(name string, r io.Reader) (n int64, err error) {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, unwritten(err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := newSum()
	if n, err = io.Copy(io.MultiWriter(file, sum), r); err != nil {
		return n, err
	}
	remember(file, sum)
	return n, syscall.Fdatasync(int(file.Fd()))
}

// publish gives the file its name. Only the folders that are new need a sync of
// their parents, so a recording's second part costs one folder sync.
func (f *Folder) publish(temporary, key string) error {
	folder := filepath.Dir(key)
	err := f.root.Rename(temporary, key)
	if errors.Is(err, fs.ErrNotExist) {
		if err = f.makeFolders(folder); err != nil {
			return err
		}
		err = f.root.Rename(temporary, key)
	}
	if err != nil {
		return err
	}
	return f.syncFolder(folder)
}

func (f *Folder) makeFolders(folder string) error {
	if err := f.root.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for parent := filepath.Dir(folder); ; parent = filepath.Dir(parent) {
		if err := f.syncFolder(parent); err != nil {
			return err
		}
		if parent == "." {
			return nil
		}
	}
}

func (f *Folder) syncFolder(name string) (err error) {
	folder, err := f.root.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	return folder.Sync()
}

// Size implements Store.
func (f *Folder) Size(_ context.Context, key string) (int64, error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	info, err := f.root.Stat(key)
	if err != nil {
		return 0, classify(err)
	}
	if !info.Mode().IsRegular() {
		return 0, notAnObject(key)
	}
	return info.Size(), nil
}

// OpenRange implements Store.
func (f *Folder) OpenRange(_ context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	file, err := f.root.Open(key)
	if err != nil {
		return nil, classify(err)
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(notAnObject(key), err, file.Close())
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &section{LimitedReader: io.LimitedReader{R: file, N: n}, file: file}, nil
}

// section is a file's range.
type section struct {
	io.LimitedReader
	file *os.File
}

// Close implements io.Closer.
func (s *section) Close() error { return s.file.Close() }

// WriteTo implements io.WriterTo. It hands the bare file on, so that a copy to
// a socket can stay inside the kernel (sendfile).
func (s *section) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, &io.LimitedReader{R: s.file, N: s.N})
	s.N -= n
	return n, err
}

// Path implements Locator.
func (f *Folder) Path(key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	return filepath.Join(f.path, key), nil
}

// Delete implements Store.
func (f *Folder) Delete(_ context.Context, key string) error {
	if prefix, ok := strings.CutSuffix(key, "/"); ok {
		if err := checkKey(prefix); err != nil {
			return err
		}
		return f.root.RemoveAll(prefix)
	}
	if err := checkKey(key); err != nil {
		return err
	}
	err := ignoreAbsent(f.root.Remove(key))
	if info, stat := f.root.Stat(key); err != nil && stat == nil && info.IsDir() {
		return nil // there are only keys below it, no such object
	}
	return err
}

// notAnObject says that a key is only the beginning of others.
func notAnObject(key string) error { return fmt.Errorf("%w: %q is a folder", ErrNotFound, key) }

func checkKey(key string) error {
	first, _, _ := strings.Cut(key, "/")
	if !filepath.IsLocal(key) || filepath.Clean(key) != key || first == "." || first == "tmp" || strings.ContainsRune(key, 0) {
		return fmt.Errorf("%w: %q", ErrBadKey, key)
	}
	return nil
}

func classify(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// unwritten is the error of a write. If what was being written is gone, or the
// folder for it, the store is at fault: that there is no such object would be no
// answer to whoever brings one.
func unwritten(err error) error {
	if err = classify(err); errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %s", ErrUnavailable, err.Error())
	}
	return err
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func randomName() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
