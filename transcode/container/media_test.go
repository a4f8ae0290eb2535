package container

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// command runs a program and returns its output; anything it has to complain about fails the test.
func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s %v: %s", name, args, stderr.String())
	require.Empty(t, stderr.String(), "%s %v", name, args)
	return string(out)
}

// encode makes a media file with ffmpeg.
func encode(t testing.TB, ext string, args ...string) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out."+ext)
	command(t, "ffmpeg", append(append([]string{"-v", "error", "-nostdin", "-threads", "1"}, args...), "-threads", "1", "-fflags", "+bitexact", name)...)
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return b
}

func save(t testing.TB, name string, parts ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, bytes.Join(parts, nil), 0o600))
	return path
}

// hashes returns the hash of each packet by stream, in order.
func hashes(t testing.TB, path string) map[string][]string {
	t.Helper()
	return column(command(t, "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0", "-c", "copy", "-f", "framehash", "-"), 5)
}

// pictures returns the presentation time and the hash of each decoded picture.
func pictures(t testing.TB, path string) map[string][]string {
	t.Helper()
	return column(command(t, "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0:v?", "-fps_mode", "passthrough", "-f", "framemd5", "-"), 5)
}

func column(table string, n int) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(table) {
		if fields := strings.Split(strings.TrimSpace(line), ","); len(fields) > n && !strings.HasPrefix(line, "#") {
			out[fields[0]] = append(out[fields[0]], strings.TrimSpace(fields[n]))
		}
	}
	return out
}

func seconds(t testing.TB, path, entry string) float64 {
	t.Helper()
	out := command(t, "ffprobe", "-v", "warning", "-show_entries", "format="+entry, "-of", "csv=p=0", path)
	s, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	require.NoError(t, err)
	return s
}

// sources are the kinds of file that people and programs make.
func sources(t *testing.T) map[string][]byte {
	t.Helper()
	video := []string{"-f", "lavfi", "-i", "testsrc2=s=160x90:r=15:d=7", "-f", "lavfi", "-i", "sine=d=7", "-g", "30"}
	late := []string{"-f", "lavfi", "-i", "testsrc2=s=160x90:r=15:d=7", "-itsoffset", "0.7", "-f", "lavfi", "-i", "sine=d=7", "-g", "30"}
	gaps := []string{"-f", "lavfi", "-i", "testsrc2=s=160x90:r=15:d=7,select='not(between(n,20,40))'", "-f", "lavfi", "-i", "sine=d=7", "-g", "30", "-fps_mode", "vfr"}
	h264 := func(in []string, args ...string) []byte {
		return encode(t, "mp4", append(append(slices.Clip(in), "-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac"), args...)...)
	}
	files := map[string][]byte{
		"keyed.mp4":      h264(video, "-movflags", "frag_keyframe+empty_moov+default_base_moof"),
		"edits.mp4":      h264(video, "-movflags", "frag_keyframe+empty_moov+default_base_moof+delay_moov"),
		"separate.mp4":   h264(video, "-movflags", "frag_keyframe+empty_moov+separate_moof+default_base_moof"),
		"short.mp4":      h264(video, "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "300000"),
		"late audio.mp4": h264(late, "-movflags", "frag_keyframe+empty_moov+default_base_moof"),
		"variable.mp4":   h264(gaps, "-movflags", "frag_keyframe+empty_moov+default_base_moof"),
		"audio.mp4":      encode(t, "mp4", "-f", "lavfi", "-i", "sine=d=7", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "300000"),
		"live.webm":      encode(t, "webm", append(slices.Clip(video), "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-live", "1")...),
		"file.webm":      encode(t, "webm", append(slices.Clip(video), "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")...),
		"frames.mkv":     encode(t, "mkv", append(slices.Clip(video), "-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac")...),
	}
	for _, name := range recordings {
		files["recording "+name] = recording(t, name)
	}
	return files
}

func TestSources(t *testing.T) {
	t.Parallel()
	for name, b := range sources(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := index(b)
			require.Empty(t, got.Reason)
			requireFragments(t, filepath.Ext(name), b, got)
			path := save(t, strings.ReplaceAll(name, " ", "-"), b)
			if got.Header.Format == FormatWebM {
				head, skip, err := WebMHead(got.Header, b[:got.Header.Length], got.Fragments)
				require.NoError(t, err)
				last := got.Fragments[len(got.Fragments)-1]
				requireSame(t, path, save(t, "head.webm", head, b[skip:last.Offset+last.Length]), got)
			}
			head, err := TwinMP4([]Piece{{Header: got.Header, Fragments: got.Fragments}}, int64(len(b)))
			if got.Header.Format == FormatWebM && err != nil { // VP8, and what Matroska adds
				require.ErrorIs(t, err, ErrNoTwin)
				return
			}
			require.NoError(t, err)
			requireSame(t, path, save(t, "twin.mp4", head, b), got)
		})
	}
}

