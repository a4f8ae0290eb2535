// Package catalog holds the records of videos: what was received of them, what
// was made from them, who may watch them, and what people said.
//
// A method is a whole event of the product – a video was started, a part
// arrived, a span was encoded – and is one transaction together with the jobs
// that it causes. SQL stands here, beside the method that scans its rows, and
// nowhere else.
package catalog

import (
	"context"
	"errors"
	"strconv"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// Errors that callers tell apart.
var (
	// ErrOffset says that another writer was faster: the upload stands elsewhere
	// than the caller believes.
	ErrOffset = errors.New("the upload's offset is another one")
	// ErrFinished says that the upload is complete and takes no more bytes.
	ErrFinished = errors.New("the upload is finished")
	// ErrLength says that more bytes arrived than were announced, or that the
	// announced length changed.
	ErrLength = errors.New("the upload's length does not fit")
	// ErrAlreadyDone says that somebody else has committed this result before.
	ErrAlreadyDone = errors.New("already done")
)

// Catalog is the door to the records of videos, and of the people they belong
// to. Its methods may be called at the same time.
type Catalog struct{ *people.People }

// New makes a catalog over a migrated database.
func New(o record.Options) *Catalog {
	return &Catalog{People: people.New(record.NewStore(o))}
}

// change is a transaction with what the records of videos do within one.
type change struct{ record.Change }

func (c *Catalog) write(ctx context.Context, do func(ctx context.Context, tx change) error) error {
	return c.Write(ctx, func(ctx context.Context, tx record.Change) error { return do(ctx, change{tx}) })
}

// beside is write for what happens often to one video: lockVideo comes first in
// it, and that row is what all others wait for.
func (c *Catalog) beside(ctx context.Context, do func(ctx context.Context, tx change) error) error {
	return c.WriteBeside(ctx, func(ctx context.Context, tx record.Change) error { return do(ctx, change{tx}) })
}

// audit notes in the log of a video's workspace what is done to it.
func (t change) audit(ctx context.Context, video *Video, action record.Action, detail map[string]string) error {
	return t.Audit(ctx, record.Audit{WorkspaceID: video.WorkspaceID, Action: action, VideoID: video.ID, VideoTitle: video.Title, Detail: detail})
}

// emit tells the webhooks of a video's workspace of an event, if the workspace
// may see the video.
func (t change) emit(ctx context.Context, video *Video, e webhook.Event) error {
	seen := video.Visibility == InTeam || video.Visibility == WithLink
	if !seen || video.WorkspaceID == "" || video.Trashed() {
		return nil
	}
	e.WorkspaceID, e.VideoID = video.WorkspaceID, video.ID
	e.Data.Video = &webhook.Video{
		ID: video.ID, Slug: video.Slug, Title: video.Title, State: string(video.State), Reason: video.Reason,
		DurationMS: video.DurationUS / 1000, Take: video.Take,
	}
	return webhook.Emit(ctx, t.Change, e)
}

// emitState tells of a video that has come to another state than it was read in.
func (t change) emitState(ctx context.Context, video *Video) error {
	before := video.before
	video.before = video.State
	if before == video.State {
		return nil
	}
	once := video.ID + "/" + strconv.Itoa(video.Take)
	if before == Recording && video.State != Failed {
		if err := t.emit(ctx, video, webhook.Event{Kind: webhook.VideoFinished, Once: once}); err != nil {
			return err
		}
	}
	switch video.State {
	case Ready:
		return t.emit(ctx, video, webhook.Event{Kind: webhook.VideoReady, Once: once})
	case Failed: // which it may be again after another try
		return t.emit(ctx, video, webhook.Event{Kind: webhook.VideoFailed})
	}
	return nil
}
