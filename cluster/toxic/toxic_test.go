package toxic_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster/toxic"
)

// rig is a server behind a line.
type rig struct {
	line   *toxic.Proxy
	client *http.Client
	url    string
}

// patience is how long something that should happen may take, and wait how long
// something is waited for that should not.
const (
	patience = 2 * time.Minute
	wait     = 3 * time.Second
)

func newRig(t *testing.T) *rig {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d %s", n, strings.Repeat("x", 100_000))
	}))
	line, err := toxic.Listen(t.Context(), strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		require.NoError(t, line.Close())
		server.Close()
	})
	return &rig{line: line, client: client, url: "http://" + line.Addr()}
}

// ask sends n bytes and returns what came back.
func (r *rig) ask(t *testing.T, n int) (status int, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url, bytes.NewReader(make([]byte, n)))
	require.NoError(t, err)
	answer, err := r.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(raw), err
}

func TestAGoodLinePassesEverything(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, n := range []int{0, 1, 3 << 20} {
		status, body, err := r.ask(t, n)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.Len(t, body, len(strconv.Itoa(n))+1+100_000)
		require.True(t, strings.HasPrefix(body, strconv.Itoa(n)+" "))
	}
}

// TestHarmIsDoneAndHealed also on a connection that was open before.
func TestHarmIsDoneAndHealed(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]toxic.Harm{
		"refusing":     {Refuse: true},
		"half-open":    {Mute: true},
		"cut off":      {CutAfter: 50_000},
		"far too slow": {Rate: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_, _, err := r.ask(t, 10)
			require.NoError(t, err)
			r.line.Set(harm)
			r.client.Timeout = wait
			_, _, err = r.ask(t, 100_000)
			require.Error(t, err)
			r.line.Set(toxic.Harm{})
			r.client.Timeout = patience
			status, _, err := r.ask(t, 10)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
		})
	}
}

func TestLatencyDelaysAndLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.line.Set(toxic.Harm{Latency: 150 * time.Millisecond})
	began := time.Now()
	status, _, err := r.ask(t, 1000)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.GreaterOrEqual(t, time.Since(began), 150*time.Millisecond)
}

// TestABusyStoreSaysSo also to who sends a lot before it listens.
func TestABusyStoreSaysSo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.line.Set(toxic.Harm{Answer: toxic.SlowDown})
	for _, n := range []int{0, 10, 200_000} {
		status, body, err := r.ask(t, n)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Contains(t, body, "SlowDown")
	}
}

func TestNobodyBehindTheLine(t *testing.T) {
	t.Parallel()
	line, err := toxic.Listen(t.Context(), "127.0.0.1:1") // which the system gives to nobody who asks for any port
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, line.Close()) })
	_, err = http.Get("http://" + line.Addr())
	require.Error(t, err)
}
