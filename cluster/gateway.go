package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Gateway is an S3 server over a folder.
type Gateway struct {
	folder  string
	port    int
	process *Process
}

// The keys of the S3 server; it holds nothing that is worth more.
const (
	accessKey = "meanwhile"
	secretKey = "meanwhile-secret"
	region    = "us-east-1"
)

// StartGateway starts an S3 server on a fresh folder.
func StartGateway(ctx context.Context) (*Gateway, error) {
	program, err := gatewayProgram()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "meanwhile-s3-")
	if err != nil {
		return nil, err
	}
	g := &Gateway{folder: folder}
	if g.port, err = freePort(ctx); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	g.process = NewProcess(Program{
		Name: "versitygw", Path: program, Env: []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey, "PATH=" + os.Getenv("PATH")},
		Args: []string{"--port", g.Addr(), "--region", region, "--health", "/health", "--quiet", "--keep-alive", "--cors-allow-origin", "*", "posix", "--sidecar", g.side(), g.buckets()},
	})
	err = errors.Join(os.Mkdir(g.side(), 0o700), os.Mkdir(g.buckets(), 0o700))
	if err == nil {
		err = g.process.Start()
	}
	if err == nil {
		err = until(ctx, g.healthy)
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// buckets holds a folder for each bucket, side what is known of its objects.
func (g *Gateway) buckets() string { return filepath.Join(g.folder, "buckets") }

func (g *Gateway) side() string { return filepath.Join(g.folder, "meta") }

// gatewayProgram finds versitygw, which scripts/tools.sh installs.
func gatewayProgram() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	if path := filepath.Join(root, ".tools", "versitygw"); exists(path) {
		return path, nil
	}
	return exec.LookPath("versitygw")
}

// moduleRoot is the folder of go.mod above the working folder.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for !exists(filepath.Join(folder, "go.mod")) {
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", fmt.Errorf("no go.mod above: %w", fs.ErrNotExist)
		}
		folder = parent
	}
	return folder, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Addr is where it listens, host:port.
func (g *Gateway) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(g.port)) }

func (g *Gateway) healthy(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.Addr()+"/health", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// URL names a bucket, reached by way of an address.
func (g *Gateway) URL(addr, bucket string) string {
	query := url.Values{"endpoint": {"http://" + addr}, "region": {region}, "path_style": {"true"}}
	return "s3://" + bucket + "?" + query.Encode()
}

// Env are the variables by which the keys are handed on.
func (g *Gateway) Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey}
}

// Create makes a bucket.
func (g *Gateway) Create(bucket string) error {
	return os.Mkdir(filepath.Join(g.buckets(), bucket), 0o700)
}

// Drop removes a bucket and all it holds.
func (g *Gateway) Drop(bucket string) error {
	return errors.Join(os.RemoveAll(filepath.Join(g.buckets(), bucket)), os.RemoveAll(filepath.Join(g.side(), bucket)))
}

// Keys lists the objects of a bucket, with their sizes, as they lie on the disk:
// no fault of a line hides any. Files of uploads that are under way have names
// that begin with a dot, or lie in a folder that does.
func (g *Gateway) Keys(bucket string) (map[string]int64, error) {
	keys := map[string]int64{}
	root := filepath.Join(g.buckets(), bucket)
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
	return filepath.Join(g.buckets(), bucket, filepath.FromSlash(key))
}

// older says whether an object is there longer than a grace.
func (g *Gateway) older(bucket, key string, grace time.Duration) bool {
	info, err := os.Stat(g.Path(bucket, key))
	return err == nil && time.Since(info.ModTime()) > grace
}

// Close ends the server and removes its folder.
func (g *Gateway) Close() error {
	if g.process != nil {
		g.process.Kill()
	}
	return os.RemoveAll(g.folder)
}
