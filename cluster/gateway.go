package cluster

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// Gateway is an S3 server over a folder.
type Gateway struct {
	server *storestest.Gateway
}

// StartGateway starts an S3 server on a fresh folder, which pages of every origin
// may read from.
func StartGateway(ctx context.Context) (*Gateway, error) {
	folder, err := os.MkdirTemp("", "meanwhile-s3-")
	if err != nil {
		return nil, err
	}
	server, err := storestest.StartGateway(ctx, folder, "--cors-allow-origin", "*")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return &Gateway{server: server}, nil
}

// Addr is where it listens, host:port.
func (g *Gateway) Addr() string { return g.server.Addr }

// URL names a bucket, reached by way of an address.
func (g *Gateway) URL(addr, bucket string) string {
	return storestest.BucketURL("http://"+addr, bucket)
}

// Env are the variables by which the keys are handed on.
func (g *Gateway) Env() []string { return storestest.Keys() }

// Create makes a bucket.
func (g *Gateway) Create(bucket string) error {
	return os.Mkdir(filepath.Join(g.server.Buckets(), bucket), 0o700)
}

// Drop removes a bucket and all it holds.
func (g *Gateway) Drop(bucket string) error {
	return errors.Join(os.RemoveAll(filepath.Join(g.server.Buckets(), bucket)), os.RemoveAll(filepath.Join(g.server.Meta(), bucket)))
}

// Keys lists the objects of a bucket, with their sizes, as they lie on the disk:
// no fault of a line hides any. Files of uploads that are under way have names
// that begin with a dot, or lie in a folder that does.
func (g *Gateway) Keys(bucket string) (map[string]int64, error) {
	keys := map[string]int64{}
	root := filepath.Join(g.server.Buckets(), bucket)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // gone while we looked
			}
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || rel == "." {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") && d.IsDir() {
			return fs.SkipDir
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			keys[filepath.ToSlash(rel)] = info.Size()
		}
		return nil
	})
	return keys, err
}

// Path is where the bytes of an object lie.
func (g *Gateway) Path(bucket, key string) string {
	return filepath.Join(g.server.Buckets(), bucket, filepath.FromSlash(key))
}

// older says whether an object is there longer than a grace.
func (g *Gateway) older(bucket, key string, grace time.Duration) bool {
	info, err := os.Stat(g.Path(bucket, key))
	return err == nil && time.Since(info.ModTime()) > grace
}

// Close ends the server and removes its folder.
func (g *Gateway) Close() error {
	return errors.Join(g.server.Stop(), os.RemoveAll(g.server.Folder))
}
