package whip_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// TestOneLayerOfSeveral: an offer of three layers is answered by one that wants
// one. A client that sends them all the same does not get them mixed.
func TestOneLayerOfSeveral(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{})
	c := newClient(t, r, wants{audio: true})
	var layers []*webrtc.TrackLocalStaticSample
	var sender *webrtc.RTPSender
	for _, rid := range []string{"f", "h", "q"} {
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
	select {
	case <-c.up:
	case <-time.After(testTime):
		require.Fail(t, "not connected")
	}
	var all sync.WaitGroup
	clips := make([]clip, len(layers))
	for i, size := range []string{"640x360", "320x180", "160x90"} {
		clips[i] = newClip(t, mux.VP8, size, 90)
	}
	for i, layer := range layers {
		all.Go(func() {
			for _, frame := range clips[i].frames {
				<-time.After(frameTime)
				_ = layer.WriteSample(media.Sample{Data: frame, Duration: frameTime}) // a layer may have been turned down
			}
		})
	}
	all.Wait()
	require.Equal(t, http.StatusOK, r.ask(t, "ada", http.MethodDelete+" "+got.header.Get("Location"), "").status)
	seen := hashes(t, r.tape(t, 0).file(t))
	require.GreaterOrEqual(t, len(seen), 80)
	for _, clip := range clips {
		if clip.hashes[len(clip.hashes)-1] == seen[len(seen)-1] {
			requireInOrder(t, clip.hashes, seen)
			return
		}
	}
	require.Fail(t, "it is none of the layers")
}
