// Package whip takes recordings in over WebRTC (WHIP, RFC 9725): any encoder
// that speaks it becomes a recorder. What arrives is written as MP4 or WebM,
// fragment by fragment, into the same stream of parts as every upload, so it
// plays while it is recorded.
//
// A session belongs to the account that began it. It lives in this process
// alone, but what it has recorded does not: should the process die, the upload
// is closed like any other that falls silent.
package whip

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
)

// Path is where sessions begin; each lives below it.
const Path = "/api/whip"

// Bounds of what a client may say.
const (
	maxOffer      = 64 << 10
	maxFragment   = 16 << 10
	maxMedia      = 2
	maxCandidates = 50
)

// Recording is where a session's bytes go.
type Recording interface {
	// Append keeps bytes behind those there are. Once it returns, they survive
	// a power cut.
	Append(ctx context.Context, chunk []byte) error
	// Finish ends the recording; one without any bytes leaves nothing behind.
	Finish(ctx context.Context) error
	// VideoID names the video that it becomes, and Link is the word in its address.
	VideoID() string
	Link() string
}

// Options set up WHIP.
type Options struct {
	// Network is where media comes in; nil means that WHIP is switched off.
	Network *Network
	// Begin makes a recording for whoever asks in ctx.
	Begin func(ctx context.Context, title string) (Recording, error)
	// Alive says whether somebody may still record the video that he began.
	Alive func(ctx context.Context, p auth.Principal, videoID string) (bool, error)
	// Elsewhere is asked about sessions that are not here: whether another server
	// has this one of a principal (nil), and, to end it, what came of that. Without
	// it there is one server.
	Elsewhere func(ctx context.Context, s Session, end bool) error
	BaseURL   *url.URL
	Log       *slog.Logger
	Limits    Limits
	// ICE names servers that help clients to connect.
	ICE ICEServers
}

// Session names a session that another server may have.
type Session struct {
	ID, VideoID string
	Principal   auth.Principal
}

// Limits of sessions; zero values take the usual ones.
type Limits struct {
	// Sessions at once on this server, and Each of one account.
	Sessions, Each int
	// Bitrate is the ceiling told to clients, in bit/s. Twice as much is not taken.
	Bitrate int
	// Length of a recording.
	Length time.Duration
	// Connect is how soon a session must be connected.
	Connect time.Duration
	// Silence is how long a connected session may send nothing.
	Silence time.Duration
	// Pause is the same for one that has said that it pauses.
	Pause time.Duration
	// Return is how long a session waits for a lost connection.
	Return time.Duration
	// Check is how often it is asked whether the principal still may.
	Check time.Duration
}

func (l Limits) orUsual() Limits {
	usual := Limits{
		Sessions: 50, Each: 3, Bitrate: 10_000_000, Length: 12 * time.Hour, Connect: 10 * time.Second,
		Silence: 30 * time.Second, Pause: time.Hour, Return: time.Minute, Check: 5 * time.Second,
	}
	for _, d := range []struct{ is, or *time.Duration }{
		{&l.Length, &usual.Length}, {&l.Connect, &usual.Connect}, {&l.Silence, &usual.Silence}, {&l.Pause, &usual.Pause}, {&l.Return, &usual.Return}, {&l.Check, &usual.Check},
	} {
		if *d.is <= 0 {
			*d.is = *d.or
		}
	}
	for _, n := range []struct{ is, or *int }{{&l.Sessions, &usual.Sessions}, {&l.Each, &usual.Each}, {&l.Bitrate, &usual.Bitrate}} {
		if *n.is <= 0 {
			*n.is = *n.or
		}
	}
	return l
}

