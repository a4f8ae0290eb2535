package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

// progressive is a file that exists nowhere: a head made from the index, in
// front of bytes that were never touched.
type progressive struct {
	slices      []objects.Slice
	contentType string
	extension   string
	etag        string
}

var errNotWhole = reply.New(http.StatusNotFound, "not_yet", "This video has no file to play in one piece yet.")

// Progressive serves the source as one seekable file.
func (w *Watch) Progressive(c *gin.Context) error {
	return w.serveFile(c, w.sourceFile, nil)
}

// Download serves the best MP4 there is, to be saved: the ladder's top rung
// once it is made, for it plays everywhere; before that the source.
func (w *Watch) Download(c *gin.Context) error {
	create := func(ctx context.Context, video *catalog.Video) (*progressive, error) {
		if video.State == catalog.Ready {
			return w.ladderFile(ctx, video)
		}
		file, err := w.sourceFile(ctx, video)
		if err == nil {
			return file, nil
		}
		src, err := w.readSource(ctx, video)
		if err != nil {
			return nil, err
		}
		return &progressive{slices: src.slices, contentType: "application/octet-stream", extension: "bin", etag: "raw"}, nil
	}
	return w.serveFile(c, create, func(h http.Header, video *catalog.Video, file *progressive) {
		attachment(h, video.Title, file.extension)
	})
}

type fileMaker func(ctx context.Context, video *catalog.Video) (*progressive, error)

func (w *Watch) serveFile(c *gin.Context, create fileMaker, dress func(http.Header, *catalog.Video, *progressive)) error {
	ctx := c.Request.Context()
	video, err := w.catalog.Video(ctx, c.Param("video"))
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%s/%t/%s/%d/%d", video.ID, dress != nil, video.State, video.Size, video.Take)
	file, ok := w.heads.get(key)
	if !ok {
		if file, err = create(ctx, video); err != nil {
			return err
		}
		w.heads.put(key, file)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", file.contentType)
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("ETag", strconv.Quote(file.etag+"-"+strconv.FormatInt(video.Size, 10)+"-"+strconv.Itoa(video.Take)))
	if dress != nil {
		dress(h, video, file)
	}
	return w.serve(c, file.slices)
}

// sourceFile puts a head with an index in front of a finished recording, or
// offers a plain file as it is.
func (w *Watch) sourceFile(ctx context.Context, video *catalog.Video) (*progressive, error) {
	if video.State == catalog.Recording || video.Header == nil {
		return nil, errNotWhole
	}
	src, err := w.readSource(ctx, video)
	if err != nil {
		return nil, err
	}
	file := &progressive{slices: src.slices, contentType: src.contentType, extension: video.Format, etag: "file"}
	if video.Layout != string(container.LayoutFragmented) {
		if !video.WebSafe {
			return nil, errNotWhole
		}
		return file, nil
	}
	header, fragments, err := w.index(ctx, video)
	if err != nil {
		return nil, err
	}
	if len(fragments) == 0 {
		return nil, errNotWhole
	}
	if header.Format == container.FormatWebM {
		return w.webmFile(ctx, file, header, fragments)
	}
	head, err := container.TwinMP4([]container.Piece{{Header: header, Fragments: fragments}}, src.size)
	if err != nil {
		return nil, fmt.Errorf("watch: make an MP4 head: %w", err)
	}
	file.slices = append([]objects.Slice{{Bytes: head}}, src.slices...)
	return file, nil
}

func (w *Watch) webmFile(ctx context.Context, file *progressive, header *container.Header, fragments []container.Fragment) (*progressive, error) {
	init, err := w.readAll(ctx, objects.Cut(file.slices, 0, header.Length))
	if err != nil {
		return nil, err
	}
	head, skip, err := container.WebMHead(header, init, fragments)
	if err != nil {
		return nil, fmt.Errorf("watch: make a WebM head: %w", err)
	}
	last := fragments[len(fragments)-1]
	file.slices = append([]objects.Slice{{Bytes: head}}, objects.Cut(file.slices, skip, last.Offset+last.Length)...)
	return file, nil
}

// index reads a source's header and fragments with their sample tables.
func (w *Watch) index(ctx context.Context, video *catalog.Video) (*container.Header, []container.Fragment, error) {
	header := new(container.Header)
	if err := json.Unmarshal(video.Header, header); err != nil {
		return nil, nil, fmt.Errorf("watch: header: %w", err)
	}
	rows, err := w.catalog.Samples(ctx, video.ID)
	if err != nil {
		return nil, nil, err
	}
	fragments := make([]container.Fragment, len(rows))
	for i, r := range rows {
		fragments[i] = container.Fragment{Offset: r.Start, Length: r.Length, Start: micros(r.StartUS), Duration: micros(r.DurationUS), Key: true, Samples: r.Samples}
	}
	return header, fragments, nil
}

// ladderFile joins the spans of the best rung, and the sound, into one MP4.
func (w *Watch) ladderFile(ctx context.Context, video *catalog.Video) (*progressive, error) {
	tracks, err := w.catalog.Tracks(ctx, video.ID)
	if err != nil {
		return nil, err
	}
	var pieces []container.Piece
	file := &progressive{contentType: "video/mp4", extension: "mp4", etag: "ladder"}
	var base int64
	for _, t := range bestTracks(tracks) {
		piece, err := pieceOf(t, base)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece)
		file.slices = append(file.slices, objects.Slice{Key: t.ObjectKey, Length: t.Size})
		base += t.Size
	}
	head, err := container.TwinMP4(pieces, base)
	if err != nil {
		return nil, fmt.Errorf("watch: make an MP4 head: %w", err)
	}
	file.slices = append([]objects.Slice{{Bytes: head}}, file.slices...)
	return file, nil
}

// bestTracks picks the largest rung's spans and the sound, in order.
func bestTracks(tracks []catalog.Track) []catalog.Track {
	best := -1
	for i, t := range tracks {
		if t.Kind == kindVideo && (best < 0 || t.Height > tracks[best].Height) {
			best = i
		}
	}
	var out, sound []catalog.Track
	for _, t := range tracks {
		switch {
		case t.Kind == kindAudio:
			sound = append(sound, t)
		case t.Name == tracks[best].Name:
			out = append(out, t)
		}
	}
	return append(out, sound...)
}

func pieceOf(t catalog.Track, base int64) (container.Piece, error) {
	piece := container.Piece{Header: new(container.Header), Base: base}
	if err := json.Unmarshal(t.Header, piece.Header); err != nil {
		return piece, fmt.Errorf("watch: header of %s: %w", t.Name, err)
	}
	for _, s := range t.Segments {
		piece.Fragments = append(piece.Fragments, container.Fragment{Offset: s.Offset, Length: s.Length, Start: s.Start, Duration: s.Duration, Key: true, Samples: s.Samples})
	}
	return piece, nil
}
