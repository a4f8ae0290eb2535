package whip_test

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

const fragmentType = "application/trickle-ice-sdpfrag"

// gone waits until no session is left.
func (r *rig) quiet(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool { return r.whip.Sessions() == 0 }, testTime, tick)
}

func TestTheAnswerSaysAllThatTheProtocolWants(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{Bitrate: 3_000_000}, func(o *whip.Options) {
		o.ICE = whip.ICEServers{URLs: []string{"stun:stun.example.org", "turn:turn.example.org:3478?transport=udp"}, Secret: "s"}
	})
	c := newClient(t, r, wants{video: mux.H264, audio: true})
	c.publish(t, "ada")
	h := c.answered.header
	require.Regexp(t, `^/api/whip/[a-z0-9]+\.[A-Z2-7]{26}$`, h.Get("Location"))
	require.Regexp(t, `^"[A-Z2-7]{26}"$`, h.Get("ETag"))
	require.Equal(t, "application/sdp", h.Get("Content-Type"))
	require.Equal(t, "A title", r.tape(t, 0).title)
	links := h.Values("Link")
	require.Len(t, links, 4)
	require.Equal(t, `<stun:stun.example.org>; rel="ice-server"`, links[0])
	require.Regexp(t, `^<turn:turn\.example\.org:3478\?transport=udp>; rel="ice-server"; username="\d+:ada"; credential="[^"]+"; credential-type="password"$`, links[1])
	require.Equal(t, `<https://video.example.org/v/word>; rel="alternate"; type="text/html"`, links[2])
	require.Equal(t, `</api/videos/video>; rel="describedby"; type="application/json"`, links[3])
	require.Contains(t, c.answer, "b=TIAS:3000000\r\n")
	require.Contains(t, c.answer, "x-google-start-bitrate=2500")
	require.Contains(t, c.answer, "a=ice-lite")

	options := r.ask(t, "", http.MethodOptions+" "+whip.Path, "")
	require.Equal(t, http.StatusNoContent, options.status)
	require.Equal(t, "application/sdp", options.header.Get("Accept-Post"))
	require.Equal(t, "*", options.header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, options.header.Get("Access-Control-Allow-Credentials"))
	for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
		require.Equal(t, http.StatusMethodNotAllowed, r.ask(t, "ada", method+" "+c.location, "").status, method)
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE"} {
		require.Equal(t, http.StatusMethodNotAllowed, r.ask(t, "ada", method+" "+whip.Path, "").status, method)
	}
	c.hangUp(t, "ada")
	require.Eventually(t, func() bool {
		return r.ask(t, "ada", http.MethodDelete+" "+c.location, "").status == http.StatusNotFound
	}, testTime, tick, "it is over")
}

func TestOffersThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{})
	c := newClient(t, r, wants{video: mux.VP8, audio: true})
	good := c.offer(t)
	head, _, _ := strings.Cut(good, "m=")
	_, section, _ := strings.Cut(good, "m=audio")
	section = "m=audio" + section
	for name, x := range map[string]struct {
		offer, contentType string
		status             int
		code               string
	}{
		"wrong type":          {good, "application/json", 415, "sdp_wanted"},
		"no SDP":              {"hello", "application/sdp", 400, "bad_sdp"},
		"empty":               {"", "application/sdp", 422, "media"},
		"a megabyte":          {good + strings.Repeat("a=x:y\r\n", 150_000), "application/sdp", 413, "too_large"},
		"no media":            {head, "application/sdp", 422, "media"},
		"three sections":      {good + section, "application/sdp", 422, "media"},
		"two of sound":        {head + section + section, "application/sdp", 422, "media"},
		"500 sections":        {good + strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", 498), "application/sdp", 422, "media"},
		"to receive":          {strings.ReplaceAll(good, "sendonly", "recvonly"), "application/sdp", 422, "media"},
		"data":                {strings.Replace(good, "m=audio", "m=application", 1), "application/sdp", 422, "media"},
		"codecs":              {strings.ReplaceAll(good, "VP8", "H261"), "application/sdp", 422, "codecs"},
		"1000 candidates":     {good + strings.Repeat("a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\n", 1000), "application/sdp", 422, "candidates"},
		"no fingerprint":      {regexp.MustCompile(`a=fingerprint.*\r\n`).ReplaceAllString(good, ""), "application/sdp", 422, "offer"},
		"no ICE":              {regexp.MustCompile(`a=ice-.*\r\n`).ReplaceAllString(good, ""), "application/sdp", 422, "offer"},
		"4:4:4 pictures":      {regexp.MustCompile(`VP8/90000`).ReplaceAllString(strings.Replace(good, "a=rtcp-fb:96 nack\r\n", "a=fmtp:96 profile-id=1\r\n", 1), "VP9/90000"), "application/sdp", 422, "codecs"},
		"not a clock of ours": {strings.ReplaceAll(good, "opus/48000", "opus/16000"), "application/sdp", 422, "codecs"},
	} {
		got := r.ask(t, "ada", http.MethodPost+" "+whip.Path, x.offer, "Content-Type", x.contentType)
		require.Equal(t, x.status, got.status, "%s: %s", name, got.body)
		require.Contains(t, got.body, `"code":"`+x.code+`"`, name)
		require.Equal(t, "application/problem+json", got.header.Get("Content-Type"), name)
	}
	require.Zero(t, r.whip.Sessions(), "nothing is left of them")
	require.Empty(t, r.tapes)
	require.Equal(t, http.StatusUnauthorized, r.ask(t, "", http.MethodPost+" "+whip.Path, good, "Content-Type", "application/sdp").status)
}