// requireSame compares a file with the source it was made of.
func requireSame(t *testing.T, source, made string, got indexed) {
	t.Helper()
	require.Equal(t, hashes(t, source), hashes(t, made))
	require.Equal(t, pictures(t, source), pictures(t, made))
	last := got.Fragments[len(got.Fragments)-1]
	require.InDelta(t, (last.Start + last.Duration).Seconds(), seconds(t, made, "duration"), 0.75)
	if got.Header.Tracks[got.Header.Main()].Kind == KindVideo && got.Header.Format == FormatMP4 {
		require.Equal(t, keyTimes(t, source), keyTimes(t, made))
	}
}

// keyTimes returns when the key frames are shown.
func keyTimes(t *testing.T, path string) (times []string) {
	t.Helper()
	for line := range strings.Lines(command(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", path)) {
		if at, flags, _ := strings.Cut(line, ","); strings.HasPrefix(flags, "K") {
			times = append(times, at)
		}
	}
	return times
}

// requireFragments checks that fragments start on key frames, follow each other and decode by themselves.
func requireFragments(t *testing.T, ext string, b []byte, got indexed) {
	t.Helper()
	require.GreaterOrEqual(t, len(got.Fragments), 3)
	var start time.Duration
	for i, f := range got.Fragments {
		require.True(t, f.Key)
		require.Greater(t, f.Duration, time.Duration(0))
		require.GreaterOrEqual(t, f.Start, start)
		start = f.Start
		if i+1 < len(got.Fragments) {
			require.Greater(t, f.Duration, 1400*time.Millisecond)
		}
		path := save(t, "one"+ext, b[:got.Header.Length], b[f.Offset:f.Offset+f.Length])
		command(t, "ffmpeg", "-v", "fatal", "-xerror", "-nostdin", "-i", path, "-f", "null", "-")
	}
}

func TestPlaylistPlays(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"avc3-opus.mp4", "opus.mp4"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := recording(t, name)
			got := index(b)
			source := save(t, name, b)
			p := MediaPlaylist{Inits: []InitRef{{URI: name, Length: got.Header.Length}}, Ended: true, Independent: true}
			for _, f := range got.Fragments {
				p.Segments = append(p.Segments, Segment{URI: name, Offset: f.Offset, Length: f.Length, Start: f.Start, Duration: f.Duration})
			}
			list := filepath.Join(filepath.Dir(source), "list.m3u8")
			require.NoError(t, os.WriteFile(list, p.Render(), 0o600))
			require.Equal(t, pictures(t, source), pictures(t, list))
			require.InDelta(t, seconds(t, source, "duration"), seconds(t, list, "duration"), 0.1)
		})
	}
}

