package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
)

// heard is a span as a collector hears of it, with whose it is.
type heard struct {
	*spans.Span

	service string
}

// receiver is a collector of traces.
type receiver struct {
	*httptest.Server

	mu  sync.Mutex
	all []heard
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := new(receiver)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var batch collector.ExportTraceServiceRequest
		raw, err := io.ReadAll(req.Body)
		if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(raw, &batch) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, from := range batch.GetResourceSpans() {
			service := ""
			for _, a := range from.GetResource().GetAttributes() {
				if a.GetKey() == "service.name" {
					service = a.GetValue().GetStringValue()
				}
			}
			for _, scope := range from.GetScopeSpans() {
				for _, s := range scope.GetSpans() {
					r.all = append(r.all, heard{s, service})
				}
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) heard() []heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]heard(nil), r.all...)
}

// has says that somebody made a span of a name.
func (r *receiver) has(service, name string) bool {
	for _, s := range r.heard() {
		if s.service == service && s.GetName() == name {
			return true
		}
	}
	return false
}

// launch starts a program and returns the address in its log, and the log.
func launch(t *testing.T, env []string, args ...string) (url string, log func() string) {
	t.Helper()
	cmd := command(t, t.TempDir(), args...)
	cmd.Env = append(cmd.Env, env...)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var mu sync.Mutex
	var said bytes.Buffer
	addr, ended := make(chan string, 10), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			mu.Lock()
			said.Write(append(lines.Bytes(), '\n'))
			mu.Unlock()
			var line struct{ Addr, Msg string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Addr != "" && line.Msg != "listening" {
				addr <- line.Addr
			}
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	log = func() string {
		mu.Lock()
		defer mu.Unlock()
		return said.String()
	}
	select {
	case a := <-addr:
		return "http://" + a, log
	case <-ended:
	case <-time.After(testTime):
	}
	require.FailNow(t, "it does not say where it listens", log())
	return "", nil
}

const (
	clientTrace = "0af7651916cd43dd8448eb211c80319c"
	clientSpan  = "b7ad6b7169203331"
)

// TestAVideoIsFollowed from a client's own trace through a server and a worker to
// where it is ready: one trace, without a gap. What both count meanwhile is what the
// dashboard and the alerts ask for.
func TestAVideoIsFollowed(t *testing.T) {
	t.Parallel()
	to := receive(t)
	bucket := objectstest.S3(t)
	stores := append([]string{"MEANWHILE_DATABASE_URL=" + databasetest.URL(t, database.PostgreSQL), "MEANWHILE_OBJECTS_URL=" + bucket.URL}, bucket.Env()...)
	env := slices.Concat(stores, []string{
		"MEANWHILE_SANDBOX=off",
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + to.URL, "OTEL_BSP_SCHEDULE_DELAY=50", "MEANWHILE_WORKER_ADDR=127.0.0.1:0",
		"OTEL_EXPORTER_OTLP_TIMEOUT=120000", "OTEL_BSP_EXPORT_TIMEOUT=120000", // what is not taken in time is lost
	})
	server, log := launch(t, env, "serve", "--workers", "0")
	worker, workerLog := launch(t, env, "worker", "--slots", "1")
	tool := func(input string, args ...string) string {
		cmd := command(t, t.TempDir(), args...)
		cmd.Env, cmd.Stdin = append(cmd.Env, stores...), strings.NewReader(input)
		out, err := cmd.Output()
		require.NoError(t, err)
		return strings.TrimSpace(string(out))
	}
	tool("correct horse battery staple\n", "user", "add", "--email", "ada@example.com", "--name", "Ada", "--role", "owner")
	c := client{token: tool("", "token", "add", "--email", "ada@example.com", "--scope", "admin")}

	path := sendTraced(t, c, server)
	require.Eventually(t, func() bool {
		var video struct{ State string }
		c.read(t, server+path, &video)
		return video.State == "ready"
	}, 2*testTime, 50*time.Millisecond, log())
	for _, name := range []string{"job span", "job audio", "job stills", "ffmpeg", "s3 GET", "s3 PUT"} {
		require.Eventually(t, func() bool { return to.has("meanwhile-worker", name) }, testTime, 50*time.Millisecond, name)
	}
	require.Eventually(t, func() bool { return to.has("meanwhile-server", "POST /api/videos/:id/finish") }, testTime, 50*time.Millisecond)
	checkWay(t, to)
	encoded := regexp.MustCompile(`"msg":"span encoded".*"trace_id":"` + clientTrace + `"`)
	require.Eventually(t, func() bool { return encoded.MatchString(workerLog()) }, testTime, 50*time.Millisecond, "lines of the log name their trace")
	checkNumbers(t, func() (mine, others string) { return page(t, c, server), page(t, c, worker) })
}

// checkNumbers wants what both have counted, once they tell of it: a job is counted after
// its trace has ended, and what all hold only once a minute.
func checkNumbers(t *testing.T, pages func() (server, worker string)) {
	t.Helper()
	var told, missing string
	require.Eventually(t, func() bool {
		var server string
		server, told = pages()
		missing = unknown(t, server, told)
		return missing == ""
	}, testTime, time.Second, "the first sample")
	for _, wanted := range []string{
		`meanwhile_object_request_duration_seconds_count\{method="GET",outcome="ok"\} [1-9]`,
		`meanwhile_job_duration_seconds_count\{kind="span",outcome="done"\} [1-9]`,
		`meanwhile_workers\{kind="worker"\} 1`,
	} {
		pattern := regexp.MustCompile(wanted)
		require.Eventually(t, func() bool {
			_, told = pages()
			return pattern.MatchString(told)
		}, testTime, time.Second, wanted)
	}
}

func (c client) read(t *testing.T, url string, into any) {
	t.Helper()
	res, err := c.do(t, http.MethodGet, url, nil)
	require.NoError(t, err)
	defer res.Body.Close()
	require.NoError(t, json.NewDecoder(res.Body).Decode(into))
}

// sendTraced records as a client does that traces itself.
func sendTraced(t *testing.T, c client, server string) (video string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "transcode", "container", "testdata", "avc3-opus.mp4"))
	require.NoError(t, err)
	res, err := c.do(t, http.MethodPost, server+"/api/videos", strings.NewReader(`{"title":"T","mime":"video/mp4"}`), "Content-Type", "application/json",
		"Traceparent", "00-"+clientTrace+"-"+clientSpan+"-01")
	require.NoError(t, err)
	defer res.Body.Close()
	var made struct {
		ID        string `json:"id"`
		UploadURL string `json:"upload_url"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&made))
	upload := made.UploadURL
	if strings.HasPrefix(upload, "/") {
		upload = server + upload
	}
	half := int64(len(raw) / 2)
	for offset, part := range map[int64][]byte{0: raw[:half]} {
		sent, err := c.patch(t, upload, offset, bytes.NewReader(part))
		require.NoError(t, err)
		require.Equal(t, http.StatusNoContent, sent.StatusCode)
	}
	sent, err := c.patch(t, upload, half, bytes.NewReader(raw[half:]))
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, sent.StatusCode)
	done, err := c.do(t, http.MethodPost, server+"/api/videos/"+made.ID+"/finish", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, done.StatusCode)
	return "/api/videos/" + made.ID
}

// gaps says which spans of the client's trace hang in the air, or "".
func gaps(all []heard) string {
	known := map[string]bool{clientSpan: true}
	for _, s := range all {
		known[hex.EncodeToString(s.GetSpanId())] = true
	}
	var lost []string
	for _, s := range all {
		if !known[hex.EncodeToString(s.GetParentSpanId())] {
			lost = append(lost, s.service+" "+s.GetName())
		}
	}
	return strings.Join(lost, ", ")
}

// checkWay waits until the moments that matter were heard of, and what is around each,
// and wants everything in the one trace.
func checkWay(t *testing.T, to *receiver) {
	t.Helper()
	var lacking []string
	require.Eventually(t, func() bool {
		lacking = lacks(to.heard())
		return len(lacking) == 0
	}, testTime, 50*time.Millisecond)
	require.Empty(t, lacking)
	for _, s := range to.heard() {
		require.Equal(t, clientTrace, hex.EncodeToString(s.GetTraceId()), s.GetName())
	}
}

// lacks says what was not heard of.
func lacks(all []heard) (lacking []string) {
	there := map[string]bool{}
	for _, s := range all {
		there["span "+s.GetName()] = true
		for _, e := range s.GetEvents() {
			there["event "+e.GetName()] = true
		}
		for _, a := range s.GetAttributes() {
			there["attribute "+a.GetKey()] = true
		}
	}
	for _, wanted := range []string{
		"span POST /api/videos", "span PATCH /api/uploads/:id", "span part", "event playable", "event ready", "attribute job.attempt",
		"attribute job.waited_seconds", "attribute job.worker", "attribute job.outcome", "attribute video.id", "attribute ffmpeg.cpu_seconds",
	} {
		if !there[wanted] {
			lacking = append(lacking, wanted)
		}
	}
	if without := gaps(all); without != "" {
		lacking = append(lacking, "what is around "+without)
	}
	return lacking
}

func page(t *testing.T, c client, process string) string {
	t.Helper()
	res, err := c.do(t, http.MethodGet, process+"/metrics", nil)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(raw)
}

// unknown says which metric is not there that the dashboard, the alerts or the page
// about operating name.
func unknown(t *testing.T, pages ...string) string {
	t.Helper()
	there := map[string]bool{}
	for _, page := range pages {
		for line := range strings.SplitSeq(page, "\n") {
			name, _, _ := strings.Cut(strings.TrimPrefix(line, "# TYPE "), " ")
			name, _, _ = strings.Cut(name, "{")
			there[name] = true
		}
	}
	asked, missing := 0, ""
	for _, file := range []string{"deploy/grafana/meanwhile.json", "deploy/prometheus/alerts.yml", "docs/operating.md"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", file))
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`\b(meanwhile|process|go)_[a-z0-9_]+`).FindAllString(string(raw), -1) {
			asked++
			if !there[name] {
				missing = file + " asks for " + name + ", which nobody tells"
			}
		}
	}
	require.Greater(t, asked, 40)
	return missing
}
