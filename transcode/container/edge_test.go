package container

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCodecStrings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, kind, box string
		config          []byte
	}{
		{"avc1.64001F", "avc1", "avcC", []byte{1, 0x64, 0, 0x1F, 0xFF}},
		{"avc3.42E01E", "avc3", "avcC", []byte{1, 0x42, 0xE0, 0x1E, 0xFF}},
		{"avc1", "avc1", "", nil},
		{"hvc1.1.6.L93.B0", "hvc1", "hvcC", []byte{1, 1, 0x60, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 93}},
		{"hev1.A2.4.H120", "hev1", "hvcC", []byte{1, 0x62, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 120}},
		{"hvc1", "hvc1", "hvcC", []byte{1}},
		{"vp09.02.51.10", "vp09", "vpcC", []byte{1, 0, 0, 0, 2, 51, 0xA2, 2, 2, 2, 0, 0}},
		{"av01.0.04M.08", "av01", "av1C", []byte{0x81, 4, 0x0C, 0}},
		{"av01.2.13H.12", "av01", "av1C", []byte{0x81, 0x4D, 0xE0, 0}},
		{"mp4a.40.2", "mp4a", "esds", []byte{0, 0, 0, 0, 3, 0x19, 0, 1, 0, 4, 0x11, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0x11, 0x90, 6, 1, 2}},
		{"mp4a.40.34", "mp4a", "esds", []byte{0, 0, 0, 0, 3, 0x80, 0x80, 0x19, 0, 1, 0, 4, 0x11, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0xF8, 0x40}},
		{"mp4a.6b", "mp4a", "esds", []byte{0, 0, 0, 0, 3, 0x19, 0, 1, 0, 4, 0x11, 0x6B, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"mp4a", "mp4a", "", nil},
		{"opus", "Opus", "", nil},
		{"flac", "fLaC", "", nil},
		{"a__b", "a\",b", "", nil},
	} {
		require.Equal(t, c.want, entryCodec(c.kind, map[string][]byte{c.box: c.config}))
	}
	require.Equal(t, "vp09.00.31.08", vp9Frame([]byte{0x82, 0x49, 0x83, 0x42, 0}, 1280, 720))
	require.Equal(t, "vp09.02.40.12", vp9Frame([]byte{0x92, 0x49, 0x83, 0x42, 0x80}, 1920, 1080))
	require.Equal(t, "vp09.01.10.08", vp9Private([]byte{1, 1, 1, 2, 1, 10, 3, 1, 8}))
}

// TestParameterSetsInBand takes a recording's parameter sets out of its header, as avc3 allows.
func TestParameterSetsInBand(t *testing.T) {
	t.Parallel()
	b := bytes.Clone(recording(t, "avc3-opus.mp4"))
	copy(b[bytes.Index(b, []byte("avcC"))+5:], []byte{0, 0, 0})
	want := index(b)
	require.Equal(t, "avc3.640C15", want.Header.Tracks[0].Codec)
	for cut := 1100; cut < 5000; cut++ {
		requireResumable(t, b, cut, want)
	}
	x := NewIndexer()
	_, _ = x.Write(b[:2000])
	require.Nil(t, x.Header(), "the header waits for the first key frame")
}

