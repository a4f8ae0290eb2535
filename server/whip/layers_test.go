package whip_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// TestOneLayerOfSeveral: an offer of three layers is answered by one that wants
// one. A client that sends them all the same does not get them mixed.
func TestOneLayerOfSeveral(t *testing.T) {
	t.Parallel()
	clips := make([]clip, 3)
	for i, size := range []string{"640x360", "320x180", "160x90"} {
		clips[i] = newClip(t, mux.VP8, size, 90)
	}
	r := newRig(t, whip.Limits{})
	c := newClient(t, r, wants{audio: true})
	var layers []*webrtc.TrackLocalStaticSample
	var sender *webrtc.RTPSender
	rids := []string{"f", "h", "q"}
	for _, rid := range rids {
		track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "stream", webrtc.WithRTPStreamID(rid))
		require.NoError(t, err)
		layers = append(layers, track)
		if sender != nil {
			require.NoError(t, sender.AddEncoding(track))
			continue
		}
		tr, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		require.NoError(t, err)
		sender = tr.Sender()
	}
	offer := c.offer(t)
	require.Contains(t, offer, "a=simulcast:send")
	// This client offers all codecs; it is to send VP8.
	offer = strings.NewReplacer(" H264/", " X264/", " VP9/", " X9/", " AV1/", " X1/").Replace(offer)
	got := r.ask(t, "ada", http.MethodPost+" "+whip.Path, offer, "Content-Type", "application/sdp")
	require.Equal(t, http.StatusCreated, got.status, got.body)
	require.NotContains(t, got.body, "simulcast")
	require.NotContains(t, got.body, "a=rid")
	require.NotContains(t, got.body, "rtx/")
	require.NoError(t, c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: got.body}))
	for _, rid := range rids {
		go heed(func(b []byte) (int, interceptor.Attributes, error) { return sender.ReadSimulcast(b, rid) })
	}
	c.connected(t)
	var all sync.WaitGroup
	sent := make([]*take, len(layers))
	for i, layer := range layers {
		all.Go(func() { sent[i] = c.play(t, layer, clips[i], nil) })
	}
	all.Wait()
	c.settle(t, sent[0], func() bool {
		there, _ := c.ledger.arrived()
		return there > 0
	})
	require.Equal(t, http.StatusOK, r.ask(t, "ada", http.MethodDelete+" "+got.header.Get("Location"), "").status)
	seen := hashes(t, r.tape(t, 0).file(t))
	require.NotEmpty(t, seen)
	for i, clip := range clips {
		if slices.Contains(clip.hashes, seen[len(seen)-1]) {
			require.GreaterOrEqual(t, different(seen)+sent[i].doubted(), 80)
			requireInOrder(t, sent[i].hashes(), seen)
			return
		}
	}
	require.Fail(t, "it is none of the layers")
}
