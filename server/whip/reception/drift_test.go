package reception

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// Simulated senders: pictures and sounds carry the true time they were taken at.

// keyFrame is the beginning of a VP8 key frame of 320×240, as much as is looked at.
func keyFrame(truth time.Duration) []byte {
	b := []byte{0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x40, 0x01, 0xF0, 0x00}
	return binary.BigEndian.AppendUint64(b, uint64(truth))
}

func otherFrame(truth time.Duration) []byte {
	return binary.BigEndian.AppendUint64([]byte{0x10, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0}, uint64(truth))
}

// opusFrame is 20 ms of CELT.
func opusFrame(truth time.Duration) []byte {
	return binary.BigEndian.AppendUint64([]byte{0xFC}, uint64(truth))
}

func ntp(at time.Time) uint64 {
	ns := at.UnixNano() + 2_208_988_800*int64(time.Second)
	return uint64(ns/int64(time.Second))<<32 | uint64(ns%int64(time.Second))<<32/uint64(time.Second)
}

// sender is a simulated peer.
type sender struct {
	drift       float64 // how much faster the audio's clock is than the wall's
	noise       time.Duration
	videoDelay  time.Duration // that the line and the encoder add to pictures
	audioDelay  time.Duration
	jitter      time.Duration
	reports     bool
	from, until time.Duration // without anything between
	silentFrom  time.Duration // no sound between
	silentUntil time.Duration
	pauses      bool // it tells what is between from and until
	stands      bool // the sound's timestamps stand still in between
	slowFrom    time.Duration
	slowBy      time.Duration // that the line adds from then on
}

// moment is something that happens to a Reception.
type moment struct {
	at  time.Duration
	act func(r *Reception, now time.Time)
}

// stood is by how much the sound's timestamps are behind.
func (s sender) stood(truth time.Duration) uint32 {
	if !s.stands || truth < s.until {
		return 0
	}
	return uint32((s.until - s.from).Seconds() * 48_000)
}

func (s sender) moments(length time.Duration) []moment {
	random := rand.New(rand.NewPCG(3, 4))
	start := time.Unix(1_800_000_000, 0)
	late := func(fixed time.Duration) time.Duration {
		return fixed + time.Duration(random.Int64N(int64(s.jitter)+1))
	}
	arrives := func(truth, fixed time.Duration) time.Duration {
		if s.slowBy > 0 && truth >= s.slowFrom {
			fixed += s.slowBy
		}
		return truth + late(fixed)
	}
	var list []moment
	ticks := func(truth time.Duration, clock, base uint32, faster float64) uint32 {
		return base + uint32(uint64(math.Round(truth.Seconds()*float64(clock)*(1+faster))))
	}
	seq := uint16(60_000)
	for n := 0; ; n++ {
		truth := time.Duration(n) * time.Second / 30
		if truth > length {
			break
		}
		if truth > s.from && truth < s.until {
			continue
		}
		payload := otherFrame(truth)
		if n%60 == 0 {
			payload = keyFrame(truth)
		}
		p := &rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: ticks(truth, 90_000, 4_000_000_000, 0), Marker: true}, Payload: payload}
		seq++
		list = append(list, moment{arrives(truth, s.videoDelay), func(r *Reception, now time.Time) { r.Video(p, now) }})
	}
	if s.pauses {
		list = append(list, moment{s.from + 50*time.Millisecond, func(r *Reception, now time.Time) { r.Pause(now) }})
	}
	seq = 5
	for n := 0; ; n++ {
		truth := time.Duration(float64(n) * float64(20*time.Millisecond) / (1 + s.drift))
		if truth > length {
			break
		}
		if truth > s.from && truth < s.until || truth > s.silentFrom && truth < s.silentUntil {
			continue
		}
		p := &rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: 77 + uint32(n*960) - s.stood(truth)}, Payload: opusFrame(truth)}
		seq++
		list = append(list, moment{arrives(truth, s.audioDelay), func(r *Reception, now time.Time) { r.Audio(p, now) }})
	}
	for truth := time.Duration(0); truth < length; truth += 5 * time.Second {
		wall := start.Add(truth + time.Duration(random.Int64N(int64(2*s.noise)+1)) - s.noise)
		video, audio := ticks(truth, 90_000, 4_000_000_000, 0), ticks(truth, 48_000, 77, s.drift)-s.stood(truth)
		if s.reports {
			list = append(list, moment{arrives(truth, 0), func(r *Reception, _ time.Time) {
				r.VideoReport(ntp(wall), video)
				r.AudioReport(ntp(wall), audio)
			}})
		}
	}
	for at := time.Duration(0); at < length; at += 100 * time.Millisecond {
		list = append(list, moment{at, func(r *Reception, now time.Time) { r.Tick(now) }})
	}
	slices.SortStableFunc(list, func(a, b moment) int { return int(a.at - b.at) })
	return list
}

