package watch

import (
	"encoding/json"
	"fmt"
	"net/http"
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
		if list, err = w.render(c, video, name); err != nil {
			return err
		}
		w.lists.put(key, list)
	}
	c.Header("Cache-Control", "private, no-cache")
	c.Data(http.StatusOK, playlistType, list)
	return nil
}

func (w *Watch) render(c *gin.Context, video *catalog.Video, name string) ([]byte, error) {
	ctx := c.Request.Context()
	if name == "source" {
		fragments, err := w.catalog.Fragments(ctx, video.ID, 0, -1)
		if err != nil {
			return nil, err
		}
		return sourceList(video, fragments)
	}
	tracks, err := w.catalog.Tracks(ctx, video.ID)
	if err != nil {
		return nil, err
	}
	if name == "master" {
		return masterList(video, tracks)
	}
	return trackList(video, tracks, name)
}

// masterList offers the source while the ladder is being made, if browsers can
// read it, and the ladder once it is whole. What browsers cannot read is
// offered from the ladder as it grows.
func masterList(video *catalog.Video, tracks []catalog.Track) ([]byte, error) {
	if streamable(video) && video.State != catalog.Ready {
		v, err := sourceVariant(video)
		if err != nil {
			return nil, err
		}
		return container.RenderMaster([]container.Variant{v}, nil), nil
	}
	variants, audio := ladderVariants(video, tracks)
	if len(variants) == 0 {
		return nil, reply.New(http.StatusNotFound, "not_yet", "Nothing of this video can be streamed yet.")
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

func ladderVariants(video *catalog.Video, tracks []catalog.Track) ([]container.Variant, []container.AudioRendition) {
	var variants []container.Variant
	var audio []container.AudioRendition
	var sound *catalog.Track
	rungs := map[string]int{}
	for i := range tracks {
		t := &tracks[i]
		if t.Kind == kindAudio {
			sound = t
			continue
		}
		at, ok := rungs[t.Name]
		if !ok {
			at = len(variants)
			rungs[t.Name] = at
			variants = append(variants, container.Variant{URI: t.Name + ".m3u8", Name: t.Name, Codecs: t.Codecs, Width: t.Width, Height: t.Height, FrameRate: t.FrameRate})
		}
		variants[at].Bandwidth = max(variants[at].Bandwidth, t.Bandwidth)
		variants[at].AverageBandwidth = max(variants[at].AverageBandwidth, t.AverageBandwidth)
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

func sourceList(video *catalog.Video, fragments []catalog.Fragment) ([]byte, error) {
	var h struct {
		Length int64 `json:"length"`
	}
	if !streamable(video) || len(fragments) == 0 {
		return nil, reply.New(http.StatusNotFound, "not_yet", "Nothing of this video can be streamed yet.")
	}
	if err := json.Unmarshal(video.Header, &h); err != nil {
		return nil, fmt.Errorf("watch: header: %w", err)
	}
	list := container.MediaPlaylist{
		Inits:       []container.InitRef{{URI: streamName, Length: h.Length}},
		Ended:       video.State != catalog.Recording,
		Independent: true,
	}
	for _, f := range fragments {
		list.Segments = append(list.Segments, container.Segment{
			URI: streamName, Offset: f.Start, Length: f.Length, Start: micros(f.StartUS), Duration: micros(f.DurationUS),
		})
	}
	return list.Render(), nil
}

// trackList renders one rung, or the audio: the spans that are made, up to the
// first that is not.
func trackList(video *catalog.Video, tracks []catalog.Track, name string) ([]byte, error) {
	list := container.MediaPlaylist{Independent: true}
	prefix := catalog.ObjectPrefix(video.ID)
	next, whole := 0, false
	for _, t := range tracks {
		if t.Name != name || t.Span > next {
			continue
		}
		whole = whole || t.Span < 0
		next = t.Span + 1
		uri := "o/" + strings.TrimPrefix(t.ObjectKey, prefix)
		if len(list.Inits) == 0 {
			list.Inits = []container.InitRef{{URI: uri, Length: t.InitLength}}
		}
		for _, s := range t.Segments {
			list.Segments = append(list.Segments, container.Segment{URI: uri, Offset: s.Offset, Length: s.Length, Start: s.Start, Duration: s.Duration})
		}
	}
	if len(list.Segments) == 0 {
		return nil, reply.NotFound
	}
	// What failed for good gets an end where it stops.
	list.Ended = whole || video.State == catalog.Failed || video.State != catalog.Recording && next == video.Spans
	return list.Render(), nil
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
