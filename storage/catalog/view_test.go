package catalog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

func TestAViewerCountsOnce(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		report := func(viewer string, position time.Duration) {
			require.NoError(t, k.RecordView(t.Context(), catalog.Watched{VideoID: k.video.ID, Viewer: viewer, Position: position, Played: position / 2}))
			k.wait(5 * time.Second)
		}
		report(catalog.ViewerAccount(k.owner.ID), 40*time.Second)
		report(catalog.ViewerAccount(k.member.ID), 10*time.Second)
		report(catalog.ViewerAccount(k.member.ID), 20*time.Second)
		report("day:abc", 3*time.Second)
		video, err := k.Video(t.Context(), k.video.ID)
		require.NoError(t, err)
		require.Equal(t, 2, video.Views, "the owner's own does not count")

		view, err := k.View(t.Context(), k.video.ID, catalog.ViewerAccount(k.member.ID))
		require.NoError(t, err)
		require.Equal(t, int64(20_000_000), view.PositionUS)
		require.Equal(t, int64(10_000_000), view.WatchedUS)
		require.True(t, view.FirstAt.Before(view.LastAt))
		view, err = k.View(t.Context(), k.video.ID, catalog.ViewerAccount(k.owner.ID))
		require.NoError(t, err)
		require.Equal(t, int64(40_000_000), view.PositionUS, "the owner resumes too")
		view, err = k.View(t.Context(), k.video.ID, "stranger")
		require.NoError(t, err)
		require.Zero(t, view.PositionUS)
	})
}

func TestAViewCannotClaimMoreThanTheClock(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newTalk(t, engine)
		require.NoError(t, k.RecordView(t.Context(), catalog.Watched{VideoID: k.video.ID, Viewer: "v", Position: 1 << 62, Played: 1 << 62}))
		require.NoError(t, k.RecordView(t.Context(), catalog.Watched{VideoID: k.video.ID, Viewer: "v", Position: -5, Played: -5}))
		view, err := k.View(t.Context(), k.video.ID, "v")
		require.NoError(t, err)
		require.Zero(t, view.PositionUS)
		require.Equal(t, time.Minute.Microseconds(), view.WatchedUS)
		require.ErrorIs(t, k.RecordView(t.Context(), catalog.Watched{VideoID: "absent", Viewer: "v"}), record.ErrNotFound)
	})
}
