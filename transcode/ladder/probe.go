package ladder

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/transcode/container"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/source"
)

const (
	// spanLength is how much of a plain file one job encodes.
	spanLength = 24 * time.Second
	// firstSpan is shorter, so that something can be watched soon.
	firstSpan = 8 * time.Second
	// maxLength is the longest video that is converted.
	maxLength = 12 * time.Hour
	// maxPixelRate is the fastest one: 4K at 120 frames a second.
	maxPixelRate = 3840 * 2160 * 120
)

// probe looks into a file that is no stream of fragments, refuses in words what
// would be too much, and plans its spans.
func (j *Jobs) probe(ctx context.Context, args jobs.Probe) error {
	video, err := j.Catalog.Video(ctx, args.VideoID)
	if err != nil {
		return err
	}
	parts, err := j.Catalog.Parts(ctx, args.VideoID)
	if err != nil {
		return err
	}
	path, release, err := j.Desk.Whole(ctx, video.ID, parts)
	if err != nil {
		return err
	}
	defer release()
	media, bounds, err := Examine(ctx, j.Runner, path)
	if err != nil {
		return err
	}
	media.Format, media.Header, media.WebSafe = string(container.FormatOther), video.Header, video.WebSafe
	if video.Format != "" {
		media.Format = video.Format
	}
	return j.Catalog.PlanFile(ctx, args.VideoID, args.Take, *media, bounds)
}

// Examine decides whether a plain file can be used, and where to cut it: each
// span of its video lies between two bounds. Without video there are no bounds.
func Examine(ctx context.Context, runner *ffmpeg.Runner, path string) (*catalog.Media, []time.Duration, error) {
	format, err := ffmpeg.SniffFile(path)
	if err != nil {
		return nil, nil, err
	}
	in := ffmpeg.Input{Path: path, Format: format}
	found, err := runner.Probe(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	media := &catalog.Media{Layout: string(container.LayoutPlain), HasAudio: found.Audio != nil, HasVideo: found.Video != nil, Duration: found.Duration}
	if err := bearable(found); err != nil || found.Video == nil {
		return media, nil, err
	}
	media.Width, media.Height = found.Video.Width, found.Video.Height
	keys, err := runner.Keyframes(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	// What the header says of its rate may be a lie, or too absurd to be believed.
	found.Video.FrameRate = max(found.Video.FrameRate, keys.FrameRate())
	if err := bearable(found); err != nil {
		return nil, nil, err
	}
	bounds := cutPlain(keys, found.Start)
	length := bounds[len(bounds)-1]
	media.Duration = max(media.Duration, length)
	if length > maxLength {
		return nil, nil, tooLong(length)
	}
	return media, bounds, nil
}

// bearable refuses what would keep the machine busy for days.
func bearable(p *ffmpeg.Probe) error {
	if p.Duration > maxLength {
		return tooLong(p.Duration)
	}
	if v := p.Video; v != nil && float64(v.Width)*float64(v.Height)*max(v.FrameRate, 1) > maxPixelRate {
		return &ffmpeg.Problem{Sentence: fmt.Sprintf(
			"This video has %d × %d pixels at %.0f frames a second, more than Meanwhile converts (4K at 120). The original can still be downloaded.",
			v.Width, v.Height, v.FrameRate)}
	}
	return nil
}

func tooLong(length time.Duration) error {
	return &ffmpeg.Problem{Sentence: fmt.Sprintf(
		"This recording says it lasts %.0f hours; Meanwhile converts up to 12. The original can still be downloaded.", length.Hours())}
}

// cutPlain chooses key frames as bounds, so that no span decodes what belongs to
// another. Times count from the file's start, as the ladder's do.
func cutPlain(keys *ffmpeg.Keyframes, start time.Duration) []time.Duration {
	var bounds []time.Duration
	end := keys.End - start
	aim := firstSpan
	for _, at := range keys.At {
		at -= start
		switch {
		case len(bounds) == 0:
			// From the very start, without a seek, which some containers take
			// past the first frame.
			bounds = append(bounds, 0)
		case at-bounds[len(bounds)-1] >= aim && end-at >= spanLength/4:
			bounds = append(bounds, at)
			aim = spanLength
		}
	}
	if len(bounds) == 0 {
		bounds = []time.Duration{0}
	}
	return append(bounds, max(end, bounds[len(bounds)-1]+time.Millisecond))
}

func (j *Jobs) audioInput(ctx context.Context, video *catalog.Video, parts []catalog.Part) (*AudioInput, func(), error) {
	in := &AudioInput{Duration: video.Duration(), Channels: 2}
	if video.Layout != string(container.LayoutFragmented) {
		path, release, err := j.Desk.Whole(ctx, video.ID, parts)
		if err != nil {
			return nil, nil, err
		}
		in.Path, in.FromZero = path, true
		if err := j.inspectAudio(ctx, in); err != nil {
			release()
			return nil, nil, err
		}
		return in, release, nil
	}
	in.Format = ffmpeg.MOV
	if video.Format == string(container.FormatWebM) {
		in.Format = ffmpeg.Matroska
	}
	in.Channels = channels(video)
	in.Open = func(ctx context.Context) (io.ReadCloser, error) { return j.Desk.Stream(ctx, parts), nil }
	return in, func() {}, nil
}

// channels of a recording's sound; two when it does not say.
func channels(video *catalog.Video) int {
	if header := source.Header(video); header != nil {
		for _, t := range header.Tracks {
			if t.Kind == container.KindAudio && t.Channels > 0 {
				return t.Channels
			}
		}
	}
	return 2
}

func (j *Jobs) inspectAudio(ctx context.Context, in *AudioInput) (err error) {
	if in.Format, err = ffmpeg.SniffFile(in.Path); err != nil {
		return err
	}
	found, err := j.Runner.Probe(ctx, ffmpeg.Input{Path: in.Path, Format: in.Format})
	if err == nil && found.Audio != nil {
		in.Channels = found.Audio.Channels
	}
	return err
}