// seen is where in the file something is that was taken at a true time.
type seen struct{ truth, at time.Duration }

// spy is what is written, before it becomes bytes.
type spy struct{ video, audio []seen }

func (s *spy) Header() []byte { return nil }
func (s *spy) MIME() string   { return "" }
func (s *spy) Fragment(f mux.Fragment) []byte {
	s.video = append(s.video, times(f.Video, mux.VideoClock, 10)...)
	s.audio = append(s.audio, times(f.Audio, mux.AudioClock, 1)...)
	return nil
}

func times(list []mux.Sample, clock int64, at int) (out []seen) {
	for _, sample := range list {
		if len(sample.Data) < at+8 {
			continue // silence
		}
		when := time.Duration(sample.DTS+sample.Offset) * time.Second / time.Duration(clock)
		out = append(out, seen{time.Duration(binary.BigEndian.Uint64(sample.Data[at:])), when})
	}
	return out
}

// receive lets a sender send.
func (s sender) receive(length time.Duration) *spy {
	out := &spy{}
	r := New(Options{Video: mux.VP8, Audio: true, Write: func([]byte) {}})
	start := time.Unix(1_900_000_000, 0)
	var now time.Time
	for _, m := range s.moments(length) {
		now = start.Add(m.at)
		m.act(r, now)
		if r.file != nil {
			if _, ok := r.file.(*spy); !ok {
				r.file = out // the first fragment was written before
			}
		}
	}
	r.End(now)
	return out
}

// offsets tells how far pictures are from the sound of the same moment.
func (s *spy) offsets(t *testing.T, after time.Duration) (worst time.Duration) {
	t.Helper()
	n := 0
	for _, v := range s.video {
		for n+1 < len(s.audio) && s.audio[n+1].truth <= v.truth {
			n++
		}
		a := s.audio[n]
		if v.truth < after || v.truth-a.truth > 40*time.Millisecond || v.truth < a.truth {
			continue
		}
		off := (v.at - v.truth) - (a.at - a.truth)
		worst = max(worst, off.Abs())
	}
	require.NotEmpty(t, s.video)
	return worst
}

func TestPicturesStayBesideTheSound(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]sender{
		"no drift":             {reports: true, noise: time.Millisecond, jitter: 50 * time.Millisecond, videoDelay: 60 * time.Millisecond},
		"fast sound":           {reports: true, drift: 300e-6, noise: 2 * time.Millisecond, jitter: 50 * time.Millisecond, videoDelay: 80 * time.Millisecond},
		"slow sound":           {reports: true, drift: -300e-6, noise: 2 * time.Millisecond, jitter: 50 * time.Millisecond, audioDelay: 80 * time.Millisecond},
		"nobody reports":       {drift: 300e-6, jitter: 50 * time.Millisecond},
		"sound comes and goes": {reports: true, drift: 100e-6, noise: time.Millisecond, jitter: 50 * time.Millisecond, silentFrom: 10 * time.Minute, silentUntil: 12 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.receive(30 * time.Minute)
			require.Less(t, got.offsets(t, 5*time.Second), 40*time.Millisecond)
			require.GreaterOrEqual(t, len(got.video), 30*60*30-100, "nothing is lost on the way")
			last := got.audio[len(got.audio)-1]
			require.InDelta(t, last.truth.Seconds()*(1+s.drift), last.at.Seconds(), 0.2, "the sound is not stretched")
			requireRising(t, got.video)
			requireRising(t, got.audio)
		})
	}
}

// TestWithoutCorrectionTheyDrift is the control: the drift of the test above
// is far more than what it allows.
func TestWithoutCorrectionTheyDrift(t *testing.T) {
	t.Parallel()
	require.Greater(t, time.Duration(300e-6*float64(30*time.Minute)), 10*40*time.Millisecond)
}

