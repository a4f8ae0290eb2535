// Command run starts what tests of many machines stand on.
//
//	run with COMMAND…   one PostgreSQL and one S3 server for as long as a command
//	                    runs, which finds them in its environment
//	run serve           two servers and three workers in the place of one
//	                    `meanwhile serve`: with the same settings, first log line
//	                    and signals; when it is killed, so are they
//	run exec ARGS…      another command of Meanwhile on the same records
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/meanwhile-app/meanwhile/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		os.Exit(max(1, ended.ExitCode()))
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// errUsage is told to those who ask for something else.
var errUsage = errors.New("usage: run with COMMAND… | run serve | run exec ARGS…")

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	stores, err := cluster.OpenStores(ctx)
	if err != nil {
		return err
	}
	switch args[0] {
	case "with":
		err = with(ctx, stores, args[1:])
	case "serve":
		err = serve(ctx, stores)
	case "exec":
		err = execute(ctx, stores, args[1:])
	default:
		err = errUsage
	}
	return errors.Join(err, stores.Close())
}

// with runs a command beside the stores.
func with(ctx context.Context, stores *cluster.Stores, command []string) error {
	if len(command) == 0 {
		return errUsage
	}
	return child(ctx, command, append(os.Environ(), stores.Env()...))
}

// child runs a command to its end, and asks it to end when we are asked to.
func child(ctx context.Context, command, env []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // it is what we are for
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd.Run()
}

// name is that of the database and the bucket: one for each data folder.
func name() string {
	folder, _ := filepath.Abs(os.Getenv("MEANWHILE_DATA")) // fails only where there is no working folder
	sum := sha256.Sum256([]byte(folder))
	return "e2e-" + hex.EncodeToString(sum[:8])
}

// binary is Meanwhile.
func binary() string {
	if path := os.Getenv("MEANWHILE_BINARY"); path != "" {
		return path
	}
	return filepath.Join("bin", "meanwhile")
}

// serve runs a cluster until it is told to stop.
func serve(ctx context.Context, stores *cluster.Stores) error {
	c, err := cluster.Open(ctx, stores, cluster.Options{
		Binary: binary(), Folder: os.Getenv("MEANWHILE_DATA"), Name: name(), Addr: os.Getenv("MEANWHILE_ADDR"),
		Servers: 2, Workers: 3, Slots: 1, Plain: true, Env: append([]string{"MEANWHILE_DRAIN=0s"}, settings()...), Echo: os.Stderr,
	})
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(c.Front.URL(), "http://"))
	// The first line says where people reach it, as that of one server does.
	fmt.Fprintf(os.Stderr, `{"level":"INFO","msg":"starting","addr":%q}`+"\n", net.JoinHostPort("127.0.0.1", port))
	if err := c.Start(ctx); err != nil {
		return errors.Join(err, c.Close())
	}
	<-ctx.Done()
	return c.Terminate()
}

// settings are those that were meant for the server.
func settings() []string {
	var out []string
	for _, pair := range os.Environ() {
		own := strings.HasPrefix(pair, "MEANWHILE_ADDR=") || strings.HasPrefix(pair, "MEANWHILE_DATA=") || strings.HasPrefix(pair, "MEANWHILE_CLUSTER_")
		if strings.HasPrefix(pair, "MEANWHILE_") && !own {
			out = append(out, pair)
		}
	}
	return out
}

// execute runs another command of Meanwhile, past all lines that can be harmed.
func execute(ctx context.Context, stores *cluster.Stores, args []string) error {
	env := append(os.Environ(), stores.Settings(name(), stores.Postgres.Addr(), stores.Gateway.Addr())...)
	return child(ctx, append([]string{binary()}, args...), env)
}
