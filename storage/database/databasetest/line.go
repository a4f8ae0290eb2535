package databasetest

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// Line is a way to a server that can fall silent: its connections stay open, and
// nothing comes through.
type Line struct {
	socket   string
	listener net.Listener
	running  sync.WaitGroup

	mu   sync.Mutex
	ends []net.Conn
	// good is closed while bytes come through.
	good   chan struct{}
	silent bool
}

// NewLine opens a line to the server until the test ends.
func (s *Server) NewLine(t testing.TB) *Line {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", storestest.Local(0))
	require.NoError(t, err)
	l := &Line{socket: filepath.Join(s.files.Folder, ".s.PGSQL.5432"), listener: listener, good: make(chan struct{})}
	close(l.good)
	l.running.Go(l.accept)
	t.Cleanup(l.close)
	return l
}

// URL is the address of the server's own database by way of the line.
func (l *Line) URL() string {
	return "postgres://" + storestest.Superuser + "@" + l.listener.Addr().String() + "/postgres?sslmode=disable"
}

// Mute makes the line silent, or lets through again what was held back.
func (l *Line) Mute(silent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if silent == l.silent {
		return
	}
	if l.silent = silent; silent {
		l.good = make(chan struct{})
	} else {
		close(l.good)
	}
}

func (l *Line) close() {
	_ = l.listener.Close()
	l.Mute(false)
	l.mu.Lock()
	for _, end := range l.ends {
		_ = end.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
}

func (l *Line) accept() {
	for {
		here, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		there, err := net.Dial("unix", l.socket) //nolint:noctx // of this machine
		if err != nil {
			_ = here.Close()
			continue
		}
		l.mu.Lock()
		l.ends = append(l.ends, here, there)
		l.mu.Unlock()
		l.running.Go(func() { l.pass(there, here) })
		l.running.Go(func() { l.pass(here, there) })
	}
}

// pass carries bytes one way until either end is closed.
func (l *Line) pass(to io.WriteCloser, from io.ReadCloser) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		l.mu.Lock()
		good := l.good
		l.mu.Unlock()
		<-good
		if _, failed := to.Write(buf[:n]); err != nil || failed != nil {
			return
		}
	}
}
