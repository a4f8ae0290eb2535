package whip

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/whip/reception"
)

const (
	// tickTime is how often a session looks at the clock.
	tickTime = 30 * time.Millisecond
	// limitTime is how often the ceiling is told again (REMB).
	limitTime = time.Second
	// queue is how many packets wait for the session: a second of a fast one.
	queue = 1024
	// chunksWaiting is how many fragments wait for the storage: half a minute.
	chunksWaiting = 16
)

// event is what happens to a session.
type event struct {
	packet *rtp.Packet        // of media
	report *rtcp.SenderReport // of a track
	audio  bool               // which track it is of
	state  webrtc.PeerConnectionState
	at     time.Time
}

// session is one client's connection. Its run goroutine owns all that is not
// guarded by mu.
type session struct {
	whip      *WHIP
	id        string
	principal auth.Principal
	recording Recording
	pc        *webrtc.PeerConnection
	events    chan event
	chunks    chan []byte

	mu         sync.Mutex
	offer      *offered
	etag       string
	candidates int

	ending sync.Once
	reason string
	ended  chan struct{} // closed when it is to end
	done   chan struct{} // closed when its recording is whole
	// failure is why the recording is not whole; it may be read after done.
	failure error

	reception *reception.Reception
	began     time.Time
	connected bool
	ever      bool // it has been connected
	lostAt    time.Time
	mediaAt   time.Time
	limitAt   time.Time
	videoSSRC uint32
	second    time.Time // since when bytes are counted
	bytes     int
}

// begin answers an offer and starts the session.
func (w *WHIP) begin(ctx context.Context, o *offered, title string) (*session, string, error) {
	p := auth.From(ctx)
	if err := w.sit(p.Account.ID); err != nil {
		return nil, "", err
	}
	s := &session{
		whip: w, id: rand.Text(), principal: p, offer: o, etag: newETag(), candidates: o.candidates, began: time.Now(),
		events: make(chan event, queue), chunks: make(chan []byte, chunksWaiting), ended: make(chan struct{}), done: make(chan struct{}),
	}
	answer, err := s.connect(ctx, title)
	if err != nil {
		if s.pc != nil {
			_ = s.pc.Close() // it was never used
		}
		w.leave(p.Account.ID)
		return nil, "", err
	}
	s.reception = reception.New(reception.Options{Video: o.video, Audio: o.audio, ParameterSets: o.sets, Write: s.keep})
	// The recording outlives the request that begins it.
	ctx = context.WithoutCancel(ctx)
	w.Log.Info("a recording begins over WebRTC", "video", s.recording.VideoID(), "pictures", o.video, "sound", o.audio)
	w.admit(s)
	go s.guard(ctx)
	go s.store(ctx)
	go s.run()
	return s, tune(answer, o.video, w.Limits.Bitrate), nil
}

func newETag() string { return `"` + rand.Text() + `"` }

func (s *session) connect(ctx context.Context, title string) (answer string, err error) {
	if s.pc, err = s.whip.Network.peer(s.offer); err != nil {
		return "", err
	}
	s.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) { s.tell(event{state: state, at: time.Now()}) })
	s.pc.OnTrack(s.receive)
	if answer, err = negotiate(s.pc, s.offer); err != nil {
		return "", err
	}
	s.recording, err = s.whip.Begin(ctx, title)
	return answer, err
}

// tell hands an event to run.
func (s *session) tell(e event) {
	select {
	case s.events <- e:
	case <-s.ended:
	}
}

// end asks the session to end; the first reason counts.
func (s *session) end(reason string) {
	s.ending.Do(func() {
		s.reason = reason
		close(s.ended)
	})
}

