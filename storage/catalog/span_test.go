package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// shelf is a catalog that notes the jobs it causes.
type shelf struct {
	*catalog.Catalog
	db    *database.DB
	clock *clock
	owner *people.Account

	mu   sync.Mutex
	jobs []string
}

// InsertAll implements record.Queue.
func (s *shelf) InsertAll(_ context.Context, _ bun.Tx, all []jobs.Wanted) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range all {
		s.jobs = append(s.jobs, fmt.Sprintf("%s %v %d", w.Args.Kind(), w.Args, w.Priority))
	}
	return nil
}

// caused tells the jobs since the last call, without the video's id.
func (s *shelf) caused(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, j := range s.jobs {
		var kind, rest string
		if n, _ := fmt.Sscanf(j, "%s {"+id, &kind); n == 1 {
			rest = j[len(kind)+2+len(id):]
			all = append(all, kind+rest)
		}
	}
	s.jobs = nil
	slices.Sort(all)
	return all
}

func newShelf(t testing.TB, engine database.Engine) *shelf {
	t.Helper()
	db := databasetest.New(t, engine)
	var err error
	s := &shelf{db: db, clock: newClock()}
	s.Catalog = catalog.New(record.Options{DB: db, Queue: s, Log: slog.New(slog.DiscardHandler), Clock: clocks.OfDatabase(s.clock.now, nil)})
	s.owner, err = s.AddAccount(t.Context(), person("Ada"), people.Owner)
	require.NoError(t, err)
	return s
}

func (s *shelf) start(t testing.TB, title string, visibility catalog.Visibility) *catalog.Video {
	t.Helper()
	v, err := s.StartVideo(t.Context(), catalog.NewVideo{OwnerID: s.owner.ID, Title: title, Visibility: visibility, Length: -1})
	require.NoError(t, err)
	return v
}

// take is a recording that arrives, fragment by fragment of two seconds.
type take struct {
	s     *shelf
	video *catalog.Video
	at    int64
	n     int
}

const fragmentTime = 2 * time.Second

func (k *take) arrive(t testing.TB, fragments int) {
	t.Helper()
	a := catalog.Arrival{UploadID: k.video.UploadID, VideoID: k.video.ID, Start: k.at, Length: int64(100 * fragments), ObjectKey: fmt.Sprintf("v/%s/src/%d", k.video.ID, k.at)}
	a.Index.Media = &catalog.Media{Format: "mp4", Layout: "fragmented", Header: []byte(`{"length":10}`), Width: 640, Height: 360, HasVideo: true, HasAudio: true, WebSafe: true}
	for range fragments {
		a.Index.Fragments = append(a.Index.Fragments, catalog.Fragment{
			Start: k.at, Length: 100, StartUS: (time.Duration(k.n) * fragmentTime).Microseconds(), DurationUS: fragmentTime.Microseconds(),
		})
		k.at += 100
		k.n++
	}
	a.Index.Checkpoint = fmt.Appendf(nil, `{"emitted":%d}`, k.n)
	require.NoError(t, k.s.AppendPart(t.Context(), a))
}

func (k *take) close(t testing.TB, state catalog.UploadState) {
	t.Helper()
	require.NoError(t, k.s.CloseUpload(t.Context(), catalog.Closing{UploadID: k.video.UploadID, State: state, Received: k.at}))
}

func (k *take) read(t testing.TB) *catalog.Video {
	t.Helper()
	v, err := k.s.Video(t.Context(), k.video.ID)
	require.NoError(t, err)
	return v
}

func (k *take) spans(t testing.TB) []catalog.Span {
	t.Helper()
	spans, err := k.s.Spans(t.Context(), k.video.ID)
	require.NoError(t, err)
	return spans
}

func (k *take) lengths(t testing.TB) []time.Duration {
	t.Helper()
	var all []time.Duration
	for _, span := range k.spans(t) {
		all = append(all, span.End()-span.Start())
	}
	return all
}

