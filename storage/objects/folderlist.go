package objects

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// Copy implements Copier. Objects never change, so a second name is enough where
// the disk can give one.
func (f *Folder) Copy(ctx context.Context, from, to string) error {
	for _, key := range []string{from, to} {
		if err := checkKey(key); err != nil {
			return err
		}
	}
	size, err := f.Size(ctx, from)
	if err != nil {
		return err
	}
	temporary := "tmp/" + randomName()
	if f.root.Link(from, temporary) != nil {
		r, err := f.OpenRange(ctx, from, 0, size)
		if err != nil {
			return err
		}
		_, err = f.Put(ctx, to, r)
		return errors.Join(err, r.Close())
	}
	if err := f.publish(temporary, to); err != nil {
		return errors.Join(unwritten(err), ignoreAbsent(f.root.Remove(temporary)))
	}
	// Of two names of one file, renaming one to the other does nothing (rename(2)).
	return ignoreAbsent(f.root.Remove(temporary))
}

// List implements Lister.
func (f *Folder) List(ctx context.Context, prefix, after string, limit int) ([]Info, error) {
	w := &walk{folder: f, ctx: ctx, prefix: prefix, after: after, limit: min(limit, 1000)}
	err := w.below("")
	if errors.Is(err, fs.SkipAll) {
		err = nil
	}
	return w.found, err
}

// walk goes through a folder in the order of the keys' bytes, which is not that
// of the folders' names: "a-b" comes before "a/b".
type walk struct {
	folder        *Folder
	ctx           context.Context //nolint:containedctx // of the one listing
	prefix, after string
	limit         int
	found         []Info
}

func (w *walk) below(folder string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	name := strings.TrimSuffix(folder, "/")
	if name == "" {
		name = "."
	}
	entries, err := fs.ReadDir(w.folder.root.FS(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	for _, entry := range entries {
		if err := w.visit(folder+sortName(entry), entry); err != nil {
			return err
		}
	}
	return nil
}

// sortName is a name as it stands in keys.
func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

func (w *walk) visit(key string, entry fs.DirEntry) error {
	if entry.IsDir() {
		within := strings.HasPrefix(key, w.prefix) || strings.HasPrefix(w.prefix, key)
		passed := key < w.after && !strings.HasPrefix(w.after, key)
		if key == "tmp/" || !within || passed {
			return nil
		}
		return w.below(key)
	}
	if !strings.HasPrefix(key, w.prefix) || key <= w.after || !entry.Type().IsRegular() {
		return nil
	}
	if len(w.found) == w.limit {
		return fs.SkipAll
	}
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	w.found = append(w.found, Info{Key: key, Size: info.Size(), Modified: info.ModTime()})
	return nil
}
