package whip_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// client is a real WebRTC peer that publishes.
type client struct {
	rig      *rig
	pc       *webrtc.PeerConnection
	video    *webrtc.TrackLocalStaticSample
	audio    *webrtc.TrackLocalStaticSample
	location string
	etag     string
	answer   string
	answered answered
	up       chan struct{}
	ledger   *ledger
	babbled  atomic.Int64
	line     *line // nil for a good one
}

type wants struct {
	video    mux.Codec
	audio    bool
	settings func(*webrtc.SettingEngine)
}

func newClient(t testing.TB, r *rig, w wants) *client {
	t.Helper()
	c := &client{rig: r, up: make(chan struct{}), ledger: newLedger()}
	var err error
	c.pc, err = c.api(t, w.settings).NewPeerConnection(webrtc.Configuration{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.pc.Close() })
	var once sync.Once
	c.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(c.up) })
		}
	})
	if w.video != "" {
		c.video = c.track(t, "video/"+string(w.video))
	}
	if w.audio {
		c.audio = c.track(t, webrtc.MimeTypeOpus)
	}
	return c
}

// api makes a peer that waits for a server that stands still for a while.
func (c *client) api(t testing.TB, adjust func(*webrtc.SettingEngine)) *webrtc.API {
	t.Helper()
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICETimeouts(testTime, testTime, time.Second)
	settings.SetICEMaxBindingRequests(1000) // the usual seven are over in less than two seconds
	if adjust != nil {
		adjust(&settings)
	}
	engine, registry := &webrtc.MediaEngine{}, &interceptor.Registry{}
	require.NoError(t, engine.RegisterDefaultCodecs())
	require.NoError(t, webrtc.RegisterDefaultInterceptorsWithOptions(engine, registry,
		webrtc.WithReportSenderOptions(report.SenderNow(c.ledger.now))))
	registry.Add(c.ledger)
	return webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry))
}

func (c *client) track(t testing.TB, mime string) *webrtc.TrackLocalStaticSample {
	t.Helper()
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime}, mime, "stream")
	require.NoError(t, err)
	tr, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	require.NoError(t, err)
	go heed(tr.Sender().Read)
	all := tr.Sender().GetParameters().Codecs
	var wanted []webrtc.RTPCodecParameters
	for _, codec := range all {
		again := slices.ContainsFunc(wanted, func(w webrtc.RTPCodecParameters) bool {
			return codec.SDPFmtpLine == fmt.Sprintf("apt=%d", w.PayloadType)
		})
		if strings.EqualFold(codec.MimeType, mime) || again {
			wanted = append(wanted, codec)
		}
	}
	require.NoError(t, tr.SetCodecPreferences(wanted))
	return track
}

// heed reads what comes back, as nothing else heeds it.
func heed(read func([]byte) (int, interceptor.Attributes, error)) {
	for buffer := make([]byte, 1500); ; {
		if _, _, err := read(buffer); err != nil {
			return
		}
	}
}

// offer makes an offer with all candidates in it.
func (c *client) offer(t testing.TB) string {
	t.Helper()
	offer, err := c.pc.CreateOffer(nil)
	require.NoError(t, err)
	gathered := webrtc.GatheringCompletePromise(c.pc)
	require.NoError(t, c.pc.SetLocalDescription(offer))
	<-gathered
	return c.pc.LocalDescription().SDP
}

// publish begins a session and waits until it is connected.
func (c *client) publish(t testing.TB, who string) {
	t.Helper()
	c.post(t, who)
	c.connect(t)
	c.connected(t)
}

func (c *client) connected(t testing.TB) {
	t.Helper()
	select {
	case <-c.up:
	case <-time.After(testTime):
		require.Fail(t, "not connected")
	}
}

// post begins a session, which is not connected yet.
func (c *client) post(t testing.TB, who string) {
	t.Helper()
	c.answered = c.rig.ask(t, who, http.MethodPost+" "+whip.Path+"?title=A+title", c.offer(t), "Content-Type", "application/sdp")
	require.Equal(t, http.StatusCreated, c.answered.status, c.answered.body)
	c.location, c.etag, c.answer = c.answered.header.Get("Location"), c.answered.header.Get("ETag"), c.answered.body
}

// connect takes the answer.
func (c *client) connect(t testing.TB) {
	t.Helper()
	answer := c.answer
	if c.line != nil {
		answer = c.line.through(t, answer, 7)
	}
	require.NoError(t, c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
}

// soundTime is how long a packet of sound lasts.
const soundTime = 20 * time.Millisecond

func sampleOf(packet []byte) media.Sample { return media.Sample{Data: packet, Duration: soundTime} }

// hangUp ends the session as the protocol has it.
func (c *client) hangUp(t testing.TB, who string) {
	t.Helper()
	got := c.rig.ask(t, who, http.MethodDelete+" "+c.location, "")
	require.Equal(t, http.StatusOK, got.status, got.body)
}