func TestASessionIsItsOwners(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{})
	c := newClient(t, r, wants{audio: true})
	c.publish(t, "ada")
	patch := func(who, match, body string, header ...string) answered {
		return r.ask(t, who, http.MethodPatch+" "+c.location, body, append([]string{"Content-Type", fragmentType, "If-Match", match}, header...)...)
	}
	const trickle = "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\n"
	require.Equal(t, http.StatusNoContent, patch("ada", c.etag, fmt.Sprintf(trickle, "", "")).status)
	require.Equal(t, http.StatusNotFound, patch("ben", c.etag, trickle).status)
	require.Equal(t, http.StatusNotFound, r.ask(t, "ben", http.MethodDelete+" "+c.location, "").status)
	require.Equal(t, http.StatusUnauthorized, r.ask(t, "", http.MethodDelete+" "+c.location, "").status)
	require.Equal(t, http.StatusNotFound, r.ask(t, "ada", http.MethodDelete+" "+whip.Path+"/AAAAAAAAAAAAAAAAAAAAAAAAAA", "").status)
	require.Equal(t, http.StatusPreconditionFailed, patch("ada", `"other"`, "").status)
	require.Equal(t, http.StatusPreconditionRequired, patch("ada", "", "").status)
	require.Equal(t, http.StatusUnsupportedMediaType, patch("ada", c.etag, "", "Content-Type", "text/plain").status)
	require.Equal(t, http.StatusBadRequest, patch("ada", c.etag, "what?").status)
	require.Equal(t, http.StatusBadRequest, patch("ada", "*", fmt.Sprintf(trickle, "abcd", "short")).status)
	require.Equal(t, http.StatusRequestEntityTooLarge, patch("ada", c.etag, strings.Repeat("a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\n", 1000)).status)
	for range maxCandidates - strings.Count(c.pc.LocalDescription().SDP, "a=candidate") - 1 {
		require.Equal(t, http.StatusNoContent, patch("ada", c.etag, "a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\n").status)
	}
	require.Equal(t, http.StatusUnprocessableEntity, patch("ada", c.etag, "a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\n").status)
	c.hangUp(t, "ada")
}

const maxCandidates = 50

func TestSeatsAreCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{Sessions: 4})
	post := func(who string) answered {
		return r.ask(t, who, http.MethodPost+" "+whip.Path, newClient(t, r, wants{audio: true}).offer(t), "Content-Type", "application/sdp")
	}
	first := post("ada")
	require.Equal(t, http.StatusCreated, first.status, first.body)
	require.Equal(t, http.StatusCreated, post("ada").status)
	require.Equal(t, http.StatusCreated, post("ada").status)
	refused := post("ada")
	require.Equal(t, http.StatusTooManyRequests, refused.status)
	require.NotEmpty(t, refused.header.Get("Retry-After"))
	require.Equal(t, http.StatusCreated, post("ben").status)
	busy := post("eve")
	require.Equal(t, http.StatusServiceUnavailable, busy.status)
	require.NotEmpty(t, busy.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, r.ask(t, "ada", http.MethodDelete+" "+first.header.Get("Location"), "").status)
	require.Eventually(t, func() bool { return r.whip.Sessions() == 3 }, testTime, tick)
	require.Equal(t, http.StatusCreated, post("eve").status)
	r.whip.Stop()
	require.Equal(t, http.StatusServiceUnavailable, post("ada").status, "it stops")
	require.Zero(t, r.whip.Sessions())
}

