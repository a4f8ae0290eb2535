package objects

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/trace"
)

const (
	connectTime = 5 * time.Second
	keepIdle    = 90 * time.Second
	idlePerHost = 64
	// patience is how many times the usual a store may take over what it does by
	// itself: copying, joining parts.
	patience = 30
)

// errStalled is why a request that makes no progress was cut.
var errStalled = errors.New("objects: the store stopped answering")

// line is the way to S3: a pool of connections on which every request must make
// progress, and is counted. Its answers tell what time it is there.
type line struct {
	pool  *http.Transport
	stall time.Duration
	clock *clocks.Clock
	done  func(method, outcome string, took time.Duration)
	sent  [5]atomic.Int64
}

func methods() [5]string {
	return [...]string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete}
}

func newLine(pool *http.Transport, stall time.Duration, clock *clocks.Clock) *line {
	return &line{pool: pool, stall: stall, clock: clock}
}

// connections is a client of the SDK's kind, so that its own settings of TLS
// apply, too (AWS_CA_BUNDLE).
func connections() *awshttp.BuildableClient {
	dialer := &net.Dialer{Timeout: connectTime, KeepAlive: 15 * time.Second}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.DialContext, t.TLSHandshakeTimeout = dialer.DialContext, connectTime
		t.ForceAttemptHTTP2, t.DisableCompression = false, true
		t.MaxIdleConns, t.MaxIdleConnsPerHost, t.IdleConnTimeout = 2*idlePerHost, idlePerHost, keepIdle
		t.WriteBufferSize, t.ReadBufferSize = 64<<10, 64<<10
	})
}

// Do implements aws.HTTPClient.
func (l *line) Do(request *http.Request) (*http.Response, error) {
	client := &http.Client{Transport: l, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return client.Do(request) //nolint:gosec // the operator names the store
}

func (l *line) close() { l.pool.CloseIdleConnections() }

func (l *line) counts() map[string]int64 {
	counts := map[string]int64{}
	for i, method := range methods() {
		counts[method] = l.sent[i].Load()
	}
	return counts
}

func (l *line) count(method string) {
	for i, m := range methods() {
		if m == method {
			l.sent[i].Add(1)
		}
	}
}

type patientKey struct{}

// patient lets a request take long without progress.
func patient(ctx context.Context) context.Context {
	return context.WithValue(ctx, patientKey{}, true)
}

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(request *http.Request) (*http.Response, error) {
	l.count(request.Method)
	began, asked := time.Now(), l.clock.Here()
	ctx, span := trace.Start(request.Context(), "s3 "+request.Method)
	response, err := l.pass(request.WithContext(ctx))
	if err == nil {
		l.hear(ctx, asked, response)
	}
	outcome := outcomeOf(response, err)
	span.Set(trace.Text("s3.outcome", outcome))
	span.End(err)
	if l.done != nil {
		l.done(request.Method, outcome, time.Since(began))
	}
	return response, err
}

// hear reads what time it is where an answer comes from. One that was kept on its way
// is from another time, and one that says that S3 is away from another machine.
func (l *line) hear(ctx context.Context, asked time.Time, response *http.Response) {
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err == nil && response.Header.Get("Age") == "" && response.StatusCode < http.StatusInternalServerError {
		l.clock.Heard(ctx, asked, date.Add(time.Second/2)) // it names the second that has begun
	}
}

// outcomeOf says in a word how a request ended.
func outcomeOf(response *http.Response, err error) string {
	switch {
	case err != nil:
		return "cut"
	case response.StatusCode == http.StatusNotFound:
		return "absent"
	case response.StatusCode >= http.StatusInternalServerError:
		return "failed"
	case response.StatusCode >= http.StatusBadRequest:
		return "refused"
	}
	return "ok"
}

// pass sends one request and sees to it that it makes progress.
func (l *line) pass(request *http.Request) (*http.Response, error) {
	stall := l.stall
	if request.Context().Value(patientKey{}) != nil {
		stall *= patience
	}
	ctx, cancel := context.WithCancelCause(request.Context())
	watch := newWatchdog(stall, cancel)
	request = request.WithContext(ctx)
	if request.Body != nil && request.Body != http.NoBody {
		request.Body = &sending{ReadCloser: request.Body, watch: watch}
	}
	response, err := l.pool.RoundTrip(request)
	watch.rest()
	if err != nil {
		cancel(nil)
		return nil, cause(ctx, err)
	}
	response.Body = &receiving{body: response.Body, ctx: ctx, watch: watch}
	return response, nil
}

// cause tells a request that stalled from one that was called off.
func cause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return &stalledError{err}
	}
	return err
}

// stalledError is a time-out, which is worth another try.
type stalledError struct{ cause error }

// Error implements error.
func (e *stalledError) Error() string { return errStalled.Error() }

// Timeout implements net.Error.
func (e *stalledError) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *stalledError) Temporary() bool { return true }

// Is lets errors.Is find what this stands for. The cancelled context below is
// our own, so it does not show.
func (e *stalledError) Is(target error) bool { return target == errStalled }

// isLine says that an error is the network's.
func isLine(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// watchdog calls off a request when it is not fed for a time.
type watchdog struct {
	stall  time.Duration
	cancel context.CancelCauseFunc
	timer  *time.Timer
	mu     sync.Mutex
	over   bool
}

func newWatchdog(stall time.Duration, cancel context.CancelCauseFunc) *watchdog {
	return &watchdog{stall: stall, cancel: cancel, timer: time.AfterFunc(stall, func() { cancel(errStalled) })}
}

// feed begins the time anew.
func (w *watchdog) feed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.timer.Reset(w.stall)
	}
}

// rest stops the time: it is somebody else's turn.
func (w *watchdog) rest() { w.timer.Stop() }

// end is the end of the request; what its body does after that is nothing.
func (w *watchdog) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
	w.cancel(nil)
}

// sending is a request's body.
type sending struct {
	io.ReadCloser

	watch *watchdog
}

// Read implements io.Reader.
func (s *sending) Read(p []byte) (int, error) {
	s.watch.feed()
	return s.ReadCloser.Read(p)
}

// receiving is an answer's body.
type receiving struct {
	body  io.ReadCloser
	ctx   context.Context //nolint:containedctx // of the request, to say why it ended
	watch *watchdog
}

// Read implements io.Reader. Only the time that S3 takes counts, not that of
// whoever reads.
func (r *receiving) Read(p []byte) (int, error) {
	r.watch.feed()
	n, err := r.body.Read(p)
	r.watch.rest()
	if err != nil && !errors.Is(err, io.EOF) {
		err = cause(r.ctx, err)
	}
	return n, err
}

// Close implements io.Closer.
func (r *receiving) Close() error {
	err := r.body.Close()
	r.watch.end()
	return err
}
