package catalog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
)

// TestThePlaylistOfASource: whatever is packed and whatever is not, a playlist
// says the same as the index.
func TestThePlaylistOfASource(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "Grows", catalog.WithLink)}
		k.same(t, 0)
		for n := 1; n <= 40; n++ {
			k.arrive(t, 1)
			k.same(t, n)
		}
		require.Greater(t, len(k.spans(t)), 2)
		k.arrive(t, 47)
		k.same(t, 87)
		k.close(t, catalog.UploadQuiet)
		k.same(t, 87)
		k.arrive(t, 3) // it goes on
		k.close(t, catalog.UploadFinished)
		k.same(t, 90)
		spans := len(k.spans(t))
		require.Greater(t, spans, 3)
		for _, n := range []int{spans - 1, 2, 1, 0} {
			require.NotEmpty(t, k.spans(t)[n].Playlist)
			k.forget(t, "spans", "n", n)
			k.same(t, 90)
		}
	})
}

// same requires as many fragments in the playlist as in the index, and the same.
func (k *take) same(t *testing.T, many int) {
	t.Helper()
	rows, err := k.s.Fragments(t.Context(), k.video.ID, 0, -1)
	require.NoError(t, err)
	require.Len(t, rows, many)
	got, err := k.s.SourceSegments(t.Context(), k.read(t))
	require.NoError(t, err)
	require.Len(t, got, many)
	for i, f := range rows {
		want := catalog.Segment{
			Offset: f.Start, Length: f.Length, Start: time.Duration(f.StartUS) * time.Microsecond, Duration: time.Duration(f.DurationUS) * time.Microsecond,
		}
		require.Equal(t, want, got[i])
	}
}

// forget takes what is packed from a row: a server of before made it.
func (k *take) forget(t *testing.T, table, column string, n int) {
	t.Helper()
	_, err := k.s.db.Writer.NewUpdate().Table(table).Set("playlist = NULL").Where("video_id = ? AND ? = ?", k.video.ID, bun.Ident(column), n).Exec(t.Context())
	require.NoError(t, err)
}

// TestThePlaylistOfARendition: the same for rungs and sound.
func TestThePlaylistOfARendition(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		s := newShelf(t, engine)
		k := &take{s: s, video: s.start(t, "Made", catalog.WithLink)}
		k.arrive(t, 40)
		k.close(t, catalog.UploadFinished)
		for _, span := range k.spans(t) {
			require.NoError(t, s.CommitSpan(t.Context(), span, []catalog.Track{rung(span, "720p", 720), rung(span, "360p", 360)}))
		}
		sound := rung(catalog.Span{N: -1}, "audio", 0)
		sound.Kind = "audio"
		require.NoError(t, s.CommitAudio(t.Context(), k.video.ID, 0, sound))
		k.pieces(t)
		k.forget(t, "tracks", "span", 1)
		k.forget(t, "tracks", "span", -1)
		k.pieces(t)

		found, err := s.Renditions(t.Context(), k.video.ID)
		require.NoError(t, err)
		require.Len(t, found, 3)
		for i, name := range []string{"audio", "360p", "720p"} {
			require.Equal(t, name, found[i].Name)
		}
		last := int64(len(k.spans(t)) - 1)
		require.Equal(t, catalog.Rendition{
			Name: "360p", Kind: "video", Width: 640, Height: 360, FrameRate: 30, Codecs: "first", Bandwidth: 1000 + last, AverageBandwidth: 500 + last,
		}, found[1])
	})
}

func rung(span catalog.Span, name string, height int) catalog.Track {
	codecs := "first"
	if span.N > 0 {
		codecs = "later"
	}
	return catalog.Track{
		Rendition: catalog.Rendition{
			Name: name, Kind: "video", Width: 640, Height: height, FrameRate: 30, Codecs: codecs, Bandwidth: int64(1000 + span.N), AverageBandwidth: int64(500 + span.N),
		},
		ObjectKey: fmt.Sprintf("v/x/%s/%d", name, span.N), InitLength: 7, Size: 100, Header: []byte("{}"),
		Segments: []catalog.Segment{
			{Offset: 7, Length: 50, Start: span.Start(), Duration: time.Second, Samples: []byte("table")},
			{Offset: 60, Length: 40, Start: span.Start() + time.Second + 1, Duration: time.Second - 1, Samples: []byte("table")},
		},
	}
}

// pieces requires of every rendition's pieces what its tracks say.
func (k *take) pieces(t *testing.T) {
	t.Helper()
	all, err := k.s.Tracks(t.Context(), k.video.ID)
	require.NoError(t, err)
	for _, name := range []string{"360p", "720p", "audio"} {
		pieces, err := k.s.Pieces(t.Context(), k.video.ID, name)
		require.NoError(t, err)
		for _, track := range all {
			if track.Name != name {
				continue
			}
			require.NotEmpty(t, pieces)
			p := pieces[0]
			pieces = pieces[1:]
			require.Equal(t, []any{track.Span, track.ObjectKey, track.InitLength}, []any{p.Span, p.ObjectKey, p.InitLength})
			require.Len(t, p.Segments, len(track.Segments))
			for i, want := range track.Segments {
				want.Samples, p.Segments[i].Samples = nil, nil
				require.Equal(t, want, p.Segments[i])
			}
		}
		require.Empty(t, pieces)
	}
	none, err := k.s.Pieces(t.Context(), k.video.ID, "1080p")
	require.NoError(t, err)
	require.Empty(t, none)
}

// threeHours is a recording with four rungs, in pieces that are as large as those
// of a real one.
func threeHours(b *testing.B, s *shelf) *catalog.Video {
	b.Helper()
	const parts, perPart = 10, 540
	k := &take{s: s, video: s.start(b, "Long", catalog.WithLink)}
	for range parts {
		k.arrive(b, perPart)
	}
	k.close(b, catalog.UploadFinished)
	for _, span := range k.spans(b) {
		var rungs []catalog.Track
		for i, name := range []string{"360p", "540p", "720p", "1080p"} {
			rung := catalog.Track{Rendition: catalog.Rendition{Name: name, Kind: "video", Height: 360 + i}, ObjectKey: "v/" + name, Header: make([]byte, 500)}
			for n := range span.Fragments {
				rung.Segments = append(rung.Segments, catalog.Segment{
					Offset: int64(n * 100_000), Length: 100_000, Start: span.Start() + time.Duration(n)*fragmentTime, Duration: fragmentTime, Samples: make([]byte, 200),
				})
			}
			rungs = append(rungs, rung)
		}
		require.NoError(b, s.CommitSpan(b.Context(), span, rungs))
	}
	return k.read(b)
}

func BenchmarkPlaylistOf3Hours(b *testing.B) {
	for _, engine := range databasetest.Engines() {
		s := newShelf(b, engine)
		v := threeHours(b, s)
		if engine == database.PostgreSQL {
			_, err := s.db.Writer.ExecContext(b.Context(), "ANALYZE")
			require.NoError(b, err)
		}
		for name, read := range map[string]func() (any, error){
			"source":     func() (any, error) { return s.SourceSegments(b.Context(), v) },
			"rung":       func() (any, error) { return s.Pieces(b.Context(), v.ID, "720p") },
			"renditions": func() (any, error) { return s.Renditions(b.Context(), v.ID) },
		} {
			b.Run(fmt.Sprintf("%s/%s", engine, name), func(b *testing.B) {
				for b.Loop() {
					_, err := read()
					require.NoError(b, err)
				}
			})
		}
	}
}