func TestAudioGoesOnAlone(t *testing.T) {
	t.Parallel()
	in := []string{"-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=4", "-f", "lavfi", "-i", "sine=d=35", "-g", "20"}
	for ext, args := range map[string][]string{
		"mp4":  {"-c:v", "libx264", "-tune", "zerolatency", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000"},
		"webm": {"-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-cluster_time_limit", "1000"},
	} {
		t.Run(ext, func(t *testing.T) {
			t.Parallel()
			got := index(encode(t, ext, append(slices.Clip(in), args...)...))
			require.GreaterOrEqual(t, len(got.Fragments), 4)
			end := got.Fragments[0].Start
			for _, f := range got.Fragments {
				require.True(t, f.Key)
				require.InDelta(t, end.Seconds(), f.Start.Seconds(), 0.1)
				end = f.Start + f.Duration
				require.Less(t, f.Duration, 13*time.Second)
			}
			last := got.Fragments[len(got.Fragments)-1]
			require.InDelta(t, 35, (last.Start + last.Duration).Seconds(), 0.2)
		})
	}
}

// TestSeveralKeyFramesInACluster checks that fragments are whole clusters, and that the Cues know all key frames.
func TestSeveralKeyFramesInACluster(t *testing.T) {
	t.Parallel()
	b := encode(t, "webm", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=9", "-g", "5", "-c:v", "libvpx", "-deadline", "realtime", "-cluster_time_limit", "4000")
	got := index(b)
	require.Empty(t, got.Reason)
	for _, f := range got.Fragments {
		require.Equal(t, []byte{0x1F, 0x43, 0xB6, 0x75}, b[f.Offset:f.Offset+4])
	}
	cues, duration, err := readCues(got.Header, got.Fragments)
	require.NoError(t, err)
	require.Len(t, cues, 18)
	require.InDelta(t, 9000, duration, 1)
	for _, c := range cues {
		require.Equal(t, []byte{0x1F, 0x43, 0xB6, 0x75}, b[c.cluster:c.cluster+4])
	}
}

func TestLacing(t *testing.T) {
	t.Parallel()
	payload := make([]byte, 1200)
	for name, c := range map[string]struct {
		flags byte
		head  []byte
		sizes []int64
	}{
		"none":  {0, nil, []int64{1200}},
		"Xiph":  {0x02, []byte{2, 255, 45, 100}, []int64{300, 100, 800}},
		"EBML":  {0x06, []byte{2, 0x41, 0x2C, 0x5F, 0x9B}, []int64{300, 200, 700}},
		"fixed": {0x04, []byte{3}, []int64{300, 300, 300, 300}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			head := append([]byte{0x81, 0, 5, c.flags}, c.head...)
			bl, ok := parseBlock(append(head, payload...), int64(len(head)+len(payload)))
			require.True(t, ok)
			require.Equal(t, c.sizes, bl.sizes)
			require.EqualValues(t, len(head), bl.head)
			require.EqualValues(t, 5, bl.time)
			for cut := range head {
				_, ok := parseBlock(head[:cut], int64(cut))
				require.False(t, ok)
			}
		})
	}
}

func TestSamplesRoundTrip(t *testing.T) {
	t.Parallel()
	g := group{start: 1000, end: 9000, marks: []int64{1000, 5000}, tracks: [][]sample{
		{{off: 1010, size: 90, dts: 1 << 40, dur: 512, cts: -3, key: true}, {off: 1100, size: 0, dts: 1<<40 + 512, dur: 512}, {off: 4000, size: 7, dts: 1<<40 + 1024, dur: -5, cts: 1 << 33}},
		nil,
		{{off: 1200, size: 1 << 31, dts: -700, dur: 20, key: true}},
	}}
	table, err := unpackSamples(packSamples(&g, []uint64{7, 8, 1 << 60}), 1000)
	require.NoError(t, err)
	require.Equal(t, g.marks, table.marks)
	require.Equal(t, map[uint64][]sample{7: g.tracks[0], 1 << 60: g.tracks[2]}, table.tracks)
}

func TestTwinBeyondFourGigabytes(t *testing.T) {
	t.Parallel()
	got := index(recording(t, "avc3-opus.mp4"))
	const far = 5 << 30
	head, err := TwinMP4([]Piece{{Header: got.Header, Fragments: got.Fragments, Base: far}}, far+200_000)
	require.NoError(t, err)
	require.Equal(t, "mdat", string(head[len(head)-12:len(head)-8]))
	require.Equal(t, uint64(far+200_000+16), binary.BigEndian.Uint64(head[len(head)-8:]))
	co64 := head[bytes.Index(head, []byte("co64"))+12:]
	require.Equal(t, uint64(len(head)+far+2136), binary.BigEndian.Uint64(co64))
}

func TestPlaylists(t *testing.T) {
	t.Parallel()
	p := MediaPlaylist{
		Inits: []InitRef{{URI: "source", Length: 700}, {URI: "b.mp4"}},
		Segments: []Segment{
			{URI: "source", Offset: 700, Length: 900, Duration: 2040 * time.Millisecond},
			{URI: "source", Offset: 1600, Length: 800, Start: 2030 * time.Millisecond, Duration: 1999999 * time.Microsecond},
			{URI: "b.mp4\n#EXT", Init: 1, Start: 5 * time.Second, Duration: time.Second, Discontinuity: true},
		},
		Independent: true,
		Target:      4 * time.Second,
	}
	require.Equal(t, `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="source",BYTERANGE="700@0"
#EXTINF:2.040000,
#EXT-X-BYTERANGE:900@700
source
#EXTINF:1.999999,
#EXT-X-BYTERANGE:800@1600
source
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="b.mp4"
#EXTINF:1.000000,
b.mp4#EXT
`, string(p.Render()))
	p.Ended, p.Target, p.Segments = true, 0, p.Segments[:2]
	require.Equal(t, `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:3
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="source",BYTERANGE="700@0"
#EXTINF:2.030000,
#EXT-X-BYTERANGE:900@700
source
#EXTINF:1.999999,
#EXT-X-BYTERANGE:800@1600
source
#EXT-X-ENDLIST
`, string(p.Render()))
	require.Equal(t, `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Mix '1'",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2500000,AVERAGE-BANDWIDTH=2000000,CODECS="avc1.64001F,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="a",NAME="720p"
720p.m3u8
`, string(RenderMaster(
		[]Variant{{URI: "720p.m3u8", Name: "720p", Codecs: "avc1.64001F,mp4a.40.2", Width: 1280, Height: 720, Bandwidth: 2_500_000, AverageBandwidth: 2_000_000, FrameRate: 30, AudioGroup: "a"}},
		[]AudioRendition{{Group: "a", Name: `Mix "1"`, URI: "audio.m3u8", Language: "en", Default: true}})))
	require.Equal(t, "avc3.640C15,opus", index(recording(t, "avc3-opus.mp4")).Header.Codecs())
}

func TestRepair(t *testing.T) {
	t.Parallel()
	b := recording(t, "avc3-opus.mp4")
	got := index(b)
	for _, f := range got.Fragments {
		src := b[f.Offset : f.Offset+f.Length]
		for _, r := range []io.Reader{bytes.NewReader(src), iotest.OneByteReader(bytes.NewReader(src))} {
			out, err := io.ReadAll(Repair(r))
			require.NoError(t, err)
			require.Len(t, out, len(src))
			different := 0
			for i := range src {
				if src[i] != out[i] {
					different++
				}
			}
			require.Equal(t, 2, different, "1008 became 2880 ticks")
			p := moofParser{header: got.Header, at: 0, next: make([]int64, 2)}
			require.NoError(t, p.parse(out[8:binary.BigEndian.Uint32(out)]))
			require.EqualValues(t, 2880, p.runs[1][len(p.runs[1])-1].dur)
		}
	}
	for _, name := range []string{"tiny.mp4", "tiny.webm", "vp9-opus.webm"} {
		src := recording(t, name)
		out, err := io.ReadAll(Repair(bytes.NewReader(src)))
		require.NoError(t, err)
		require.Len(t, out, len(src))
	}
}