func tracks(names ...string) []catalog.Track {
	var all []catalog.Track
	for _, name := range names {
		kind := "video"
		if name == "audio" {
			kind = "audio"
		}
		all = append(all, catalog.Track{Rendition: catalog.Rendition{Name: name, Kind: kind}, ObjectKey: "v/x/" + record.NewID(), Segments: []catalog.Segment{{Length: 1}}})
	}
	return all
}

// encode commits every span that is not made yet.
func (k *take) encode(t testing.TB, names ...string) {
	t.Helper()
	for _, span := range k.spans(t) {
		if !span.Done {
			require.NoError(t, k.s.CommitSpan(t.Context(), span, tracks(names...)))
		}
	}
}

func TestSpansBeginShort(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "", catalog.InTeam)}
		k.arrive(t, 2)
		require.Empty(t, k.spans(t), "4 s are no span yet")
		require.Empty(t, s.caused(k.video.ID))
		k.arrive(t, 1)
		require.Equal(t, []string{"span 0 0} 2", "stills 0 true} 2"}, s.caused(k.video.ID), "the first span brings a poster")
		for range 16 {
			k.arrive(t, 1)
		}
		require.Equal(t, []time.Duration{6 * time.Second, 6 * time.Second, 24 * time.Second}, k.lengths(t))
		require.Equal(t, []string{"span 1 0} 2", "span 2 0} 2"}, s.caused(k.video.ID))
		k.close(t, catalog.UploadFinished)
		require.Equal(t, []time.Duration{6 * time.Second, 6 * time.Second, 24 * time.Second, 2 * time.Second}, k.lengths(t), "the rest")
		require.Contains(t, s.caused(k.video.ID), "span 3 0} 1", "somebody waits for it")
		require.Equal(t, 4, k.read(t).Spans)

		all := &take{s: s, video: s.start(t, "", catalog.InTeam)}
		all.arrive(t, 19)
		all.close(t, catalog.UploadFinished)
		require.Equal(t, k.lengths(t), all.lengths(t), "in one go it is the same")
	})
}

func TestASpanIsCommittedOnce(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "", catalog.InTeam)}
		k.arrive(t, 6)
		spans := k.spans(t)
		require.Len(t, spans, 2)
		results := make([]error, 8)
		var all sync.WaitGroup
		for i := range results {
			all.Go(func() {
				results[i] = databasetest.Insist(func() error {
					return s.CommitSpan(context.WithoutCancel(t.Context()), spans[0], tracks("720p", "360p"))
				})
			})
		}
		all.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
				continue
			}
			require.ErrorIs(t, err, catalog.ErrAlreadyDone)
		}
		require.Equal(t, 1, won)
		require.Equal(t, 1, k.read(t).SpansDone)
		made, err := s.Tracks(t.Context(), k.video.ID)
		require.NoError(t, err)
		require.Len(t, made, 2)
		_, err = s.Span(t.Context(), k.video.ID, 0)
		require.ErrorIs(t, err, catalog.ErrAlreadyDone)
		_, err = s.Span(t.Context(), k.video.ID, 9)
		require.ErrorIs(t, err, record.ErrNotFound)

		work, err := s.Span(t.Context(), k.video.ID, 1)
		require.NoError(t, err)
		require.Len(t, work.Fragments, 3)
		require.Equal(t, 3, work.Fragments[0].N)
		require.Equal(t, 2, work.Lead.N)
		require.Len(t, work.Parts, 1)
		other := spans[1]
		other.EndUS++ // was planned anew meanwhile
		require.ErrorIs(t, s.CommitSpan(t.Context(), other, tracks("720p")), catalog.ErrAlreadyDone)
		require.Equal(t, 1, k.read(t).SpansDone)
	})
}

