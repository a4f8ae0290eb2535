package health

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/census"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// fullStore is a store without room.
type fullStore struct{ objects.Store }

func (fullStore) Put(context.Context, string, io.Reader) (int64, error) { return 0, objects.ErrFull }

// testTime is longer than anything takes, even if the machine stands still for a while.
const testTime = 2 * time.Minute

// rig is a process that is asked, with patience. By the clock of its numbers no time
// passes, so that they stay fresh for as long as a slow machine takes.
type rig struct {
	t       *testing.T
	health  *Health
	db      *database.DB
	handler http.Handler
	who     auth.Principal
}

func newRig(t *testing.T, change func(*Options)) *rig {
	t.Helper()
	gin.SetMode(gin.TestMode)
	quiet := slog.New(slog.DiscardHandler)
	db := databasetest.Any(t)
	queue, err := jobs.Open(jobs.Options{DB: db, Log: quiet})
	require.NoError(t, err)
	store, err := objects.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	o := Options{
		Catalog: catalog.New(record.Options{DB: db, Queue: queue, Log: quiet}), Objects: store, Version: "1.2.3", Log: quiet, Local: true,
		Queue: queue, Census: census.New(db), Followers: func() int { return 7 }, Sessions: func() int { return 3 },
	}
	if change != nil {
		change(&o)
	}
	r := &rig{t: t, health: New(o), db: db}
	r.health.patience = testTime
	for _, c := range r.health.checks {
		c.patience = testTime
	}
	now := time.Now()
	told := r.health.Meter.told
	told.now, told.patience = func() time.Time { return now }, testTime
	engine := gin.New()
	engine.Use(reply.Middleware(quiet), r.health.Observe, func(c *gin.Context) {
		c.Request = c.Request.WithContext(auth.With(c.Request.Context(), r.who))
	})
	engine.GET("/healthz", reply.Handle(r.health.Live))
	engine.GET("/readyz", reply.Handle(r.health.Ready))
	engine.GET("/metrics", reply.Handle(r.health.Metrics))
	engine.POST("/v/:slug", func(c *gin.Context) { _, _ = io.Copy(io.Discard, c.Request.Body) })
	r.handler = engine
	return r
}

func (r *rig) get(path, peer string, headers ...string) (int, string) {
	r.t.Helper()
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.RemoteAddr = peer
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

const near, far = "127.0.0.1:5000", "203.0.113.9:5000"

func TestReadyAsksWhatTheServerNeeds(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	status, body := r.get("/readyz", far)
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"ready":true,"checks":{"database":"ok","schema":"ok","store":"ok","running":"ok"}}`, body)

	r.health.Stop()
	status, body = r.get("/readyz", far)
	require.Equal(t, 503, status)
	require.Contains(t, body, `"running":"failed"`)
	status, body = r.get("/healthz", far)
	require.Equal(t, 200, status, "it still lives")
	require.JSONEq(t, `{"status":"ok","version":"1.2.3"}`, body)
}

// slowStore is one that takes its time.
type slowStore struct {
	objects.Store
	puts    atomic.Int32
	release chan struct{}
}

func (s *slowStore) Put(ctx context.Context, _ string, _ io.Reader) (int64, error) {
	s.puts.Add(1)
	select {
	case <-s.release:
		return 1, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (s *slowStore) Delete(context.Context, string) error { return nil }

// TestReadinessIsAskedOnceForAll: a store that does not answer is asked once, however
// many want to know, and a server that stops says so without asking.
func TestReadinessIsAskedOnceForAll(t *testing.T) {
	t.Parallel()
	slow := &slowStore{release: make(chan struct{})}
	r := newRig(t, func(o *Options) { o.Objects = slow })
	r.health.checks["store"].every = time.Hour // which a slow machine does not outlast
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if status, body := r.get("/readyz", far); status != 200 {
				t.Error(body)
			}
		})
	}
	require.Eventually(t, func() bool { return slow.puts.Load() > 0 }, testTime, time.Millisecond)
	close(slow.release)
	all.Wait()
	r.get("/readyz", far)
	require.EqualValues(t, 1, slow.puts.Load())
	slow.release = nil
	r.health.Stop()
	status, _ := r.get("/readyz", far)
	require.Equal(t, 503, status)
}

// TestNotReadyWithAnOlderSchema: one who starts beside a release before it.
func TestNotReadyWithAnOlderSchema(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	_, err := r.db.Writer.ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
	require.NoError(t, err)
	status, body := r.get("/readyz", far)
	require.Equal(t, 503, status)
	require.Contains(t, body, `"schema":"failed"`)
}

func TestNotReadyWithoutDatabaseOrRoom(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *Options) { o.Objects = fullStore{} })
	status, body := r.get("/readyz", far)
	require.Equal(t, 503, status)
	require.Contains(t, body, `"store":"failed"`)
	require.Contains(t, body, `"database":"ok"`)
	require.NotContains(t, body, "space", "the reason is in the log")

	r = newRig(t, nil)
	require.NoError(t, r.db.Close())
	status, body = r.get("/readyz", far)
	require.Equal(t, 503, status)
	require.Contains(t, body, `"database":"failed"`)
}

type awayStore struct{ objects.Store }

// Put implements objects.Store.
func (awayStore) Put(context.Context, string, io.Reader) (int64, error) {
	return 0, objects.ErrUnavailable
}

// TestABucketThatIsAwayTakesNoServerOut: F11, all of them share it.
func TestABucketThatIsAwayTakesNoServerOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *Options) { o.Objects = awayStore{o.Objects} })
	status, body := r.get("/readyz", far)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"ready":true,"checks":{"database":"ok","schema":"ok","store":"failed","running":"ok"}}`, body)
}