func requireRising(t *testing.T, list []seen) {
	t.Helper()
	for i := 1; i < len(list); i++ {
		require.Greater(t, list[i].at, list[i-1].at)
		require.Greater(t, list[i].truth, list[i-1].truth)
	}
}

// TestALineThatBecomesSlow holds both tracks up by the same, whenever that begins,
// and neither shows nor moves a picture.
func TestALineThatBecomesSlow(t *testing.T) {
	t.Parallel()
	for _, reports := range []bool{true, false} {
		for at := 20 * time.Second; at < 26*time.Second; at += 110 * time.Millisecond {
			s := sender{reports: reports, jitter: 5 * time.Millisecond, slowFrom: at, slowBy: 3 * time.Second}
			got := s.receive(time.Minute)
			require.Less(t, got.offsets(t, 5*time.Second), 40*time.Millisecond, "from %s", at)
			requireRising(t, got.video)
			requireRising(t, got.audio)
		}
	}
}

// TestAnOutageIsCutOut: a connection that comes back continues the recording
// where it ended.
func TestAnOutageIsCutOut(t *testing.T) {
	t.Parallel()
	s := sender{reports: true, jitter: 20 * time.Millisecond, from: 30 * time.Second, until: 75 * time.Second}
	got := s.receive(2 * time.Minute)
	require.Less(t, got.offsets(t, 5*time.Second), 40*time.Millisecond)
	requireRising(t, got.video)
	requireRising(t, got.audio)
	last := got.video[len(got.video)-1]
	require.InDelta(t, 120-45, last.at.Seconds(), 2.5)
	for i := 1; i < len(got.video); i++ {
		require.Less(t, got.video[i].at-got.video[i-1].at, 2*time.Second, "nobody watches a gap")
	}
}

// TestAPauseIsCutOut: the same for one that was told of, however short it is and
// whatever timestamps do meanwhile.
func TestAPauseIsCutOut(t *testing.T) {
	t.Parallel()
	for _, stands := range []bool{false, true} {
		for _, pause := range []time.Duration{time.Second, 3 * time.Second, 4 * time.Minute} {
			s := sender{reports: true, jitter: 20 * time.Millisecond, from: 30 * time.Second, until: 30*time.Second + pause, pauses: true, stands: stands}
			got := s.receive(time.Minute + pause)
			require.Less(t, got.offsets(t, 5*time.Second), 40*time.Millisecond, "%v %v", pause, stands)
			requireRising(t, got.video)
			requireRising(t, got.audio)
			last := got.video[len(got.video)-1]
			// the next key frame is up to two seconds away here, since nobody hears us ask for one
			require.InDelta(t, 60, last.at.Seconds(), 2.1, "%v %v", pause, stands)
			for i := 1; i < len(got.video); i++ {
				require.Less(t, got.video[i].at-got.video[i-1].at, 500*time.Millisecond, "%v %v", pause, stands)
			}
		}
	}
}

// TestPicturesDoNotGoBack: where the sound lies turns out to be seconds away from where
// it was, as its timestamps stood still for a while. Pictures catch up, and each is
// shown after the one before.
func TestPicturesDoNotGoBack(t *testing.T) {
	t.Parallel()
	for _, reports := range []bool{true, false} {
		for _, gap := range []time.Duration{1500 * time.Millisecond, 3 * time.Second, 4500 * time.Millisecond} {
			s := sender{reports: reports, jitter: 20 * time.Millisecond, from: 30 * time.Second, until: 30*time.Second + gap, stands: true}
			got := s.receive(time.Minute)
			requireRising(t, got.video)
			requireRising(t, got.audio)
			require.GreaterOrEqual(t, len(got.video), 30*int(60-gap.Seconds())-100, "nothing is lost on the way")
			require.Less(t, got.offsets(t, 30*time.Second+gap+15*time.Second), 40*time.Millisecond, "%v %v", reports, gap)
		}
	}
}

// TestOneWhoPausesAndGoesOn is not believed: what he leaves out later is an outage.
func TestOneWhoPausesAndGoesOn(t *testing.T) {
	t.Parallel()
	r := New(Options{Audio: true, Write: func([]byte) {}})
	now := time.Unix(1_900_000_000, 0)
	r.Pause(now)
	for n := range 200 {
		now = now.Add(20 * time.Millisecond)
		r.Audio(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(n), Timestamp: uint32(n * 960)}, Payload: opusFrame(0)}, now)
		r.Tick(now)
	}
	require.False(t, r.Paused())
}
