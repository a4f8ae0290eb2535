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
	tickTime = 50 * time.Millisecond
	// lingerTime is how long a session that its client ends waits for what is
	// still on its way: media and the word that it ends take different ones.
	lingerTime = 150 * time.Millisecond
	// limitTime is how often the ceiling is told again (REMB).
	limitTime = time.Second
)

// session is one client's connection.
type session struct {
	whip      *WHIP
	id        string
	principal auth.Principal
	recording Recording
	pc        *webrtc.PeerConnection
	chunks    *backlog

	// asking guards what the protocol is about.
	asking     sync.Mutex
	offer      *offered
	etag       string
	candidates int

	ending sync.Once
	reason string
	ended  chan struct{} // closed when it is to end
	done   chan struct{} // closed when its recording is whole
	// failure is why the recording is not whole; it may be read after done.
	failure error

	began time.Time

	// mu guards what follows. Packets are handled by the goroutine that reads
	// them: another one would have to be woken for each.
	mu        sync.Mutex
	over      bool
	reception *reception.Reception
	connected bool
	ever      bool // it has been connected
	lostAt    time.Time
	mediaAt   time.Time
	limitAt   time.Time
	videoSSRC uint32
	hasVideo  bool
	hasAudio  bool
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
		whip: w, principal: p, offer: o, etag: newETag(), candidates: o.candidates, began: time.Now(),
		chunks: newBacklog(&w.waiting), ended: make(chan struct{}), done: make(chan struct{}),
	}
	s.reception = reception.New(reception.Options{Video: o.video, Audio: o.audio, ParameterSets: o.sets, Write: s.keep})
	answer, err := s.connect(ctx, title)
	if err != nil {
		if s.pc != nil {
			_ = s.pc.Close() // it was never used
		}
		w.leave(p.Account.ID)
		return nil, "", err
	}
	// Another server finds by it what the session is about.
	s.id = s.recording.VideoID() + idMark + rand.Text()
	// The recording outlives the request that begins it.
	ctx = context.WithoutCancel(ctx)
	w.Log.Info("a recording begins over WebRTC", "video", s.recording.VideoID(), "pictures", o.video, "sound", o.audio)
	w.admit(s)
	go s.guard(ctx)
	go s.store(ctx)
	go s.run()
	return s, tune(answer, o.video, w.Limits.Bitrate), nil
}

// idMark stands in a session's id between the video's and what nobody can guess.
const idMark = "."

func newETag() string { return `"` + rand.Text() + `"` }

func (s *session) connect(ctx context.Context, title string) (answer string, err error) {
	if s.pc, err = s.whip.Network.peer(s.offer); err != nil {
		return "", err
	}
	s.pc.OnConnectionStateChange(s.state)
	s.pc.OnTrack(s.receive)
	if answer, err = negotiate(s.pc, s.offer); err != nil {
		return "", err
	}
	s.recording, err = s.whip.Begin(ctx, title)
	return answer, err
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
	s.asking.Lock()
	defer s.asking.Unlock()
	match = strings.TrimSpace(match)
	if match != "*" && match != s.etag {
		return "", "", errStale
	}
	if f.pauses {
		s.pause(time.Now())
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

// endedByClient is the reason of an end as the protocol has it.
const endedByClient = "its client ended it"

// run is the session's life.
func (s *session) run() {
	ticker := time.NewTicker(tickTime)
	defer ticker.Stop()
	for going := true; going; {
		select {
		case now := <-ticker.C:
			s.tick(now)
		case <-s.ended:
			going = false
		}
	}
	if s.reason == endedByClient {
		for end := time.After(lingerTime); end != nil; {
			select {
			case now := <-ticker.C:
				s.tick(now)
			case <-end:
				end = nil
			}
		}
	}
	length := s.conclude()
	<-s.done
	s.whip.dismiss(s)
	_ = s.pc.Close() // the client has gone, or is told by it
	s.whip.Log.Info("a recording over WebRTC has ended", "video", s.recording.VideoID(), "because", s.reason, "length", length)
	s.whip.leave(s.principal.Account.ID)
}

// conclude writes what is left. What comes later is too late.
func (s *session) conclude() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reception.End(time.Now())
	s.over = true
	s.chunks.close()
	return s.reception.Length()
}

// state follows the connection.
func (s *session) state(state webrtc.PeerConnectionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch now := time.Now(); {
	case state == webrtc.PeerConnectionStateConnected:
		s.connected, s.ever, s.mediaAt = true, true, now
	case state == webrtc.PeerConnectionStateClosed:
		s.end("its client hung up")
	case s.connected:
		s.connected, s.lostAt = false, now
	}
}

// pause takes the client's word that it will send nothing for a while.
func (s *session) pause(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reception.Pause(now)
}

// report takes what a track's sender reports.
func (s *session) report(r *rtcp.SenderReport, audio bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if audio {
		s.reception.AudioReport(r.NTPTime, r.RTPTime)
	} else {
		s.reception.VideoReport(r.NTPTime, r.RTPTime)
	}
}

// media takes a packet, which is kept.
func (s *session) media(p *rtp.Packet, audio bool) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.second) >= time.Second {
		s.second, s.bytes = now, 0
	}
	if s.bytes += len(p.Payload); s.over || s.bytes > s.whip.Limits.Bitrate/8*2 {
		return // far above what it was told
	}
	s.mediaAt = now
	if audio {
		s.reception.Audio(p, now)
		return
	}
	s.videoSSRC = p.SSRC
	s.reception.Video(p, now)
}

func (s *session) tick(now time.Time) {
	s.mu.Lock()
	s.reception.Tick(now)
	reason, say := s.expired(now), s.steer(now)
	s.mu.Unlock()
	if len(say) > 0 {
		_ = s.pc.WriteRTCP(say) // it is said again
	}
	if reason != "" {
		s.end(reason)
	}
}

// expired says why the session should end, if it should.
func (s *session) expired(now time.Time) string {
	limits := s.whip.Limits
	silence := limits.Silence
	if s.reception.Paused() {
		silence = limits.Pause
	}
	switch {
	case !s.ever && now.Sub(s.began) >= limits.Connect:
		return "it never connected"
	case s.ever && !s.connected && now.Sub(s.lostAt) >= limits.Return:
		return "its connection did not come back"
	case s.connected && now.Sub(s.mediaAt) >= silence:
		return "nothing was sent"
	case s.reception.Length() >= limits.Length:
		return "it is as long as a recording may be"
	}
	return ""
}

// steer asks for lost packets and key frames, and tells the ceiling.
func (s *session) steer(now time.Time) (say []rtcp.Packet) {
	if s.videoSSRC == 0 || !s.connected {
		return nil
	}
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
	return say
}
