package talk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// testTime is longer than anything takes, even if the machine stands still for a while.
const (
	testTime = 2 * time.Minute
	tick     = time.Millisecond
)

// rig is a server with the conversation's routes behind the real gate.
type rig struct {
	*httptest.Server
	catalog *catalog.Catalog
	db      *database.DB
	feed    *Feed
	api     *API
	video   *catalog.Video
	owner   *person
	member  *person
	other   *person
}

// person is somebody who asks, by session cookie if signed in.
type person struct {
	t       testing.TB
	rig     *rig
	account *people.Account
	cookies map[string]string
	address string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	gin.SetMode(gin.TestMode)
	quiet := slog.New(slog.DiscardHandler)
	db := databasetest.Any(t)
	queue, err := jobs.Open(jobs.Options{DB: db, Log: quiet})
	require.NoError(t, err)
	r := &rig{db: db, catalog: catalog.New(record.Options{DB: db, Queue: queue, Log: quiet})}
	base, err := url.Parse("http://127.0.0.1:1")
	require.NoError(t, err)
	a, err := auth.New(auth.Options{Catalog: r.catalog, BaseURL: base})
	require.NoError(t, err)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // a guest is somebody else after midnight
	r.api = New(Options{Catalog: r.catalog, Auth: a, Secret: []byte("secret"), Now: func() time.Time { return noon }})
	r.feed = NewFeed(FeedOptions{Catalog: r.catalog, Finder: access.NewFinder(r.catalog, nil, time.Now), Auth: a, Video: describe, Log: quiet})
	r.feed.check, r.feed.pause, r.feed.patience = 20*time.Millisecond, 20*time.Millisecond, testTime

	engine := gin.New()
	require.NoError(t, engine.SetTrustedProxies([]string{"127.0.0.1"}))
	engine.Use(reply.Middleware(quiet), a.Middleware(), access.NewGate(access.NewFinder(r.catalog, nil, time.Now), nil, needs(), quiet).Handle)
	r.route(humagin.New(engine, reply.Config("test", "0")))
	engine.GET("/api/videos/:id/events", reply.Handle(r.feed.VideoEvents))
	engine.GET("/api/events", reply.Handle(r.feed.LibraryEvents))
	r.Server = httptest.NewServer(engine)
	t.Cleanup(r.Close)
	t.Cleanup(r.feed.Stop)

	r.owner, r.member, r.other = r.join(t, "Ada"), r.join(t, "Ben"), r.join(t, "Cid")
	r.video = r.newVideo(t, catalog.InTeam)
	return r
}

// describe stands in for the library's view of a video.
func describe(ctx context.Context, v *catalog.Video) (any, error) {
	return map[string]any{"id": v.ID, "title": v.Title, "comments": v.Comments, "edit": access.May(ctx).Edit}, nil
}

func needs() map[string]access.Need {
	return map[string]access.Need{
		"GET /api/videos/:id/comments":  {Names: access.VideoID},
		"POST /api/videos/:id/comments": {Names: access.VideoID, Right: access.ToComment, Write: true},
		"PATCH /api/comments/:id":       {Names: access.CommentID, Write: true},
		"DELETE /api/comments/:id":      {Names: access.CommentID, Write: true},
		"POST /api/videos/:id/views":    {Names: access.VideoID},
		"GET /api/videos/:id/views":     {Names: access.VideoID},
		"GET /api/videos/:id/events":    {Names: access.VideoID},
		"GET /api/events":               {Names: access.Account},
	}
}

func (r *rig) route(api huma.API) {
	op := func(method, path string, status int) huma.Operation {
		return huma.Operation{OperationID: method + path, Method: method, Path: path, DefaultStatus: status, MaxBodyBytes: MaxBodyBytes}
	}
	listing := op(http.MethodGet, "/api/videos/{id}/comments", 200)
	listing.Responses = CommentsResponses(api)
	reply.Register(api, listing, r.api.ListComments)
	reply.Register(api, op(http.MethodPost, "/api/videos/{id}/comments", 201), r.api.CreateComment)
	reply.Register(api, op(http.MethodPatch, "/api/comments/{id}", 200), r.api.ChangeComment)
	reply.Register(api, op(http.MethodDelete, "/api/comments/{id}", 204), r.api.DeleteComment)
	reply.Register(api, op(http.MethodPost, "/api/videos/{id}/views", 204), r.api.RecordView)
	reply.Register(api, op(http.MethodGet, "/api/videos/{id}/views", 200), r.api.ReadPlace)
}

