package objects_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

func openFolder(t *testing.T, path string) *objects.Folder {
	t.Helper()
	f, err := objects.OpenFolder(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

func TestFolder(t *testing.T) {
	t.Parallel()
	conform(t, func(t *testing.T) objects.Store {
		t.Helper()
		return openFolder(t, t.TempDir())
	})
}

func temporary(t *testing.T, path string) []os.DirEntry {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(path, "tmp"))
	require.NoError(t, err)
	return left
}

func TestAFailedPutLeavesNoFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	f := openFolder(t, path)
	_, err := f.Put(t.Context(), "v/a", io.MultiReader(strings.NewReader("abc"), failing{}))
	require.ErrorIs(t, err, errCut)
	require.Empty(t, temporary(t, path))
	require.NoDirExists(t, filepath.Join(path, "v"))

	put(t, f, "v/file", "x")
	_, err = f.Put(t.Context(), "v/file/below", strings.NewReader("x"))
	require.Error(t, err, "a file is no folder")
	require.Empty(t, temporary(t, path))
}

type failing struct{}

// Read implements io.Reader.
func (failing) Read([]byte) (int, error) { return 0, errCut }

// TestAToolBesideTheServer opens the folder while the server writes into it.
func TestAToolBesideTheServer(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	server := openFolder(t, path)
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := server.Put(t.Context(), "v/a", from)
		done <- err
	}()
	_, err := to.Write([]byte("half "))
	require.NoError(t, err)
	tool := openFolder(t, path)
	_, err = to.Write([]byte("whole"))
	require.NoError(t, err)
	require.NoError(t, to.Close())
	require.NoError(t, <-done)
	require.Equal(t, "half whole", get(t, tool, "v/a", 0, 10))
}

// TestWritesThatACrashCutOff: F1, they go when nobody can be writing them any more.
func TestWritesThatACrashCutOff(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	f := openFolder(t, path)
	put(t, f, "v/a", "x")
	left := filepath.Join(path, "tmp", "left")
	require.NoError(t, os.WriteFile(left, []byte("half"), 0o600))
	day := time.Now().Add(-24 * time.Hour)
	require.NoError(t, os.Chtimes(left, day, day.Add(-time.Minute)))
	n, err := f.AbortUploads(t.Context(), day.Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, n)
	require.Len(t, temporary(t, path), 1)
	n, err = f.AbortUploads(t.Context(), day)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, temporary(t, path))
	require.Equal(t, "x", get(t, f, "v/a", 0, 1))
}

// TestAWriteWhoseBytesVanish: a store that loses them is at fault; it does not say
// that there is no such object, which a client would take for the end.
func TestAWriteWhoseBytesVanish(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	f := openFolder(t, path)
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := f.Put(t.Context(), "v/a", from)
		done <- err
	}()
	_, err := to.Write([]byte("half"))
	require.NoError(t, err)
	for _, entry := range temporary(t, path) {
		require.NoError(t, os.Remove(filepath.Join(path, "tmp", entry.Name())))
	}
	require.NoError(t, to.Close())
	err = <-done
	require.ErrorIs(t, err, objects.ErrUnavailable)
	require.NotErrorIs(t, err, objects.ErrNotFound)
	require.NoError(t, os.Remove(filepath.Join(path, "tmp")))
	_, err = f.Put(t.Context(), "v/b", strings.NewReader("x"))
	require.ErrorIs(t, err, objects.ErrUnavailable, "a disk that is not mounted")
	require.NotErrorIs(t, err, objects.ErrNotFound)
}

// TestAFlippedBitIsFound: F25.
func TestAFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	f := openFolder(t, t.TempDir())
	put(t, f, "v/a", "0123456789")
	name, err := f.Path("v/a")
	require.NoError(t, err)
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteAt([]byte{'3' ^ 1}, 3)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	known, err := f.Verify(t.Context(), "v/a")
	require.True(t, known)
	require.ErrorIs(t, err, objects.ErrCorrupt)
}

func TestSymbolicLinksDoNotLeadOut(t *testing.T) {
	t.Parallel()
	path, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
	f := openFolder(t, path)
	require.NoError(t, os.Symlink(outside, filepath.Join(path, "v")))
	_, err := f.OpenRange(t.Context(), "v/secret", 0, 6)
	require.Error(t, err)
	_, err = f.Put(t.Context(), "v/x", strings.NewReader("x"))
	require.Error(t, err)
	require.NoFileExists(t, filepath.Join(outside, "x"))
}

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "store")
	f := openFolder(t, path)
	put(t, f, "v/a/b", "x")
	name, err := f.Path("v/a/b")
	require.NoError(t, err)
	for at := name; at != filepath.Dir(path); at = filepath.Dir(at) {
		info, err := os.Stat(at)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, at)
	}
	_, err = f.Path("../x")
	require.ErrorIs(t, err, objects.ErrBadKey)
}

func TestAFullDiskHasItsError(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("no right to mount a disk:", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	f := openFolder(t, disk)
	_, err := f.Put(t.Context(), "v/big", strings.NewReader(strings.Repeat("x", 1<<20)))
	require.ErrorIs(t, err, objects.ErrFull)
	require.Empty(t, temporary(t, disk))
	requireAbsent(t, f, "v/big")
	put(t, f, "v/small", strings.Repeat("x", 100_000))
}

// TestCopyToASocket takes the way through the kernel.
func TestCopyToASocket(t *testing.T) {
	t.Parallel()
	f := openFolder(t, t.TempDir())
	slices, whole := sequence(t, f)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	read := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			read <- err.Error()
			return
		}
		defer conn.Close()
		raw, _ := io.ReadAll(conn)
		read <- string(raw)
	}()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	c := objects.NewConcat(t.Context(), f, slices)
	n, err := c.CopyTo(conn, c.Size())
	require.NoError(t, err)
	require.EqualValues(t, len(whole), n)
	require.NoError(t, conn.Close())
	require.Equal(t, whole, <-read)
}
