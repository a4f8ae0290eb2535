package ingest

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

// state is what the index made of an upload.
type state struct {
	Header               string
	Format, Layout       string
	State                catalog.State
	Duration, Size       int64
	Width, Height, Spans int
	Fragments            []catalog.Fragment
	Planned              []catalog.Span
}

func (r *rig) state(t testing.TB, path string) state {
	t.Helper()
	v := r.video(t, path)
	fragments, err := r.catalog.Samples(t.Context(), v.ID)
	require.NoError(t, err)
	for i := range fragments {
		fragments[i].VideoID = ""
	}
	spans, err := r.catalog.Spans(t.Context(), v.ID)
	require.NoError(t, err)
	for i := range spans {
		spans[i].VideoID = ""
	}
	return state{string(v.Header), v.Format, v.Layout, v.State, v.DurationUS, v.Size, v.Width, v.Height, v.Spans, fragments, spans}
}

func files() []string {
	return []string{"avc3-opus.mp4", "opus.mp4", "tiny-plain.mp4", "vp9-opus.webm", "vp8-opus.webm", "opus.webm"}
}

// oneGo uploads a file as a client with a good line does.
func (r *rig) oneGo(t testing.TB, raw []byte) string {
	t.Helper()
	s := r.serve(t)
	path := s.create(t, int64(len(raw)), nil)
	s.append(t, path, 0, raw, nil)
	return path
}

func TestPiecesAreIndexedLikeTheWhole(t *testing.T) {
	t.Parallel()
	for _, name := range files() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			raw := recording(t, name)
			whole := r.oneGo(t, raw)
			want := r.state(t, whole)
			require.NotEmpty(t, want.Layout)
			if want.Layout == "fragmented" {
				require.NotEmpty(t, want.Fragments)
				require.NotZero(t, want.Duration)
			}
			for _, restart := range []bool{false, true} {
				s := r.serve(t)
				path := s.create(t, -1, nil)
				random := rand.New(rand.NewPCG(1, uint64(len(raw))))
				for at := 0; at < len(raw); {
					n := min(1+random.IntN(len(raw)/12), len(raw)-at)
					if restart { // every part meets a server that knows nothing of it
						s = r.serve(t)
					}
					s.append(t, path, int64(at), raw[at:at+n], nil)
					at += n
				}
				end := headers{"Upload-Length": strconv.Itoa(len(raw))}
				s.append(t, path, int64(len(raw)), nil, end)
				r.requireSource(t, path, raw)
				require.Equal(t, want, r.state(t, path), "restarted: %t", restart)
			}
		})
	}
}

// TestARestartAtAnyByte cuts small files once, at many places.
func TestARestartAtAnyByte(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tiny.mp4", "tiny.webm", "tiny-plain.mp4"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			raw := recording(t, name)
			want := r.state(t, r.oneGo(t, raw))
			for cut := 1; cut < len(raw); cut += 199 {
				first, second := r.serve(t), r.serve(t)
				path := first.create(t, int64(len(raw)), nil)
				first.append(t, path, 0, raw[:cut], nil)
				require.EqualValues(t, cut, second.head(t, path).offset(t))
				second.append(t, path, int64(cut), raw[cut:], nil)
				require.Equal(t, want, r.state(t, path), "cut at %d", cut)
				first.Close()
				second.Close()
			}
		})
	}
}

