package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Postgres is a PostgreSQL of its own in a fresh folder. It does not wait for the
// disk, which no fault here takes away: processes end, the machine stays.
type Postgres struct {
	folder  string
	bin     string
	port    int
	owner   *syscall.Credential
	process *Process
}

// nobody is the user that runs PostgreSQL where root runs the tests, because it
// refuses to be run by root.
const nobody = 65534

// bootTime is how long a program may take to answer at first.
const bootTime = 60 * time.Second

// StartPostgres makes a database cluster and starts it.
func StartPostgres(ctx context.Context) (*Postgres, error) {
	bin, err := programsOfPostgres()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "meanwhile-postgres-")
	if err != nil {
		return nil, err
	}
	p := &Postgres{folder: folder, bin: bin}
	if os.Geteuid() == 0 {
		p.owner = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(folder, nobody, nobody); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	if p.port, err = freePort(ctx); err == nil {
		err = p.make(ctx)
	}
	if err == nil {
		err = p.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// programsOfPostgres finds the folder of PostgreSQL's own programs, which Debian
// keeps out of the path.
func programsOfPostgres() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err == nil && len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", fmt.Errorf("no PostgreSQL: %w", err)
	}
	return filepath.Dir(path), nil
}

// make fills the folder.
func (p *Postgres) make(ctx context.Context) error {
	return p.run(ctx, "initdb", "-D", p.data(), "-U", "meanwhile", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
}

func (p *Postgres) data() string { return filepath.Join(p.folder, "data") }

// Query asks a database and returns its rows, fields separated by "|".
func (p *Postgres) Query(ctx context.Context, name, question string) ([]string, error) {
	out, err := p.output(ctx, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", name, "-c", question)
	return strings.FieldsFunc(out, func(r rune) bool { return r == '\n' }), err
}

// Examine reads every table and index of a database and wants them whole.
func (p *Postgres) Examine(ctx context.Context, name string) error {
	return p.run(ctx, "pg_amcheck", "--install-missing", "--heapallindexed", "-d", name)
}

// run runs one of PostgreSQL's programs to its end.
func (p *Postgres) run(ctx context.Context, program string, args ...string) error {
	_, err := p.output(ctx, program, args...)
	return err
}

func (p *Postgres) output(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, program), args...) //nolint:gosec // which program, these lines say
	cmd.Env = append(os.Environ(), "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(p.port), "PGUSER=meanwhile")
	cmd.Dir = p.folder
	cmd.SysProcAttr = lifeline(p.owner)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return string(out), nil
}

// Start starts the server, at first or again, and waits until it answers.
func (p *Postgres) Start(ctx context.Context) error {
	if p.process == nil {
		p.process = NewProcess(Program{
			Name: "postgres", Path: filepath.Join(p.bin, "postgres"), Owner: p.owner, Env: []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")},
			Args: []string{
				"-D", p.data(), "-p", strconv.Itoa(p.port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-c", "full_page_writes=off",
				"-c", "max_connections=400", "-c", "shared_buffers=64MB", "-c", "log_min_messages=warning",
			},
		})
	}
	if err := p.process.Start(); err != nil {
		return err
	}
	return until(ctx, func(ctx context.Context) error { return p.run(ctx, "pg_isready", "-q", "-t", "1") })
}

// Crash ends the server at once: clients are cut off, and it recovers at its next
// start.
func (p *Postgres) Crash() error {
	if err := p.process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	return p.process.Terminate(bootTime)
}

// Addr is where it listens, host:port.
func (p *Postgres) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

// URL names a database, reached by way of an address.
func (p *Postgres) URL(addr, name string) string {
	return "postgres://meanwhile@" + addr + "/" + name + "?sslmode=disable"
}

// Create makes an empty database, or a copy of another one.
func (p *Postgres) Create(ctx context.Context, name, like string) error {
	args := []string{name}
	if like != "" {
		args = []string{"-T", like, name}
	}
	return p.run(ctx, "createdb", args...)
}

// Drop removes a database, also while it is used.
func (p *Postgres) Drop(ctx context.Context, name string) error {
	return p.run(ctx, "dropdb", "--if-exists", "--force", name)
}

// Close ends the server and removes its folder.
func (p *Postgres) Close() error {
	var err error
	if p.process != nil && p.process.Running() {
		err = p.Crash()
	}
	return errors.Join(err, os.RemoveAll(p.folder))
}

// freePort finds a port below those that the system takes for outgoing
// connections, so that it is still free when its server comes back.
func freePort(ctx context.Context) (int, error) {
	for range 100 {
		port := 10_000 + rand.IntN(20_000) //nolint:gosec // a port is no secret
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no free port: %w", fs.ErrExist)
}

// until repeats a question until it is answered without an error.
func until(ctx context.Context, ask func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", bootTime, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
