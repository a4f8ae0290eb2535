// Package objectstest lends tests a real S3 server, versitygw, and runs one test
// over every kind of store.
package objectstest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

const (
	accessKey = "test-access-key"
	secretKey = "test-secret-key"
	region    = "us-east-1"
	// startTime is long because a whole test run shares few cores.
	startTime = time.Minute
)

// Gateway is a running versitygw, which keeps its buckets in a folder.
type Gateway struct {
	// Endpoint is its address: http://127.0.0.1:port.
	Endpoint string
	folder   string
	process  *exec.Cmd
}

// Start starts a gateway over a folder and waits until it answers. More flags
// may be given, such as --cors-allow-origin.
func Start(ctx context.Context, folder string, flags ...string) (*Gateway, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"buckets", "meta"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o700); err != nil {
			return nil, err
		}
	}
	for range 5 { // another process may take the port first
		g := &Gateway{folder: folder}
		if err = g.start(ctx, program, flags); err == nil {
			return g, nil
		}
	}
	return nil, err
}

// find looks for the program that scripts/tools.sh installs.
func find() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		program := filepath.Join(at, ".tools", "versitygw")
		if _, err := os.Stat(program); err == nil {
			return program, nil
		}
		if at == filepath.Dir(at) {
			return "", errors.New("there is no .tools/versitygw, the S3 server of the tests; scripts/tools.sh versitygw installs it")
		}
		at = filepath.Dir(at)
	}
}

func (g *Gateway) start(ctx context.Context, program string, flags []string) error {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		return err
	}
	g.Endpoint = "http://" + addr
	output, err := os.Create(filepath.Join(g.folder, "log"))
	if err != nil {
		return err
	}
	defer output.Close()
	args := append([]string{"--port", addr, "--health", "/health", "--quiet", "--keep-alive"}, flags...)
	args = append(args, "posix", "--sidecar", filepath.Join(g.folder, "meta"), filepath.Join(g.folder, "buckets"))
	g.process = exec.CommandContext(context.WithoutCancel(ctx), program, args...) //nolint:gosec // our own tool
	g.process.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secretKey)
	g.process.Stdout, g.process.Stderr = output, output
	g.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.process.Start(); err != nil {
		return err
	}
	if err := g.wait(ctx); err != nil {
		said, _ := os.ReadFile(output.Name())
		return errors.Join(fmt.Errorf("versitygw does not answer: %w: %s", err, said), g.Stop())
	}
	return nil
}

func (g *Gateway) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := g.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

func (g *Gateway) ask(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.Endpoint+"/health", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// Stop ends the gateway. What it keeps stays in its folder.
func (g *Gateway) Stop() error {
	if err := g.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = g.process.Wait() // it was killed
	return nil
}

// Signal sends the gateway a signal: SIGSTOP makes it fall silent.
func (g *Gateway) Signal(s os.Signal) error { return g.process.Process.Signal(s) }

// Bucket is a bucket of its own in a gateway.
type Bucket struct {
	// URL is its address, as MEANWHILE_OBJECTS_URL takes it, and Options the keys.
	URL     string
	Options objects.Options
	// Name and Endpoint are parts of the URL.
	Name, Endpoint string
}

// Env are the keys as variables of the environment, for a process.
func (b Bucket) Env() []string {
	return []string{"MEANWHILE_OBJECTS_URL=" + b.URL, "AWS_ACCESS_KEY_ID=" + b.Options.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + b.Options.SecretAccessKey}
}

// Through is the same bucket behind another endpoint, such as a proxy's.
func (b Bucket) Through(endpoint string) Bucket {
	b.Endpoint = endpoint
	b.URL = "s3://" + b.Name + "?" + url.Values{"endpoint": {endpoint}, "region": {region}}.Encode()
	return b
}

// Client talks to the gateway in its own language.
func (b Bucket) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(b.Endpoint), Region: region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
}

// Bucket makes a bucket under a random name.
func (g *Gateway) Bucket(ctx context.Context) (Bucket, error) {
	b := Bucket{Name: "test-" + strings.ToLower(rand.Text()), Options: objects.Options{AccessKeyID: accessKey, SecretAccessKey: secretKey}}
	b = b.Through(g.Endpoint)
	_, err := b.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b.Name})
	return b, err
}

// AllowOrigin lets scripts of pages of an origin read the bucket.
func (b Bucket) AllowOrigin(ctx context.Context, origin string) error {
	rule := types.CORSRule{AllowedOrigins: []string{origin}, AllowedMethods: []string{http.MethodGet, http.MethodHead}, AllowedHeaders: []string{"Range"}}
	_, err := b.Client().PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: &b.Name, CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{rule}}})
	return err
}
