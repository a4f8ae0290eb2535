package whip_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/webrtc/v4/pkg/media"
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
	began, sent := time.Now(), 0
	for pace := time.NewTicker(2 * time.Millisecond); sent < 1_000_000; sent += len(packet) {
		<-pace.C
		require.NoError(t, c.audio.WriteSample(media.Sample{Data: packet, Duration: 20 * time.Millisecond}))
	}
	took := time.Since(began)
	c.hangUp(t, "ada")
	most := int(took.Seconds()+2) * ceiling / 8 * 2 * 2 // and as much again for what is around it
	require.Less(t, most, sent, "the machine is too slow for this to mean anything")
	kept := len(r.tape(t, 0).bytes())
	require.Positive(t, kept)
	require.Less(t, kept, most)
}
