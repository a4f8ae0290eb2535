package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// fullStore is a folder on a disk with so much room.
type fullStore struct {
	objects.Store
	room atomic.Int64
}

// Put implements objects.Store: what does not fit leaves nothing behind.
func (f *fullStore) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	return f.Store.Put(ctx, key, &meter{r, f})
}

type meter struct {
	r io.Reader
	f *fullStore
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.f.room.Add(-int64(n)) < 0 {
		return 0, errors.Join(objects.ErrFull, syscall.ENOSPC)
	}
	return n, err
}

func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	full := &fullStore{Store: r.store}
	full.room.Store(60_000)
	r.store = full
	s := r.serve(t)
	raw := recording(t, "avc3-opus.mp4")
	path := s.create(t, int64(len(raw)), nil)
	s.append(t, path, 0, raw[:50_000], nil)
	for range 3 {
		s.patch(t, path, 50_000, bytes.NewReader(raw[50_000:]), nil).problem(t, http.StatusInsufficientStorage, "full")
		require.EqualValues(t, 50_000, s.head(t, path).offset(t), "the true offset")
	}
	full.room.Store(1 << 30)
	s.append(t, path, 50_000, raw[50_000:], nil)
	r.requireSource(t, path, raw)
	full.room.Store(1 << 30)
	require.Equal(t, r.state(t, r.oneGo(t, raw)), r.state(t, path))
}

// needSQLite passes a test over that breaks the database by means of SQLite's.
func (r *rig) needSQLite(t *testing.T) {
	t.Helper()
	if r.db.Engine() != database.SQLite {
		t.Skip("it breaks the database by means of SQLite's")
	}
}

func TestAFullDiskUnderTheRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.needSQLite(t)
	s := r.serve(t)
	raw := recording(t, "avc3-opus.mp4")
	path := s.create(t, -1, nil)
	s.append(t, path, 0, raw[:50_000], nil)
	var pages int
	require.NoError(t, r.db.Writer.NewRaw("PRAGMA page_count").Scan(t.Context(), &pages))
	setPages := func(n int) {
		_, err := r.db.Writer.NewRaw("PRAGMA max_page_count = ?", n).Exec(t.Context())
		require.NoError(t, err)
	}
	setPages(pages)
	_, err := r.db.Writer.NewRaw("CREATE TABLE filler (x BLOB)").Exec(t.Context())
	for err == nil {
		_, err = r.db.Writer.NewRaw("INSERT INTO filler VALUES (zeroblob(500))").Exec(t.Context())
	}
	at := int64(50_000)
	var got answered
	for got.status != http.StatusInsufficientStorage { // a small row may still find a place
		require.Less(t, at, int64(len(raw)))
		got = s.patch(t, path, at, bytes.NewReader(raw[at:at+1000]), nil)
		if got.status == http.StatusNoContent {
			at += 1000
		}
	}
	got.problem(t, http.StatusInsufficientStorage, "full")
	require.Equal(t, at, s.head(t, path).offset(t))
	setPages(pages + 10_000)
	s.append(t, path, at, raw[at:], nil)
	r.requireSource(t, path, raw)
}

// TestASmallDisk fills a real one.
func TestASmallDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("no right to mount a disk:", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	r := newRig(t)
	folder, err := objects.OpenFolder(filepath.Join(disk, "objects"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	r.store = folder
	s := r.serve(t)
	filler := s.create(t, -1, nil)
	s.append(t, filler, 0, make([]byte, 1<<20), nil)
	body := bytes.Repeat([]byte("0123456789"), 120_000)
	path := s.create(t, int64(len(body)), nil)
	s.append(t, path, 0, body[:500_000], nil)
	s.patch(t, path, 500_000, bytes.NewReader(body[500_000:]), nil).problem(t, http.StatusInsufficientStorage, "full")
	require.EqualValues(t, 500_000, s.head(t, path).offset(t))
	r.requireSource(t, path, body[:500_000])

	require.NoError(t, folder.Delete(t.Context(), "v/"+r.video(t, filler).ID+"/"))
	s.append(t, path, 500_000, body[500_000:], nil)
	r.requireSource(t, path, body)
}

// journal notes when objects are safe; the records ask it.
type journal struct {
	objects.Store
	mu   sync.Mutex
	safe map[string]bool
	hold chan struct{}
}

// Put implements objects.Store; it returns only when the test lets it.
func (j *journal) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	n, err := j.Store.Put(ctx, key, r)
	if j.hold != nil {
		<-j.hold
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.safe[key] = err == nil
	return n, err
}

func TestNothingIsAcknowledgedBeforeItIsSafe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	book := &journal{Store: r.store, safe: map[string]bool{}, hold: make(chan struct{})}
	r.store = book
	s := r.serve(t)
	path := s.create(t, -1, nil)
	answers := make(chan answered, 1)
	go func() { answers <- s.patch(t, path, 0, strings.NewReader("abc"), nil) }()
	select {
	case book.hold <- struct{}{}: // the bytes are written, and Put has not returned
	case got := <-answers:
		require.FailNow(t, "answered before Put returned", "%d", got.status)
	}
	require.Equal(t, http.StatusNoContent, (<-answers).status)
	parts, err := r.catalog.Parts(t.Context(), r.video(t, path).ID)
	require.NoError(t, err)
	require.Len(t, parts, 1)
	require.True(t, book.safe[parts[0].ObjectKey])

	go func() { answers <- s.patch(t, path, 3, strings.NewReader("def"), nil) }()
	require.Never(t, func() bool { return r.video(t, path).Size > 3 }, 50*time.Millisecond, tick, "no row before its object")
	book.hold <- struct{}{}
	require.EqualValues(t, 6, (<-answers).offset(t))
}

// TestARecordThatCannotBeWritten leaves no object without a row.
func TestARecordThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.needSQLite(t)
	s := r.serve(t)
	path := s.create(t, -1, nil)
	s.append(t, path, 0, []byte("abc"), nil)
	_, err := r.db.Writer.ExecContext(t.Context(), "CREATE TRIGGER broken BEFORE INSERT ON parts BEGIN SELECT RAISE(ABORT, 'secret of the house'); END")
	require.NoError(t, err)
	got := s.patch(t, path, 3, strings.NewReader("def"), nil)
	require.Equal(t, http.StatusInternalServerError, got.status)
	require.NotContains(t, string(got.body), "secret", "the cause is for the log")
	require.EqualValues(t, 3, s.head(t, path).offset(t))
	require.Len(t, r.objectsOf(t, path), 1)
	_, err = r.db.Writer.ExecContext(t.Context(), "DROP TRIGGER broken")
	require.NoError(t, err)
	s.append(t, path, 3, []byte("def"), nil)
	r.requireSource(t, path, []byte("abcdef"))
}

