package databasetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// untilEnd runs a server until its standard input ends, which the death of this
// process sees to, and removes what it left.
const untilEnd = `"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
	-c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB >"$2/log" 2>&1 &
read -r _
kill -QUIT $! 2>/dev/null
wait
rm -rf "$2/data" "$2/log" "$2"/.s.PGSQL.*
rmdir "$2" 2>/dev/null`

// postgres is the address of the server that all tests of this process share.
func postgres(t testing.TB) string {
	t.Helper()
	if address := os.Getenv("MEANWHILE_TEST_POSTGRES"); address != "" {
		return address
	}
	server, err := shared()
	require.NoError(t, err)
	return server.address
}

// running is a server that runs for as long as its line is open.
type running struct {
	address string
	line    io.Closer
}

var shared = sync.OnceValues(start) //nolint:gochecknoglobals // one server for all tests of a process

// Binaries is the folder of PostgreSQL's programs, the newest if there are some.
func Binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("PostgreSQL is not installed: apt-get install postgresql")
	}
	return filepath.Dir(initdb), nil
}

// AsAnybody lets a command run as somebody without rights where we are root:
// PostgreSQL refuses to be that.
func AsAnybody(command *exec.Cmd) error {
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return err
	}
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return nil
}

// Folder makes a folder for a server, which belongs to whom AsAnybody runs as.
// Its path is short, because that of a socket must be.
func Folder() (string, error) {
	folder, err := os.MkdirTemp("", "mwpg")
	if err != nil {
		return "", err
	}
	command := new(exec.Cmd)
	if err := AsAnybody(command); err != nil || command.SysProcAttr == nil {
		return folder, err
	}
	who := command.SysProcAttr.Credential
	return folder, os.Chown(folder, int(who.Uid), int(who.Gid))
}

// InitDB makes the files of a server below a folder.
func InitDB(binaries, folder string) error {
	command := exec.Command(filepath.Join(binaries, "initdb"), //nolint:gosec,noctx // PostgreSQL's own, for as long as the tests run
		"-D", filepath.Join(folder, "data"),
		"-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
	if err := AsAnybody(command); err != nil {
		return err
	}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// start starts the server of this process.
func start() (*running, error) {
	binaries, err := Binaries()
	if err != nil {
		return nil, err
	}
	folder, err := Folder()
	if err != nil {
		return nil, err
	}
	if err := InitDB(binaries, folder); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	command := exec.Command("/bin/sh", "-c", untilEnd, "sh", binaries, folder) //nolint:gosec,noctx // PostgreSQL's own, for as long as the tests run
	if err := AsAnybody(command); err != nil {
		return nil, err
	}
	// Nobody closes it: that is what the end of this process does.
	line, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &running{address: "postgres:///postgres?user=postgres&host=" + folder, line: line}, await(folder)
}

// await waits until a server answers on its socket.
func await(folder string) error {
	const longest = time.Minute
	var log []byte
	for begun := time.Now(); time.Since(begun) < longest; <-time.After(20 * time.Millisecond) {
		log, _ = os.ReadFile(filepath.Join(folder, "log"))
		if bytes.Contains(log, []byte("ready to accept connections")) {
			return nil
		}
	}
	return fmt.Errorf("PostgreSQL does not start: %s", log)
}