// change is what a PATCH asks for. It answers a restart with our part.
func (s *session) change(match string, f fragment) (answer, etag string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	match = strings.TrimSpace(match)
	if match != "*" && match != s.etag {
		return "", "", errStale
	}
	if f.ufrag == "" || f.ufrag == s.offer.credentials() {
		if s.candidates += f.candidates; s.candidates > maxCandidates {
			return "", "", errCandidates
		}
		return "", s.etag, nil
	}
	if f.password == "" {
		return "", "", errMalformed
	}
	next := s.offer.restart(f.ufrag, f.password)
	description, err := negotiate(s.pc, next)
	if err != nil {
		return "", "", err
	}
	s.offer, s.etag, s.candidates = next, newETag(), f.candidates
	return answerFragment(description), s.etag, nil
}

// run is the session's life.
func (s *session) run() {
	ticker := time.NewTicker(tickTime)
	defer ticker.Stop()
	for going := true; going; {
		select {
		case e := <-s.events:
			s.handle(e)
		case now := <-ticker.C:
			s.tick(now)
		case <-s.ended:
			going = false
		}
	}
	s.drain()
	s.reception.End(time.Now())
	close(s.chunks)
	<-s.done
	s.whip.dismiss(s)
	_ = s.pc.Close() // the client has gone, or is told by it
	s.whip.Log.Info("a recording over WebRTC has ended", "video", s.recording.VideoID(), "because", s.reason, "length", s.reception.Length())
	s.whip.leave(s.principal.Account.ID)
}

// drain takes what came before the end.
func (s *session) drain() {
	for {
		select {
		case e := <-s.events:
			s.handle(e)
		default:
			return
		}
	}
}

func (s *session) handle(e event) {
	switch {
	case e.packet != nil:
		s.media(e)
	case e.report != nil && e.audio:
		s.reception.AudioReport(e.report.NTPTime, e.report.RTPTime)
	case e.report != nil:
		s.reception.VideoReport(e.report.NTPTime, e.report.RTPTime)
	case e.state == webrtc.PeerConnectionStateConnected:
		s.connected, s.ever, s.mediaAt = true, true, e.at
	case e.state == webrtc.PeerConnectionStateClosed:
		s.end("its client hung up")
	case s.connected:
		s.connected, s.lostAt = false, e.at
	}
}

func (s *session) media(e event) {
	if e.at.Sub(s.second) >= time.Second {
		s.second, s.bytes = e.at, 0
	}
	if s.bytes += len(e.packet.Payload); s.bytes > s.whip.Limits.Bitrate/8*2 {
		return // far above what it was told
	}
	s.mediaAt = e.at
	if e.audio {
		s.reception.Audio(e.packet, e.at)
		return
	}
	s.videoSSRC = e.packet.SSRC
	s.reception.Video(e.packet, e.at)
}

func (s *session) tick(now time.Time) {
	s.reception.Tick(now)
	limits := s.whip.Limits
	switch {
	case !s.ever && now.Sub(s.began) >= limits.Connect:
		s.end("it never connected")
	case s.ever && !s.connected && now.Sub(s.lostAt) >= limits.Return:
		s.end("its connection did not come back")
	case s.connected && now.Sub(s.mediaAt) >= limits.Silence:
		s.end("nothing was sent")
	case s.reception.Length() >= limits.Length:
		s.end("it is as long as a recording may be")
	case s.connected:
		s.steer(now)
	}
}

// steer asks for lost packets and key frames, and tells the ceiling.
func (s *session) steer(now time.Time) {
	if s.videoSSRC == 0 {
		return
	}
	var say []rtcp.Packet
	if missing := s.reception.Missing(now); len(missing) > 0 {
		say = append(say, &rtcp.TransportLayerNack{MediaSSRC: s.videoSSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(missing)})
	}
	if s.reception.WantsKey(now) {
		say = append(say, &rtcp.PictureLossIndication{MediaSSRC: s.videoSSRC})
	}
	if now.Sub(s.limitAt) >= limitTime {
		s.limitAt = now
		say = append(say, &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: float32(s.whip.Limits.Bitrate), SSRCs: []uint32{s.videoSSRC}})
	}
	if len(say) > 0 {
		_ = s.pc.WriteRTCP(say) // it is said again
	}
}