func TestMetricsTellWhatTheServerDoes(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	owner, err := r.health.Catalog.AddAccount(t.Context(), people.NewAccount{Name: "Ada", Email: "ada@example.com", PasswordHash: "x"}, people.Owner)
	require.NoError(t, err)
	for range 3 {
		_, err := r.health.Catalog.StartVideo(t.Context(), catalog.NewVideo{OwnerID: owner.ID, Title: "SECRET", Visibility: catalog.Private, Length: -1})
		require.NoError(t, err)
	}
	for _, method := range []string{http.MethodPost, "BREW"} {
		req := httptest.NewRequest(method, "/v/SECRETSLUG", bytes.NewReader(make([]byte, 1000)))
		r.handler.ServeHTTP(httptest.NewRecorder(), req)
	}
	require.NoError(t, r.health.Catalog.Write(t.Context(), func(ctx context.Context, tx record.Change) error {
		return tx.Enqueue(ctx, jobs.Span{VideoID: "SECRET"}, jobs.Waiting)
	}))
	require.NoError(t, r.health.Census.Take(t.Context(), r.health.Queue, r.health.Meter.told.now()))
	m := r.health.Meter
	m.JobEnded(jobs.Ended{Kind: "span", Queue: "media", Outcome: jobs.Done, Waited: time.Second, Took: 2 * time.Second})
	m.FFmpegEnded(1500*time.Millisecond, time.Second, errors.New("x"))
	m.ObjectAsked("PUT", "ok", time.Second)
	m.Kept(77)
	status, body := r.get("/metrics", near)
	require.Equal(t, 200, status)
	for _, line := range []string{
		`meanwhile_http_request_seconds_count{method="POST",route="/v/:slug",status="200"} 1`,
		`meanwhile_http_request_seconds_count{method="other",route="none",status="404"} 1`,
		"meanwhile_received_bytes_total 1000", "meanwhile_event_streams 7", "meanwhile_whip_sessions 3", `meanwhile_jobs{priority="1",queue="media",state="available"} 1`,
		`meanwhile_videos{state="recording"} 3`, `meanwhile_uploads{state="open"} 3`, `meanwhile_build_info{goversion="go1.`, "go_goroutines",
		`meanwhile_job_duration_seconds_sum{kind="span",outcome="done"} 2`, `meanwhile_job_wait_seconds_sum{queue="media"} 1`,
		"meanwhile_ffmpeg_cpu_seconds_total 1.5", `meanwhile_ffmpeg_runs_total{outcome="failed"} 1`, "meanwhile_upload_received_bytes_total 77",
		`meanwhile_object_request_duration_seconds_count{method="PUT",outcome="ok"} 1`, "meanwhile_database_up 1", "meanwhile_stored_bytes 0",
		`meanwhile_database_connections{pool="writer",state="in_use"} 0`, "meanwhile_database_retries_total 0", "meanwhile_schema_version",
	} {
		require.Contains(t, body, line)
	}
	require.NotContains(t, body, "SECRET")
}

func TestMetricsAreNotForStrangers(t *testing.T) {
	t.Parallel()
	account := func(role people.Role) *people.Account {
		return &people.Account{ID: "x", Operator: role == people.Owner}
	}
	rows := map[string]struct {
		who     auth.Principal
		peer    string
		headers []string
		status  int
	}{
		"a stranger":                       {peer: far, status: 404},
		"a stranger through a proxy here":  {peer: near, headers: []string{"X-Forwarded-For", "203.0.113.9"}, status: 404},
		"a stranger through another":       {peer: near, headers: []string{"Forwarded", "for=203.0.113.9"}, status: 404},
		"this machine":                     {peer: near, status: 200},
		"this machine over IPv6":           {peer: "[::1]:5000", status: 200},
		"this machine, of a public server": {peer: near, status: 404},
		"a peer without an address":        {peer: "@", status: 404},
		"a member":                         {who: auth.Principal{Account: account(people.Member), Scope: people.ScopeAdmin}, peer: near, status: 404},
		"an owner's token to read":         {who: auth.Principal{Account: account(people.Owner), Scope: people.ScopeRead}, peer: far, status: 404},
		"an owner's token for all":         {who: auth.Principal{Account: account(people.Owner), Scope: people.ScopeAdmin}, peer: far, status: 200},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(o *Options) { o.Local = !strings.Contains(name, "public") })
			r.who = row.who
			status, _ := r.get("/metrics", row.peer, row.headers...)
			require.Equal(t, row.status, status)
		})
	}
}

// TestMetricsWithoutADatabase: what the process counts itself is needed most then.
func TestMetricsWithoutADatabase(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	require.NoError(t, r.db.Close())
	status, body := r.get("/metrics", near)
	require.Equal(t, 200, status)
	require.Contains(t, body, "meanwhile_database_up 0")
	require.Contains(t, body, "meanwhile_event_streams 7")
	require.NotContains(t, body, "meanwhile_stored_bytes")
}

// TestMetricsCostLittle: whoever asks again at once makes the database do nothing.
func TestMetricsCostLittle(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	_, first := r.get("/metrics", near)
	before := r.db.Queries()
	_, again := r.get("/metrics", near)
	require.Equal(t, before, r.db.Queries())
	require.Contains(t, first, "meanwhile_uploads")
	require.Contains(t, again, "meanwhile_uploads")
}

// TestMetricsAreNamedByTheRules of Prometheus, and can be read.
func TestMetricsAreNamedByTheRules(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	require.NoError(t, r.health.Census.Take(t.Context(), r.health.Queue, r.health.Meter.told.now()))
	_, page := r.get("/metrics", near)
	problems, err := promlint.New(strings.NewReader(page)).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}
