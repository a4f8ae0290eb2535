package ffmpeg_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

func TestSniffKnowsOurContainersOnly(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]ffmpeg.Format{
		"\x00\x00\x00\x18ftypisom....":     ffmpeg.MOV,
		"\x00\x00\x00\x08wide\x00\x00....": ffmpeg.MOV,
		"\x1a\x45\xdf\xa3...":              ffmpeg.Matroska,
		"RIFF\x00\x00\x00\x00AVI LIST":     ffmpeg.AVI,
		"RIFF\x00\x00\x00\x00WAVEfmt ":     ffmpeg.WAV,
		"OggS\x00":                         ffmpeg.Ogg,
		"ID3\x04\x00":                      ffmpeg.MP3,
		"\xff\xfb\x90\x00":                 ffmpeg.MP3,
		"\xff\xf1\x50\x80":                 ffmpeg.AAC,
	} {
		got, err := ffmpeg.Sniff([]byte(head))
		require.NoError(t, err, "%q", head)
		require.Equal(t, want, got, "%q", head)
	}
	for _, head := range []string{
		"", "#EXTM3U\n", "ffconcat version 1.0\n", "file '/etc/passwd'\n", "<?xml version=\"1.0\"?><MPD", "<svg xmlns", "\x89PNG\r\n", "\xff\xd8\xff\xe0",
		"\x00\x00\x00\x18ftypheic....", "%PDF-1.7", "#!/bin/sh", "PK\x03\x04", "[Script Info]", "\xff\xfe#\x00E\x00", "RIFF\x00\x00\x00\x00WEBP", "v=0\r\no=- 0 0 IN IP4",
		";FFMETADATA1", "YUV4MPEG2 W2 H2", "moov", "\x00\x00\x00\x00",
	} {
		_, err := ffmpeg.Sniff([]byte(head))
		require.True(t, ffmpeg.IsPermanent(err), "%q", head)
	}
}

// TestAPlaylistNeverReachesItsTarget forces each demuxer on files that name
// other files, whatever they are called.
func TestAPlaylistNeverReachesItsTarget(t *testing.T) {
	t.Parallel()
	secret := makeFile(t, "secret.ts", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1", "-c:v", "libx264")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"hls.mp4":    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + secret + "\n#EXT-X-ENDLIST\n",
		"concat.mkv": "ffconcat version 1.0\nfile '" + secret + "'\n",
		"dash.mp4":   `<?xml version="1.0"?><MPD><Period><AdaptationSet><Representation><BaseURL>` + secret + `</BaseURL></Representation></AdaptationSet></Period></MPD>`,
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := ffmpeg.SniffFile(path)
		require.Error(t, err)
		for _, format := range []ffmpeg.Format{ffmpeg.MOV, ffmpeg.Matroska, ffmpeg.AVI, ffmpeg.MPEGTS} {
			_, err := runner().Probe(t.Context(), ffmpeg.Input{Path: path, Format: format})
			require.Error(t, err, "%s as %s", name, format)
			require.NotContains(t, ffmpeg.Sentence(err), "inside the server")
		}
	}
}

func TestCodecsThatNobodyRecordsAreRefused(t *testing.T) {
	t.Parallel()
	path := makeFile(t, "old.avi", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1", "-c:v", "ffvhuff")
	dir := t.TempDir()
	_, err := runner().Run(t.Context(), ffmpeg.Command{Graph: copyGraph(ffmpeg.Input{Path: path, Format: ffmpeg.AVI}, dir+"/o.mp4"), Dir: dir, Limits: ffmpeg.Limits{Duration: time.Second}})
	require.True(t, ffmpeg.IsPermanent(err), "%v", err)
}

func TestTenThousandTracksAreRefusedQuickly(t *testing.T) {
	t.Parallel()
	path := makeFile(t, "one.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1", "-c:v", "libx264", "-movflags", "+faststart")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, manyTracks(t, data, 10_000), 0o600))
	began := time.Now()
	_, err = runner().Probe(t.Context(), ffmpeg.Input{Path: path, Format: ffmpeg.MOV})
	require.True(t, ffmpeg.IsPermanent(err), "%v", err)
	require.Contains(t, ffmpeg.Sentence(err), "damaged, cut off", "%v", err)
	require.Less(t, time.Since(began), 4*time.Minute, "it takes less than a second")
}

// manyTracks repeats the trak box of a file.
func manyTracks(t *testing.T, data []byte, n int) []byte {
	t.Helper()
	moov := bytes.Index(data, []byte("moov")) - 4
	trak := bytes.Index(data, []byte("trak")) - 4
	size := int(binary.BigEndian.Uint32(data[trak:]))
	copies := bytes.Repeat(data[trak:trak+size], n)
	out := append(bytes.Clone(data[:trak]), copies...)
	out = append(out, data[trak:]...)
	binary.BigEndian.PutUint32(out[moov:], binary.BigEndian.Uint32(out[moov:])+uint32(len(copies)))
	return out
}

func TestHugePicturesAreRefused(t *testing.T) {
	t.Parallel()
	path := makeFile(t, "huge.mkv", "-f", "lavfi", "-i", "color=s=12000x8000:r=1:d=1", "-c:v", "libx264", "-preset", "ultrafast")
	_, err := runner().Run(t.Context(), ffmpeg.Command{
		Graph: copyGraph(ffmpeg.Input{Path: path, Format: ffmpeg.Matroska}, "o.mp4"), Dir: t.TempDir(),
		Limits: ffmpeg.Limits{Duration: time.Second},
	})
	require.True(t, ffmpeg.IsPermanent(err), "%v", err)
}

