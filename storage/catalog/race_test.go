package catalog_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// newServers makes two catalogs over one database, each with the real queue, as
// servers are.
func newServers(t *testing.T, engine database.Engine) (servers [2]*catalog.Catalog, owner *people.Account) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	db := databasetest.New(t, engine)
	for i := range servers {
		queue, err := jobs.Open(jobs.Options{DB: db, Log: quiet})
		require.NoError(t, err)
		servers[i] = catalog.New(record.Options{DB: db, Queue: queue, Log: quiet})
	}
	owner, err := servers[0].AddAccount(t.Context(), person("Ada"), people.Owner)
	require.NoError(t, err)
	return servers, owner
}

// arrival is a part of a recording with so many fragments of two seconds.
func arrival(video *catalog.Video, start int64, fragments int, writer string) catalog.Arrival {
	a := catalog.Arrival{UploadID: video.UploadID, VideoID: video.ID, Start: start, Length: int64(100 * fragments), ObjectKey: fmt.Sprintf("v/%s/src/%d-%s", video.ID, start, writer)}
	a.Index.Media = &catalog.Media{Format: "mp4", Layout: "fragmented", Header: []byte(`{}`), Width: 640, Height: 360, HasVideo: true, WebSafe: true}
	for i := range fragments {
		at := start + int64(100*i)
		a.Index.Fragments = append(a.Index.Fragments, catalog.Fragment{Start: at, Length: 100, StartUS: at * 20_000, DurationUS: 2_000_000})
	}
	return a
}

// together runs do for each of n writers at once.
func together(n int, do func(i int)) {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			do(i)
		})
	}
	close(begin)
	all.Wait()
}

// TestTheOffsetIsTheLock (F8): in each of 50 rounds six writers on two servers
// bring the same bytes of one upload; one wins, and all else is as if the others
// had never been there.
func TestTheOffsetIsTheLock(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		servers, owner := newServers(t, engine)
		video, err := servers[0].StartVideo(t.Context(), catalog.NewVideo{OwnerID: owner.ID, Visibility: catalog.InTeam, Length: -1})
		require.NoError(t, err)
		const rounds = 50
		for round := range rounds {
			var won atomic.Int32
			together(6, func(i int) {
				err := databasetest.Insist(func() error {
					return servers[i%2].AppendPart(t.Context(), arrival(video, int64(100*round), 1, strconv.Itoa(i)))
				})
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, catalog.ErrOffset) {
					t.Errorf("round %d: %v", round, err)
				}
			})
			require.EqualValues(t, 1, won.Load(), round)
		}
		parts, err := servers[1].Parts(t.Context(), video.ID)
		require.NoError(t, err)
		require.Len(t, parts, rounds)
		fragments, err := servers[1].Fragments(t.Context(), video.ID, 0, -1)
		require.NoError(t, err)
		require.Len(t, fragments, rounds)
		after, err := servers[1].Video(t.Context(), video.ID)
		require.NoError(t, err)
		require.EqualValues(t, 100*rounds, after.Size)
		require.EqualValues(t, 100*rounds, after.StoredBytes)
		w, err := servers[0].Workspace(t.Context(), owner.WorkspaceID)
		require.NoError(t, err)
		require.EqualValues(t, 100*rounds, w.UsedBytes)
	})
}

// TestManyUploadsOfOneWorkspace: none of them is told that others are there,
// and the books are right in the end.
func TestManyUploadsOfOneWorkspace(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		servers, owner := newServers(t, engine)
		const uploads, parts = 12, 10
		together(uploads, func(i int) {
			server := servers[i%2]
			var video *catalog.Video
			err := databasetest.Insist(func() (err error) {
				video, err = server.StartVideo(t.Context(), catalog.NewVideo{OwnerID: owner.ID, Visibility: catalog.InTeam, Length: -1})
				return err
			})
			if err != nil {
				t.Error(err)
				return
			}
			for part := range parts {
				// Every other one makes a span full, and with it jobs.
				if err := databasetest.Insist(func() error { return server.AppendPart(t.Context(), arrival(video, int64(200*part), 2, "")) }); err != nil {
					t.Error(err)
				}
			}
			closing := catalog.Closing{UploadID: video.UploadID, State: catalog.UploadFinished, Received: 200 * parts}
			if err := databasetest.Insist(func() error { return server.CloseUpload(t.Context(), closing) }); err != nil {
				t.Error(err)
			}
		})
		w, err := servers[0].Workspace(t.Context(), owner.WorkspaceID)
		require.NoError(t, err)
		require.EqualValues(t, uploads*parts*200, w.UsedBytes)
	})
}

