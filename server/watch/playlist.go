package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/transcode/container"
)

const (
	playlistType = "application/vnd.apple.mpegurl"
	audioGroup   = "sound"
	audioName    = "audio"
	// streamName is the source as playlists name it.
	streamName = "stream.mp4"
	kindVideo  = "video"
	kindAudio  = "audio"
)

// File serves everything of a video that has a name and may be watched:
// playlists, the source as they name it, the file to play in one piece, pictures.
func (w *Watch) File(c *gin.Context) error {
	name := c.Param("file")
	switch name {
	case streamName:
		return w.Stream(c)
	case "progressive":
		return w.Progressive(c)
	}
	if list, ok := strings.CutSuffix(name, ".m3u8"); ok {
		return w.playlist(c, list)
	}
	return w.still(c)
}

// playlist serves master, source, audio and the rungs.
func (w *Watch) playlist(c *gin.Context, name string) error {
	video, err := w.catalog.Video(c.Request.Context(), c.Param("video"))
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%s/%s/%d", video.ID, name, video.UpdatedAt.UnixMicro())
	list, ok := w.lists.get(key)
	if !ok {
		if list, err = w.render(c.Request.Context(), video, name); err != nil {
			return err
		}
		w.lists.put(key, list)
	}
	c.Header("Cache-Control", "private, no-cache")
	c.Data(http.StatusOK, playlistType, list)
	return nil
}

func (w *Watch) render(ctx context.Context, video *catalog.Video, name string) ([]byte, error) {
	switch name {
	case "master":
		return w.masterList(ctx, video)
	case "source":
		return w.sourceList(ctx, video)
	}
	return w.renditionList(ctx, video, name)
}

// masterList offers the source while the ladder is being made, if browsers can
// read it, and the ladder once it is whole. What browsers cannot read is
// offered from the ladder as it grows.
func (w *Watch) masterList(ctx context.Context, video *catalog.Video) ([]byte, error) {
	if streamable(video) && video.State != catalog.Ready {
		v, err := sourceVariant(video)
		if err != nil {
			return nil, err
		}
		return container.RenderMaster([]container.Variant{v}, nil), nil
	}
	renditions, err := w.catalog.Renditions(ctx, video.ID)
	if err != nil {
		return nil, err
	}
	variants, audio := ladderVariants(video, renditions)
	if len(variants) == 0 {
		return nil, errNotYet()
	}
	return container.RenderMaster(variants, audio), nil
}

// streamable says whether the source plays from playlists over its own bytes.
func streamable(video *catalog.Video) bool {
	return video.Format == string(container.FormatMP4) && video.Layout == string(container.LayoutFragmented) && video.WebSafe
}

func sourceVariant(video *catalog.Video) (container.Variant, error) {
	var h container.Header
	if err := json.Unmarshal(video.Header, &h); err != nil {
		return container.Variant{}, fmt.Errorf("watch: header: %w", err)
	}
	var codecs []string
	for _, t := range h.Tracks {
		codecs = append(codecs, t.Codec)
	}
	rate := int64(1)
	if seconds := video.Duration().Seconds(); seconds > 0 {
		rate = max(1, int64(float64(video.Size*8)/seconds))
	}
	return container.Variant{URI: "source.m3u8", Name: "source", Codecs: strings.Join(codecs, ","), Width: video.Width, Height: video.Height, Bandwidth: rate * 2, AverageBandwidth: rate}, nil
}

func ladderVariants(video *catalog.Video, renditions []catalog.Rendition) ([]container.Variant, []container.AudioRendition) {
	var variants []container.Variant
	var audio []container.AudioRendition
	var sound *catalog.Rendition
	for _, r := range renditions {
		if r.Kind == kindAudio {
			sound = &r
			continue
		}
		variants = append(variants, container.Variant{
			URI: r.Name + ".m3u8", Name: r.Name, Codecs: r.Codecs, Width: r.Width, Height: r.Height, FrameRate: r.FrameRate,
			Bandwidth: r.Bandwidth, AverageBandwidth: r.AverageBandwidth,
		})
	}
	if sound == nil {
		return variants, nil
	}
	if !video.HasVideo {
		return []container.Variant{{URI: audioName + ".m3u8", Name: audioName, Codecs: sound.Codecs, Bandwidth: sound.Bandwidth, AverageBandwidth: sound.AverageBandwidth}}, nil
	}
	for i := range variants {
		variants[i].Codecs += "," + sound.Codecs
		variants[i].Bandwidth += sound.Bandwidth
		variants[i].AverageBandwidth += sound.AverageBandwidth
		variants[i].AudioGroup = audioGroup
	}
	audio = append(audio, container.AudioRendition{Group: audioGroup, Name: "Sound", URI: audioName + ".m3u8", Default: true})
	return variants, audio
}

func (w *Watch) sourceList(ctx context.Context, video *catalog.Video) ([]byte, error) {
	if !streamable(video) {
		return nil, errNotYet()
	}
	segments, err := w.catalog.SourceSegments(ctx, video)
	if err != nil {
		return nil, err
	}
	if len(segments) == 0 {
		return nil, errNotYet()
	}
	var h struct {
		Length int64 `json:"length"`
	}
	if err := json.Unmarshal(video.Header, &h); err != nil {
		return nil, fmt.Errorf("watch: header: %w", err)
	}
	list := container.MediaPlaylist{
		Inits:       []container.InitRef{{URI: streamName, Length: h.Length}},
		Segments:    entries(nil, streamName, segments),
		Ended:       video.State != catalog.Recording,
		Independent: true,
	}
	return list.Render(), nil
}

// renditionList renders one rung, or the audio: the spans that are made, up to the
// first that is not.
func (w *Watch) renditionList(ctx context.Context, video *catalog.Video, name string) ([]byte, error) {
	pieces, err := w.catalog.Pieces(ctx, video.ID, name)
	if err != nil {
		return nil, err
	}
	list := container.MediaPlaylist{Independent: true}
	prefix := catalog.ObjectPrefix(video.ID)
	next, whole := 0, false
	for _, p := range pieces {
		if p.Span > next {
			break
		}
		whole = whole || p.Span < 0
		next = p.Span + 1
		uri := "o/" + strings.TrimPrefix(p.ObjectKey, prefix)
		if len(list.Inits) == 0 {
			list.Inits = []container.InitRef{{URI: uri, Length: p.InitLength}}
		}
		list.Segments = entries(list.Segments, uri, p.Segments)
	}
	if len(list.Segments) == 0 {
		return nil, reply.NotFound
	}
	// What failed for good gets an end where it stops.
	list.Ended = whole || video.State == catalog.Failed || video.State != catalog.Recording && next == video.Spans
	return list.Render(), nil
}

// entries appends the segments of an object to a playlist's.
func entries(list []container.Segment, uri string, segments []catalog.Segment) []container.Segment {
	list = slices.Grow(list, len(segments))
	for _, s := range segments {
		list = append(list, container.Segment{URI: uri, Offset: s.Offset, Length: s.Length, Start: s.Start, Duration: s.Duration})
	}
	return list
}

func errNotYet() error {
	return reply.New(http.StatusNotFound, "not_yet", "Nothing of this video can be streamed yet.")
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
