// Package deploy_test starts what the files of this folder say: the proxies' samples
// in front of real servers, the commands of the containers and units with their
// settings, the chart as it is rendered.
package deploy_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

const (
	// soon is how long what should happen may take.
	soon = 2 * time.Minute
	tick = 20 * time.Millisecond
)

// all are the stores of all tests.
var all clustertest.Shared

func TestMain(m *testing.M) { os.Exit(all.Run(m)) }

// servers starts Meanwhile so many times over the same stores.
func servers(t *testing.T, n int, env ...string) *cluster.Cluster {
	t.Helper()
	return clustertest.Start(t, all.Stores(t), cluster.Options{Servers: n, Env: env})
}

// owner makes the account that ledger.Client signs in as.
func owner(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.Binary, "user", "add", "--email", "owner@example.org", "--name", "Olive Owner", "--role", "owner")
	cmd.Env, cmd.Stdin = c.Servers[0].Env, strings.NewReader(ledger.Password+"\n")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// freePorts are so many ports that nobody listens on, and that the system gives to
// nobody.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var ports []string
	for len(ports) < n {
		port, err := storestest.FreePort(t.Context())
		require.NoError(t, err)
		if !slices.Contains(ports, strconv.Itoa(port)) {
			ports = append(ports, strconv.Itoa(port))
		}
	}
	return ports
}

// program finds a program, or skips the test.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
	}
	t.Skipf("there is no %s here: make setup", names[0])
	return ""
}

// output runs a program to its end and returns what it printed.
func output(t *testing.T, env []string, path string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*soon)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// read is a file of this folder.
func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(raw)
}

// write makes a file.
func write(t *testing.T, path, content string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// run starts a program that ends with the test.
func run(t *testing.T, p cluster.Program) *cluster.Process {
	t.Helper()
	process := cluster.NewProcess(p)
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.Name, strings.Join(process.Log(), "\n"))
		}
		_ = process.Terminate(soon) // nginx ends what it started only when it is asked to
	})
	return process
}

// status asks an address and returns the status, 0 where nobody answers.
func status(ctx context.Context, client *http.Client, url string) int {
	ctx, cancel := context.WithTimeout(ctx, soon/2)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := client.Do(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}
