package container

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireSane checks what holds for every file, however broken, and returns what was found in it.
func requireSane(t testing.TB, b []byte, seed uint64) indexed {
	t.Helper()
	want := index(b)
	require.NotNil(t, want.Header)
	require.NotEmpty(t, want.Header.Format)
	at := int64(0)
	for _, f := range want.Fragments {
		require.GreaterOrEqual(t, f.Offset, max(at, want.Header.Length))
		require.Positive(t, f.Length)
		at = f.Offset + f.Length
		require.LessOrEqual(t, at, int64(len(b)))
		require.GreaterOrEqual(t, f.Start, time.Duration(0))
		require.GreaterOrEqual(t, f.Duration, time.Duration(0))
		_, err := unpackSamples(f.Samples, f.Offset)
		require.NoError(t, err)
	}
	if want.Reason == "" && want.Header.Layout == LayoutFragmented {
		require.NotEmpty(t, want.Fragments)
	}
	want.Header.WebSafe()
	_, _ = TwinMP4([]Piece{{Header: want.Header, Fragments: want.Fragments}}, int64(len(b)))
	_, skip, _ := WebMHead(want.Header, b[:min(want.Header.Length, int64(len(b)))], want.Fragments)
	require.LessOrEqual(t, skip, int64(len(b)))

	repaired, err := io.ReadAll(Repair(bytes.NewReader(b)))
	require.NoError(t, err)
	require.Len(t, repaired, len(b))

	rnd := rand.New(rand.NewPCG(seed, 7))
	x := NewIndexer()
	var got indexed
	for size := 0; size < len(b); {
		n := min(1+rnd.IntN(1+rnd.IntN(1+len(b))), len(b)-size)
		_, _ = x.Write(b[size : size+n])
		size += n
		got.Fragments = append(got.Fragments, x.Fragments()...)
		if rnd.IntN(3) == 0 {
			var cp Checkpoint
			x, cp = viaCheckpoint(t, x)
			if cp.Next > int64(size) {
				break // the rest is passed over, or never comes
			}
			size = int(cp.Next)
			if cp.Want > int64(len(b)) {
				_, _ = x.Write(b[size:])
				break
			}
		}
	}
	if x.pos <= int64(len(b)) && !x.dead && x.pos-x.skip+int64(len(x.buf)) < int64(len(b)) {
		_, _ = x.Write(b[x.pos:])
	}
	got.Fragments = append(got.Fragments, x.FinishAt(int64(len(b)))...)
	got.Header, got.Reason = x.Header(), x.Reason()
	require.Equal(t, want, got)
	return want
}

var tinyFiles = []string{"tiny.mp4", "tiny.webm", "tiny-plain.mp4"}

func TestTruncatedAnywhere(t *testing.T) {
	t.Parallel()
	for _, name := range tinyFiles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := recording(t, name)
			whole := index(b)
			for cut := range b {
				got := index(b[:cut])
				require.NotNil(t, got.Header, "cut at %d", cut)
				for i, f := range got.Fragments {
					require.LessOrEqual(t, f.Offset+f.Length, int64(cut))
					if i+1 < len(got.Fragments) {
						require.Equal(t, whole.Fragments[i], f)
					}
				}
				if len(got.Fragments) == 0 && cut < len(b)/2 {
					require.NotEmpty(t, got.Reason, "cut at %d", cut)
				}
			}
		})
	}
}

func TestFlippedBits(t *testing.T) {
	t.Parallel()
	for _, name := range tinyFiles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := recording(t, name)
			rnd := rand.New(rand.NewPCG(3, 4))
			for i := range 1500 {
				broken := bytes.Clone(b)
				for range 1 + i%4 {
					at := rnd.IntN(len(b))
					if i%2 == 0 { // headers are where it hurts
						at = rnd.IntN(min(len(b), 2000))
					}
					broken[at] ^= 1 << rnd.IntN(8)
				}
				requireSane(t, broken, uint64(i))
			}
		})
	}
}

