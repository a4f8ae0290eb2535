package ingest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// clock is a time that tests move by hand.
type clock struct{ us atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMicro(c.us.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

// rig is storage with any number of servers in front of it.
type rig struct {
	db      *database.DB
	catalog *catalog.Catalog
	store   objects.Store
	clock   *clock
	owner   *people.Account
	session string
	other   string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	gin.SetMode(gin.TestMode)
	r := &rig{clock: &clock{}}
	r.clock.us.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	quiet := slog.New(slog.DiscardHandler)
	var err error
	r.db = databasetest.Any(t)
	queue, err := jobs.Open(jobs.Options{DB: r.db, Log: quiet})
	require.NoError(t, err)
	folder, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	r.store = folder
	r.catalog = catalog.New(record.Options{DB: r.db, Queue: queue, Log: quiet, Clock: clocks.OfDatabase(r.clock.now, quiet)})
	r.owner, r.session = r.join(t, "Ada")
	_, r.other = r.join(t, "Ben")
	return r
}

func (r *rig) join(t testing.TB, name string) (*people.Account, string) {
	t.Helper()
	account, err := r.catalog.AddAccount(t.Context(), people.NewAccount{Name: name, Email: name + "@example.com", PasswordHash: "x"}, people.Member)
	require.NoError(t, err)
	token, err := r.catalog.StartSession(t.Context(), account, people.Entry{Method: people.ByPassword})
	require.NoError(t, err)
	return account, token
}

// server is one process in front of the storage: it knows what another does
// only from there.
type server struct {
	*httptest.Server
	rig     *rig
	ingest  *Ingest
	session string
}

func (r *rig) serve(t testing.TB) *server {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	base, err := url.Parse("http://127.0.0.1:1")
	require.NoError(t, err)
	a, err := auth.New(auth.Options{Catalog: r.catalog, BaseURL: base, Now: r.clock.now})
	require.NoError(t, err)
	in := New(Options{Catalog: r.catalog, Objects: r.store, Log: quiet, Now: r.clock.now})
	handle, err := in.Handler()
	require.NoError(t, err)
	making := access.Need{Names: access.Account, Write: true}
	sending := access.Need{Names: access.UploadID, Right: access.ToEdit, Write: true}
	needs := map[string]access.Need{"POST " + Path: making, "OPTIONS " + Path: {Names: access.Nothing}}
	engine := gin.New()
	for _, method := range []string{"HEAD", "PATCH", "DELETE", "POST"} {
		needs[method+" "+Path+"/:id"] = sending
	}
	engine.Use(reply.Middleware(quiet), a.Middleware(), access.NewGate(access.NewFinder(r.catalog, nil, time.Now), nil, needs, quiet).Handle)
	engine.POST(Path, handle)
	engine.OPTIONS(Path, handle)
	for _, method := range []string{"HEAD", "PATCH", "DELETE", "POST"} {
		engine.Handle(method, Path+"/:id", handle)
	}
	s := &server{Server: httptest.NewServer(engine), rig: r, ingest: in, session: r.session}
	t.Cleanup(s.Close)
	return s
}

type headers map[string]string

// answered is what came back.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func (a answered) offset(t testing.TB) int64 {
	t.Helper()
	n, err := strconv.ParseInt(a.header.Get("Upload-Offset"), 10, 64)
	require.NoError(t, err, "%d %s", a.status, a.body)
	return n
}

// problem checks that the answer is a problem document with a sentence.
func (a answered) problem(t testing.TB, status int, code string) {
	t.Helper()
	require.Equal(t, status, a.status, string(a.body))
	require.Equal(t, reply.ContentType, a.header.Get("Content-Type"))
	var p reply.Problem
	require.NoError(t, json.Unmarshal(a.body, &p), string(a.body))
	require.Equal(t, status, p.Status)
	require.Equal(t, code, p.Code)
	require.Greater(t, len(p.Detail), 20, "a sentence")
}

// send may be called from any goroutine.
func (s *server) send(t testing.TB, method, path string, with headers, body io.Reader) answered {
	t.Helper()
	got, err := s.try(t, method, path, with, body)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
	}
	return got
}

func (s *server) try(t testing.TB, method, path string, with headers, body io.Reader) (answered, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		return answered{}, err
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.AddCookie(&http.Cookie{Name: "meanwhile_session", Value: s.session})
	for name, value := range with {
		req.Header.Set(name, value)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		return answered{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return answered{res.StatusCode, res.Header, raw}, err
}

// create makes an upload; a negative length is deferred.
func (s *server) create(t testing.TB, length int64, with headers) string {
	t.Helper()
	h := headers{"Upload-Length": strconv.FormatInt(length, 10)}
	if length < 0 {
		h = headers{"Upload-Defer-Length": "1"}
	}
	maps.Copy(h, with)
	got := s.send(t, http.MethodPost, Path, h, nil)
	require.Equal(t, http.StatusCreated, got.status, string(got.body))
	return got.header.Get("Location")
}

func (s *server) patch(t testing.TB, path string, offset int64, body io.Reader, with headers) answered {
	t.Helper()
	h := headers{"Upload-Offset": strconv.FormatInt(offset, 10), "Content-Type": "application/offset+octet-stream"}
	maps.Copy(h, with)
	return s.send(t, http.MethodPatch, path, h, body)
}

// append sends bytes and expects them to be taken.
func (s *server) append(t testing.TB, path string, offset int64, body []byte, with headers) int64 {
	t.Helper()
	got := s.patch(t, path, offset, bytes.NewReader(body), with)
	require.Equal(t, http.StatusNoContent, got.status, string(got.body))
	require.Equal(t, offset+int64(len(body)), got.offset(t))
	return got.offset(t)
}

func (s *server) head(t testing.TB, path string) answered {
	t.Helper()
	got := s.send(t, http.MethodHead, path, nil, nil)
	require.Equal(t, http.StatusOK, got.status)
	return got
}

func idOf(path string) string { return filepath.Base(path) }

func (r *rig) video(t testing.TB, path string) *catalog.Video {
	t.Helper()
	v, err := r.catalog.VideoFor(t.Context(), "", catalog.VideoUpload, idOf(path))
	require.NoError(t, err)
	return v
}

// source reads the bytes that were kept.
func (r *rig) source(t testing.TB, path string) []byte {
	t.Helper()
	parts, err := r.catalog.Parts(t.Context(), r.video(t, path).ID)
	require.NoError(t, err)
	c := objects.NewConcat(t.Context(), r.store, slices(parts))
	defer c.Close()
	raw, err := io.ReadAll(c)
	require.NoError(t, err)
	return raw
}

func (r *rig) requireSource(t testing.TB, path string, want []byte) {
	t.Helper()
	require.Equal(t, sha256.Sum256(want), sha256.Sum256(r.source(t, path)), "the bytes of %s", path)
	require.Equal(t, int64(len(want)), r.video(t, path).Size)
}

// objectsOf lists the files that belong to an upload's video.
func (r *rig) objectsOf(t testing.TB, path string) []string {
	t.Helper()
	root, err := r.store.(objects.Locator).Path("v/" + r.video(t, path).ID)
	require.NoError(t, err)
	var found []string
	err = filepath.WalkDir(root, func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, name)
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

func metadata(pairs ...string) headers {
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return headers{"Upload-Metadata": strings.Join(all, ",")}
}

// recording reads a file that a real recorder or encoder made.
func recording(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "transcode", "container", "testdata", name))
	require.NoError(t, err)
	return raw
}
