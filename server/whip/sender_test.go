package whip_test

import (
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/stretchr/testify/require"
)

const (
	// ownStill and farStill are how long the test, or the server (which reports every
	// second), may do nothing before the sender counts on an outage: after five
	// seconds without a packet the server goes on at the next key frame.
	ownStill = time.Second
	farStill = 2500 * time.Millisecond
	// group is how many pictures there are from one key frame to the next.
	group = 30
)

// ledger sees what a client sends, and what the server says of it.
type ledger struct {
	interceptor.NoOp

	mu    sync.Mutex
	sent  map[uint32]uint16 // by stream, the last sequence number
	there map[uint32]uint16 // the same, as far as the server has read
	heard time.Time         // when the server last said something
	clock time.Time         // the sender's, which goes on with what is sent
}

func newLedger() *ledger {
	return &ledger{sent: map[uint32]uint16{}, there: map[uint32]uint16{}, heard: time.Now(), clock: time.Now()}
}

// now is what the sender's reports say: its timestamps count what it has sent, so
// they stand still with it, and so does its clock.
func (l *ledger) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock
}

func (l *ledger) goOn(by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock = l.clock.Add(by)
}

// NewInterceptor implements interceptor.Factory.
func (l *ledger) NewInterceptor(string) (interceptor.Interceptor, error) { return l, nil }

// BindLocalStream implements interceptor.Interceptor.
func (l *ledger) BindLocalStream(info *interceptor.StreamInfo, writer interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		l.mu.Lock()
		if last, ok := l.sent[info.SSRC]; h.SSRC == info.SSRC && (!ok || int16(h.SequenceNumber-last) > 0) {
			l.sent[info.SSRC] = h.SequenceNumber
		}
		l.mu.Unlock()
		return writer.Write(h, payload, a)
	})
}

// BindRTCPReader implements interceptor.Interceptor.
func (l *ledger) BindRTCPReader(reader interceptor.RTCPReader) interceptor.RTCPReader {
	return interceptor.RTCPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, a, err := reader.Read(b, a)
		if err == nil {
			l.listen(b[:n])
		}
		return n, a, err
	})
}

func (l *ledger) listen(raw []byte) {
	packets, err := rtcp.Unmarshal(raw)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = time.Now()
	for _, p := range packets {
		if report, ok := p.(*rtcp.ReceiverReport); ok {
			for _, r := range report.Reports {
				l.there[r.SSRC] = uint16(r.LastSequenceNumber)
			}
		}
	}
}

func (l *ledger) lastHeard() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard
}

// arrived counts the streams whose last packet the server has read, and all.
func (l *ledger) arrived() (there, all int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ssrc, seq := range l.sent {
		if got, ok := l.there[ssrc]; ok && got == seq {
			there++
		}
	}
	return there, len(l.sent)
}

// shot is a picture that was sent.
type shot struct {
	hash string
	at   time.Time
	sure bool // nobody stood still then, so it must be in the file
}

// take is what was sent of a clip. A sender that has noticed that somebody stood
// still begins again at its last key frame, so every picture is there in any case,
// and some may be there twice.
type take struct {
	shots  []shot
	stills int // how often somebody stood still
	stood  time.Duration
}

// doubt says that what was on its way when somebody stood still, since then or as
// long before as that goes unnoticed, may be missing.
func (t *take) doubt(since time.Time) {
	t.stills++
	t.stood += time.Since(since) + farStill
	since = since.Add(-farStill - time.Second)
	for i := len(t.shots) - 1; i >= 0 && t.shots[i].at.After(since); i-- {
		t.shots[i].sure = false
	}
}

// hashes are what was sent, in order.
func (t *take) hashes() []string {
	list := make([]string, len(t.shots))
	for i, s := range t.shots {
		list[i] = s.hash
	}
	return list
}

// doubted counts the pictures that may be missing.
func (t *take) doubted() (n int) {
	for _, s := range t.shots {
		if !s.sure {
			n++
		}
	}
	return n
}

// length is how long it is to be watched, in seconds, and give by how much that may
// differ: a sender whose timestamps have stood still for long is taken to begin anew.
func (t *take) length() (seconds, give float64) {
	return float64(len(t.shots)) * frameTime.Seconds(), 0.2 + float64(t.doubted())*frameTime.Seconds() + t.stood.Seconds()
}

// requireShown checks that a file has the pictures that were sent, each as it was
// and in order; whole says all of them, up to the last.
func requireShown(t *testing.T, sent *take, got []string, whole bool) {
	t.Helper()
	next := 0
	for n, s := range sent.shots {
		switch {
		case next == len(got) && !whole:
			return
		case next < len(got) && got[next] == s.hash:
			next++
		case s.sure:
			require.Fail(t, "a picture is missing or damaged", "picture %d of %d; the file has %d", n, len(sent.shots), len(got))
		}
	}
	require.Len(t, got, next, "there is more than was sent, or in another order")
}

// send sends pictures and sound as they would come from a camera, side by side,
// and returns when all of it has arrived.
func (c *client) send(t testing.TB, pictures clip, packets [][]byte) *take {
	t.Helper()
	sent := c.play(t, c.video, pictures, packets)
	if c.line == nil || c.line.loss == 0 {
		c.settle(t, sent, func() bool {
			there, all := c.ledger.arrived()
			return there == all
		})
	}
	return sent
}

// settle waits until what was sent has arrived.
func (c *client) settle(t testing.TB, sent *take, arrived func() bool) {
	t.Helper()
	last := time.Now()
	require.Eventually(t, func() bool {
		if c.stood(last) {
			sent.doubt(last)
		}
		last = time.Now()
		return arrived()
	}, testTime, tick)
}

// stood says that this process has stood still since, or the server does.
func (c *client) stood(since time.Time) bool {
	return time.Since(since) > ownStill || time.Since(c.ledger.lastHeard()) > farStill
}

// play sends a clip on a track, and sound beside it.
func (c *client) play(t testing.TB, track *webrtc.TrackLocalStaticSample, pictures clip, packets [][]byte) *take {
	t.Helper()
	pace := time.NewTicker(frameTime)
	defer pace.Stop()
	sent, last := &take{}, time.Now()
	n, sounds := 0, 0
	for ticks := 1; n < len(pictures.frames) || sounds < len(packets); ticks++ {
		<-pace.C
		if c.stood(last) {
			sent.doubt(last)
			c.await(t)
			n = max(n-1, 0) / group * group // as an encoder would that is asked for a key frame
		}
		last = time.Now()
		c.ledger.goOn(frameTime)
		if n < len(pictures.frames) {
			sent.shots = append(sent.shots, shot{hash: pictures.hashes[n], at: last, sure: true})
			_ = track.WriteSample(media.Sample{Data: pictures.frames[n], Duration: frameTime}) // a layer may have been turned down
			n++
		}
		for ; sounds < len(packets) && sounds*int(soundTime) < ticks*int(frameTime); sounds++ {
			if err := c.audio.WriteSample(sampleOf(packets[sounds])); err != nil {
				t.Error(err)
			}
		}
	}
	return sent
}

// await waits until the server says something again.
func (c *client) await(t testing.TB) {
	t.Helper()
	for began := time.Now(); !c.ledger.lastHeard().After(began); <-time.After(tick) {
		if time.Since(began) > testTime {
			t.Error("the server says nothing any more")
			return
		}
	}
}