// TestAQuotaIsNotPassedByMany: what many uploads bring at once is counted to the
// byte.
func TestAQuotaIsNotPassedByMany(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		servers, owner := newServers(t, engine)
		quota := int64(1000)
		_, err := servers[0].ChangeWorkspace(t.Context(), owner.WorkspaceID, people.WorkspaceChange{QuotaBytes: &quota})
		require.NoError(t, err)
		videos := make([]*catalog.Video, 20)
		for i := range videos {
			videos[i], err = servers[0].StartVideo(t.Context(), catalog.NewVideo{OwnerID: owner.ID, Visibility: catalog.InTeam, Length: -1})
			require.NoError(t, err)
		}
		var kept atomic.Int32
		together(len(videos), func(i int) {
			err := databasetest.Insist(func() error { return servers[i%2].AppendPart(t.Context(), arrival(videos[i], 0, 1, "")) })
			if err == nil {
				kept.Add(1)
			} else if !errors.Is(err, people.ErrStorage) {
				t.Error(err)
			}
		})
		require.EqualValues(t, 10, kept.Load())
	})
}

// TestASpanIsDoneOnce (F9): of many workers who have made the same span one is
// believed, and the spans of a video that end together are all counted.
func TestASpanIsDoneOnce(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		servers, owner := newServers(t, engine)
		video, err := servers[0].StartVideo(t.Context(), catalog.NewVideo{OwnerID: owner.ID, Visibility: catalog.InTeam, Length: -1})
		require.NoError(t, err)
		require.NoError(t, servers[0].AppendPart(t.Context(), arrival(video, 0, 60, "")))
		require.NoError(t, servers[0].CloseUpload(t.Context(), catalog.Closing{UploadID: video.UploadID, State: catalog.UploadFinished, Received: 6000}))
		spans, err := servers[0].Spans(t.Context(), video.ID)
		require.NoError(t, err)
		require.Greater(t, len(spans), 4)
		done := make([]atomic.Int32, len(spans))
		together(3*len(spans), func(i int) {
			n := i % len(spans)
			err := databasetest.Insist(func() error { return servers[i%2].CommitSpan(t.Context(), spans[n], tracks("360p")) })
			if err == nil {
				done[n].Add(1)
			} else if !errors.Is(err, catalog.ErrAlreadyDone) {
				t.Error(err)
			}
		})
		for n := range done {
			require.EqualValues(t, 1, done[n].Load(), n)
		}
		after, err := servers[1].Video(t.Context(), video.ID)
		require.NoError(t, err)
		require.Equal(t, len(spans), after.SpansDone)
		require.Equal(t, catalog.Ready, after.State)
	})
}

// TestAViewerIsCountedOnce, however many reports come at once.
func TestAViewerIsCountedOnce(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		servers, owner := newServers(t, engine)
		video, err := servers[0].StartVideo(t.Context(), catalog.NewVideo{OwnerID: owner.ID, Visibility: catalog.InTeam, Length: -1})
		require.NoError(t, err)
		together(24, func(i int) {
			watched := catalog.Watched{VideoID: video.ID, Viewer: fmt.Sprintf("day:%d", i%8)}
			if err := databasetest.Insist(func() error { return servers[i%2].RecordView(t.Context(), watched) }); err != nil {
				t.Error(err)
			}
		})
		after, err := servers[0].Video(t.Context(), video.ID)
		require.NoError(t, err)
		require.Equal(t, 8, after.Views)
	})
}