func TestPlainFiles(t *testing.T) {
	t.Parallel()
	in := []string{"-f", "lavfi", "-i", "testsrc2=s=160x90:r=15:d=3", "-f", "lavfi", "-i", "sine=d=3"}
	for _, c := range []struct {
		name, ext string
		args      []string
		safe      bool
	}{
		{"moov at the end", "mp4", []string{"-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"}, true},
		{"moov in front", "mp4", []string{"-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "faststart"}, true},
		{"QuickTime", "mov", []string{"-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"}, true},
		{"VP9 and Opus", "mp4", []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus", "-strict", "-2"}, true},
		{"4:4:4", "mp4", []string{"-c:v", "libx264", "-pix_fmt", "yuv444p", "-c:a", "aac"}, false},
		{"MPEG-4 part 2", "mp4", []string{"-c:v", "mpeg4", "-c:a", "aac"}, false},
		{"HEVC", "mp4", []string{"-c:v", "libx265", "-x265-params", "log-level=none", "-c:a", "aac"}, false},
		{"absolute offsets", "mp4", []string{"-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"}, true},
		{"PCM", "mov", []string{"-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := index(encode(t, c.ext, append(slices.Clip(in), c.args...)...))
			require.Equal(t, LayoutPlain, got.Header.Layout)
			require.Equal(t, c.safe, got.Header.WebSafe(), "%+v", got.Header.Tracks)
			if c.name == "absolute offsets" {
				require.Equal(t, errAbsolute.Error(), got.Reason)
			} else {
				require.Empty(t, got.Reason)
				require.InDelta(t, 3, got.Header.Duration.Seconds(), 0.1)
			}
			require.Empty(t, got.Fragments)
			require.Equal(t, 160, got.Header.Tracks[0].Width)
		})
	}
}

// TestTwinOfLadder makes an MP4 of span objects and one audio object, as the download of a finished video is.
func TestTwinOfLadder(t *testing.T) {
	t.Parallel()
	whole := []string{"-f", "lavfi", "-i", "testsrc2=s=160x90:r=30:d=9"}
	h264 := []string{"-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-copyts", "-avoid_negative_ts", "disabled"}
	frag := []string{"-movflags", "frag_keyframe+empty_moov+default_base_moof+frag_discont"}
	span := func(from, to string) []byte {
		cut := []string{"-vf", "trim=start=" + from + ":end=" + to}
		return encode(t, "mp4", append(append(append(slices.Clip(whole), cut...), h264...), frag...)...)
	}
	bodies := [][]byte{span("0", "4"), span("4", "9"), encode(t, "mp4", append([]string{"-f", "lavfi", "-i", "sine=d=9", "-c:a", "aac"}, frag...)...)}
	var pieces []Piece
	base := int64(0)
	for i, b := range bodies {
		got := index(b)
		require.Empty(t, got.Reason)
		pieces = append(pieces, Piece{Header: got.Header, Fragments: got.Fragments, Base: base, Tracks: []string{KindVideo, KindVideo, KindAudio}[i]})
		base += int64(len(b))
	}
	head, err := TwinMP4(pieces, base)
	require.NoError(t, err)
	path := save(t, "download.mp4", append([][]byte{head}, bodies...)...)

	want := slices.Concat(pictures(t, save(t, "a.mp4", bodies[0]))["0"], pictures(t, save(t, "b.mp4", bodies[1]))["0"])
	require.Len(t, want, 270)
	require.Equal(t, want, pictures(t, path)["0"])
	require.Equal(t, hashes(t, save(t, "c.mp4", bodies[2]))["0"], hashes(t, path)["1"])
	require.InDelta(t, 9, seconds(t, path, "duration"), 0.05)

	_, err = TwinMP4(pieces, base/2)
	require.ErrorIs(t, err, ErrBounds)
	other := index(recording(t, "avc3-opus.mp4"))
	pieces = append(pieces, Piece{Header: other.Header, Fragments: other.Fragments, Tracks: KindVideo})
	_, err = TwinMP4(pieces, base)
	require.ErrorIs(t, err, ErrMixed)
}

func TestJSONOfHeader(t *testing.T) {
	t.Parallel()
	h := index(recording(t, "avc3-opus.mp4")).Header
	b, err := json.Marshal(h)
	require.NoError(t, err)
	require.Less(t, len(b), 2<<10)
	var back Header
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, *h, back)
}
