package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// Postgres is a PostgreSQL of its own in a fresh folder. It does not wait for the
// disk, which no fault here takes away: processes end, the machine stays.
type Postgres struct {
	files   *storestest.Postgres
	port    int
	process *Process
}

// bootTime is how long a program may take to answer at first, and jobs to be done:
// minutes, as the machine may be busy with other things.
const bootTime = 4 * time.Minute

// StartPostgres makes a database cluster and starts it.
func StartPostgres(ctx context.Context) (*Postgres, error) {
	files, err := storestest.MakePostgres(ctx)
	if err != nil {
		return nil, err
	}
	p := &Postgres{files: files}
	if p.port, err = storestest.FreePort(ctx); err == nil {
		err = p.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

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
	cmd := p.files.Command(ctx, program, args...)
	cmd.Env = append(os.Environ(), "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(p.port), "PGUSER="+storestest.Superuser)
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
			Name: "postgres", Path: p.files.Program("postgres"), Owner: p.files.Owner, Env: []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")},
			Args: append([]string{"-D", p.files.Data(), "-p", strconv.Itoa(p.port), "-h", "127.0.0.1", "-k", "", "-c", "log_min_messages=warning"}, storestest.Fleeting()...),
		})
	}
	return storestest.Until(ctx, bootTime, func(ctx context.Context) error {
		// One that has ended is started once more: something may have held its port.
		if err := p.process.Start(); err != nil {
			return err
		}
		return p.run(ctx, "pg_isready", "-q", "-t", "1")
	})
}

// Crash ends the server at once: clients are cut off, and it recovers at its next
// start. One that does not run has nothing to lose.
func (p *Postgres) Crash() error {
	if err := p.process.Signal(syscall.SIGQUIT); err != nil && p.process.Running() {
		return err
	}
	return p.process.Terminate(bootTime)
}

// Addr is where it listens, host:port.
func (p *Postgres) Addr() string { return storestest.Local(p.port) }

// URL names a database, reached by way of an address.
func (p *Postgres) URL(addr, name string) string {
	return "postgres://" + storestest.Superuser + "@" + addr + "/" + name + "?sslmode=disable"
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
	return errors.Join(err, os.RemoveAll(p.files.Folder))
}