//nolint:errname // they are answers, like those of reply
var (
	errOff        = reply.New(http.StatusNotImplemented, "whip_off", "Recording over WebRTC is switched off on this server.")
	errType       = reply.New(http.StatusUnsupportedMediaType, "sdp_wanted", "Send an SDP offer with the content type application/sdp.")
	errFragment   = reply.New(http.StatusUnsupportedMediaType, "sdpfrag_wanted", "Send an SDP fragment with the content type application/trickle-ice-sdpfrag.")
	errMalformed  = reply.New(http.StatusBadRequest, "bad_sdp", "This is not SDP that can be read.")
	errMedia      = reply.New(http.StatusUnprocessableEntity, "media", "Offer one audio track, one video track, or one of each, to be sent and not received.")
	errCodecs     = reply.New(http.StatusUnprocessableEntity, "codecs", "None of the codecs offered can be recorded. Send H.264, VP8, VP9 or AV1 (8 bit, 4:2:0), and Opus.")
	errCandidates = reply.New(http.StatusUnprocessableEntity, "candidates", "Too many ICE candidates.")
	errNoMatch    = reply.New(http.StatusPreconditionRequired, "if_match", "Send the session's ETag in If-Match, or * to restart ICE.")
	errStale      = reply.New(http.StatusPreconditionFailed, "stale", "ICE has been restarted since; this ETag is not the session's any more.")
	errEach       = reply.New(http.StatusTooManyRequests, "whip_sessions", "Too many of your recordings run over WebRTC at once. End one first.").After(10 * time.Second)
	errElsewhere  = reply.New(http.StatusServiceUnavailable, "whip_elsewhere", "This recording comes in at another server. Ask again.").After(time.Second)
	errBusy       = reply.New(http.StatusServiceUnavailable, "whip_busy", "As many recordings run over WebRTC as this server takes. Try again in a while.").After(30 * time.Second)
)

// WHIP answers clients and keeps their sessions.
type WHIP struct {
	Options

	mu       sync.Mutex
	stopped  bool
	sessions map[string]*session
	seats    map[string]int // by account
	taken    int
	running  sync.WaitGroup
	// stopping is closed when the server stops.
	stopping chan struct{}
	// waiting are bytes that are not kept yet.
	waiting atomic.Int64
}

// New makes a WHIP.
func New(o Options) *WHIP {
	o.Limits = o.Limits.orUsual()
	return &WHIP{Options: o, sessions: map[string]*session{}, seats: map[string]int{}, stopping: make(chan struct{})}
}

// Sessions is how many sessions there are.
func (w *WHIP) Sessions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken
}

// Stop ends all sessions, whose recordings become videos, and waits for them.
// It may be called twice.
func (w *WHIP) Stop() {
	w.mu.Lock()
	if !w.stopped {
		w.stopped = true
		close(w.stopping)
	}
	for _, s := range w.sessions {
		s.end("the server stops")
	}
	w.mu.Unlock()
	w.running.Wait()
}

// sit takes a seat for one more session of an account.
func (w *WHIP) sit(accountID string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.stopped:
		return reply.Stopping
	case w.seats[accountID] >= w.Limits.Each:
		return errEach
	case w.taken >= w.Limits.Sessions:
		return errBusy
	}
	w.taken++
	w.seats[accountID]++
	w.running.Add(1)
	return nil
}

// leave gives a seat back.
func (w *WHIP) leave(accountID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken--
	if w.seats[accountID]--; w.seats[accountID] == 0 {
		delete(w.seats, accountID)
	}
	w.running.Done()
}

// admit makes a session known, unless the server stops.
func (w *WHIP) admit(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[s.id] = s
	if w.stopped {
		s.end("the server stops")
	}
}

func (w *WHIP) dismiss(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sessions, s.id)
}

// EndSession ends a session of an account, as its client asked another server to,
// and says whether it is here.
func (w *WHIP) EndSession(id, accountID string) bool {
	s, err := w.find(id, accountID)
	if err == nil {
		s.end(endedByClient)
	}
	return err == nil
}

// find finds a session of an account. Those of others do not exist for it.
func (w *WHIP) find(id, accountID string) (*session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.sessions[id]
	if !ok || s.principal.Account.ID != accountID {
		return nil, reply.NotFound
	}
	return s, nil
}