func TestTruncatedAndEmptyFilesGetASentence(t *testing.T) {
	t.Parallel()
	whole := makeFile(t, "whole.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=3", "-c:v", "libx264")
	data, err := os.ReadFile(whole)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "cut.mp4")
	require.NoError(t, os.WriteFile(path, data[:len(data)/2], 0o600))
	_, err = runner().Probe(t.Context(), ffmpeg.Input{Path: path, Format: ffmpeg.MOV})
	require.Contains(t, ffmpeg.Sentence(err), "damaged, cut off")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = ffmpeg.SniffFile(path)
	require.Equal(t, "This file is empty.", ffmpeg.Sentence(err))
}

// TestNumbersAreNotBelieved feeds a WebM whose Duration is NaN, infinite,
// negative and absurd.
func TestNumbersAreNotBelieved(t *testing.T) {
	t.Parallel()
	path := makeFile(t, "n.webm", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=2", "-c:v", "libvpx")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	at := bytes.Index(data, []byte{0x44, 0x89, 0x88}) + 3
	require.Greater(t, at, 3)
	for _, value := range []float64{math.NaN(), math.Inf(1), -5000, 1e300, 49 * 24 * 3.6e6} {
		binary.BigEndian.PutUint64(data[at:], math.Float64bits(value))
		changed := filepath.Join(t.TempDir(), "n.webm")
		require.NoError(t, os.WriteFile(changed, data, 0o600))
		p, err := runner().Probe(t.Context(), ffmpeg.Input{Path: changed, Format: ffmpeg.Matroska})
		require.NoError(t, err)
		require.GreaterOrEqual(t, p.Duration, time.Duration(0))
		require.LessOrEqual(t, p.Duration, 24*time.Hour)
		k, err := runner().Keyframes(t.Context(), ffmpeg.Input{Path: changed, Format: ffmpeg.Matroska})
		require.NoError(t, err)
		require.InDelta(t, 2, (k.End - k.First).Seconds(), 0.1)
	}
}

func TestFFprobesOutputIsBoundedAndChecked(t *testing.T) {
	t.Parallel()
	in := ffmpeg.Input{Path: "x", Format: ffmpeg.MOV}
	for _, c := range []string{
		`yes '{"streams":[' | head -c 50000000`,
		`echo not json`,
		`echo '{"streams":[{"codec_type":"video","width":-5,"height":99999999}],"format":{}}'`,
		`exit 0`,
	} {
		_, err := script(t, c).Probe(t.Context(), in)
		require.True(t, ffmpeg.IsPermanent(err), "%s: %v", c, err)
	}
	p, err := script(t, `echo '{"streams":[{"codec_type":"video","width":64,"height":48,"sample_aspect_ratio":"0:0","avg_frame_rate":"1000000/1","start_time":"nan","time_base":"1/0"}],"format":{"duration":"-inf","start_time":"1e99"}}'`).Probe(t.Context(), in)
	require.NoError(t, err)
	require.Zero(t, p.Duration)
	require.Zero(t, p.Start)
	require.Zero(t, p.Video.FrameRate)
	require.Zero(t, p.Video.Timescale)
	_, err = script(t, `yes 'nan,nan,nan,K__' | head -c 20000000`).Keyframes(t.Context(), in)
	require.NoError(t, err)
}

func TestAPictureThatLiesOnItsSideIsTurned(t *testing.T) {
	t.Parallel()
	flat := makeFile(t, "flat.mp4", "-f", "lavfi", "-i", "testsrc2=s=128x72:d=1", "-c:v", "libx264")
	turned := makeFile(t, "turned.mp4", "-i", flat, "-c", "copy", "-metadata:s:v:0", "rotate=90")
	p, err := runner().Probe(t.Context(), ffmpeg.Input{Path: turned, Format: ffmpeg.MOV})
	require.NoError(t, err)
	require.True(t, p.Video.Turned)
	require.Equal(t, []int{72, 128}, []int{p.Video.Width, p.Video.Height})
}

// TestRenditionsKeepNothingOfTheFilesWords: where a recording was made, by whom
// and with what stays in the original.
func TestRenditionsKeepNothingOfTheFilesWords(t *testing.T) {
	t.Parallel()
	const canary = "+48.1374+011.5755/"
	in := makeFile(t, "in.mp4", "-f", "lavfi", "-i", "testsrc2=s=128x72:d=1", "-c:v", "libx264", "-metadata", "location="+canary, "-metadata", "comment="+canary,
		"-metadata", "artist="+canary, "-metadata:s:v:0", "handler_name="+canary, "-metadata:s:v:0", "title="+canary, "-movflags", "use_metadata_tags")
	raw, err := os.ReadFile(in)
	require.NoError(t, err)
	require.Contains(t, string(raw), canary, "the control: it is in the original")
	dir := t.TempDir()
	for _, out := range []string{"out.mp4", "out.jpg"} {
		options := ffmpeg.Options{"f": "mp4", "c:v": "libx264", "preset": "ultrafast", "movflags": "use_metadata_tags"}
		if out == "out.jpg" {
			options = ffmpeg.Options{"f": "image2", "c:v": "mjpeg", "frames:v": "1"}
		}
		_, err = runner().Run(t.Context(), ffmpeg.Command{Dir: dir, Graph: func(g *ffmpeg.Graph) {
			g.Output(filepath.Join(dir, out), options, g.Input(ffmpeg.Input{Path: in, Format: ffmpeg.MOV}).Video())
		}})
		require.NoError(t, err)
		made, err := os.ReadFile(filepath.Join(dir, out))
		require.NoError(t, err)
		require.NotContains(t, string(made), canary, out)
	}
}
