package ingest

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const (
	testTime = 2 * time.Minute
	tick     = 5 * time.Millisecond
)

func (r *rig) jobs(t testing.TB, kind string) int {
	t.Helper()
	var n int
	require.NoError(t, r.db.Reader.NewRaw("SELECT count(*) FROM river_job WHERE kind = ?", kind).Scan(t.Context(), &n))
	return n
}

func TestSilenceMakesAVideo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"avc3-opus.mp4", "vp9-opus.webm", "opus.webm", "tiny.webm", "tiny.mp4"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.serve(t)
			raw := recording(t, name)
			path := s.create(t, -1, nil)
			cut := len(raw) * 3 / 4
			s.append(t, path, 0, raw[:cut], nil)
			before := r.state(t, path)
			r.clock.advance(quietTake - time.Second)
			require.NoError(t, s.ingest.CloseQuiet(t.Context()))
			require.Equal(t, before, r.state(t, path), "not yet")

			r.clock.advance(2 * time.Second)
			require.NoError(t, s.ingest.CloseQuiet(t.Context()))
			v := r.video(t, path)
			require.Equal(t, catalog.Processing, v.State)
			require.Equal(t, catalog.UploadQuiet, v.UploadState)
			require.NotZero(t, v.DurationUS)
			spans, err := r.catalog.Spans(t.Context(), v.ID)
			require.NoError(t, err)
			require.Equal(t, v.HasVideo, len(spans) > 0)
			closed := r.state(t, path)
			require.NoError(t, s.ingest.CloseQuiet(t.Context()), "again changes nothing")
			require.Equal(t, closed, r.state(t, path))

			// The recorder comes back, through a server that was just started.
			next := r.serve(t)
			require.EqualValues(t, cut, next.head(t, path).offset(t))
			next.append(t, path, int64(cut), raw[cut:cut+1], nil)
			require.Equal(t, catalog.Recording, r.video(t, path).State)
			require.Equal(t, 1, r.video(t, path).Take)
			next.append(t, path, int64(cut+1), raw[cut+1:], nil)
			next.append(t, path, int64(len(raw)), nil, headers{"Upload-Length": strconv.Itoa(len(raw))})
			r.requireSource(t, path, raw)

			want, got := r.state(t, r.oneGo(t, raw)), r.state(t, path)
			require.Equal(t, want.Fragments, got.Fragments, "what silence closed early is taken back")
			require.Equal(t, want.Duration, got.Duration)
			requireContiguous(t, got)
			require.Equal(t, len(got.Planned), got.Spans)
		})
	}
}

// requireContiguous checks that spans cover all fragments once, in order.
func requireContiguous(t *testing.T, s state) {
	t.Helper()
	next := 0
	for i, span := range s.Planned {
		require.Equal(t, i, span.N)
		require.Equal(t, next, span.First)
		require.Equal(t, s.Fragments[next].StartUS, span.StartUS)
		next += span.Fragments
		last := s.Fragments[next-1]
		require.Equal(t, last.StartUS+last.DurationUS, span.EndUS)
	}
	if len(s.Planned) > 0 {
		require.Equal(t, len(s.Fragments), next)
	}
}

func TestSilenceAndReturnManyTimes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"avc3-opus.mp4", "vp8-opus.webm"} {
		r := newRig(t)
		raw := recording(t, name)
		s := r.serve(t)
		path := s.create(t, -1, nil)
		for at, size := 0, len(raw)/9+1; at < len(raw); at += size {
			s.append(t, path, int64(at), raw[at:min(at+size, len(raw))], nil)
			r.clock.advance(quietTake + time.Second)
			require.NoError(t, s.ingest.CloseQuiet(t.Context()))
			s = r.serve(t)
		}
		require.NoError(t, s.ingest.Finish(t.Context(), idOf(path)))
		v := r.video(t, path)
		require.Equal(t, catalog.UploadFinished, v.UploadState)
		require.Equal(t, 8, v.Take)
		got := r.state(t, path)
		require.Equal(t, r.state(t, r.oneGo(t, raw)).Fragments, got.Fragments)
		requireContiguous(t, got)
		s.patch(t, path, int64(len(raw)), nil, nil)
		require.EqualValues(t, len(raw), s.head(t, path).offset(t))
	}
}

func TestAFileMaySleepForADay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	raw := recording(t, "avc3-opus.mp4")
	path := s.create(t, int64(len(raw)), nil)
	s.append(t, path, 0, raw[:90_000], nil)
	r.clock.advance(time.Hour)
	require.NoError(t, s.ingest.CloseQuiet(t.Context()))
	require.Equal(t, catalog.UploadOpen, r.video(t, path).UploadState)
	r.clock.advance(quietFile)
	require.NoError(t, s.ingest.CloseQuiet(t.Context()))
	require.Equal(t, catalog.UploadQuiet, r.video(t, path).UploadState)
	require.Equal(t, catalog.Processing, r.video(t, path).State)
	s.append(t, path, 90_000, raw[90_000:], nil)
	require.Equal(t, catalog.UploadFinished, r.video(t, path).UploadState)
	require.Equal(t, r.state(t, r.oneGo(t, raw)).Fragments, r.state(t, path).Fragments)
}

