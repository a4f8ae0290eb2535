package reception

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

// FuzzReception feeds whatever a peer may send, in any order and at any time.
// What comes out must be a file that can be indexed to its end.
func FuzzReception(f *testing.F) {
	key, sound := keyFrame(0), opusFrame(0)
	seed := []byte{1}
	for n := range byte(120) {
		seed = append(seed, 0, n, n*3, byte(len(key)))
		seed = append(append(seed, key...), 1, n, n, byte(len(sound)))
		seed = append(seed, sound...)
	}
	f.Add(seed)
	f.Add([]byte{0, 0, 0, 0, 5, 0x7C, 0x85, 1, 2, 3, 0, 1, 0, 4, 0x18, 0, 2, 0x67})
	f.Add([]byte{2, 0, 0, 0, 4, 0x8A, 0x80, 1, 0x82, 3, 0, 0, 255, 0})
	f.Add([]byte{3, 0, 0, 0, 6, 0x10, 0x0A, 0x0B, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		var file []byte
		codec := []mux.Codec{mux.H264, mux.VP8, mux.VP9, mux.AV1}[b[0]%4]
		r := New(Options{Video: codec, Audio: true, Write: func(chunk []byte) { file = append(file, chunk...) }})
		now := time.Unix(1_900_000_000, 0)
		for b = b[1:]; len(b) >= 4; {
			kind, seq, stamp, n := b[0], uint16(b[1]), uint32(b[2])*3000, int(b[3])
			b = b[4:]
			n = min(n, len(b))
			p := &rtp.Packet{Header: rtp.Header{SequenceNumber: seq | uint16(kind>>4)<<12, Timestamp: stamp << (kind >> 5), Marker: kind&2 == 0}, Payload: b[:n:n]}
			b = b[n:]
			switch {
			case kind&4 != 0 && n >= 12:
				r.VideoReport(binary.BigEndian.Uint64(p.Payload), binary.BigEndian.Uint32(p.Payload[8:]))
				r.AudioReport(binary.BigEndian.Uint64(p.Payload[4:]), binary.BigEndian.Uint32(p.Payload))
			case kind&1 == 0:
				r.Video(p, now)
			default:
				r.Audio(p, now)
			}
			now = now.Add(time.Duration(kind) * 10 * time.Millisecond)
			r.Tick(now)
			r.WantsKey(now)
			r.Missing(now)
		}
		r.End(now)
		if len(file) == 0 {
			return
		}
		index := container.NewIndexer()
		_, err := index.Write(file)
		require.NoError(t, err)
		index.Finish()
		require.Empty(t, index.Reason())
	})
}
