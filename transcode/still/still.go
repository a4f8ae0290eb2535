// Package still makes the pictures of a video: a poster, a storyboard for the
// seek bar and a short animated preview. It decodes key frames where it can, so
// that an hour of video costs seconds.
package still

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

const (
	posterWidth  = 1280
	tileWidth    = 160
	maxTileSide  = 284 // of a portrait tile: 9:16
	maxTiles     = 100
	columns      = 10
	minInterval  = 2 * time.Second
	previewWidth = 480
	previewRate  = 8
	// PreviewLength is how long the animated preview plays.
	PreviewLength = 3 * time.Second
	maxPreview    = 500 << 10
)

// Source is a file to take pictures from.
type Source struct {
	Path   string
	Format ffmpeg.Format
	// FromZero moves the file's earliest timestamp to 0.
	FromZero bool
	// From, if set, skips what lies before.
	From time.Duration
	// Length bounds the work.
	Length time.Duration
}

// Geometry is the layout of a storyboard: Tiles pictures, one every Interval,
// left to right and then down.
type Geometry struct {
	Columns, Tiles        int
	TileWidth, TileHeight int
	Interval              time.Duration
}

// Plan lays out the storyboard of a video.
func Plan(length time.Duration, width, height int) Geometry {
	g := Geometry{TileWidth: tileWidth, TileHeight: even(tileWidth * float64(height) / float64(max(width, 1)))}
	if g.TileHeight > maxTileSide {
		g.TileHeight, g.TileWidth = maxTileSide, even(maxTileSide*float64(width)/float64(height))
	}
	interval := max(minInterval, (length/maxTiles + 99*time.Millisecond).Truncate(100*time.Millisecond))
	g.Interval = interval
	g.Tiles = max(1, min(maxTiles, int((length+interval-1)/interval)))
	g.Columns = min(columns, g.Tiles)
	return g
}

func even(side float64) int { return max(2, int(math.Round(side/2))*2) }

// Maker makes pictures.
type Maker struct{ Runner *ffmpeg.Runner }

// Poster makes a JPEG of the most typical of the first key frames, passing over
// black ones.
func (m *Maker) Poster(ctx context.Context, s Source, dir string) (string, error) {
	path := filepath.Join(dir, "poster.jpg")
	var err error
	for _, lit := range []bool{true, false} {
		err = m.run(ctx, s, dir, func(g *ffmpeg.Graph) {
			v := s.keyFrames(g)
			if lit {
				v = v.Filter("signalstats").Filter("metadata", "mode=select", "key=lavfi.signalstats.YAVG", "value=24", "function=greater")
			}
			// A few frames are enough to choose from; later ones are not decoded.
			v = v.Filter("thumbnail", "8").Filter("scale", fmt.Sprintf("min(%d,iw)", posterWidth), "-2").Filter("setsar", "1").Filter("format", "yuvj420p")
			g.Output(path, jpeg(4), v)
		})
		if err == nil && filled(path) {
			return path, nil
		}
	}
	if err == nil {
		err = &ffmpeg.Problem{Sentence: "No picture of this video could be made.", Detail: "no key frame decodes"}
	}
	return "", err
}

// Storyboard makes one JPEG of all tiles.
func (m *Maker) Storyboard(ctx context.Context, s Source, plan Geometry, dir string) (string, error) {
	path := filepath.Join(dir, "storyboard.jpg")
	rows := (plan.Tiles + plan.Columns - 1) / plan.Columns
	w, h := strconv.Itoa(plan.TileWidth), strconv.Itoa(plan.TileHeight)
	err := m.run(ctx, s, dir, func(g *ffmpeg.Graph) {
		v := s.keyFrames(g).
			Filter("scale", w, h, "force_original_aspect_ratio=decrease", "flags=area").
			Filter("pad", w, h, "(ow-iw)/2", "(oh-ih)/2").Filter("setsar", "1").
			// Each tile shows the last key frame at or before its time.
			Filter("fps", fmt.Sprintf("fps=1000/%d", plan.Interval.Milliseconds()), "start_time=0", "round=up", "eof_action=pass").
			Filter("tpad", "stop=-1", "stop_mode=clone").
			Filter("tile", fmt.Sprintf("%dx%d", plan.Columns, rows), "nb_frames="+strconv.Itoa(plan.Tiles)).Filter("format", "yuvj420p")
		g.Output(path, jpeg(5), v)
	})
	if err == nil && !filled(path) {
		err = &ffmpeg.Problem{Sentence: "No pictures of this video could be made.", Detail: "no key frame decodes"}
	}
	return path, err
}

// Preview makes an animated WebP of the source's first seconds after From. It
// returns "" when this ffmpeg cannot write WebP.
func (m *Maker) Preview(ctx context.Context, s Source, dir string) (string, error) {
	path := filepath.Join(dir, "preview.webp")
	for _, try := range []struct{ width, quality int }{{previewWidth, 50}, {360, 35}, {240, 25}} {
		err := m.run(ctx, s, dir, func(g *ffmpeg.Graph) {
			v := g.Input(s.input(nil)).Video().
				Filter("fps", strconv.Itoa(previewRate)).
				Filter("scale", fmt.Sprintf("min(%d,iw)", try.width), "-2").Filter("setsar", "1").Filter("setpts", "PTS-STARTPTS")
			g.Output(path, ffmpeg.Options{
				"f": "webp", "c:v": "libwebp_anim", "quality": strconv.Itoa(try.quality), "compression_level": "3",
				"loop": "0", "t": strconv.FormatFloat(PreviewLength.Seconds(), 'f', 1, 64),
			}, v)
		})
		if ffmpeg.LacksEncoder(err) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.Size() <= maxPreview {
			return path, nil
		}
	}
	return "", nil
}

func (m *Maker) run(ctx context.Context, s Source, dir string, draw func(*ffmpeg.Graph)) error {
	_, err := m.Runner.Run(ctx, ffmpeg.Command{
		Graph: draw, Dir: dir, FromZero: s.FromZero,
		// Only key frames are decoded: a tenth of the time that encoding may take.
		Limits: ffmpeg.Limits{Duration: s.From + s.Length + time.Minute, CPU: time.Minute + s.Length/2, Output: 32 << 20},
	})
	return err
}

func (s Source) input(options ffmpeg.Options) ffmpeg.Input {
	return ffmpeg.Input{Path: s.Path, Format: s.Format, From: s.From, Options: options}
}

func (s Source) keyFrames(g *ffmpeg.Graph) ffmpeg.Stream {
	return g.Input(s.input(ffmpeg.Options{"skip_frame": "nokey"})).Video()
}

func jpeg(quality int) ffmpeg.Options {
	return ffmpeg.Options{"f": "mjpeg", "c:v": "mjpeg", "frames:v": "1", "q:v": strconv.Itoa(quality), "fflags": "+bitexact", "flags": "+bitexact"}
}

func filled(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}