// TestACrashBeforeTheEnd is the moment between the last byte and its end: the
// length was declared, and then the power went.
func TestACrashBeforeTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	raw := recording(t, "vp9-opus.webm")
	path := s.create(t, -1, nil)
	s.append(t, path, 0, raw, nil)
	require.NoError(t, r.catalog.DeclareLength(t.Context(), idOf(path), int64(len(raw))))
	require.Equal(t, catalog.Recording, r.video(t, path).State)
	require.NoError(t, r.serve(t).ingest.CloseQuiet(t.Context()), "at once, not after silence")
	require.Equal(t, catalog.UploadFinished, r.video(t, path).UploadState)
	require.Equal(t, r.state(t, r.oneGo(t, raw)), r.state(t, path))
}

func TestFinishIsIdempotent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	raw := recording(t, "avc3-opus.mp4")
	path := s.create(t, -1, nil)
	s.append(t, path, 0, raw, nil)
	for range 3 {
		require.NoError(t, s.ingest.Finish(t.Context(), idOf(path)))
		require.NoError(t, r.serve(t).ingest.Finish(t.Context(), idOf(path)))
	}
	require.Equal(t, r.state(t, r.oneGo(t, raw)), r.state(t, path))
	require.Equal(t, 2, r.jobs(t, "audio"), "one for each of the two uploads")
	s.patch(t, path, int64(len(raw)), nil, headers{"Upload-Length": "9"})
	require.ErrorIs(t, s.ingest.Finish(t.Context(), "absent"), record.ErrNotFound)
}

func TestTheEndWhileBytesCome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	raw := recording(t, "avc3-opus.mp4")
	path := s.create(t, -1, nil)
	s.append(t, path, 0, raw[:50_000], nil)
	stale, err := r.catalog.Upload(t.Context(), idOf(path))
	require.NoError(t, err)
	s.append(t, path, 50_000, raw[50_000:], nil)
	require.NoError(t, s.ingest.finish(t.Context(), stale, catalog.UploadQuiet), "it is not quiet any more")
	require.Equal(t, catalog.UploadOpen, r.video(t, path).UploadState)
	require.ErrorIs(t, s.ingest.finish(t.Context(), stale, catalog.UploadFinished), catalog.ErrOffset)
	require.NoError(t, s.ingest.Finish(t.Context(), idOf(path)))
	require.Equal(t, r.state(t, r.oneGo(t, raw)), r.state(t, path))
}

// TestTheEndByHandWhileBytesCome ends a take whose recorder still sends: its
// owner is not told to try again.
func TestTheEndByHandWhileBytesCome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 8 {
		s := r.serve(t)
		path := s.create(t, -1, nil)
		s.append(t, path, 0, []byte("a"), nil)
		ending, ended := make(chan struct{}), make(chan struct{})
		done := make(chan int64, 1)
		go func() {
			more := 0 // began since the end is being tried: one for each try but the last
			for at := int64(1); ; at++ {
				select {
				case <-ending:
					more++
				default:
				}
				if more == finishTries-1 { // a machine that is slow for its owner alone
					<-ended
				}
				if got := s.patch(t, path, at, strings.NewReader("b"), nil); got.header.Get("Upload-Offset") != strconv.FormatInt(at+1, 10) {
					done <- at
					return
				}
			}
		}()
		require.Eventually(t, func() bool { return r.video(t, path).Size > 3 }, testTime, tick)
		close(ending)
		err := r.serve(t).ingest.Finish(t.Context(), idOf(path))
		close(ended)
		require.NoError(t, err)
		require.Equal(t, <-done, r.video(t, path).Size, "what was acknowledged is in it")
	}
}

// TestALostObjectDoesNotKeepATakeOpen: somebody deleted a file; the rest is
// still a video.
func TestALostObjectDoesNotKeepATakeOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	raw := recording(t, "vp9-opus.webm")
	path := s.create(t, -1, nil)
	s.append(t, path, 0, raw[:80_000], nil)
	s.append(t, path, 80_000, raw[80_000:85_000], nil)
	for _, name := range r.objectsOf(t, path)[1:] {
		require.NoError(t, os.Remove(name))
	}
	r.clock.advance(quietTake + time.Second)
	require.NoError(t, r.serve(t).ingest.CloseQuiet(t.Context()))
	require.Equal(t, catalog.Processing, r.video(t, path).State)
	require.Equal(t, catalog.UploadQuiet, r.video(t, path).UploadState)
}