// TestOffersThatNeverConnect is attack 58 of a thousand offers: nothing is left
// of them. It counts goroutines, so it does not run beside others.
func TestOffersThatNeverConnect(t *testing.T) { //nolint:paralleltest // see above
	r := newRig(t, whip.Limits{Connect: 300 * time.Millisecond, Sessions: 100})
	offer := newClient(t, r, wants{video: mux.H264, audio: true}).offer(t)
	before := runtime.NumGoroutine()
	for round := range 10 {
		for n := range 20 {
			got := r.ask(t, fmt.Sprintf("account %d", n), http.MethodPost+" "+whip.Path, offer, "Content-Type", "application/sdp")
			require.Equal(t, http.StatusCreated, got.status, got.body)
		}
		r.quiet(t)
		require.Len(t, r.tapes, 20*(round+1))
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+10 }, testTime, tick)
	for _, tape := range r.tapes {
		require.True(t, tape.over(), "its recording is told that it is over")
	}
}

func TestWhatEndsASession(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		limits whip.Limits
		act    func(t *testing.T, r *rig, c *client)
		chunks bool
	}{
		"nothing is sent":           {whip.Limits{Silence: 500 * time.Millisecond}, func(*testing.T, *rig, *client) {}, false},
		"its client hangs up":       {whip.Limits{}, func(t *testing.T, _ *rig, c *client) { t.Helper(); require.NoError(t, c.pc.Close()) }, true},
		"the server stops":          {whip.Limits{}, func(_ *testing.T, r *rig, _ *client) { r.whip.Stop() }, true},
		"it is too long":            {whip.Limits{Length: time.Second}, func(*testing.T, *rig, *client) {}, true},
		"its account is shut":       {whip.Limits{Check: 50 * time.Millisecond}, func(_ *testing.T, r *rig, _ *client) { r.shut("ada") }, true},
		"its video is in the trash": {whip.Limits{Check: 50 * time.Millisecond}, func(_ *testing.T, r *rig, _ *client) { r.shut("video") }, true},
		"the storage is gone":       {whip.Limits{}, func(t *testing.T, r *rig, _ *client) { t.Helper(); r.tape(t, 0).breakDown() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, x.limits)
			c := newClient(t, r, wants{audio: true})
			c.post(t, "ada")
			c.connect(t)
			if name != "nothing is sent" { // which may end before this side knows that it has begun
				c.connected(t)
				stop := c.babble(t, newTone(t, 1))
				defer stop()
			}
			if x.chunks {
				require.Eventually(t, func() bool { return r.tape(t, 0).parts() > 0 }, testTime, tick)
			}
			x.act(t, r, c)
			r.quiet(t)
			require.True(t, r.tape(t, 0).over())
			if x.chunks {
				duration := run(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", r.tape(t, 0).file(t))
				require.NotEqual(t, "N/A", strings.TrimSpace(string(duration)), "what came is whole")
			}
		})
	}
}

func (r *rig) shut(account string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone[account] = true
}

func (r *tape) breakDown() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = reply.NotFound // somebody has deleted it for good
}

// babble sends sound until it is stopped, and counts its packets.
func (c *client) babble(t testing.TB, tone [][]byte) (stop func()) {
	t.Helper()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				_ = c.audio.WriteSample(sampleOf(tone[n%len(tone)])) // until it is closed
				c.babbled.Add(1)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// TestAPauseMayLast: who says that nothing will come is waited for.
func TestAPauseMayLast(t *testing.T) {
	t.Parallel()
	limits := whip.Limits{Silence: 300 * time.Millisecond, Pause: 2 * time.Second}
	r := newRig(t, limits)
	c := newClient(t, r, wants{audio: true})
	c.post(t, "ada")
	// It says so before it is connected, and thus before silence counts.
	got := r.ask(t, "ada", http.MethodPatch+" "+c.location, "a=inactive\r\n", "Content-Type", fragmentType, "If-Match", c.etag)
	require.Equal(t, http.StatusNoContent, got.status, got.body)
	began := time.Now()
	c.connect(t)
	r.quiet(t)
	require.GreaterOrEqual(t, time.Since(began), limits.Pause, "but not for ever")
}

// TestALostConnectionComesBack cuts the line for longer than ICE bears, and
// restarts it. It is one recording.
func TestALostConnectionComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{})
	clip, tone := newClip(t, mux.VP8, "320x240", 240), newTone(t, 8)
	c := newClient(t, r, wants{video: mux.VP8, audio: true, settings: func(s *webrtc.SettingEngine) {
		s.SetICETimeouts(5*time.Second, 15*time.Second, 300*time.Millisecond) // as the server
	}})
	c.line = &line{least: time.Millisecond, most: 2 * time.Millisecond}
	c.publish(t, "ada")
	before := c.send(t, clip.part(0, 120), tone[:200])
	c.line.sever(true)
	require.Eventually(t, func() bool { return c.pc.ICEConnectionState() == webrtc.ICEConnectionStateFailed }, testTime, tick)
	c.line.sever(false)
	old := c.etag
	c.restart(t, "ada")
	require.NotEqual(t, old, c.etag)
	stale := r.ask(t, "ada", http.MethodPatch+" "+c.location, "", "Content-Type", fragmentType, "If-Match", old)
	require.Equal(t, http.StatusPreconditionFailed, stale.status, "the old tag is not the session's any more")
	after := c.send(t, clip.part(120, 240), tone[200:])
	c.hangUp(t, "ada")
	require.Len(t, r.tapes, 1)
	got := hashes(t, r.tape(t, 0).file(t))
	requireInOrder(t, append(before.hashes(), after.hashes()...), got)
	require.GreaterOrEqual(t, different(got)+before.doubted()+after.doubted(), 200)
	require.Contains(t, clip.hashes[120:], got[len(got)-1], "what came after it is there")
}

