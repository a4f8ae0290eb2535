package storestest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
)

// The keys of the S3 server, which holds nothing that is worth more, and its
// region.
const (
	AccessKey = "test-access-key"
	SecretKey = "test-secret-key"
	Region    = "us-east-1"
)

// Gateway is versitygw over a folder.
type Gateway struct {
	// Addr is where it listens, host:port.
	Addr string
	// Folder holds all that it keeps, and its log.
	Folder  string
	process *exec.Cmd
	// ended is closed when the process has ended.
	ended chan struct{}
}

// StartGateway starts an S3 server over a folder and waits until it answers. More
// flags may be given, such as --cors-allow-origin.
func StartGateway(ctx context.Context, folder string, flags ...string) (*Gateway, error) {
	program, err := findGateway()
	if err != nil {
		return nil, err
	}
	g := &Gateway{Folder: folder}
	for _, name := range []string{g.Buckets(), g.Meta()} {
		if err := os.MkdirAll(name, 0o700); err != nil {
			return nil, err
		}
	}
	for range 5 { // another process may take the port first
		if err = g.start(ctx, program, flags); err == nil {
			return g, nil
		}
	}
	return nil, err
}

// findGateway looks for the program that scripts/tools.sh installs, above the
// working folder and in the path.
func findGateway() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; at = filepath.Dir(at) {
		program := filepath.Join(at, ".tools", "versitygw")
		if _, err := os.Stat(program); err == nil {
			return program, nil
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	program, err := exec.LookPath("versitygw")
	if err != nil {
		return "", errors.New("there is no .tools/versitygw, the S3 server of the tests; scripts/tools.sh versitygw installs it")
	}
	return program, nil
}

// Buckets is the folder that has one for each bucket.
func (g *Gateway) Buckets() string { return filepath.Join(g.Folder, "buckets") }

// Meta is the folder of what is known of the objects.
func (g *Gateway) Meta() string { return filepath.Join(g.Folder, "meta") }

func (g *Gateway) start(ctx context.Context, program string, flags []string) error {
	port, err := FreePort(ctx)
	if err != nil {
		return err
	}
	g.Addr = Local(port)
	output, err := os.Create(filepath.Join(g.Folder, "log"))
	if err != nil {
		return err
	}
	defer output.Close()
	args := append([]string{"--port", g.Addr, "--region", Region, "--health", "/health", "--quiet", "--keep-alive"}, flags...)
	args = append(args, "posix", "--sidecar", g.Meta(), g.Buckets())
	g.process = exec.CommandContext(context.WithoutCancel(ctx), program, args...) //nolint:gosec // our own tool
	g.process.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+AccessKey, "ROOT_SECRET_KEY="+SecretKey)
	g.process.Stdout, g.process.Stderr = output, output
	g.process.SysProcAttr = Lifeline(nil)
	if err := g.process.Start(); err != nil {
		return err
	}
	g.ended = make(chan struct{})
	running, end := context.WithCancel(ctx)
	defer end()
	go func() {
		defer close(g.ended)
		_ = g.process.Wait() // it ends by itself where the port was taken
		end()
	}()
	if err := Until(running, StartTime, g.healthy); err != nil {
		said, _ := os.ReadFile(output.Name())
		return errors.Join(fmt.Errorf("versitygw does not answer: %w: %s", err, said), g.Stop())
	}
	return nil
}

func (g *Gateway) healthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.Addr+"/health", nil)
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

// Stop ends the server. What it keeps stays in its folder.
func (g *Gateway) Stop() error {
	if err := g.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-g.ended
	return nil
}

// BucketURL is the address of a bucket behind an endpoint, as
// MEANWHILE_OBJECTS_URL takes it.
func BucketURL(endpoint, bucket string) string {
	return "s3://" + bucket + "?" + url.Values{"endpoint": {endpoint}, "region": {Region}}.Encode()
}

// Keys are the variables of the environment that hand the keys to a process.
func Keys() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey}
}
