package whip

import (
	"context"
	"net/http"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

const (
	// storePatience is how long a storage may be away, storePause how long it is left
	// alone between. Who stops the server waits no longer than storeHurry.
	storePatience = 3 * time.Minute
	storePause    = time.Second
	storeHurry    = 10 * time.Second
	// maxPacket is the largest packet there is on any line that matters.
	maxPacket = 1600
)

// keep hands bytes to store. It is called with mu held, before chunks is closed.
func (s *session) keep(chunk []byte) {
	if !s.chunks.add(chunk) {
		s.end("the storage does not keep up")
	}
}

// store keeps what was recorded, and at the end makes a video of it.
func (s *session) store(ctx context.Context) {
	defer close(s.done)
	for chunk, more := s.chunks.next(); more; chunk, more = s.chunks.next() {
		if s.failure == nil {
			s.keepOne(ctx, chunk)
		}
		s.chunks.done(chunk)
	}
	if err := s.recording.Finish(ctx); err != nil {
		s.failure = err
		s.whip.Log.Error("a recording over WebRTC is not finished yet", "video", s.recording.VideoID(), "error", err)
	}
}

func (s *session) keepOne(ctx context.Context, chunk []byte) {
	if s.failure = s.append(ctx, chunk); s.failure != nil {
		s.whip.Log.Error("a recording over WebRTC cannot be kept", "video", s.recording.VideoID(), "error", s.failure)
		s.end("the storage failed")
	}
}

// append waits for a storage that is away: a full disk, a database that restarts,
// a bucket that does not answer. What comes meanwhile waits in the backlog, also
// when the client has ended by then.
func (s *session) append(ctx context.Context, chunk []byte) error {
	giveUp, stopping := time.Now().Add(storePatience), s.whip.stopping
	for {
		err := s.recording.Append(ctx, chunk)
		if err == nil || reply.Of(err).Status < http.StatusInternalServerError || time.Now().After(giveUp) {
			return err
		}
		select {
		case <-time.After(storePause):
		case <-stopping:
			stopping = nil
			if hurry := time.Now().Add(storeHurry); hurry.Before(giveUp) {
				giveUp = hurry
			}
		}
	}
}

// guard ends the session when its account may not record any more, or threw the
// video away. What came before is kept.
func (s *session) guard(ctx context.Context) {
	ticker := time.NewTicker(s.whip.Limits.Check)
	defer ticker.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-ticker.C:
			// A database that is away for a moment ends nothing.
			if alive, err := s.whip.Alive(ctx, s.principal, s.recording.VideoID()); err == nil && !alive {
				s.end("its account may not record it any more")
			}
		}
	}
}

// receive reads a track until it ends.
func (s *session) receive(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	audio := track.Kind() == webrtc.RTPCodecTypeAudio
	if !s.claim(audio) {
		return // a second stream would be mixed into the first
	}
	go s.reports(receiver, audio)
	buffer := make([]byte, maxPacket)
	for {
		n, _, err := track.Read(buffer)
		if err != nil {
			return
		}
		p := new(rtp.Packet)
		if p.Unmarshal(append([]byte(nil), buffer[:n]...)) != nil {
			continue
		}
		s.media(p, audio)
	}
}

// claim says whether a track is the first of its kind.
func (s *session) claim(audio bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	has := &s.hasVideo
	if audio {
		has = &s.hasAudio
	}
	first := !*has
	*has = true
	return first
}

// reports reads what a track's sender reports.
func (s *session) reports(receiver *webrtc.RTPReceiver, audio bool) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if report, ok := p.(*rtcp.SenderReport); ok {
				s.report(report, audio)
			}
		}
	}
}
