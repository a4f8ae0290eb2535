package hostile_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

// sample makes small honest files, which the tests then damage.
func samples(t *testing.T) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	video := []string{"-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=1.5"}
	both := append(slices.Clone(video), "-f", "lavfi", "-i", "sine=d=1.5", "-shortest")
	made := map[string][]byte{}
	for name, args := range map[string][]string{
		"plain.mp4":      append(both, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-movflags", "+faststart"),
		"fragments.mp4":  append(video, "-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-movflags", "frag_keyframe+empty_moov"),
		"recording.webm": append(both, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"),
		"camera.avi":     append(both, "-c:v", "mjpeg", "-c:a", "pcm_s16le"),
		"voice.mp3":      {"-f", "lavfi", "-i", "sine=d=1.5", "-c:a", "libmp3lame"},
		"cast.ts":        append(both, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"),
	} {
		path := filepath.Join(dir, name)
		ffmpegMakes(t, path, args...)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		made[name] = data
	}
	return made
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// containers are the boxes that hold boxes, and what comes before those.
func containers(kind string) (inside int, holds bool) {
	switch kind {
	case "moov", "trak", "mdia", "minf", "dinf", "stbl", "edts", "udta", "mvex", "moof", "traf", "mfra":
		return 8, true
	case "stsd", "dref":
		return 16, true
	}
	return 0, false
}

// boundaries are the places in an MP4 where a box begins or has just told its
// size.
func boundaries(data []byte, from, to int) []int {
	var cuts []int
	for at := from; at+8 <= to; {
		size := int(binary.BigEndian.Uint32(data[at:]))
		if size < 8 || at+size > to {
			break
		}
		cuts = append(cuts, at)
		if inside, holds := containers(string(data[at+4 : at+8])); holds {
			cuts = append(cuts, boundaries(data, at+inside, at+size)...)
		}
		at += size
	}
	return cuts
}

// TestCutAtEveryBox cuts files where their readers are least prepared.
func TestCutAtEveryBox(t *testing.T) {
	t.Parallel()
	made := samples(t)
	for _, name := range []string{"plain.mp4", "fragments.mp4"} {
		data := made[name]
		cuts := boundaries(data, 0, len(data))
		require.Greater(t, len(cuts), 30)
		t.Logf("%s: %d cuts", name, len(cuts))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, cut := range cuts[1:] {
				t.Run(strconv.Itoa(cut), func(t *testing.T) {
					t.Parallel()
					_ = suffer(t, write(t, name, data[:cut]))
				})
			}
		})
	}
	t.Run("whole", func(t *testing.T) { // the rig works on what is not cut
		t.Parallel()
		for name, data := range made {
			require.NoError(t, suffer(t, write(t, name, data)), name)
		}
	})
}

// TestFlippedBits damages files at random; the seed is printed.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for name, data := range samples(t) {
		for round := range 5 {
			damaged := bytes.Clone(data)
			// Mostly in the front, where the structure is.
			reach := len(damaged)
			if round%2 == 0 {
				reach = min(reach, 1500)
			}
			for range 1 << round {
				damaged[random.IntN(reach)] ^= 1 << random.IntN(8)
			}
			t.Run(fmt.Sprintf("%s %d", name, round), func(t *testing.T) {
				t.Parallel()
				_ = suffer(t, write(t, name, damaged))
			})
		}
	}
}

// TestHugeClaims are small files that claim to be something enormous.
func TestHugeClaims(t *testing.T) {
	t.Parallel()
	made := samples(t)
	plain := made["plain.mp4"]
	for name, c := range map[string]struct {
		file string
		data []byte
		// says is in the sentence; empty for a file that is used as far as it goes.
		says string
	}{
		"picture of 16383 × 16383":      {"huge.webm", hugeVP8(t, made["recording.webm"]), "damaged, cut off"},
		"photos of 65500 × 65500":       {"huge.avi", chunkedPhotos(65500, 65500), "not a video or audio recording"},
		"three thousand tracks":         {"tracks.mp4", repeatTrack(t, plain, 3000), "damaged, cut off"},
		"a billion seconds":             {"long.mp4", lasting(t, plain, 1_000_000_000), ""},
		"twenty hours":                  {"long.mp4", lasting(t, plain, 20*3600), "lasts 20 hours"},
		"a billion seconds in Matroska": {"long.webm", webmLasting(t, made["recording.webm"], 1e12), ""},
		"an endless recording":          {"endless.webm", webmLasting(t, made["recording.webm"], math.Inf(1)), ""},
		"a header that swells":          {"bomb.mov", swellingHeader(t, 0x7fffffff), "damaged, cut off"},
		"a header that swells less":     {"bomb.mov", swellingHeader(t, 200<<20), "not a video or audio recording"},
		"a table of a billion samples":  {"samples.mp4", tableOf(t, plain, 0x3fffffff), ""},
		"boxes in boxes in boxes":       {"deep.mp4", nested(20_000), "damaged, cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := suffer(t, write(t, c.file, c.data))
			if c.says != "" {
				require.Error(t, err)
				require.Contains(t, ffmpeg.Sentence(err), c.says, "%v", err)
				require.True(t, ffmpeg.IsPermanent(err), "%v", err)
			}
		})
	}
}