func TestTheLengthMayComeLast(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw := recording(t, "avc3-opus.mp4")
	want := r.state(t, r.oneGo(t, raw))
	cut := len(raw) / 2
	end := headers{"Upload-Length": strconv.Itoa(len(raw))}
	for name, send := range map[string]func(s *server, path string){
		"with the last bytes": func(s *server, path string) { s.append(t, path, int64(cut), raw[cut:], end) },
		"after the last bytes": func(s *server, path string) {
			s.append(t, path, int64(cut), raw[cut:], nil)
			s.append(t, path, int64(len(raw)), nil, end)
		},
		"after a restart": func(s *server, path string) {
			s.append(t, path, int64(cut), raw[cut:], nil)
			r.serve(t).append(t, path, int64(len(raw)), nil, end)
		},
		"twice": func(s *server, path string) { // the answer to the first was lost
			s.append(t, path, int64(cut), raw[cut:cut+1], end)
			s.append(t, path, int64(cut+1), raw[cut+1:], end)
			s.append(t, path, int64(len(raw)), nil, end)
		},
		"before the last bytes": func(s *server, path string) {
			s.append(t, path, int64(cut), raw[cut:cut+1], end)
			s.append(t, path, int64(cut+1), raw[cut+1:], nil)
		},
	} {
		s := r.serve(t)
		path := s.create(t, -1, nil)
		s.append(t, path, 0, raw[:cut], nil)
		require.Equal(t, catalog.Recording, r.video(t, path).State)
		send(s, path)
		require.Equal(t, want, r.state(t, path), name)
		require.Equal(t, catalog.UploadFinished, r.video(t, path).UploadState, name)
		require.Equal(t, strconv.Itoa(len(raw)), s.head(t, path).header.Get("Upload-Length"), name)
	}
}

func TestNothingIsNoVideo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	empty := s.create(t, 0, nil)
	late := s.create(t, -1, nil)
	s.append(t, late, 0, nil, headers{"Upload-Length": "0"})
	byHand := s.create(t, -1, nil)
	require.NoError(t, s.ingest.Finish(t.Context(), idOf(byHand)))
	for _, path := range []string{empty, late, byHand} {
		v := r.video(t, path)
		require.Equal(t, catalog.Failed, v.State)
		require.Equal(t, "Nothing was received: the upload ended before its first byte.", v.Reason)
		require.Equal(t, catalog.UploadFinished, v.UploadState)
	}

	raw := recording(t, "avc3-opus.mp4")
	index := container.NewIndexer()
	_, err := index.Write(raw)
	require.NoError(t, err)
	headerOnly := s.create(t, -1, nil)
	s.append(t, headerOnly, 0, raw[:index.Header().Length+50], nil)
	require.NoError(t, s.ingest.Finish(t.Context(), idOf(headerOnly)))
	require.Equal(t, 1, r.jobs(t, "probe"), "ffprobe says what is wrong with it")
}

func TestOneOfTwoWritersWins(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	servers := []*server{r.serve(t), r.serve(t), r.serve(t)} // each with locks of its own
	path := servers[0].create(t, -1, nil)
	var want []byte
	for round := range 50 {
		const size = 20_000
		bodies, results := make([][]byte, len(servers)), make([]answered, len(servers))
		var all sync.WaitGroup
		for i, s := range servers {
			bodies[i] = bytes.Repeat([]byte{byte(round), byte(i), byte(255 - round)}, size)
			all.Go(func() { results[i] = s.patch(t, path, int64(len(want)), bytes.NewReader(bodies[i]), nil) })
		}
		all.Wait()
		winners := 0
		for i, got := range results {
			if got.status == http.StatusNoContent {
				winners++
				want = append(want, bodies[i]...)
				continue
			}
			got.problem(t, http.StatusConflict, "mismatched_offset")
		}
		require.Equal(t, 1, winners, "round %d", round)
		require.EqualValues(t, len(want), servers[1].head(t, path).offset(t))
	}
	r.requireSource(t, path, want)
	require.Len(t, r.objectsOf(t, path), 50, "losers leave nothing behind")
}

// TestTwoWritersOfOneServer meet tusd's lock: the later one takes over, and
// what the earlier one brought stays.
func TestTwoWritersOfOneServer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	path := s.create(t, -1, nil)
	for range 20 {
		at := s.head(t, path).offset(t)
		body := bytes.Repeat([]byte("abcdefgh"), 10_000)[at%8:] // the next letter, wherever the last one was
		var all sync.WaitGroup
		results := make([]answered, 2)
		for i := range results {
			all.Go(func() { results[i] = s.patch(t, path, at, bytes.NewReader(body), nil) })
		}
		all.Wait()
		require.NotEqual(t, results[0].status, results[1].status, "%s %s", results[0].body, results[1].body)
	}
	kept := r.source(t, path)
	require.EqualValues(t, len(kept), s.head(t, path).offset(t))
	for i := range kept {
		require.Equal(t, "abcdefgh"[i%8], kept[i], "byte %d", i)
	}
}