func TestAVideoIsReadyWhenNothingIsLeftToMake(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "", catalog.InTeam)}
		k.arrive(t, 7)
		k.encode(t, "360p", "audio")
		require.Equal(t, catalog.Recording, k.read(t).State)
		require.InDelta(t, 2.0/3, k.read(t).Progress(), 0.001)
		k.close(t, catalog.UploadFinished)
		k.encode(t, "360p")
		require.Equal(t, catalog.Processing, k.read(t).State, "its sound is missing")
		live, err := s.Tracks(t.Context(), k.video.ID)
		require.NoError(t, err)

		sound := tracks("audio")[0]
		require.ErrorIs(t, s.CommitAudio(t.Context(), k.video.ID, 5, sound), catalog.ErrAlreadyDone, "of another take")
		require.NoError(t, s.CommitAudio(t.Context(), k.video.ID, 0, sound))
		require.ErrorIs(t, s.CommitAudio(t.Context(), k.video.ID, 0, tracks("audio")[0]), catalog.ErrAlreadyDone)
		require.Equal(t, catalog.Ready, k.read(t).State)
		require.InDelta(t, 1, k.read(t).Progress(), 0)

		made, err := s.Tracks(t.Context(), k.video.ID)
		require.NoError(t, err)
		require.Len(t, made, 4)
		require.Equal(t, sound.ObjectKey, made[0].ObjectKey, "the sound of each span is replaced by the whole")
		garbage, err := s.Garbage(t.Context())
		require.NoError(t, err)
		require.Empty(t, garbage, "who plays it now may finish")
		s.clock.advance(time.Hour)
		garbage, err = s.Garbage(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{live[0].ObjectKey, live[1].ObjectKey}, garbage)
		for _, key := range garbage {
			require.NoError(t, s.ForgetGarbage(t.Context(), key))
		}
		garbage, err = s.Garbage(t.Context())
		require.NoError(t, err)
		require.Empty(t, garbage)
	})
}

func TestAFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "", catalog.InTeam)}
		require.NoError(t, s.RetryVideo(t.Context(), k.video.ID), "nothing has failed")
		k.arrive(t, 7)
		k.close(t, catalog.UploadFinished)
		first := k.spans(t)[0]
		require.NoError(t, s.CommitSpan(t.Context(), first, tracks("360p")))
		require.NoError(t, s.FailVideo(t.Context(), k.video.ID, "It is broken."))
		require.Equal(t, "It is broken.", k.read(t).Reason)
		s.caused(k.video.ID)
		require.NoError(t, s.RetryVideo(t.Context(), k.video.ID))
		require.Equal(t, []string{"audio 0} 1", "span 1 0} 1", "span 2 0} 1", "stills 0 false} 2"}, s.caused(k.video.ID))
		require.Equal(t, catalog.Processing, k.read(t).State)
		require.Empty(t, k.read(t).Reason)
		k.encode(t, "360p")
		require.NoError(t, s.CommitAudio(t.Context(), k.video.ID, 0, tracks("audio")[0]))
		require.Equal(t, catalog.Ready, k.read(t).State)
	})
}

// TestTheLastSpanBesideAFailure: what is made while a video counts as failed is
// kept, and trying again finds nothing left to do.
func TestTheLastSpanBesideAFailure(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "", catalog.InTeam)}
		k.arrive(t, 3)
		k.close(t, catalog.UploadFinished)
		require.NoError(t, s.FailVideo(t.Context(), k.video.ID, "It is broken."))
		k.encode(t, "360p")
		require.NoError(t, s.CommitAudio(t.Context(), k.video.ID, 0, tracks("audio")[0]))
		require.Equal(t, catalog.Failed, k.read(t).State)
		require.NoError(t, s.RetryVideo(t.Context(), k.video.ID))
		require.Equal(t, catalog.Ready, k.read(t).State)
	})
}

