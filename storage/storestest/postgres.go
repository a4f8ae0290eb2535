// Package storestest starts the servers that tests and measurements stand on:
// PostgreSQL, and versitygw, an S3 server. It knows nothing of package testing, so
// that programs may use it too; databasetest and objectstest lend them to tests.
package storestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Postgres is what PostgreSQL needs to run: its programs, the files of a server
// that nobody else uses, and a user.
type Postgres struct {
	// Programs is the folder of its own programs.
	Programs string
	// Folder holds the files of the server, and has room for its socket and log. It
	// is empty where there are programs alone.
	Folder string
	// Owner runs it where we are root, which PostgreSQL refuses to be; else it is nil.
	Owner *syscall.Credential
}

// Superuser may do everything in a server that MakePostgres made, without a
// password.
const Superuser = "postgres"

// Fleeting lets a server not wait for the disk, which no fault of a test takes
// away: processes end, the machine stays. It has room for many tests at once.
func Fleeting() []string {
	return []string{"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=400", "-c", "shared_buffers=64MB"}
}

// MakePostgres makes the files of a server in a fresh folder. Nothing runs yet.
func MakePostgres(ctx context.Context) (*Postgres, error) {
	p, err := FindPostgres()
	if err != nil {
		return nil, err
	}
	// The path is short, because that of a socket must be.
	if p.Folder, err = os.MkdirTemp("", "mwpg"); err != nil {
		return nil, err
	}
	if err := p.fill(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.Folder))
	}
	return p, nil
}

// FindPostgres finds the programs alone, the newest if there are some. Debian
// keeps them out of the path.
func FindPostgres() (*Postgres, error) {
	owner, err := anybody()
	if err != nil {
		return nil, err
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) > 0 {
		return &Postgres{Programs: filepath.Dir(found[len(found)-1]), Owner: owner}, nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return nil, errors.New("PostgreSQL is not installed: apt-get install postgresql")
	}
	return &Postgres{Programs: filepath.Dir(initdb), Owner: owner}, nil
}

// anybody is somebody without rights where we are root, else nil.
func anybody() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // whoever we are will do
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (p *Postgres) fill(ctx context.Context) error {
	if p.Owner != nil {
		if err := os.Chown(p.Folder, int(p.Owner.Uid), int(p.Owner.Gid)); err != nil {
			return err
		}
	}
	out, err := p.Command(ctx, "initdb", "-D", p.Data(), "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Data is the folder of the server's files.
func (p *Postgres) Data() string { return filepath.Join(p.Folder, "data") }

// Program is the path of one of PostgreSQL's programs.
func (p *Postgres) Program(name string) string { return filepath.Join(p.Programs, name) }

// Command runs one of PostgreSQL's programs as the owner. It ends with this
// process.
func (p *Postgres) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, p.Program(program), args...) //nolint:gosec // PostgreSQL's own
	command.Dir = "/"                                                // our own may be closed to the owner
	command.SysProcAttr = Lifeline(p.Owner)
	return command
}