// restart restarts ICE as the protocol has it.
func (c *client) restart(t testing.TB, who string) {
	t.Helper()
	offer, err := c.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	require.NoError(t, err)
	gathered := webrtc.GatheringCompletePromise(c.pc)
	require.NoError(t, c.pc.SetLocalDescription(offer))
	<-gathered
	var fragment strings.Builder
	for line := range strings.Lines(c.pc.LocalDescription().SDP) {
		if strings.HasPrefix(line, "m=audio") {
			break // of a bundle, one section speaks for all
		}
		if strings.HasPrefix(line, "a=ice-") || strings.HasPrefix(line, "a=candidate") || strings.HasPrefix(line, "m=") || strings.HasPrefix(line, "a=mid") {
			fragment.WriteString(line)
		}
	}
	got := c.rig.ask(t, who, http.MethodPatch+" "+c.location, fragment.String(), "Content-Type", fragmentType, "If-Match", "*")
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Equal(t, fragmentType, got.header.Get("Content-Type"))
	require.Contains(t, got.body, "a=candidate:")
	c.etag = got.header.Get("ETag")
	answer := c.pc.CurrentRemoteDescription().SDP
	for _, key := range []string{"a=ice-ufrag:", "a=ice-pwd:"} {
		value := regexp.MustCompile(key + `(\S+)`).FindStringSubmatch(got.body)
		require.NotNil(t, value, got.body)
		answer = regexp.MustCompile(key+`\S+`).ReplaceAllString(answer, key+value[1])
	}
	answer = regexp.MustCompile(` ufrag \S+`).ReplaceAllString(answer, "")
	require.NoError(t, c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	require.Eventually(t, func() bool { return c.pc.ConnectionState() == webrtc.PeerConnectionStateConnected }, testTime, tick)
}

// TestAFloodDisturbsNobody sends rubbish of all kinds to the port, from a
// stranger, while somebody records.
func TestAFloodDisturbsNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{})
	clip, tone := newClip(t, mux.H264, "320x240", 90), newTone(t, 3)
	c := newClient(t, r, wants{video: mux.H264, audio: true})
	c.publish(t, "ada")
	port := regexp.MustCompile(`127\.0\.0\.1 (\d+)`).FindStringSubmatch(c.answer)[1]
	stranger, err := new(net.Dialer).DialContext(t.Context(), "udp", "127.0.0.1:"+port)
	require.NoError(t, err)
	defer stranger.Close()
	done, ended := make(chan struct{}), make(chan struct{})
	var rubbished atomic.Int64
	go func() {
		defer close(ended)
		for first := byte(0); ; first++ { // STUN, DTLS, RTP and RTCP are told apart by it
			select {
			case <-done:
				return
			case <-time.After(50 * time.Microsecond):
			}
			rubbish := make([]byte, 20+int(first)*5)
			_, _ = rand.Read(rubbish)
			rubbish[0] = first
			if first < 4 {
				copy(rubbish[4:], []byte{0x21, 0x12, 0xA4, 0x42}) // STUN's cookie
			}
			if _, err := stranger.Write(rubbish); err == nil {
				rubbished.Add(1)
			}
		}
	}()
	sent := c.send(t, clip, tone)
	require.Eventually(t, func() bool { return rubbished.Load() > 1000 }, testTime, tick)
	close(done)
	<-ended
	c.hangUp(t, "ada")
	requireShown(t, sent, hashes(t, r.tape(t, 0).file(t)), true)
}
