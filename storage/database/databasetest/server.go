package databasetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// untilEnd runs a server with more settings until its standard input ends, which
// the death of this process sees to, and removes what it left.
const untilEnd = `programs=$1 folder=$2
shift 2
"$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c synchronous_commit=off "$@" >"$folder/log" 2>&1 &
read -r _
kill -QUIT $! 2>/dev/null
wait
rm -rf "$folder/data" "$folder/log" "$folder"/.s.PGSQL.*
rmdir "$folder" 2>/dev/null`

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

// start starts the server of this process.
func start() (*running, error) {
	ctx := context.Background() // it is nobody's: it ends with the process
	files, err := storestest.MakePostgres(ctx)
	if err != nil {
		return nil, err
	}
	arguments := append([]string{"-c", untilEnd, "sh", files.Programs, files.Folder}, storestest.Fleeting()...)
	command := exec.CommandContext(ctx, "/bin/sh", arguments...) //nolint:gosec // PostgreSQL's own
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: files.Owner}
	// Nobody closes it: that is what the end of this process does.
	line, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &running{address: socketURL(files.Folder), line: line}, await(ctx, files.Folder)
}

// socketURL is the address of a server whose socket is in a folder.
func socketURL(folder string) string {
	return "postgres:///postgres?user=" + storestest.Superuser + "&host=" + folder
}

// await waits until a server answers on its socket.
func await(ctx context.Context, folder string) error {
	return storestest.Until(ctx, storestest.StartTime, func(context.Context) error {
		log, err := os.ReadFile(filepath.Join(folder, "log"))
		if !bytes.Contains(log, []byte("ready to accept connections")) {
			return errors.Join(fmt.Errorf("PostgreSQL does not start: %s", log), err)
		}
		return nil
	})
}