func TestAReturnAfterSilenceDropsWhatWasTooEarly(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "", catalog.InTeam)}
		k.arrive(t, 6)
		k.arrive(t, 1)
		early := catalog.Index{Fragments: []catalog.Fragment{{Start: k.at, Length: 50, StartUS: 14_000_000, DurationUS: 500_000}}}
		require.NoError(t, s.CloseUpload(t.Context(), catalog.Closing{UploadID: k.video.UploadID, State: catalog.UploadQuiet, Received: k.at, Last: early}))
		k.encode(t, "360p", "audio")
		require.NoError(t, s.CommitAudio(t.Context(), k.video.ID, 0, tracks("audio")[0]))
		require.Equal(t, catalog.Ready, k.read(t).State)
		require.EqualValues(t, 14_500_000, k.read(t).DurationUS)

		k.arrive(t, 1)
		v := k.read(t)
		require.Equal(t, catalog.Recording, v.State)
		require.Equal(t, 1, v.Take)
		require.EqualValues(t, 16_000_000, v.DurationUS)
		require.Equal(t, 2, v.Spans, "the one that held the early end is gone")
		require.Equal(t, 2, v.SpansDone)
		require.False(t, v.AudioDone)
		require.ErrorIs(t, s.CommitAudio(t.Context(), v.ID, 0, tracks("audio")[0]), catalog.ErrAlreadyDone, "of the take before")
		made, err := s.Tracks(t.Context(), v.ID)
		require.NoError(t, err)
		require.Len(t, made, 2, "two spans of one rung")
		k.close(t, catalog.UploadFinished)
		require.Equal(t, []time.Duration{6 * time.Second, 6 * time.Second, 4 * time.Second}, k.lengths(t))
		require.ErrorIs(t, s.AppendPart(t.Context(), catalog.Arrival{UploadID: v.UploadID, VideoID: v.ID, Start: k.at, Length: 1}), catalog.ErrFinished)
	})
}

func TestOffsetsAreALock(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		v := s.start(t, "", catalog.InTeam)
		for round := range 20 {
			results := make([]error, 6)
			var all sync.WaitGroup
			for i := range results {
				a := catalog.Arrival{UploadID: v.UploadID, VideoID: v.ID, Start: int64(round * 10), Length: 10, ObjectKey: fmt.Sprint("k", i)}
				all.Go(func() {
					results[i] = databasetest.Insist(func() error { return s.AppendPart(context.WithoutCancel(t.Context()), a) })
				})
			}
			all.Wait()
			won := 0
			for _, err := range results {
				if err == nil {
					won++
				} else if !errors.Is(err, catalog.ErrOffset) {
					require.NoError(t, err)
				}
			}
			require.Equal(t, 1, won)
		}
		parts, err := s.Parts(t.Context(), v.ID)
		require.NoError(t, err)
		require.Len(t, parts, 20)
		require.ErrorIs(t, s.DeclareLength(t.Context(), v.UploadID, 199), catalog.ErrLength)
		require.NoError(t, s.DeclareLength(t.Context(), v.UploadID, 205))
		require.NoError(t, s.DeclareLength(t.Context(), v.UploadID, 205))
		require.ErrorIs(t, s.DeclareLength(t.Context(), v.UploadID, 206), catalog.ErrLength)
		require.ErrorIs(t, s.AppendPart(t.Context(), catalog.Arrival{UploadID: v.UploadID, VideoID: v.ID, Start: 200, Length: 6}), catalog.ErrLength)
		require.ErrorIs(t, s.AppendPart(t.Context(), catalog.Arrival{UploadID: "absent", VideoID: v.ID}), record.ErrNotFound)
	})
}

// file is an upload of a plain file that says its length.
func (s *shelf) file(t testing.TB, length int64) *take {
	t.Helper()
	v, err := s.StartVideo(t.Context(), catalog.NewVideo{OwnerID: s.owner.ID, Visibility: catalog.InTeam, Length: length})
	require.NoError(t, err)
	return &take{s: s, video: v}
}

func (k *take) bytes(t testing.TB, n int64, last bool) {
	t.Helper()
	a := catalog.Arrival{UploadID: k.video.UploadID, VideoID: k.video.ID, Start: k.at, Length: n, ObjectKey: strconv.FormatInt(k.at, 10), Last: last}
	a.Index.Media = &catalog.Media{Format: "mp4", Layout: "plain", Header: []byte(`{}`), Width: 640, Height: 360, HasVideo: true, HasAudio: true}
	k.at += n
	require.NoError(t, k.s.AppendPart(t.Context(), a))
}

