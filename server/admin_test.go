package server

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/admin"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// operate makes somebody an operator.
func (r *rig) operate(t testing.TB, p *person) *person {
	t.Helper()
	r.execute(t, "UPDATE accounts SET operator = TRUE WHERE id = ?", p.account.ID)
	return p
}

func (p *person) read(t testing.TB, path string, into any) {
	t.Helper()
	res, body := p.get(t, path)
	require.Equal(t, http.StatusOK, res.StatusCode, body)
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.NoError(t, json.Unmarshal([]byte(body), into), body)
}

// fail leaves a job behind that was given up.
func (r *rig) fail(t testing.TB, videoID, reason string) {
	t.Helper()
	require.NoError(t, r.catalog.Write(t.Context(), func(ctx context.Context, tx record.Change) error {
		return tx.Enqueue(ctx, jobs.Span{VideoID: videoID, Span: 3}, jobs.Live)
	}))
	problem, err := json.Marshal([]map[string]any{{"at": time.Now(), "attempt": 3, "error": reason}})
	require.NoError(t, err)
	errors, about := "jsonb(?)", "json_extract(args, '$.video_id')"
	if r.db.Engine() == database.PostgreSQL {
		errors, about = "ARRAY(SELECT jsonb_array_elements(?))", "args ->> 'video_id'"
	}
	r.execute(t, "UPDATE river_job SET state = 'discarded', attempt = 3, errors = "+errors+", finalized_at = ? WHERE "+about+" = ?",
		string(problem), time.Now().UTC().Format("2006-01-02 15:04:05.000000"), videoID)
}

func TestOperatorsSeeWhatFailedAndTryItAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	operator := r.operate(t, r.owner)
	v := r.start(t, catalog.InTeam)
	r.fail(t, v.ID, "The file is broken.")
	r.fail(t, "gone", "Its video is gone.")

	var failures struct {
		Items []admin.Failure `json:"items"`
	}
	operator.read(t, "/api/admin/failures", &failures)
	require.Len(t, failures.Items, 2)
	require.Equal(t, "gone", failures.Items[0].VideoID)
	require.Empty(t, failures.Items[0].Title)
	failed := failures.Items[1]
	require.Equal(t, secret, failed.Title)
	require.Equal(t, "span", failed.Kind)
	require.Equal(t, "The file is broken.", failed.Reason)
	require.Equal(t, 3, failed.Attempts)
	require.NotEmpty(t, failed.Workspace)

	path := "/api/admin/failures/" + record.NewID() + "/retry"
	require.Equal(t, 422, operator.ask(t, "POST", path, "").StatusCode)
	require.Equal(t, 404, operator.ask(t, "POST", "/api/admin/failures/999/retry", "").StatusCode)
	res := operator.ask(t, "POST", strings.Replace("/api/admin/failures/N/retry", "N", jsonNumber(failed.ID), 1), "")
	require.Equal(t, 204, res.StatusCode, text(t, res))
	operator.read(t, "/api/admin/failures", &failures)
	require.Len(t, failures.Items, 1)

	var queues struct{ Lanes []admin.Lane }
	operator.read(t, "/api/admin/queues", &queues)
	require.Len(t, queues.Lanes, 1)
	require.Equal(t, "media", queues.Lanes[0].Queue)
	require.Equal(t, "available", queues.Lanes[0].State)
	require.Equal(t, 1, queues.Lanes[0].Jobs)
	require.WithinDuration(t, time.Now(), *queues.Lanes[0].OldestAt, time.Hour)

	res = operator.ask(t, "POST", "/api/admin/failures/retry", "")
	require.JSONEq(t, `{"retried":1,"more":false}`, text(t, res))
	operator.read(t, "/api/admin/failures", &failures)
	require.Empty(t, failures.Items)
}

func jsonNumber(n int64) string {
	raw, _ := json.Marshal(n) //nolint:errchkjson // a number
	return string(raw)
}

