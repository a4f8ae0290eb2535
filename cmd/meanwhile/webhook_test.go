package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// told is what a receiver was told: the ids of the events by comment, and which of
// them it has taken.
type told struct {
	mu    sync.Mutex
	ids   map[string]map[string]bool
	taken map[string]bool
	// hang makes it read a message and never answer; came says that it has.
	hang bool
	came chan struct{}
}

func (r *told) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	raw, _ := io.ReadAll(req.Body)
	var message struct {
		Data struct{ Comment struct{ Body string } }
	}
	_ = json.Unmarshal(raw, &message)
	r.mu.Lock()
	said := message.Data.Comment.Body
	if r.ids[said] == nil {
		r.ids[said] = map[string]bool{}
	}
	r.ids[said][req.Header.Get("Webhook-Id")] = true
	hang := r.hang
	r.taken[said] = r.taken[said] || !hang
	r.mu.Unlock()
	if hang {
		r.came <- struct{}{}
		<-req.Context().Done()
	}
}

func (r *told) hangs(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hang = yes
}

func (r *told) has(said string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken[said]
}

// TestKilledBeforeAWebhookIsTold is F4 and F28: the server is killed right after it
// has acknowledged a comment, and in the middle of telling of it. The next one
// tells of every comment, and of each under one id.
func TestKilledBeforeAWebhookIsTold(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	receiver := &told{ids: map[string]map[string]bool{}, taken: map[string]bool{}, came: make(chan struct{}, 10)}
	line := httptest.NewServer(receiver)
	t.Cleanup(line.Close)
	p := serve(t, data, "--webhook-private", "127.0.0.1")
	c, video, _ := begin(t, data, p)
	ask := func(method, path, body string, status int) {
		t.Helper()
		res, err := c.do(t, method, p.url+path, strings.NewReader(body), "Content-Type", "application/json")
		require.NoError(t, err)
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, status, res.StatusCode, string(answer))
	}
	ask(http.MethodPatch, video, `{"visibility":"workspace"}`, http.StatusOK)
	ask(http.MethodPost, "/api/webhooks", fmt.Sprintf(`{"url":%q,"events":["comment.created"]}`, line.URL), http.StatusCreated)
	for round := range 6 {
		said := fmt.Sprint("comment ", round)
		receiver.hangs(round%2 == 1)
		ask(http.MethodPost, video+"/comments", fmt.Sprintf(`{"at_ms":0,"body":%q}`, said), http.StatusCreated)
		if round%2 == 1 {
			<-receiver.came
		}
		require.NoError(t, p.cmd.Process.Kill())
		require.Error(t, <-p.exit, "killed")
		receiver.hangs(false)
		p = serve(t, data, "--webhook-private", "127.0.0.1")
		require.Eventually(t, func() bool { return receiver.has(said) }, testTime, tick, "round %d", round)
	}
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	require.Len(t, receiver.ids, 6)
	for said, ids := range receiver.ids {
		require.Len(t, ids, 1, said)
	}
}