func (k *take) plan(t testing.TB, take int, bounds ...time.Duration) {
	t.Helper()
	m := catalog.Media{Format: "mp4", Layout: "plain", HasVideo: true, HasAudio: true, Duration: bounds[len(bounds)-1]}
	require.NoError(t, k.s.PlanFile(t.Context(), k.video.ID, take, m, bounds))
}

// TestAFileThatGoesOnIsPlannedAnew: what was cut from the first half of a file
// must not stand in the way of the whole.
func TestAFileThatGoesOnIsPlannedAnew(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := s.file(t, 200)
		k.bytes(t, 100, false)
		k.close(t, catalog.UploadQuiet)
		k.plan(t, 0, 0, 8*time.Second)
		k.bytes(t, 100, true)
		require.Equal(t, catalog.Processing, k.read(t).State)
		require.Empty(t, k.spans(t))
		s.caused(k.video.ID)
		k.plan(t, 1, 0, 8*time.Second, 32*time.Second, 56*time.Second)
		require.Equal(t, []string{"audio 1} 2", "span 0 1} 2", "span 1 1} 2", "span 2 1} 3", "stills 1 false} 3", "stills 1 true} 2"}, s.caused(k.video.ID))
		k.encode(t, "360p")
		require.NoError(t, s.CommitAudio(t.Context(), k.video.ID, 1, tracks("audio")[0]))
		require.Equal(t, catalog.Ready, k.read(t).State)
	})
}

// TestAFileThatWasNeverPlannedIsProbedAgain, also when its own header has told
// that there is sound.
func TestAFileThatWasNeverPlannedIsProbedAgain(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := s.file(t, 100)
		k.bytes(t, 100, true)
		require.Equal(t, []string{"probe 0} 2"}, s.caused(k.video.ID))
		require.NoError(t, s.FailVideo(t.Context(), k.video.ID, "It is broken."))
		require.NoError(t, s.RetryVideo(t.Context(), k.video.ID))
		require.Equal(t, []string{"probe 0} 2"}, s.caused(k.video.ID))
	})
}

// TestSleepingFilesHideNoRecording: files may sleep for a day, and however many
// do, a silent recording is found.
func TestSleepingFilesHideNoRecording(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		for range 101 {
			s.file(t, 100)
		}
		video := s.start(t, "", catalog.InTeam)
		quiet, err := s.QuietUploads(t.Context(), s.clock.now().Add(time.Minute), s.clock.now().Add(-time.Hour))
		require.NoError(t, err)
		require.Len(t, quiet, 1)
		require.Equal(t, video.UploadID, quiet[0].ID)
	})
}

// TestALostJobIsMadeUpFor: whatever became of the jobs, a video that is being
// processed and stands still gets them again.
func TestALostJobIsMadeUpFor(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "", catalog.InTeam)}
		k.arrive(t, 3)
		require.NoError(t, s.ResumeStalled(t.Context(), s.clock.now().Add(time.Hour)))
		require.Equal(t, catalog.Recording, k.read(t).State, "what is recorded waits for nothing")
		k.close(t, catalog.UploadFinished)
		s.caused(k.video.ID)
		require.NoError(t, s.ResumeStalled(t.Context(), s.clock.now().Add(-time.Hour)))
		require.Empty(t, s.caused(k.video.ID), "it has just begun")
		require.NoError(t, s.ResumeStalled(t.Context(), s.clock.now().Add(time.Hour)))
		require.Equal(t, []string{"audio 0} 1", "span 0 0} 1"}, s.caused(k.video.ID))
	})
}

func TestPicturesThatWereReplacedAreDiscarded(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		v := s.start(t, "", catalog.InTeam)
		require.NoError(t, s.CommitStills(t.Context(), v.ID, 0, catalog.Stills{Poster: "early"}))
		require.NoError(t, s.CommitStills(t.Context(), v.ID, 0, catalog.Stills{Poster: "late", Storyboard: "board"}))
		require.NoError(t, s.CommitStills(t.Context(), v.ID, 0, catalog.Stills{Preview: "clip"}))
		s.clock.advance(time.Hour)
		left, err := s.Garbage(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"early"}, left)
	})
}