func TestImpossibleSizes(t *testing.T) {
	t.Parallel()
	b := recording(t, "tiny.mp4")
	moof := bytes.Index(b, []byte("moof")) - 4
	for _, at := range []int{0, bytes.Index(b, []byte("moov")) - 4, moof, moof + 8, bytes.Index(b, []byte("mdat")) - 4, bytes.Index(b, []byte("trun")) - 4, bytes.Index(b, []byte("stsd")) - 4} {
		for _, size := range []uint32{0, 1, 2, 7, 8, 9, 15, 1 << 31, math.MaxUint32} {
			broken := bytes.Clone(b)
			binary.BigEndian.PutUint32(broken[at:], size)
			requireSane(t, broken, 1)
		}
		for _, size := range []uint64{0, 1, 15, 16, 1 << 62, 1 << 63, math.MaxUint64} {
			broken := bytes.Clone(b[:at+8])
			binary.BigEndian.PutUint32(broken[at:], 1)
			broken = append(binary.BigEndian.AppendUint64(broken, size), b[at+8:]...)
			requireSane(t, broken, 2)
		}
	}
	w := recording(t, "tiny.webm")
	for at := range 700 {
		for _, size := range [][]byte{{0x80}, {0xFF}, {0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, {0x01, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, {0}} {
			broken := bytes.Clone(w)
			copy(broken[at:], size)
			requireSane(t, broken, uint64(at))
		}
	}
}

// hostileMoov is a header with so many tracks, each with a trex.
func hostileMoov(tracks int) []byte {
	var w boxes
	w.box("ftyp", func() { w.text("isom\x00\x00\x02\x00isom") })
	w.box("moov", func() {
		for i := range tracks {
			t := &twinTrack{Track: Track{ID: uint64(i + 1), Kind: KindVideo, Timescale: 1000}}
			t.entry = append([]byte{0, 0, 0, 86}, append([]byte("avc1"), make([]byte, 78)...)...)
			m := twin{timescale: 1000}
			m.box("trak", func() { m.trak(t, uint32(i+1)) })
			w.raw(m.b)
		}
		w.box("mvex", func() {
			for i := range tracks {
				w.box("trex", func() { w.u32(0, uint32(i+1), 1, 0, 0, 0) })
			}
		})
	})
	return w.b
}

func TestManyTracks(t *testing.T) {
	t.Parallel()
	got := requireSane(t, hostileMoov(10_000), 1)
	require.Equal(t, errManyTracks.Error(), got.Reason)
	require.Equal(t, LayoutPlain, got.Header.Layout)

	var entries, w ebmlWriter
	for i := range 10_000 {
		var entry ebmlWriter
		entry.element(0xD7, []byte{byte(i >> 8), byte(i)})
		entry.element(0x83, []byte{1})
		entries.element(0xAE, entry.b)
	}
	w.element(idEBML, nil)
	w.head(idSegment, 1<<56-1)
	w.element(idTracks, entries.b)
	got = requireSane(t, w.b, 1)
	require.Equal(t, errManyTracks.Error(), got.Reason)
}

func TestManySamples(t *testing.T) {
	t.Parallel()
	w := boxes{b: hostileMoov(1)}
	w.box("moof", func() {
		for range 1000 {
			w.box("traf", func() {
				w.box("tfhd", func() { w.u32(0x20000, 1) })
				w.box("trun", func() { w.u32(0, math.MaxUint32) })
			})
		}
	})
	w.box("mdat", func() { w.zero(100) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := index(w.b)
	runtime.ReadMemStats(&after)
	require.Equal(t, errManySamples.Error(), got.Reason)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20))
}

func TestDeepNesting(t *testing.T) {
	t.Parallel()
	deep := func(kind string) []byte {
		const depth = 1 << 18
		b := make([]byte, 0, 8*depth)
		for i := range depth {
			b = binary.BigEndian.AppendUint32(b, uint32(8*(depth-i)))
			b = append(b, kind...)
		}
		return b
	}
	for _, kind := range []string{"moov", "trak", "moof", "traf", "edts"} {
		requireSane(t, deep(kind), 1)
	}
	w := ebmlWriter{}
	w.element(idEBML, nil)
	w.head(idSegment, 1<<56-1)
	for range 1000 {
		w.head(idCluster, 1<<56-1)
	}
	requireSane(t, w.b, 1)
}

func TestNotVideos(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"nothing":      nil,
		"one byte":     {0},
		"text":         []byte("#EXTM3U\n#EXTINF:1\nfile:///etc/passwd\n"),
		"zeros":        make([]byte, 4096),
		"ftyp only":    []byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"),
		"html":         []byte("<!doctype html><title>x</title>"),
		"EBML only":    {0x1A, 0x45, 0xDF, 0xA3, 0x80, 0, 0, 0, 0, 0, 0, 0, 0},
		"RIFF":         []byte("RIFF\x00\x10\x00\x00AVI LIST\x00\x00\x00\x00"),
		"endless mdat": append([]byte("\x00\x00\x00\x00mdat"), make([]byte, 1000)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := requireSane(t, b, 1)
			require.NotEmpty(t, got.Reason)
			require.False(t, got.Header.WebSafe())
		})
	}
}

// TestBoundedMemory feeds an hour that is one cluster or one moof, and sizes that promise more than comes.
func TestBoundedMemory(t *testing.T) {
	t.Parallel()
	x := NewIndexer()
	_, _ = x.Write(recording(t, "vp9-opus.webm")) // its last cluster has no size
	block := []byte{0xA3, 0x85, 0x81, 0, 0, 0, 0} // a block of one byte
	for range 400_000 {
		_, _ = x.Write(block)
	}
	require.NotEmpty(t, x.Reason())
	require.Empty(t, x.group.tracks)

	x = NewIndexer()
	_, _ = x.Write([]byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00\x7F\xFF\xFF\xFFmoov"))
	require.Contains(t, x.Reason(), "64 MiB")
	require.Nil(t, x.buf)
}

func FuzzIndexer(f *testing.F) {
	for _, name := range tinyFiles {
		f.Add(recording(f, name), uint64(1))
	}
	f.Add(recording(f, "opus.mp4")[:5000], uint64(2))
	f.Add(recording(f, "opus.webm")[:3000], uint64(3))
	f.Add(hostileMoov(2), uint64(4))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		requireSane(t, b, seed)
	})
}

func FuzzSamples(f *testing.F) {
	for _, name := range tinyFiles {
		for _, fragment := range index(recording(f, name)).Fragments {
			f.Add(fragment.Samples)
		}
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = unpackSamples(b, 0)
		h := &Header{Format: FormatMP4, Tracks: []Track{{ID: 1, Kind: KindVideo, Timescale: 1000, Entry: make([]byte, 100)}}}
		_, _ = TwinMP4([]Piece{{Header: h, Fragments: []Fragment{{Length: 1 << 40, Samples: b}}}}, 1<<40)
	})
}
