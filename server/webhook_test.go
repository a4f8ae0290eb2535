package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/webhook"
	"github.com/meanwhile-app/meanwhile/storage/people"
	hooks "github.com/meanwhile-app/meanwhile/storage/webhook"
)

// hook makes a webhook of a workspace; it never gets to ten.
func (r *rig) hook(t testing.TB, workspaceID string) *hooks.Webhook {
	t.Helper()
	r.execute(t, "DELETE FROM webhooks WHERE workspace_id = ?", workspaceID)
	w, err := hooks.New(r.catalog.Store).Create(t.Context(), hooks.NewWebhook{
		WorkspaceID: workspaceID, By: r.owner.account.ID, URL: "https://hooks.example.org/x", Events: hooks.Kinds(),
	})
	require.NoError(t, err)
	r.execute(t, `INSERT INTO webhook_deliveries (webhook_id, event_id, kind, data, happened_at, state, wanted_at, next_at)
		VALUES (?, 'evt_1', 'webhook.test', '{}', ?, 'delivered', ?, ?)`, w.ID, time.Now(), time.Now(), time.Now())
	return w
}

// TestAWebhookIsLookedAfter goes through the life of one as its admin.
func TestAWebhookIsLookedAfter(t *testing.T) {
	t.Parallel()
	guard, err := webhook.NewGuard([]string{"hooks.internal"})
	require.NoError(t, err)
	r := newRigAt(t, new(float64), func(o *Options) { o.Webhooks = guard })
	boss := r.as(t, "Oda", people.Admin)
	ask := func(status int, method, path, body string, into any) {
		t.Helper()
		res := boss.ask(t, method, path, body)
		answer := text(t, res)
		require.Equal(t, status, res.StatusCode, answer)
		if into != nil {
			require.NoError(t, json.Unmarshal([]byte(answer), into))
		}
	}
	var problem struct{ Code, Detail string }
	ask(422, "POST", "/api/webhooks", `{"url":"https://169.254.169.254/latest","events":["video.ready"]}`, &problem)
	require.Contains(t, problem.Detail, "MEANWHILE_WEBHOOK_PRIVATE")
	for _, events := range []string{`[]`, `["video.watched"]`} {
		ask(422, "POST", "/api/webhooks", `{"url":"https://hooks.example.org","events":`+events+`}`, nil)
	}
	var made struct {
		Webhook webhook.Webhook
		Secret  string
	}
	ask(201, "POST", "/api/webhooks", `{"url":"http://hooks.internal/a?key=1","events":["video.ready","comment.created"]}`, &made)
	require.True(t, strings.HasPrefix(made.Secret, "whsec_"))
	path := "/api/webhooks/" + made.Webhook.ID
	var changed webhook.Webhook
	ask(200, "PATCH", path, `{"events":["video.failed"],"enabled":false}`, &changed)
	require.True(t, slices.Equal([]hooks.Kind{hooks.VideoFailed}, changed.Events) && !changed.Enabled)
	ask(409, "POST", path+"/test", "", &problem)
	require.Equal(t, "webhook_off", problem.Code)
	ask(200, "PATCH", path, `{"enabled":true}`, nil)
	ask(422, "PATCH", path, `{"url":"http://hooks.example.org"}`, nil)
	renewed := made
	ask(200, "POST", path+"/secret", "", &renewed)
	require.NotEqual(t, made.Secret, renewed.Secret)
	require.NotNil(t, renewed.Webhook.OldSecretTo)
	var sent webhook.Delivery
	ask(200, "POST", path+"/test", "", &sent)
	require.Equal(t, hooks.Waiting, sent.State)
	var log struct{ Items []webhook.Delivery }
	ask(200, "GET", path+"/deliveries", "", &log)
	require.Len(t, log.Items, 1)
	require.Equal(t, sent.ID, log.Items[0].ID)
	ask(200, "POST", path+"/deliveries/"+sent.ID, "", &sent)
	ask(404, "POST", path+"/deliveries/evt_x", "", nil)
	for range 9 {
		ask(201, "POST", "/api/webhooks", `{"url":"https://hooks.example.org","events":["video.ready"]}`, nil)
	}
	ask(409, "POST", "/api/webhooks", `{"url":"https://hooks.example.org","events":["video.ready"]}`, &problem)
	require.Equal(t, "too_many_of_these", problem.Code)
	ask(204, "DELETE", path, "", nil)
	ask(404, "GET", path+"/deliveries", "", nil)
	var audit audited
	ask(200, "GET", "/api/audit?limit=100", "", &audit)
	require.Equal(t, map[string]int{"webhook.created": 10, "webhook.changed": 3, "webhook.removed": 1}, audit.webhooks(t))
}

type audited struct {
	Items []struct {
		Action string
		Detail map[string]string
	}
}

// webhooks counts what was done to webhooks; of their addresses only the host is
// named.
func (a audited) webhooks(t testing.TB) map[string]int {
	t.Helper()
	actions := map[string]int{}
	for _, row := range a.Items {
		if strings.HasPrefix(row.Action, "webhook.") {
			actions[row.Action]++
			require.NotContains(t, row.Detail["webhook"]+row.Detail["url"], "key")
		}
	}
	return actions
}

// TestAWebhookOfAnotherWorkspaceIsNotThere: an admin here learns and changes
// nothing of what is there, by any route.
func TestAWebhookOfAnotherWorkspaceIsNotThere(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	boss, stranger := r.as(t, "Oda", people.Owner), r.as(t, "Eve", people.Owner)
	r.elsewhere(t, stranger.account)
	hook := r.hook(t, boss.account.WorkspaceID)
	tried := 0
	for key := range r.server.needs {
		method, pattern, _ := strings.Cut(key, " ")
		if !strings.HasPrefix(pattern, "/api/webhooks/:id") {
			continue
		}
		res := stranger.ask(t, method, strings.NewReplacer(":id", hook.ID, ":event", "evt_1").Replace(pattern), `{"enabled":false}`)
		require.Equal(t, http.StatusNotFound, res.StatusCode, key)
		require.NotContains(t, text(t, res), "example.org")
		tried++
	}
	require.Equal(t, 6, tried)
	_, list := stranger.get(t, "/api/webhooks")
	require.JSONEq(t, `{"items":[]}`, list)
	now, err := hooks.New(r.catalog.Store).Webhook(t.Context(), hook.WorkspaceID, hook.ID)
	require.NoError(t, err)
	require.Equal(t, hook.Secret, now.Secret)
	require.True(t, now.Enabled)
}
