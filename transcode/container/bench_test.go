package container

import (
	"testing"
	"time"
)

// recordingOf returns about so many bytes of a recording, made by repeating one's fragments; times are those of the first.
func recordingOf(b *testing.B, name string, size int) []byte {
	b.Helper()
	src := recording(b, name)
	got := index(src)
	body := src[got.Header.Length : got.Fragments[1].Offset+got.Fragments[1].Length]
	out := append([]byte(nil), src[:got.Header.Length]...)
	for len(out) < size {
		out = append(out, body...)
	}
	return out
}

// BenchmarkIndexer tells how many bytes a second one core indexes; a recording makes some 125 kB a second.
func BenchmarkIndexer(b *testing.B) {
	for _, name := range []string{"avc3-opus.mp4", "vp9-opus.webm"} {
		b.Run(name, func(b *testing.B) {
			src := recordingOf(b, name, 4<<20)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				x := NewIndexer()
				for at := 0; at < len(src); at += 16 << 10 {
					_, _ = x.Write(src[at:min(at+16<<10, len(src))])
					x.Fragments()
				}
				x.Finish()
			}
		})
	}
}

// BenchmarkResume is what each request of an upload costs: a checkpoint read, some bytes, a checkpoint written.
func BenchmarkResume(b *testing.B) {
	src := recording(b, "avc3-opus.mp4")
	x := NewIndexer()
	_, _ = x.Write(src[:60_000])
	x.Fragments()
	cp, h := x.Checkpoint(), x.Header()
	b.ReportAllocs()
	for b.Loop() {
		y := ResumeIndexer(h, cp)
		_, _ = y.Write(src[min(int(cp.Next), len(src)):])
		y.Fragments()
		y.Checkpoint()
	}
}

// BenchmarkTwinMP4 makes the head for half an hour.
func BenchmarkTwinMP4(b *testing.B) {
	src := recording(b, "avc3-opus.mp4")
	got := index(src)
	var fragments []Fragment
	for len(fragments) < 900 {
		fragments = append(fragments, got.Fragments[0])
	}
	pieces := []Piece{{Header: got.Header, Fragments: fragments}}
	b.ReportAllocs()
	for b.Loop() {
		head, err := TwinMP4(pieces, int64(len(src)))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(head)), "head-bytes")
	}
}

// BenchmarkRender renders the playlist of three hours.
func BenchmarkRender(b *testing.B) {
	list := MediaPlaylist{Inits: []InitRef{{URI: "stream.mp4", Length: 1234}}, Ended: true, Independent: true}
	for i := range 5400 {
		list.Segments = append(list.Segments, Segment{URI: "stream.mp4", Offset: int64(i) * 100_000, Length: 100_000, Start: time.Duration(i) * 2 * time.Second, Duration: 2 * time.Second})
	}
	for b.Loop() {
		list.Render()
	}
}
