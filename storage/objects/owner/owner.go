// Package owner notes in an object store which installation its objects belong
// to. Only that one may delete what its records do not name: an installation that
// was restored from a backup, to see whether that works, knows nothing of what has
// been recorded since, and must not take it for rubbish.
package owner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// key is the object that holds the mark.
const key = "installation"

// Mark names an installation by a secret that a restore renews.
func Mark(secret []byte) string {
	sum := sha256.Sum256(append([]byte("the media of the installation "), secret...))
	return hex.EncodeToString(sum[:])
}

// Owns says whether the store belongs to the installation of a mark. One that
// belongs to nobody yet does from now on.
func Owns(ctx context.Context, store objects.Store, mark string) (bool, error) {
	size, err := store.Size(ctx, key)
	if errors.Is(err, objects.ErrNotFound) {
		return true, Take(ctx, store, mark)
	}
	if err != nil || size != int64(len(mark)) {
		return false, err
	}
	r, err := store.OpenRange(ctx, key, 0, size)
	if err != nil {
		return false, err
	}
	held, err := io.ReadAll(r)
	return string(held) == mark, errors.Join(err, r.Close())
}

// Take makes the store the installation's, whomever it belonged to.
func Take(ctx context.Context, store objects.Store, mark string) error {
	if _, err := store.Put(ctx, key, strings.NewReader(mark)); err != nil {
		return fmt.Errorf("owner: %w", err)
	}
	return nil
}