// reading is a store that tells how much of what is put it has read.
type reading struct {
	objects.Store
	bytes atomic.Int64
}

// Put implements objects.Store.
func (s *reading) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	return s.Store.Put(ctx, key, &counter{r, &s.bytes})
}

type counter struct {
	io.Reader
	bytes *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

func TestALongStreamPlaysWhileItComes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	store := &reading{Store: r.store}
	r.store = store
	s := r.serve(t)
	path := s.create(t, -1, nil)
	from, to := io.Pipe()
	answers := make(chan answered, 1)
	go func() { answers <- s.patch(t, path, 0, from, nil) }()
	var sent int64
	for range 3 { // a second or more each, in one request without an end
		floor := r.video(t, path).Size
		for piece := 0; r.video(t, path).Size == floor; piece++ {
			require.Less(t, piece, 10)
			n, err := to.Write(make([]byte, minPart/2))
			require.NoError(t, err)
			sent += int64(n)
			// Time passes when all of it has come: what takes long to read came slowly.
			require.Eventually(t, func() bool { return store.bytes.Load() == sent }, testTime, tick)
			r.clock.advance(maxPartTime / 2)
		}
	}
	require.NoError(t, to.Close())
	require.Equal(t, sent, (<-answers).offset(t))
	parts, err := r.catalog.Parts(t.Context(), r.video(t, path).ID)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(parts), 3)
}

// TestWhoBringsNextToNothingIsLetGo (F23): a byte a second is neither an object a
// second nor a request for ever. What came is kept, and goes on from there.
func TestWhoBringsNextToNothingIsLetGo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	path := s.create(t, -1, nil)
	began := r.clock.now()
	from, to := io.Pipe()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, s.URL+path, from)
	for name, value := range map[string]string{"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"} {
		req.Header.Set(name, value)
	}
	req.AddCookie(&http.Cookie{Name: "meanwhile_session", Value: s.session})
	go func() {
		for range time.Tick(time.Millisecond) { // which is a second here
			if _, err := to.Write([]byte("x")); err != nil {
				return
			}
			r.clock.advance(time.Second)
		}
	}()
	said := httptest.NewRecorder() // on a line that is cut the answer may be lost
	s.Config.Handler.ServeHTTP(said, req)
	require.NoError(t, from.Close())
	got := answered{said.Code, said.Header(), said.Body.Bytes()}
	got.problem(t, http.StatusServiceUnavailable, "read_timeout")
	require.NotEmpty(t, got.header.Get("Retry-After"))
	seconds := r.clock.now().Sub(began).Seconds()
	parts, err := r.catalog.Parts(t.Context(), r.video(t, path).ID)
	require.NoError(t, err)
	require.NotEmpty(t, parts, "what came is kept")
	require.LessOrEqual(t, float64(len(parts)), seconds/slowPartTime.Seconds()+1)
	kept := s.head(t, path).offset(t)
	require.Positive(t, kept)
	s.append(t, path, kept, []byte("and on"), nil)
}

// TestAPieceIsKeptAtOnce: however small, the end of a request is the end of its part.
func TestAPieceIsKeptAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	path := s.create(t, -1, nil)
	for i := range 3 { // the clock stands still
		s.append(t, path, int64(i), []byte("x"), nil)
		require.EqualValues(t, i+1, r.video(t, path).Size)
	}
}

func TestNoRoomForNewOnes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	path := s.create(t, -1, nil)
	s.ingest.room = func() error { return objects.ErrFull }
	s.send(t, http.MethodPost, Path, headers{"Upload-Length": "5"}, nil).problem(t, http.StatusInsufficientStorage, "full")
	_, err := s.ingest.Start(t.Context(), catalog.NewVideo{OwnerID: r.owner.ID, Length: -1})
	require.ErrorIs(t, err, objects.ErrFull)
	s.append(t, path, 0, []byte("recordings that run go on"), nil)
}