func (r *rig) join(t testing.TB, name string) *person {
	t.Helper()
	account, err := r.catalog.AddAccount(t.Context(), people.NewAccount{Name: name, Email: name + "@example.com", PasswordHash: "x"}, people.Member)
	require.NoError(t, err)
	token, err := r.catalog.StartSession(t.Context(), account, people.Entry{Method: people.ByPassword})
	require.NoError(t, err)
	return &person{t: t, rig: r, account: account, cookies: map[string]string{"meanwhile_session": token}}
}

func (r *rig) guest(t testing.TB) *person {
	t.Helper()
	return &person{t: t, rig: r, cookies: map[string]string{}}
}

func (r *rig) newVideo(t testing.TB, visibility catalog.Visibility) *catalog.Video {
	t.Helper()
	v, err := r.catalog.StartVideo(t.Context(), catalog.NewVideo{OwnerID: r.owner.account.ID, Title: "Tour", Visibility: visibility, Length: -1})
	require.NoError(t, err)
	_, err = r.db.Writer.ExecContext(t.Context(), "UPDATE videos SET state = 'ready', duration_us = 60000000 WHERE id = ?", v.ID)
	require.NoError(t, err)
	return v
}

func (r *rig) openToGuests(t testing.TB) {
	t.Helper()
	link, yes := catalog.WithLink, true
	_, err := r.catalog.ChangeVideo(t.Context(), r.video.ID, catalog.VideoChange{Visibility: &link, GuestsMayComment: &yes})
	require.NoError(t, err)
}

func (p *person) request(ctx context.Context, method, path string, body io.Reader) *http.Response {
	p.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, p.rig.URL+path, body)
	require.NoError(p.t, err)
	req.Header.Set("Content-Type", "application/json")
	if p.address != "" {
		req.Header.Set("X-Forwarded-For", p.address)
	}
	for name, value := range p.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := p.rig.Client().Do(req)
	require.NoError(p.t, err)
	for _, c := range res.Cookies() {
		p.cookies[c.Name] = c.Value
	}
	return res
}

// call sends JSON and returns the status with the body.
func (p *person) call(method, path string, body any) (int, []byte) {
	p.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		require.NoError(p.t, err)
		in = bytes.NewReader(raw)
	}
	res := p.request(p.t.Context(), method, path, in)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	return res.StatusCode, raw
}

func (p *person) say(body any) Comment {
	p.t.Helper()
	status, raw := p.call(http.MethodPost, "/api/videos/"+p.rig.video.ID+"/comments", body)
	require.Equal(p.t, 201, status, string(raw))
	return decode[Comment](p.t, raw)
}

func (p *person) comments() []Comment {
	p.t.Helper()
	status, raw := p.call(http.MethodGet, "/api/videos/"+p.rig.video.ID+"/comments", nil)
	require.Equal(p.t, 200, status, string(raw))
	return decode[Comments](p.t, raw).Items
}

func decode[T any](t testing.TB, raw []byte) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal(raw, &v), string(raw))
	return v
}

// heard is one event of a stream.
type heard struct {
	name string
	data string
}

// listen follows a stream; the channel closes when the server ends it.
func (p *person) listen(ctx context.Context, path string) <-chan heard {
	p.t.Helper()
	res := p.request(ctx, http.MethodGet, path, nil)
	require.Equal(p.t, 200, res.StatusCode)
	require.Equal(p.t, "text/event-stream", res.Header.Get("Content-Type"))
	events := make(chan heard, 1000)
	go func() {
		defer close(events)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		var e heard
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "retry":
				events <- heard{name: "retry", data: value}
			case "":
				if e.name != "" {
					events <- e
				}
				e = heard{}
			}
		}
	}()
	require.Equal(p.t, heard{"retry", "2000"}, next(p.t, events))
	return events
}

func next(t testing.TB, events <-chan heard) heard {
	t.Helper()
	select {
	case e, ok := <-events:
		require.True(t, ok, "the stream ended")
		return e
	case <-time.After(testTime):
		require.FailNow(t, "no event")
		return heard{}
	}
}

// nextOf passes over other events.
func nextOf(t testing.TB, events <-chan heard, name string) heard {
	t.Helper()
	for {
		if e := next(t, events); e.name == name {
			return e
		}
	}
}

// end waits for the stream to end and returns what came before.
func end(t testing.TB, events <-chan heard) []heard {
	t.Helper()
	var all []heard
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return all
			}
			all = append(all, e)
		case <-time.After(testTime):
			require.FailNow(t, "the stream goes on")
		}
	}
}
