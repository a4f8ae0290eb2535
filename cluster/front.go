package cluster

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Front is the reverse proxy before the servers. It spreads requests over those
// that are ready, one after the other, and tries the next one where nothing of a
// request was lost: as the sample for nginx does. Bytes pass as they come.
type Front struct {
	listener net.Listener
	server   *http.Server
	pass     *httputil.ReverseProxy
	line     *http.Transport
	turn     atomic.Uint64
	stop     context.CancelFunc
	watching sync.WaitGroup

	mu      sync.Mutex
	servers []*url.URL
	ready   map[string]bool
}

// readyEvery is how often servers are asked whether they are ready.
const readyEvery = 100 * time.Millisecond

// lineTime is how long a connection may take to come to be, and a request's headers to
// come: who is gone refuses at once, and who is slow is not gone.
const lineTime = time.Minute

// OpenFront listens on an address and begins to ask servers whether they are
// ready.
func OpenFront(ctx context.Context, addr string) (*Front, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	f := &Front{listener: listener, stop: stop, ready: map[string]bool{}}
	f.line = &http.Transport{DialContext: (&net.Dialer{Timeout: lineTime}).DialContext, DisableCompression: true, MaxIdleConnsPerHost: 100, IdleConnTimeout: 10 * time.Second}
	f.pass = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		Transport: f, FlushInterval: -1, ErrorHandler: fail,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	f.server = &http.Server{Handler: f.pass, ReadHeaderTimeout: lineTime, ErrorLog: f.pass.ErrorLog}
	f.watching.Go(func() { _ = f.server.Serve(listener) })
	f.watching.Go(func() { f.watch(ctx) })
	return f, nil
}

// fail answers for servers that do not: what was tried may be tried again.
func fail(w http.ResponseWriter, _ *http.Request, _ error) {
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusBadGateway)
}

// URL is where people reach the cluster.
func (f *Front) URL() string {
	_, port, _ := net.SplitHostPort(f.listener.Addr().String())
	return "http://localhost:" + port
}

// Serve makes these the servers to send requests to.
func (f *Front) Serve(servers ...string) {
	var parsed []*url.URL
	for _, server := range servers {
		if u, err := url.Parse(server); err == nil {
			parsed = append(parsed, u)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers = parsed
}

// Close cuts what is open and ends.
func (f *Front) Close() error {
	f.stop()
	err := f.server.Close()
	f.watching.Wait()
	f.line.CloseIdleConnections()
	return err
}

// order lists the servers for one request: those that are ready first, beginning
// with the next in turn.
func (f *Front) order() []*url.URL {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.servers) == 0 {
		return nil
	}
	first := int(f.turn.Add(1) % uint64(len(f.servers)))
	var ready, others []*url.URL
	for i := range f.servers {
		server := f.servers[(first+i)%len(f.servers)]
		if f.ready[server.Host] {
			ready = append(ready, server)
		} else {
			others = append(others, server)
		}
	}
	return append(ready, others...)
}

// errNobody says that no server is there.
var errNobody = errors.New("no server answers")

// RoundTrip sends a request to a server, and to the next one if it never came to
// the first, or may come twice.
func (f *Front) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Body = once(req.Body)
	err := errNobody
	servers := f.order()
	for i, server := range servers {
		req.URL.Scheme, req.URL.Host = server.Scheme, server.Host
		var answer *http.Response
		answer, err = f.line.RoundTrip(req)
		last := i == len(servers)-1
		switch {
		case err == nil && (last || answer.StatusCode != http.StatusServiceUnavailable || !repeatable(req)):
			return answer, nil
		case err == nil:
			answer.Body.Close()
		case !unheard(err) && !repeatable(req):
			return nil, err
		}
	}
	return nil, err
}

// repeatable says whether a request may come twice.
func repeatable(req *http.Request) bool {
	return (req.Method == http.MethodGet || req.Method == http.MethodHead) && req.Context().Err() == nil
}

// unheard says whether nobody has heard of a request: no connection came to be.
func unheard(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

// unread is a body that stays open while no server took it.
type unread struct{ io.Reader }

// once lets a body be sent by a later attempt: the transport closes it when a
// connection cannot be made.
func once(body io.ReadCloser) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return body
	}
	return unread{body}
}

// Close leaves the body to the server that reads it; the request's end closes it.
func (unread) Close() error { return nil }

// watch asks the servers whether they are ready.
func (f *Front) watch(ctx context.Context) {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		f.mu.Lock()
		servers := f.servers
		f.mu.Unlock()
		var all sync.WaitGroup
		for _, server := range servers {
			all.Go(func() { f.look(ctx, server) })
		}
		all.Wait()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (f *Front) look(ctx context.Context, server *url.URL) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	ready := Ready(ctx, server.String())
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready[server.Host] = ready
}

// Ready asks a server whether it is ready.
func Ready(ctx context.Context, server string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(server, "/")+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