func TestACutLineKeepsWhatCame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	raw := recording(t, "vp9-opus.webm")
	path := s.create(t, int64(len(raw)), nil)
	cut := len(raw) / 3
	from, to := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, s.URL+path, from)
	require.NoError(t, err)
	req.ContentLength = int64(len(raw))
	for name, value := range map[string]string{"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"} {
		req.Header.Set(name, value)
	}
	req.AddCookie(&http.Cookie{Name: "meanwhile_session", Value: s.session})
	go func() {
		_, _ = to.Write(raw[:cut])
		to.CloseWithError(io.ErrUnexpectedEOF)
	}()
	res, err := s.Client().Do(req)
	if err == nil {
		res.Body.Close()
	}
	require.Error(t, err, "the line is cut")
	// HEAD would end a request that still reads what the line has brought.
	require.Eventually(t, func() bool { return r.video(t, path).Size == int64(cut) }, testTime, tick)
	require.EqualValues(t, cut, s.head(t, path).offset(t))

	next := r.serve(t)
	next.append(t, path, int64(cut), raw[cut:], nil)
	r.requireSource(t, path, raw)
	require.Equal(t, r.state(t, r.oneGo(t, raw)), r.state(t, path))
}

func TestTwoRecordingsDoNotMix(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	names := files()
	var all sync.WaitGroup
	paths := make([]string, len(names))
	for i, name := range names {
		raw := recording(t, name)
		paths[i] = s.create(t, int64(len(raw)), nil)
		all.Go(func() {
			for at := 0; at < len(raw); {
				n := min(9001, len(raw)-at)
				got := s.patch(t, paths[i], int64(at), bytes.NewReader(raw[at:at+n]), nil)
				if got.status != http.StatusNoContent {
					t.Errorf("%s: %d %s", name, got.status, got.body)
					return
				}
				at += n
			}
		})
	}
	all.Wait()
	for i, name := range names {
		r.requireSource(t, paths[i], recording(t, name))
		require.Equal(t, r.state(t, r.oneGo(t, recording(t, name))), r.state(t, paths[i]))
	}
}

func TestHostileBytesAreKeptAndParked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, raw := range map[string][]byte{
		"text":          []byte("this is not a film\n"),
		"playlist":      []byte("#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n"),
		"one byte":      {0},
		"huge box":      {0xff, 0xff, 0xff, 0xff, 'f', 't', 'y', 'p', 1, 2, 3},
		"endless box":   {0, 0, 0, 1, 'f', 't', 'y', 'p', 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 9},
		"half an EBML":  {0x1a, 0x45, 0xdf, 0xa3, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"huge moov":     append([]byte{0, 0, 0, 8, 'f', 't', 'y', 'p', 0x7f, 0xff, 0xff, 0xff, 'm', 'o', 'o', 'v'}, make([]byte, 5000)...),
		"endless moofs": bytes.Repeat([]byte{0, 0, 0, 8, 'm', 'o', 'o', 'f'}, 5000),
	} {
		path := r.oneGo(t, raw)
		r.requireSource(t, path, raw)
		v := r.video(t, path)
		require.Contains(t, []catalog.State{catalog.Processing, catalog.Failed}, v.State, name)
		if v.State == catalog.Failed {
			require.NotEmpty(t, v.Reason, name)
		}
		again := r.serve(t)
		twice := again.create(t, -1, nil)
		for i := range raw[:min(len(raw), 20)] {
			again = r.serve(t)
			again.append(t, twice, int64(i), raw[i:i+1], nil)
		}
	}
	checkpointJSON(t, r)
}

// checkpointJSON makes sure that what is kept of an index stays small.
func checkpointJSON(t *testing.T, r *rig) {
	t.Helper()
	var all []json.RawMessage
	require.NoError(t, r.db.Reader.NewRaw("SELECT checkpoint FROM uploads").Scan(t.Context(), &all))
	for _, c := range all {
		require.Less(t, len(c), 16<<10)
	}
}
