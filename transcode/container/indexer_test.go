package container

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// recordings are real MediaRecorder files of Chromium 156, 5.5 s each.
var recordings = []string{"avc3-opus.mp4", "opus.mp4", "vp9-opus.webm", "vp8-opus.webm", "opus.webm"}

func recording(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return b
}

// indexed is all that an Indexer tells about a file.
type indexed struct {
	Header    *Header
	Fragments []Fragment
	Reason    string
}

func index(b []byte) indexed {
	x := NewIndexer()
	_, _ = x.Write(b)
	return indexed{Fragments: x.Finish(), Header: x.Header(), Reason: x.Reason()}
}

// viaCheckpoint sends a checkpoint and a header through JSON, as a database does.
func viaCheckpoint(t testing.TB, x *Indexer) (*Indexer, Checkpoint) {
	t.Helper()
	cpJSON, err := json.Marshal(x.Checkpoint())
	require.NoError(t, err)
	headerJSON, err := json.Marshal(x.Header())
	require.NoError(t, err)
	var cp Checkpoint
	require.NoError(t, json.Unmarshal(cpJSON, &cp))
	var h *Header
	require.NoError(t, json.Unmarshal(headerJSON, &h))
	return ResumeIndexer(h, cp), cp
}

func TestIndexesRecordings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		format        Format
		codecs        []string
		width, height int
		fragments     int
	}{
		{"avc3-opus.mp4", FormatMP4, []string{"avc3.640C15", "opus"}, 320, 180, 3},
		{"opus.mp4", FormatMP4, []string{"opus"}, 0, 0, 3},
		{"vp9-opus.webm", FormatWebM, []string{"vp09.00.11.08", "opus"}, 320, 180, 3},
		{"vp8-opus.webm", FormatWebM, []string{"vp8", "opus"}, 320, 180, 3},
		{"opus.webm", FormatWebM, []string{"opus"}, 0, 0, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := index(recording(t, c.name))
			require.Empty(t, got.Reason)
			require.Equal(t, c.format, got.Header.Format)
			require.Equal(t, LayoutFragmented, got.Header.Layout)
			require.Len(t, got.Header.Tracks, len(c.codecs))
			for i, codec := range c.codecs {
				require.Equal(t, codec, got.Header.Tracks[i].Codec)
			}
			require.Equal(t, c.width, got.Header.Tracks[0].Width)
			require.Equal(t, c.height, got.Header.Tracks[0].Height)
			require.True(t, got.Header.WebSafe())
			require.Len(t, got.Fragments, c.fragments)
			end := got.Fragments[0].Start
			for i, f := range got.Fragments {
				require.True(t, f.Key)
				require.InDelta(t, end.Seconds(), f.Start.Seconds(), 0.06, "fragment %d starts where the last ended", i)
				end = f.Start + f.Duration
			}
			require.InDelta(t, 5.5, end.Seconds(), 0.3)
		})
	}
}

func TestAnySlicing(t *testing.T) {
	t.Parallel()
	for _, name := range recordings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := recording(t, name)
			want := index(b)
			for seed := range uint64(40) {
				rnd := rand.New(rand.NewPCG(seed, 1))
				x := NewIndexer()
				var got indexed
				for at := 0; at < len(b); {
					n := min(1+rnd.IntN(1<<rnd.IntN(17)), len(b)-at)
					_, _ = x.Write(b[at : at+n])
					at += n
					got.Fragments = append(got.Fragments, x.Fragments()...)
				}
				got.Fragments = append(got.Fragments, x.Finish()...)
				got.Header, got.Reason = x.Header(), x.Reason()
				require.Equal(t, want, got)
			}
		})
	}
}

func TestResumeAtEveryByte(t *testing.T) {
	t.Parallel()
	tiny := []string{"-f", "lavfi", "-i", "testsrc2=s=64x48:r=5:d=6", "-f", "lavfi", "-i", "sine=d=6", "-g", "10"}
	files := map[string][]byte{
		"opus.mp4":  recording(t, "opus.mp4"),
		"opus.webm": recording(t, "opus.webm"),
		"tiny.mp4":  encode(t, "mp4", append(tiny, "-c:v", "libx264", "-c:a", "aac", "-b:a", "8k", "-movflags", "frag_keyframe+empty_moov+default_base_moof")...),
		"short.mp4": encode(t, "mp4", append(tiny, "-c:v", "libx264", "-c:a", "aac", "-b:a", "8k", "-movflags", "empty_moov+default_base_moof", "-frag_duration", "400000")...),
		"tiny.webm": encode(t, "webm", append(tiny, "-c:v", "libvpx", "-b:v", "20k", "-c:a", "libopus", "-b:a", "8k", "-cluster_time_limit", "700")...),
		"plain.mp4": encode(t, "mp4", append(tiny, "-c:v", "libx264", "-c:a", "aac", "-b:a", "8k")...),
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := index(b)
			require.Empty(t, want.Reason)
			for cut := range len(b) + 1 {
				requireResumable(t, b, cut, want)
			}
		})
	}
	for _, name := range recordings[:4] {
		t.Run("coarse "+name, func(t *testing.T) {
			t.Parallel()
			b := recording(t, name)
			want := index(b)
			for cut := 0; cut <= len(b); cut += 997 {
				requireResumable(t, b, cut, want)
			}
			for _, f := range want.Fragments {
				for cut := int(f.Offset) - 40; cut < int(f.Offset)+40; cut++ {
					requireResumable(t, b, cut, want)
				}
			}
		})
	}
}

// requireResumable indexes b with a change of process at cut.
func requireResumable(t *testing.T, b []byte, cut int, want indexed) {
	t.Helper()
	x := NewIndexer()
	_, _ = x.Write(b[:cut])
	fragments := x.Fragments()
	y, cp := viaCheckpoint(t, x)
	if cp.Next < int64(len(b)) {
		_, _ = y.Write(b[cp.Next:])
	}
	fragments = append(fragments, y.FinishAt(int64(len(b)))...)
	if got := (indexed{y.Header(), fragments, y.Reason()}); !reflect.DeepEqual(want, got) {
		require.Equal(t, want, got, "cut at %d", cut)
	}
}

func TestResumeInSmallSteps(t *testing.T) {
	t.Parallel()
	for _, name := range recordings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := recording(t, name)
			want := index(b)
			x, cp := NewIndexer(), Checkpoint{}
			var fragments []Fragment
			for size := int64(0); size < int64(len(b)); {
				size = min(size+997, int64(len(b)))
				if size < cp.Want {
					continue
				}
				_, _ = x.Write(b[cp.Next:size])
				fragments = append(fragments, x.Fragments()...)
				x, cp = viaCheckpoint(t, x)
			}
			fragments = append(fragments, x.FinishAt(int64(len(b)))...)
			require.Equal(t, want, indexed{x.Header(), fragments, x.Reason()})
		})
	}
}

func TestLiveEdge(t *testing.T) {
	t.Parallel()
	b := recording(t, "avc3-opus.mp4")
	all := index(b).Fragments
	x := NewIndexer()
	_, _ = x.Write(b[:all[1].Offset+all[1].Length])
	require.Len(t, x.Fragments(), 2, "the second fragment is there with its last byte")
	require.Less(t, all[0].Duration, 2200*time.Millisecond)
}
