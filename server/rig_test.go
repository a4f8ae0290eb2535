package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/budget"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/census"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// secret stands in the title of every video: who may not watch must not read it.
const secret = "Grünewald"

// rigKey signs grants and passes.
const rigKey = "0123456789abcdef0123456789abcdef"

// rig is a whole server on fresh storage.
type rig struct {
	*httptest.Server
	server  *Server
	catalog *catalog.Catalog
	db      *database.DB
	store   *objects.Folder
	granter *access.Granter
	owner   *person
	member  *person
	nobody  *person
	options Options
}

// person asks with a session, or without.
type person struct {
	rig     *rig
	account *people.Account
	session string
	bearer  string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return newRigAt(t, nil)
}

// newRigAt makes a rig with wider or narrower limits of requests, and other
// settings.
func newRigAt(t testing.TB, pace *float64, adjust ...func(*Options)) *rig {
	t.Helper()
	return newRigOver(t, databasetest.Any(t), pace, adjust...)
}

// newRigOver makes a rig over a fresh database.
func newRigOver(t testing.TB, db *database.DB, pace *float64, adjust ...func(*Options)) *rig {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	r := &rig{db: db}
	if db.Engine() == database.SQLite {
		// No test here is about a power cut, and the walk alone commits thirty thousand times.
		r.execute(t, "PRAGMA synchronous = OFF")
	}
	queue, err := jobs.Open(jobs.Options{DB: r.db, Log: quiet})
	require.NoError(t, err)
	r.store, err = objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.store.Close()) })
	r.catalog = catalog.New(record.Options{DB: r.db, Queue: queue, Log: quiet})
	base, err := url.Parse("http://127.0.0.1:1")
	require.NoError(t, err)
	page := &fstest.MapFile{Data: []byte("<html><head><!--meanwhile:head--></head><body><!--meanwhile:player--></body></html>")}
	key := []byte(rigKey)
	options := Options{
		Catalog: r.catalog, Objects: r.store, Log: quiet, BaseURL: base, GrantKey: key, Version: "test", Queue: queue, Census: census.New(r.db), Budget: budget.New(r.db),
		Files: fstest.MapFS{"index.html": page, "watch.html": page, "embed.html": page}, Pace: pace,
	}
	for _, a := range adjust {
		a(&options)
	}
	r.catalog = options.Catalog
	r.granter = access.NewGranter(key, r.catalog.Now)
	r.serve(t, options)
	r.owner, r.member, r.nobody = r.join(t, "Ada"), r.join(t, "Ben"), &person{rig: r}
	return r
}

// serve begins to listen.
func (r *rig) serve(t testing.TB, options Options) {
	t.Helper()
	var err error
	r.options = options
	r.server, err = New(options)
	require.NoError(t, err)
	r.Server = httptest.NewServer(r.server)
	t.Cleanup(r.Close)
	t.Cleanup(r.server.Stop)
}

// newPair makes two servers over one database and one store.
func newPair(t testing.TB, adjust ...func(*Options)) (first, second *rig) {
	t.Helper()
	if !slices.Contains(databasetest.Engines(), database.PostgreSQL) {
		t.Skip("two servers need PostgreSQL")
	}
	first = newRigOver(t, databasetest.New(t, database.PostgreSQL), new(float64), adjust...)
	second = first.beside(t)
	for _, r := range []*rig{first, second} {
		require.NoError(t, r.server.Start(t.Context(), r.catalog, r.options.Log))
	}
	return first, second
}

// beside makes another server over the same storage.
func (r *rig) beside(t testing.TB, adjust ...func(*Options)) *rig {
	t.Helper()
	options := r.options
	options.Catalog = catalog.New(record.Options{DB: r.db, Queue: options.Queue, Log: options.Log})
	for _, a := range adjust {
		a(&options)
	}
	other := &rig{db: r.db, store: r.store, catalog: options.Catalog, granter: r.granter}
	other.serve(t, options)
	other.owner, other.member, other.nobody = r.owner.at(other), r.member.at(other), &person{rig: other}
	return other
}

// at is the same person, who asks another server.
func (p *person) at(r *rig) *person {
	there := *p
	there.rig = r
	return &there
}

func (r *rig) join(t testing.TB, name string) *person {
	t.Helper()
	account, err := r.catalog.AddAccount(t.Context(), people.NewAccount{Name: name, Email: name + "@example.com", PasswordHash: "x"}, people.Member)
	require.NoError(t, err)
	token, err := r.catalog.StartSession(t.Context(), account, people.Entry{Method: people.ByPassword})
	require.NoError(t, err)
	return &person{rig: r, account: account, session: token}
}

// ask sends a request; the body of the answer is read only if it is an error or
// wanted, for some answers never end.
func (p *person) ask(t testing.TB, method, path, body string, header ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hangs)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, p.rig.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if p.session != "" {
		req.AddCookie(&http.Cookie{Name: "meanwhile_session", Value: p.session})
	}
	if p.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+p.bearer)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// text reads an answer to its end.
func text(t testing.TB, res *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(raw)
}

func (p *person) get(t testing.TB, path string, header ...string) (*http.Response, string) {
	t.Helper()
	res := p.ask(t, http.MethodGet, path, "", header...)
	return res, text(t, res)
}

func (r *rig) start(t testing.TB, visibility catalog.Visibility) *catalog.Video {
	t.Helper()
	v, err := r.catalog.StartVideo(t.Context(), catalog.NewVideo{OwnerID: r.owner.account.ID, Title: secret, Visibility: visibility, Length: -1})
	require.NoError(t, err)
	return v
}

func (r *rig) read(t testing.TB, id string) *catalog.Video {
	t.Helper()
	v, err := r.catalog.Video(t.Context(), id)
	require.NoError(t, err)
	return v
}

func recording(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "transcode", "container", "testdata", name))
	require.NoError(t, err)
	return raw
}

// upload sends a recording in pieces; it stays open if finish is false.
func (r *rig) upload(t testing.TB, raw []byte, piece int, finish bool) *catalog.Video {
	t.Helper()
	v := r.start(t, catalog.InTeam)
	for at := 0; at < len(raw); at += piece {
		r.send(t, v, at, raw[at:min(at+piece, len(raw))])
	}
	if finish {
		require.NoError(t, r.server.Ingest.Finish(t.Context(), v.UploadID))
	}
	return r.read(t, v.ID)
}

func (r *rig) send(t testing.TB, v *catalog.Video, at int, part []byte) {
	t.Helper()
	res := r.owner.ask(t, http.MethodPatch, "/api/uploads/"+v.UploadID, string(part),
		"Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(at), "Tus-Resumable", "1.0.0")
	require.Equal(t, http.StatusNoContent, res.StatusCode, text(t, res))
}

// media is the address of something of a video, with a grant.
func (r *rig) media(v *catalog.Video, name string) string {
	grant, _ := r.granter.Grant(auth.Principal{Account: r.owner.account}, v)
	return "/media/" + grant + "/" + v.ID + "/" + name
}
