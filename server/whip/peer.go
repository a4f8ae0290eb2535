package whip

import (
	"errors"
	"net/http"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

// gatherTime is how long our own candidates may take: they are the sockets'
// addresses, so they are there at once, unless the machine is very busy.
const gatherTime = 20 * time.Second

var errGather = errors.New("whip: no candidates in time")

// peer makes the connection that an offer asks for.
func (n *Network) peer(o *offered) (*webrtc.PeerConnection, error) {
	settings, err := n.settings()
	if err != nil {
		return nil, err
	}
	// What is registered is what the offer has, by the numbers it has there.
	engine := &webrtc.MediaEngine{}
	for _, c := range o.codecs {
		if err := engine.RegisterCodec(c.RTPCodecParameters, c.kind); err != nil {
			return nil, err
		}
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.TransportCCURI}, kind); err != nil {
			return nil, err
		}
	}
	registry, err := n.interceptors()
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
	return api.NewPeerConnection(webrtc.Configuration{})
}

// interceptors report what arrives, and tell the sender how the line behaves,
// from which it works out how much it bears. What is missing, the session asks
// for: it alone knows what has been sent again.
func (n *Network) interceptors() (*interceptor.Registry, error) {
	registry := &interceptor.Registry{}
	reports, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(n.log))
	if err != nil {
		return nil, err
	}
	congestion, err := twcc.NewSenderInterceptor(twcc.WithLoggerFactory(n.log))
	if err != nil {
		return nil, err
	}
	registry.Add(reports)
	registry.Add(congestion)
	return registry, nil
}

// negotiate answers an offer, the first one or that of a restart.
func negotiate(pc *webrtc.PeerConnection, o *offered) (string, error) {
	text, err := o.text()
	if err != nil {
		return "", err
	}
	refused := reply.New(http.StatusUnprocessableEntity, "offer", "This offer cannot be answered.")
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: text}); err != nil {
		return "", refused.Because(err)
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", refused.Because(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", refused.Because(err)
	}
	select {
	case <-gathered:
		return pc.LocalDescription().SDP, nil
	case <-time.After(gatherTime):
		return "", errGather
	}
}
