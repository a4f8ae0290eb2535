package server

import (
	"bytes"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/trace"
)

const (
	someTrace   = "0af7651916cd43dd8448eb211c80319c"
	traceparent = "00-" + someTrace + "-b7ad6b7169203331-01"
)

// TestTheLogNamesRequestAndTrace when a request fails on the server, as a proxy or a
// client has named them; what is no name of a request is not written.
func TestTheLogNamesRequestAndTrace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := newRigAt(t, nil, func(o *Options) { o.Log = slog.New(trace.Logs(slog.NewJSONHandler(&out, nil))) })
	require.NoError(t, r.db.Close())
	for id, written := range map[string]bool{
		"req-1_2.3": true, "": false, "a b": false, `a"b`: false, "ä": false, strings.Repeat("a", 65): false, "a%0a": false,
	} {
		out.Reset()
		res := r.nobody.ask(t, http.MethodGet, "/api/session", "", "X-Request-Id", id, "Traceparent", traceparent)
		require.GreaterOrEqual(t, res.StatusCode, 500)
		require.Contains(t, out.String(), `"trace_id":"`+someTrace+`"`)
		require.Equal(t, written, strings.Contains(out.String(), `"request_id":"`+id+`"`), out.String())
		require.Equal(t, written, strings.Contains(out.String(), "request_id"))
	}
}

// TestAVideoKeepsTheTraceItBeganIn also on a server that does not trace itself: a
// worker may.
func TestAVideoKeepsTheTraceItBeganIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	res := r.owner.ask(t, http.MethodPost, "/api/videos", `{"title":"T","mime":"video/mp4"}`, "Traceparent", traceparent)
	require.Equal(t, 201, res.StatusCode, text(t, res))
	v := r.start(t, "private")
	require.Empty(t, v.Traceparent)
	var kept string
	require.NoError(t, r.db.Reader.NewRaw("SELECT traceparent FROM videos WHERE id <> ?", v.ID).Scan(t.Context(), &kept))
	require.Equal(t, traceparent, kept)
}

// TestSomePartsAreFollowed: the first of each upload, and about one in sixteen of the
// others, whoever asks.
func TestSomePartsAreFollowed(t *testing.T) {
	t.Parallel()
	followed := 0
	for i := range 1600 {
		offset := strconv.Itoa(i * 100_000)
		if sampledPart("upload", offset) {
			followed++
		}
	}
	require.True(t, sampledPart("upload", "0"))
	require.InDelta(t, 100, followed, 40)
}
