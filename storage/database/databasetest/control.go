package databasetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// startSeconds is how long a server may take to start or to stop, on a busy machine.
const startSeconds = "300"

// Server is a PostgreSQL server of one test alone, to be treated badly. It keeps
// what it acknowledges, as one in use does.
type Server struct {
	files *storestest.Postgres
}

// NewServer starts a server until the test ends.
func NewServer(t testing.TB) *Server {
	t.Helper()
	files, err := storestest.MakePostgres(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(files.Folder) })
	s := &Server{files: files}
	s.Start(t)
	t.Cleanup(func() { _ = s.control(t, "stop", "-m", "immediate") })
	return s
}

// URL is the address of the server's own database.
func (s *Server) URL() string { return socketURL(s.files.Folder) }

// Start starts the server and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	require.NoError(t, s.control(t, "start", "-l", filepath.Join(s.files.Folder, "log"), "-o", "-c listen_addresses= -c max_connections=50 -k "+s.files.Folder))
}

// Stop stops the server: "fast" ends what runs in order, "immediate" as a power
// cut does.
func (s *Server) Stop(t testing.TB, mode string) {
	t.Helper()
	require.NoError(t, s.control(t, "stop", "-m", mode))
}

func (s *Server) control(t testing.TB, arguments ...string) error {
	t.Helper()
	arguments = append(arguments, "-w", "-t", startSeconds, "-D", s.files.Data())
	command := s.files.Command(context.WithoutCancel(t.Context()), "pg_ctl", arguments...)
	// The server would hold a pipe open for as long as it runs.
	out, err := os.CreateTemp(t.TempDir(), "pg_ctl")
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	command.Stdout, command.Stderr = out, out
	err = command.Run()
	if err != nil {
		said, _ := os.ReadFile(out.Name())
		t.Logf("pg_ctl: %s", said)
	}
	return err
}
