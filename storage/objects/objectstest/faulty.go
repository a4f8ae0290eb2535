package objectstest

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Fault is a way in which a store misbehaves.
type Fault int

// The faults that a Proxy knows.
const (
	// None passes everything on.
	None Fault = iota
	// SlowDown answers 503 as S3 does under load.
	SlowDown
	// Silent takes the request and never answers.
	Silent
	// CutAnswer sends half of the answer's body and closes the line.
	CutAnswer
	// StallAnswer sends half of the answer's body and then nothing.
	StallAnswer
	// CutRequest reads half of the request's body and closes the line.
	CutRequest
	// LoseAnswer does what was asked and closes the line before it says so.
	LoseAnswer
	// Reset closes the line at once (RST).
	Reset
	// ErrorIn200 answers 200 with an error as its body.
	ErrorIn200
	// Skewed says that the client's clock is wrong.
	Skewed
	// Forbidden refuses the key.
	Forbidden
	// Full has no room.
	Full
	// Garbled flips a bit of the answer's body.
	Garbled
)

// Proxy stands before a store and misbehaves when told to.
type Proxy struct {
	// URL is its address.
	URL string

	server *httptest.Server
	next   *httputil.ReverseProxy
	over   chan struct{}

	mu    sync.Mutex
	fault Fault
	left  int
	only  func(*http.Request) bool
	seen  int
	// instead answers a request in the store's place if it says so.
	instead func(http.ResponseWriter, *http.Request) bool
}

// NewProxy starts a proxy before an endpoint; it ends with the test.
func NewProxy(t testing.TB, endpoint string) *Proxy {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{over: make(chan struct{})}
	p.next = &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }, // which is signed
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	p.server = httptest.NewServer(p)
	p.URL = p.server.URL
	t.Cleanup(func() {
		close(p.over)
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// Misbehave makes the next n requests fail, or all if n is negative.
func (p *Proxy) Misbehave(f Fault, n int) { p.MisbehaveFor(f, n, nil) }

// MisbehaveFor does so for those requests that only says yes to.
func (p *Proxy) MisbehaveFor(f Fault, n int, only func(*http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.left, p.only = f, n, only
	if f != None {
		p.server.CloseClientConnections()
	}
}

// Answer lets a function answer in the store's place the requests for which it
// returns true. What it sets in the header of others stays in their answers.
func (p *Proxy) Answer(instead func(http.ResponseWriter, *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instead = instead
}

// Seen is how many requests came.
func (p *Proxy) Seen() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

func (p *Proxy) take(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen++
	if p.fault == None || p.left == 0 || p.only != nil && !p.only(r) {
		return None
	}
	p.left--
	return p.fault
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	instead := p.instead
	p.mu.Unlock()
	if instead != nil && instead(w, r) {
		return
	}
	switch p.take(r) {
	case None:
		p.next.ServeHTTP(w, r)
	case SlowDown:
		answer(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case ErrorIn200:
		answer(w, http.StatusOK, "InternalError", "We encountered an internal error. Please try again.")
	case Skewed:
		answer(w, http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	case Forbidden:
		answer(w, http.StatusForbidden, "InvalidAccessKeyId", "The AWS access key ID you provided does not exist in our records.")
	case Full:
		answer(w, http.StatusForbidden, "QuotaExceeded", "The quota of the bucket is exceeded.")
	case Silent:
		p.silence(r)
	case CutAnswer:
		p.half(w, r, func() {})
	case StallAnswer:
		p.half(w, r, func() { p.silence(r) })
	case CutRequest:
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		panic(http.ErrAbortHandler)
	case LoseAnswer:
		p.next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case Reset:
		reset(w)
	case Garbled:
		p.garble(w, r)
	}
}

func answer(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>`+code+`</Code><Message>`+message+`</Message></Error>`)
}

func (p *Proxy) silence(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-p.over:
	case <-r.Context().Done():
	}
}

// half sends half of an answer's body.
func (p *Proxy) half(w http.ResponseWriter, r *http.Request, then func()) {
	whole := httptest.NewRecorder()
	p.next.ServeHTTP(whole, r)
	maps.Copy(w.Header(), whole.Header())
	w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	_ = http.NewResponseController(w).Flush()
	then()
	panic(http.ErrAbortHandler)
}

func (p *Proxy) garble(w http.ResponseWriter, r *http.Request) {
	whole := httptest.NewRecorder()
	p.next.ServeHTTP(whole, r)
	maps.Copy(w.Header(), whole.Header())
	w.WriteHeader(whole.Code)
	body := whole.Body.Bytes()
	if len(body) > 0 && !strings.Contains(whole.Header().Get("Content-Type"), "xml") {
		body[len(body)/2] ^= 1
	}
	_, _ = w.Write(body)
}

// reset closes the line without a farewell.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
