package webhook

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// testTime is longer than anything takes, even if the machine stands still for a while.
const (
	testTime = 2 * time.Minute
	tick     = 5 * time.Millisecond
)

// rig is a workspace with webhooks, and a clock that stands still until a job is
// due.
type rig struct {
	db      *database.DB
	queue   *jobs.Queue
	catalog *catalog.Catalog
	store   *webhook.Store
	sender  *Sender
	owner   *people.Account

	mu  sync.Mutex
	now time.Time
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newRig(t *testing.T, db *database.DB, o jobs.Options) *rig {
	t.Helper()
	r := &rig{db: db, now: time.Now().UTC().Truncate(time.Microsecond)}
	o.DB, o.Log, o.Mail = db, quiet(), true
	var err error
	r.queue, err = jobs.Open(o)
	require.NoError(t, err)
	r.catalog = catalog.New(record.Options{DB: db, Queue: r.queue, Log: quiet(), Clock: clocks.OfDatabase(r.clock, quiet())})
	r.store = webhook.New(r.catalog.Store)
	guard, err := NewGuard([]string{"127.0.0.1"})
	require.NoError(t, err)
	r.sender = NewSender(Options{
		Store: r.store, Guard: guard, BaseURL: &url.URL{Scheme: "https", Host: "video.example.org"}, Version: "test", Log: quiet(), Patience: testTime,
	})
	r.owner, err = r.catalog.AddAccount(t.Context(), people.NewAccount{Name: "Ada", Email: "ada@example.com", PasswordHash: "x"}, people.Owner)
	require.NoError(t, err)
	return r
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) advance(to time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = to
}

// hook makes a webhook that is told everything.
func (r *rig) hook(t *testing.T, address string) *webhook.Webhook {
	t.Helper()
	w, err := r.store.Create(t.Context(), webhook.NewWebhook{WorkspaceID: r.owner.WorkspaceID, By: r.owner.ID, URL: address, Events: webhook.Kinds()})
	require.NoError(t, err)
	return w
}

func (r *rig) video(t *testing.T, visibility catalog.Visibility) *catalog.Video {
	t.Helper()
	v, err := r.catalog.StartVideo(t.Context(), catalog.NewVideo{OwnerID: r.owner.ID, Title: "Grünewald", Visibility: visibility, Length: -1})
	require.NoError(t, err)
	return v
}

func (r *rig) comment(t *testing.T, v *catalog.Video, body string) *catalog.Comment {
	t.Helper()
	c, err := r.catalog.AddComment(t.Context(), catalog.NewComment{VideoID: v.ID, AuthorID: r.owner.ID, At: new(time.Second), Body: body})
	require.NoError(t, err)
	return c
}

// due is a job that waits in the queue.
type due struct {
	id   int64
	args jobs.Webhook
}

// waiting lists the jobs for webhooks, the first to come first.
func (r *rig) waiting(t *testing.T) []due {
	t.Helper()
	var rows []struct {
		ID   int64
		Args string
	}
	err := r.db.Reader.NewRaw("SELECT id, "+r.text("args")+" AS args FROM river_job WHERE kind = 'webhook' AND state IN ('available', 'scheduled') ORDER BY scheduled_at, id").Scan(t.Context(), &rows)
	require.NoError(t, err)
	all := make([]due, len(rows))
	for i, row := range rows {
		all[i].id = row.ID
		require.NoError(t, json.Unmarshal([]byte(row.Args), &all[i].args))
	}
	return all
}

// text reads a column of JSON as the engine keeps it.
func (r *rig) text(column string) string {
	if r.db.Engine() == database.SQLite {
		return "json(" + column + ")"
	}
	return "CAST(" + column + " AS TEXT)"
}

// run does a job as the queue would.
func (r *rig) run(t *testing.T, d due) {
	t.Helper()
	require.NoError(t, r.sender.send(t.Context(), jobs.Job[jobs.Webhook]{ID: d.id, Args: d.args, Attempt: 1}))
	r.drop(t, d)
}

func (r *rig) drop(t *testing.T, d due) {
	t.Helper()
	r.execute(t, "DELETE FROM river_job WHERE id = ?", d.id)
}

func (r *rig) execute(t *testing.T, statement string, values ...any) {
	t.Helper()
	require.NoError(t, r.store.Write(t.Context(), func(ctx context.Context, tx record.Change) error {
		_, err := tx.NewRaw(statement, values...).Exec(ctx)
		return err
	}))
}

// pass lets time pass from job to job, until a moment or until none is left.
func (r *rig) pass(t *testing.T, until time.Time) {
	t.Helper()
	for {
		jobs := r.waiting(t)
		if len(jobs) == 0 || jobs[0].args.At.After(until) {
			break
		}
		if at := jobs[0].args.At; at.After(r.clock()) {
			r.advance(at)
		}
		r.run(t, jobs[0])
	}
	if until.After(r.clock()) {
		r.advance(until)
	}
}

// got is a message that a receiver has read.
type got struct {
	id, signature string
	at            time.Time
	header        http.Header
	body          string
}

// receiver is a program that is told of events.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	all    []got
	answer func(http.ResponseWriter, *http.Request)
}

func newReceiver(t *testing.T, r *rig) *receiver {
	t.Helper()
	rec := &receiver{answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		raw, _ := io.ReadAll(req.Body)
		rec.mu.Lock()
		rec.all = append(rec.all, got{req.Header.Get(standard.HeaderWebhookID), req.Header.Get(standard.HeaderWebhookSignature), r.clock(), req.Header.Clone(), string(raw)})
		answer := rec.answer
		rec.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(rec.Close)
	return rec
}

func (rec *receiver) answers(answer func(http.ResponseWriter, *http.Request)) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.answer = answer
}

func (rec *receiver) status(code int) {
	rec.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

func (rec *receiver) messages() []got {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return append([]got(nil), rec.all...)
}
