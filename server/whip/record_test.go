package whip_test

import (
	"bytes"
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
			sent := peer.send(t, c, tone)
			peer.hangUp(t, "ada")
			tape := r.tape(t, 0)
			require.True(t, tape.over(), "whole when DELETE is answered")
			requireShown(t, sent, hashes(t, tape.file(t)), true)
			requireFragments(t, tape, codec, sent)
		})
	}
}

// requireFragments checks that the file plays while it grows.
func requireFragments(t *testing.T, r *tape, codec mux.Codec, sent *take) {
	t.Helper()
	header, fragments := indexed(t, r)
	require.GreaterOrEqual(t, len(fragments), 2)
	for i, f := range fragments {
		require.True(t, f.Key)
		require.LessOrEqual(t, f.Duration.Seconds(), 2.3+sent.stood.Seconds())
		if i > 0 {
			before := fragments[i-1]
			require.Equal(t, before.Offset+before.Length, f.Offset)
			require.InDelta(t, (before.Start + before.Duration).Seconds(), f.Start.Seconds(), 0.002)
		}
	}
	last := fragments[len(fragments)-1]
	seconds, give := sent.length()
	require.InDelta(t, seconds, (last.Start + last.Duration).Seconds(), give)
	require.True(t, header.WebSafe(), header.Codecs())
	require.Len(t, header.Tracks, 2)
	require.Equal(t, 320, header.Tracks[0].Width)
	want := map[mux.Codec]string{mux.H264: "avc3.42", mux.VP8: "vp8", mux.VP9: "vp09.00.", mux.AV1: "av01.0."}[codec]
	require.True(t, strings.HasPrefix(header.Tracks[0].Codec, want), header.Tracks[0].Codec)
	require.Equal(t, "opus", header.Tracks[1].Codec)
}

func TestOnlySound(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{})
	c := newClient(t, r, wants{audio: true})
	c.publish(t, "ada")
	sent := c.send(t, clip{}, newTone(t, 5))
	c.hangUp(t, "ada")
	header, fragments := indexed(t, r.tape(t, 0))
	require.Len(t, header.Tracks, 1)
	require.Equal(t, container.KindAudio, header.Tracks[0].Kind)
	require.InDelta(t, 3, len(fragments), float64(sent.stills), "of two seconds")
	run(t, "ffmpeg", "-v", "error", "-err_detect", "explode", "-xerror", "-i", r.tape(t, 0).file(t), "-f", "null", "-")
}

func TestOnlyPictures(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		codec mux.Codec
		audio bool // is promised and never comes
	}{{mux.H264, false}, {mux.VP8, true}} {
		film := newClip(t, x.codec, "320x240", 150)
		r := newRig(t, whip.Limits{})
		c := newClient(t, r, wants{video: x.codec, audio: x.audio})
		c.publish(t, "ada")
		sent := c.send(t, film, nil)
		c.hangUp(t, "ada")
		header, _ := indexed(t, r.tape(t, 0))
		require.Len(t, header.Tracks, 1, "players wait for ever for a track that stays empty")
		requireShown(t, sent, hashes(t, r.tape(t, 0).file(t)), true)
	}
}

// TestSoundThatPauses: a microphone that is off leaves no hole in the track.
func TestSoundThatPauses(t *testing.T) {
	t.Parallel()
	clip, tone := newClip(t, mux.H264, "320x240", 180), newTone(t, 2)
	r := newRig(t, whip.Limits{})
	c := newClient(t, r, wants{video: mux.H264, audio: true})
	c.publish(t, "ada")
	sent := c.send(t, clip, tone) // it ends after two of six seconds
	c.hangUp(t, "ada")
	_, fragments := indexed(t, r.tape(t, 0))
	require.GreaterOrEqual(t, len(fragments), 3)
	path := r.tape(t, 0).file(t)
	requireShown(t, sent, hashes(t, path), true)
	times := strings.Fields(string(run(t, "ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path)))
	require.Greater(t, len(times), 200, "four seconds or more")
}

// TestTheSizeChanges turns and resizes the picture in mid-stream. The header
// stays true, and every picture is there, in its size.
func TestTheSizeChanges(t *testing.T) {
	t.Parallel()
	for _, codec := range []mux.Codec{mux.H264, mux.VP8, mux.VP9, mux.AV1} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			var all clip
			for _, size := range []string{"320x240", "640x360", "360x640", "320x240"} {
				part := newClip(t, codec, size, group)
				all.frames = append(all.frames, part.frames...)
				for range part.frames {
					all.hashes = append(all.hashes, size) // which is what is looked at
				}
			}
			r := newRig(t, whip.Limits{})
			c := newClient(t, r, wants{video: codec, audio: true})
			c.publish(t, "ada")
			sent := c.send(t, all, newTone(t, 4))
			c.hangUp(t, "ada")
			path := r.tape(t, 0).file(t)
			out := run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=width,height", "-of", "csv=p=0:s=x", path)
			out = bytes.ReplaceAll(out, []byte("x\n"), []byte("\n")) // where there is more to tell of a frame
			requireShown(t, sent, strings.Fields(string(out)), true)
			run(t, "ffmpeg", "-v", "error", "-err_detect", "explode", "-xerror", "-i", path, "-f", "null", "-")
			_, fragments := indexed(t, r.tape(t, 0))
			require.GreaterOrEqual(t, len(fragments), 2)
			for _, f := range fragments {
				require.True(t, f.Key)
			}
		})
	}
}

func indexed(t *testing.T, r *tape) (*container.Header, []container.Fragment) {
	t.Helper()
	index := container.NewIndexer()
	_, err := index.Write(r.bytes())
	require.NoError(t, err)
	fragments := append(index.Fragments(), index.Finish()...)
	require.Empty(t, index.Reason())
	return index.Header(), fragments
}
