package talk

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
)

// retryAfterMS is how long a browser waits before it comes back.
const retryAfterMS = 2000

// lineError says that the client cannot be reached.
type lineError struct{ error }

// Unwrap returns the cause.
func (e *lineError) Unwrap() error { return e.error }

// stream writes server-sent events.
type stream struct {
	w    http.ResponseWriter
	line *http.ResponseController
	// patience is how long the client may take to read an event.
	patience time.Duration
}

func openStream(w http.ResponseWriter, patience time.Duration) *stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	return &stream{w: w, line: http.NewResponseController(w), patience: patience}
}

func (s *stream) start() error {
	_ = s.line.SetReadDeadline(time.Time{}) // a recorder in a test has no deadlines
	return s.write(fmt.Appendf(nil, "retry: %d\n\n", retryAfterMS))
}

// How long browsers wait before they come back after a server has stopped: not all
// at once, and not to a server that is still about to go.
const (
	leastAwayMS = 500
	spreadMS    = 2000
)

// farewell ends a stream: another server goes on with it.
func (s *stream) farewell() error {
	return s.write(fmt.Appendf(nil, "retry: %d\n\n", leastAwayMS+rand.IntN(spreadMS))) //nolint:gosec // it spreads
}

// beat is a comment, which browsers pass over.
func (s *stream) beat() error { return s.write([]byte(":\n\n")) }

func (s *stream) send(event string, data any) error {
	raw, err := json.Marshal(data) // in one line
	if err != nil {
		return err
	}
	return s.write(fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, raw))
}

func (s *stream) write(p []byte) error {
	_ = s.line.SetWriteDeadline(time.Now().Add(s.patience))
	if _, err := s.w.Write(p); err != nil {
		return &lineError{err}
	}
	if err := s.line.Flush(); err != nil {
		return &lineError{err}
	}
	_ = s.line.SetWriteDeadline(time.Time{}) // over HTTP/2 a deadline that passes ends the stream
	return nil
}

// How many streams may be open. A browser opens one for each tab.
const (
	seatsPerAccount = 50
	seatsPerNetwork = 100
	seatsInAll      = 5000
)

// seat is whom an open stream counts for.
type seat struct {
	key string
	max int
}

func seatOf(p auth.Principal, network string) seat {
	if p.Account != nil {
		return seat{key: "account\x00" + p.Account.ID, max: seatsPerAccount}
	}
	return seat{key: "network\x00" + network, max: seatsPerNetwork}
}

// seats counts open streams.
type seats struct {
	mu    sync.Mutex
	taken map[string]int
	all   int
}

func newSeats() *seats { return &seats{taken: map[string]int{}} }

// take counts a stream until leave is called, once.
func (s *seats) take(who seat) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[who.key] >= who.max || s.all >= seatsInAll {
		return nil, reply.TooMany.After(10 * time.Second)
	}
	s.taken[who.key]++
	s.all++
	return func() { s.leave(who.key) }, nil
}

func (s *seats) leave(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.taken[key]--; s.taken[key] == 0 {
		delete(s.taken, key)
	}
}

func (s *seats) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}