// TestDecodeBomb: files that are one large photo, over and over again.
func TestDecodeBomb(t *testing.T) {
	t.Parallel()
	bomb := func(width, height uint16) movie {
		path := filepath.Join(t.TempDir(), "photo.jpg")
		ffmpegMakes(t, path, "-f", "lavfi", "-i", fmt.Sprintf("color=black:s=%dx%d:r=1:d=1", width, height), "-frames:v", "1", "-q:v", "31")
		photo, err := os.ReadFile(path)
		require.NoError(t, err)
		return movie{photo: photo, width: width, height: height, count: 2000, rate: 2000}
	}
	fast := bomb(8192, 4320)
	err := suffer(t, write(t, "fast.mov", fast.bytes()))
	require.ErrorContains(t, err, "more than Meanwhile converts")
	slow := bomb(2560, 1440)
	slow.rate = 1
	require.NoError(t, suffer(t, write(t, "slow.mov", slow.bytes())), "span by span, each within its limits")
	slow.width, slow.height = 16, 16 // the header lies, the photos do not
	_ = suffer(t, write(t, "lying.mov", slow.bytes()))
}

// replace overwrites what follows a mark, which must be there.
func replace(t *testing.T, data []byte, mark string, skip int, value []byte) []byte {
	t.Helper()
	out := bytes.Clone(data)
	at := bytes.Index(out, []byte(mark))
	require.GreaterOrEqual(t, at, 0, "%q", mark)
	copy(out[at+len(mark)+skip:], value)
	return out
}

// hugeVP8 changes the size in the first key frame (RFC 6386, 9.1).
func hugeVP8(t *testing.T, webm []byte) []byte {
	t.Helper()
	return replace(t, webm, "\x9d\x01\x2a", 0, []byte{0xff, 0x3f, 0xff, 0x3f})
}

func chunkedPhotos(width, height uint16) []byte {
	video := chunk("LIST", []byte("strl"),
		chunk("strh", []byte("vidsMJPG"), words(0, 0, 0, 1, 25, 0, 50, 0, 0, 0), make([]byte, 8)),
		chunk("strf", words(40, uint32(width), uint32(height), 24<<16|1), []byte("MJPG"), words(0, 0, 0, 0, 0)))
	header := chunk("LIST", []byte("hdrl"), chunk("avih", words(40000, 0, 0, 0x10, 50, 0, 1, 0, uint32(width), uint32(height), 0, 0, 0, 0)), video)
	var photos [][]byte
	for range 50 {
		photos = append(photos, chunk("00dc", jpegFrame(width, height)))
	}
	return chunk("RIFF", []byte("AVI "), header, chunk("LIST", append([][]byte{[]byte("movi")}, photos...)...))
}

// repeatTrack copies the first track of a file whose moov comes first.
func repeatTrack(t *testing.T, data []byte, n int) []byte {
	t.Helper()
	moov, trak := bytes.Index(data, []byte("moov"))-4, bytes.Index(data, []byte("trak"))-4
	require.Greater(t, trak, moov)
	size := int(binary.BigEndian.Uint32(data[trak:]))
	copies := bytes.Repeat(data[trak:trak+size], n)
	out := append(bytes.Clone(data[:trak]), copies...)
	out = append(out, data[trak:]...)
	binary.BigEndian.PutUint32(out[moov:], binary.BigEndian.Uint32(out[moov:])+uint32(len(copies)))
	return out
}

// lasting gives the movie and every track a clock of seconds, and samples that
// last so long.
func lasting(t *testing.T, data []byte, seconds uint32) []byte {
	t.Helper()
	movie := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 1), seconds)
	out := replace(t, data, "mvhd", 12, movie)
	for at := 0; ; {
		next := bytes.Index(out[at:], []byte("mdhd"))
		if next < 0 {
			return out
		}
		at += next + 4
		copy(out[at+12:], movie)
		stts := at + bytes.Index(out[at:], []byte("stts"))
		count := binary.BigEndian.Uint32(out[stts+12:])
		binary.BigEndian.PutUint32(out[stts+16:], seconds/count)
	}
}

// webmLasting changes Duration (0x4489, a float of eight bytes), in milliseconds.
func webmLasting(t *testing.T, data []byte, milliseconds float64) []byte {
	t.Helper()
	return replace(t, data, "\x44\x89\x88", 0, binary.BigEndian.AppendUint64(nil, math.Float64bits(milliseconds)))
}

// swellingHeader is a compressed moov (QuickTime's cmov) of nothing, and much.
func swellingHeader(t *testing.T, size uint32) []byte {
	t.Helper()
	var squeezed bytes.Buffer
	z := zlib.NewWriter(&squeezed)
	_, err := z.Write(make([]byte, 64<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	cmov := isoBox("cmov", isoBox("dcom", []byte("zlib")), isoBox("cmvd", binary.BigEndian.AppendUint32(nil, size), squeezed.Bytes()))
	return append(isoBox("ftyp", []byte("qt  \x00\x00\x00\x00qt  ")), isoBox("moov", cmov)...)
}

// tableOf says that a track has so many samples of one byte.
func tableOf(t *testing.T, data []byte, samples uint32) []byte {
	t.Helper()
	out := replace(t, data, "stsz", 4, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 1), samples))
	return replace(t, out, "stts", 8, binary.BigEndian.AppendUint32(nil, samples))
}

// nested puts boxes into each other.
func nested(depth int) []byte {
	var out []byte
	for i := range depth {
		out = binary.BigEndian.AppendUint32(out, uint32((depth-i)*8))
		out = append(out, "moov"...)
	}
	return append(isoBox("ftyp", []byte("isom\x00\x00\x00\x00isom")), out...)
}
