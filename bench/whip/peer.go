// Package whip measures what a recording over WebRTC costs, beside a bare
// receiver that reads the packets and throws them away.
package whip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
)

const (
	frameTime = time.Second / 30
	soundTime = 20 * time.Millisecond
	clipTime  = 10 // seconds
)

// clip is what all peers send, over and over: 2.5 Mbit/s.
type clip struct{ frames, sounds [][]byte }

func newClip(ctx context.Context, folder string) (clip, error) {
	var c clip
	pictures, tone := filepath.Join(folder, "whip.h264"), filepath.Join(folder, "whip.ogg")
	for _, args := range [][]string{
		{
			"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=1280x720:r=30:d=%d", clipTime), "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency",
			"-pix_fmt", "yuv420p", "-b:v", "2436k", "-minrate", "2436k", "-maxrate", "2436k", "-bufsize", "1200k", "-nal-hrd", "cbr", "-g", "60", "-keyint_min", "60",
			"-sc_threshold", "0", "-bsf:v", "h264_metadata=aud=insert", "-f", "h264", pictures,
		},
		{"-f", "lavfi", "-i", fmt.Sprintf("sine=f=440:r=48000:d=%d", clipTime), "-ac", "2", "-c:a", "libopus", "-b:a", "64k", "-page_duration", "20000", tone},
	} {
		out, err := exec.CommandContext(ctx, "ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...).CombinedOutput()
		if err != nil {
			return c, fmt.Errorf("ffmpeg: %w: %s", err, out)
		}
	}
	raw, err := os.ReadFile(pictures)
	if err != nil {
		return c, err
	}
	delimiter := []byte{0, 0, 0, 1, 9}
	for _, unit := range bytes.Split(raw, delimiter)[1:] {
		c.frames = append(c.frames, append(bytes.Clone(delimiter), unit...))
	}
	file, err := os.Open(tone)
	if err != nil {
		return c, err
	}
	defer file.Close()
	reader, _, err := oggreader.NewWith(file)
	if err != nil {
		return c, err
	}
	for {
		page, _, err := reader.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
		if !bytes.HasPrefix(page, []byte("OpusTags")) {
			c.sounds = append(c.sounds, page)
		}
	}
}

// peer publishes to one server.
type peer struct {
	pc           *webrtc.PeerConnection
	video, audio *webrtc.TrackLocalStaticSample
	location     string
	details      string // where the API tells of its video
}

func newPeer(ctx context.Context, t Target) (*peer, error) {
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	p := &peer{pc: pc}
	if p.video, err = p.track(webrtc.MimeTypeH264); err != nil {
		return nil, err
	}
	if p.audio, err = p.track(webrtc.MimeTypeOpus); err != nil {
		return nil, err
	}
	up := make(chan struct{}, 8)
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			up <- struct{}{}
		}
	})
	if err := p.negotiate(ctx, t); err != nil {
		return nil, err
	}
	select {
	case <-up:
		return p, nil
	case <-time.After(10 * time.Second):
		return nil, errors.New("whip: not connected in 10 s")
	}
}

func (p *peer) track(mime string) (*webrtc.TrackLocalStaticSample, error) {
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime}, mime, "bench")
	if err != nil {
		return nil, err
	}
	sender, err := p.pc.AddTrack(track)
	if err != nil {
		return nil, err
	}
	go func() { // what comes back is heeded only if it is read
		for buffer := make([]byte, 1500); ; {
			if _, _, err := sender.Read(buffer); err != nil {
				return
			}
		}
	}()
	return track, nil
}

func (p *peer) negotiate(ctx context.Context, t Target) error {
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+"/api/whip", strings.NewReader(p.pc.LocalDescription().SDP))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/sdp")
	res, err := t.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusCreated {
		return fmt.Errorf("whip: %s: %s", res.Status, answer)
	}
	p.location = res.Header.Get("Location")
	for _, link := range res.Header.Values("Link") {
		if path, _, ok := strings.Cut(link, `>; rel="describedby"`); ok {
			p.details = strings.TrimPrefix(path, "<")
		}
	}
	return p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)})
}

// send sends until the context ends.
func (p *peer) send(ctx context.Context, c clip) {
	pictures, sounds := time.NewTicker(frameTime), time.NewTicker(soundTime)
	defer pictures.Stop()
	defer sounds.Stop()
	frame, sound := 0, 0
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-pictures.C:
			err = p.video.WriteSample(media.Sample{Data: c.frames[frame%len(c.frames)], Duration: frameTime})
			frame++
		case <-sounds.C:
			err = p.audio.WriteSample(media.Sample{Data: c.sounds[sound%len(c.sounds)], Duration: soundTime})
			sound++
		}
		if err != nil {
			return
		}
	}
}
