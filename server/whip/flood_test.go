package whip_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip"
)

// TestFarMoreThanAgreedIsNotKept: who sends many times the ceiling fills no disk.
func TestFarMoreThanAgreedIsNotKept(t *testing.T) {
	t.Parallel()
	const ceiling = 64_000 // bit/s: 16 KB of media are kept in a second
	r := newRig(t, whip.Limits{Bitrate: ceiling})
	c := newClient(t, r, wants{audio: true})
	c.publish(t, "ada")
	packet := append([]byte{0xfc}, bytes.Repeat([]byte{7}, 999)...) // 20 ms of Opus
	// Who stood still makes up for it: what is sent is far more than agreed in any case.
	most := func(took time.Duration) int { // and as much again for what is around it
		return int(took.Seconds()+2) * ceiling / 8 * 2 * 2
	}
	began, sent := time.Now(), 0
	for pace := time.NewTicker(2 * time.Millisecond); sent < 1_000_000 || sent < 2*most(time.Since(began)); {
		<-pace.C
		for due := int(time.Since(began)/(2*time.Millisecond)) * len(packet); sent < due; sent += len(packet) {
			require.NoError(t, c.audio.WriteSample(sampleOf(packet)))
		}
	}
	c.hangUp(t, "ada")
	took := time.Since(began)
	require.Less(t, most(took), sent, "the machine is too slow for this to mean anything")
	kept := len(r.tape(t, 0).bytes())
	require.Positive(t, kept)
	require.Less(t, kept, most(took))
}