// TestOperatorsSeeTheWhole: storage, samples, versions, and checks in words.
func TestOperatorsSeeTheWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	operator := r.operate(t, r.owner)
	r.upload(t, recording(t, "tiny.mp4"), 100_000, true)
	now := time.Now()
	r.server.admin.Now = func() time.Time { return now } // samples are those of a minute, which may end any time
	require.NoError(t, r.server.health.Census.Take(t.Context(), r.server.health.Queue, now))

	var stored admin.Stored
	operator.read(t, "/api/admin/storage", &stored)
	require.Positive(t, stored.Bytes)
	require.Equal(t, 1, stored.Videos)
	require.Positive(t, stored.DatabaseBytes)
	require.Contains(t, strings.ToLower(stored.Database), string(r.db.Engine()))
	require.Equal(t, stored.Bytes, stored.Workspaces[0].Bytes)

	var samples admin.Samples
	for _, back := range []string{"hour", "day", "week"} {
		operator.read(t, "/api/admin/samples?range="+back, &samples)
		require.Len(t, samples.Series, 8)
		for _, series := range samples.Series {
			require.Len(t, series.Values, len(samples.Times))
		}
		waiting := samples.Series[0]
		require.Equal(t, "jobs_waiting", waiting.Name)
		require.Positive(t, *waiting.Values[len(waiting.Values)-1])
		require.Nil(t, waiting.Values[0])
	}

	var about admin.About
	operator.read(t, "/api/admin/about", &about)
	require.Equal(t, about.Versions.LatestSchema, about.Versions.Schema)
	want := map[string]string{"Database": "ok", "Media store": "ok", "Media": "ok", "Workers": "fail", "Queues": "ok", "Failures": "ok"}
	require.Eventually(t, func() bool { // a store that takes longer than 5 s for an object is said to be away, and asked again
		operator.read(t, "/api/admin/about", &about)
		return maps.Equal(want, statuses(t, about))
	}, hangs, time.Second, "nobody works here: %v", &about)

	r.execute(t, "INSERT INTO workers (id, kind, host, version, slots, busy, started_ms, seen_ms) VALUES ('a', 'server', 'one', '1', 2, 1, ?, ?), ('b', 'worker', 'two', '1', 4, 0, ?, ?)",
		now.UnixMilli(), now.UnixMilli(), now.UnixMilli(), now.Add(-11*time.Second).UnixMilli())
	var workers struct{ Items []admin.Worker }
	operator.read(t, "/api/admin/workers", &workers)
	require.Len(t, workers.Items, 2)
	for _, w := range workers.Items {
		require.Equal(t, w.Host == "two", w.Stale)
	}
	operator.read(t, "/api/admin/about", &about)
	for _, check := range about.Checks {
		if check.Name == "Workers" {
			require.Equal(t, "warn", check.Status)
		}
	}
}

// statuses are what the checks say, by their names; advice is for what is not well.
func statuses(t *testing.T, about admin.About) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, check := range about.Checks {
		all[check.Name] = check.Status
		assert.Equal(t, check.Status == "ok", check.Advice == "", check.Detail)
	}
	return all
}

// TestOperatorsSeeThatMediaIsMissing (F25): whoever plays a video that the store has
// lost part of is told, and so are those who look after the installation.
func TestOperatorsSeeThatMediaIsMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	operator := r.operate(t, r.owner)
	v := r.upload(t, recording(t, "tiny.mp4"), 100_000, true)
	path := r.media(v, "source")
	res, _ := operator.get(t, path)
	require.Equal(t, http.StatusOK, res.StatusCode)
	var key string
	require.NoError(t, r.db.Reader.NewRaw("SELECT object_key FROM parts WHERE video_id = ?", v.ID).Scan(t.Context(), &key))
	require.NoError(t, r.store.Delete(t.Context(), key))

	res, body := operator.get(t, path)
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	require.Contains(t, body, "not_found")
	var found admin.MissingMedia
	require.Eventually(t, func() bool {
		operator.read(t, "/api/admin/missing", &found)
		return found.Total > 0
	}, hangs, tick)
	require.Len(t, found.Items, 1)
	require.Equal(t, v.ID, found.Items[0].VideoID)
	require.Equal(t, key, found.Items[0].Object)
	require.WithinDuration(t, time.Now(), found.Items[0].NoticedAt, time.Hour)
	var about admin.About
	operator.read(t, "/api/admin/about", &about)
	require.Contains(t, about.Checks, admin.Check{
		Name: "Media", Status: "fail", Detail: "Media missing: 1 video.",
		Advice: "See below for which. Run meanwhile doctor --objects for everything that is missing, and bring it back from a backup under the same names.",
	})
}

// TestAdminIsForOperatorsAlone: not for the owner of a workspace, nor for a token that
// was made for less.
func TestAdminIsForOperatorsAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(t, catalog.InTeam)
	owner := r.as(t, "Oda", people.Owner)
	operator := r.operate(t, r.owner)
	for _, path := range []string{"about", "queues", "workers", "storage", "samples", "failures", "missing"} {
		res, body := owner.get(t, "/api/admin/"+path)
		require.Equal(t, 403, res.StatusCode)
		require.NotContains(t, body, secret)
		require.Equal(t, 401, r.nobody.ask(t, "GET", "/api/admin/"+path, "").StatusCode)
		res, _ = operator.get(t, "/api/admin/"+path)
		require.Equal(t, 200, res.StatusCode, path)
	}
	_, token, err := r.catalog.AddToken(t.Context(), people.NewToken{Account: operator.account, Name: "t", Scope: people.ScopeWrite})
	require.NoError(t, err)
	less := &person{rig: r, account: operator.account, bearer: token}
	require.Equal(t, 403, less.ask(t, "GET", "/api/admin/failures", "").StatusCode)
	require.Equal(t, 403, less.ask(t, "POST", "/api/admin/failures/retry", "").StatusCode)
}
