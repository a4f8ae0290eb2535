package whip_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/server/whip/mux"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

// TestEveryPictureIsThere publishes known content with each codec, and looks at
// every picture of the file that it makes.
func TestEveryPictureIsThere(t *testing.T) {
	t.Parallel()
	for _, codec := range []mux.Codec{mux.H264, mux.VP8, mux.VP9, mux.AV1} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			c, tone := newClip(t, codec, "320x240", 150), newTone(t, 5)
			r := newRig(t, whip.Limits{})
			peer := newClient(t, r, wants{video: codec, audio: true})
			peer.publish(t, "ada")
			peer.send(t, c.frames, tone)
			peer.hangUp(t, "ada")
			tape := r.tape(t, 0)
			require.True(t, tape.over(), "whole when DELETE is answered")
			require.Equal(t, c.hashes, hashes(t, tape.file(t)))
			requireFragments(t, tape, codec)
		})
	}
}

// requireFragments checks that the file plays while it grows.
func requireFragments(t *testing.T, r *tape, codec mux.Codec) {
	t.Helper()
	index := container.NewIndexer()
	_, err := index.Write(r.bytes())
	require.NoError(t, err)
	fragments := append(index.Fragments(), index.Finish()...)
	require.Empty(t, index.Reason())
	require.GreaterOrEqual(t, len(fragments), 2)
	for i, f := range fragments {
		require.True(t, f.Key)
		require.LessOrEqual(t, f.Duration.Seconds(), 2.3)
		if i > 0 {
			before := fragments[i-1]
			require.Equal(t, before.Offset+before.Length, f.Offset)
			require.InDelta(t, (before.Start + before.Duration).Seconds(), f.Start.Seconds(), 0.002)
		}
	}
	last := fragments[len(fragments)-1]
	require.InDelta(t, 5, (last.Start + last.Duration).Seconds(), 0.2)
	header := index.Header()
	require.True(t, header.WebSafe(), header.Codecs())
	require.Len(t, header.Tracks, 2)
	require.Equal(t, 320, header.Tracks[0].Width)
	want := map[mux.Codec]string{mux.H264: "avc3.42", mux.VP8: "vp8", mux.VP9: "vp09.00.", mux.AV1: "av01.0."}[codec]
	require.True(t, strings.HasPrefix(header.Tracks[0].Codec, want), header.Tracks[0].Codec)
	require.Equal(t, "opus", header.Tracks[1].Codec)
}
