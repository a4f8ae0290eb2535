package still

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/transcode/container"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/source"
)

// Jobs does the work of the kind stills.
type Jobs struct {
	Catalog *catalog.Catalog
	Desk    *source.Desk
	Runner  *ffmpeg.Runner
	Log     *slog.Logger
}

// Register makes h do this kind of job.
func (j *Jobs) Register(h *jobs.Handlers) {
	jobs.Handle(h, func(ctx context.Context, job jobs.Job[jobs.Stills]) error {
		if job.Fatal {
			return jobs.Permanent(errors.New("drawing stills ended the process in every attempt"))
		}
		return j.settle(ctx, job, j.make(ctx, job.Args))
	})
}

// patience is how long a job waits for what passes by itself before that counts
// against it.
const patience = 6 * time.Hour

// settle decides what the outcome of a job means.
func (j *Jobs) settle(ctx context.Context, job jobs.Job[jobs.Stills], err error) error {
	wait, passes := source.Passes(err)
	switch {
	case err == nil, errors.Is(err, catalog.ErrAlreadyDone), errors.Is(err, record.ErrNotFound):
		return nil
	case ctx.Err() == nil && passes && (!job.Last || time.Since(job.Since) < patience):
		return jobs.Later(wait)
	case ctx.Err() == nil && (job.Last || ffmpeg.IsPermanent(err)):
		// A video without pictures is still a video.
		j.Log.Warn("no stills", "video", job.Args.VideoID, "error", err)
		return jobs.Permanent(err)
	}
	return err
}

func (j *Jobs) make(ctx context.Context, args jobs.Stills) error {
	video, err := j.Catalog.Video(ctx, args.VideoID)
	if err != nil {
		return err
	}
	if video.Take != args.Take || !video.HasVideo {
		return catalog.ErrAlreadyDone
	}
	dir, remove, err := j.Desk.Folder()
	if err != nil {
		return err
	}
	defer remove()
	from, release, err := j.open(ctx, video, dir, args.Early)
	if err != nil {
		return err
	}
	defer release()
	prefix := "v/" + video.ID + "/still/" + record.NewID() + "/"
	made, err := j.draw(ctx, video, *from, draft{dir: dir, prefix: prefix, early: args.Early})
	if err == nil {
		err = j.Catalog.CommitStills(ctx, args.VideoID, args.Take, made)
	}
	if err != nil {
		return j.Desk.Discard(ctx, prefix, err)
	}
	return nil
}

// sources are the files that the pictures come from.
type sources struct{ poster, board, clip Source }

type draft struct {
	dir, prefix string
	early       bool
}

// draw makes the pictures and keeps them. Only the poster is indispensable.
func (j *Jobs) draw(ctx context.Context, video *catalog.Video, from sources, d draft) (made catalog.Stills, err error) {
	m := &Maker{Runner: j.Runner}
	path, err := m.Poster(ctx, from.poster, d.dir)
	if err != nil {
		return made, err
	}
	made.Poster = d.prefix + "poster.jpg"
	if err := j.Desk.Keep(ctx, made.Poster, path); err != nil || d.early {
		return made, err
	}
	plan := Plan(video.Duration(), video.Width, video.Height)
	path, err = m.Storyboard(ctx, from.board, plan, d.dir)
	if err != nil {
		return made, err
	}
	made.Storyboard = d.prefix + "storyboard.jpg"
	made.Columns, made.Tiles, made.Interval = plan.Columns, plan.Tiles, plan.Interval
	made.TileWidth, made.TileHeight = plan.TileWidth, plan.TileHeight
	if err := j.Desk.Keep(ctx, made.Storyboard, path); err != nil {
		return made, err
	}
	if path, err = m.Preview(ctx, from.clip, d.dir); err != nil || path == "" {
		return made, err
	}
	made.Preview = d.prefix + "preview.webp"
	return made, j.Desk.Keep(ctx, made.Preview, path)
}

// open brings here what the pictures need: a plain file as it is; of a
// recording, only the fragments that are looked at.
func (j *Jobs) open(ctx context.Context, video *catalog.Video, dir string, early bool) (*sources, func(), error) {
	parts, err := j.Catalog.Parts(ctx, video.ID)
	if err != nil {
		return nil, nil, err
	}
	if video.Layout != string(container.LayoutFragmented) {
		return j.openPlain(ctx, video, parts)
	}
	fragments, err := j.Catalog.Fragments(ctx, video.ID, 0, -1)
	if err != nil {
		return nil, nil, err
	}
	if len(fragments) == 0 {
		return nil, nil, catalog.ErrAlreadyDone
	}
	all := &sources{}
	work := &catalog.SpanWork{Video: video, Parts: parts}
	picks := []struct {
		to        *Source
		name      string
		fragments []catalog.Fragment
	}{
		{&all.poster, "first", fragments[:min(len(fragments), 8)]},
		{&all.board, "board", sample(fragments, Plan(video.Duration(), video.Width, video.Height))},
		{&all.clip, "clip", clip(fragments)},
	}
	if early {
		picks = picks[:1]
	}
	for _, pick := range picks {
		work.Fragments = pick.fragments
		path := filepath.Join(dir, pick.name)
		if err := j.Desk.Fragments(ctx, work, path); err != nil {
			return nil, nil, err
		}
		format, err := ffmpeg.SniffFile(path)
		if err != nil {
			return nil, nil, err
		}
		*pick.to = Source{Path: path, Format: format, Length: video.Duration()}
	}
	return all, func() {}, nil
}

func (j *Jobs) openPlain(ctx context.Context, video *catalog.Video, parts []catalog.Part) (*sources, func(), error) {
	path, release, err := j.Desk.Whole(ctx, video.ID, parts)
	if err != nil {
		return nil, nil, err
	}
	format, err := ffmpeg.SniffFile(path)
	if err != nil {
		release()
		return nil, nil, err
	}
	s := Source{Path: path, Format: format, FromZero: true, Length: video.Duration()}
	later := s
	later.From = previewStart(video.Duration())
	return &sources{poster: s, board: s, clip: later}, release, nil
}

// previewStart is where a video is likely to have begun in earnest.
func previewStart(length time.Duration) time.Duration {
	return max(0, min(length/5, length-PreviewLength-time.Second))
}

// sample picks the fragments that the tiles show.
func sample(fragments []catalog.Fragment, plan Geometry) []catalog.Fragment {
	var picked []catalog.Fragment
	next := time.Duration(0)
	for i, f := range fragments {
		end := time.Duration(f.StartUS+f.DurationUS) * time.Microsecond
		if end <= next && i < len(fragments)-1 {
			continue
		}
		picked = append(picked, f)
		for next < end {
			next += plan.Interval
		}
	}
	return picked[:min(len(picked), maxTiles+1)]
}

// clip picks the fragments that the preview plays.
func clip(fragments []catalog.Fragment) []catalog.Fragment {
	last := fragments[len(fragments)-1]
	from := previewStart(time.Duration(last.StartUS+last.DurationUS) * time.Microsecond)
	begin := 0
	for begin < len(fragments)-1 && time.Duration(fragments[begin+1].StartUS)*time.Microsecond <= from {
		begin++
	}
	end := begin + 1
	for end < len(fragments) && time.Duration(fragments[end].StartUS-fragments[begin].StartUS)*time.Microsecond < PreviewLength {
		end++
	}
	return fragments[begin:end]
}
