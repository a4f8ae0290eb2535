package talk

import (
	"context"
	"errors"
	"time"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// errEnd ends a stream without anything being wrong.
var errEnd = errors.New("talk: the stream ends")

// ended is the error that is worth a line in the log, if any: a client that
// went away or does not read is none.
func ended(err error) error {
	var line *lineError
	if errors.Is(err, errEnd) || errors.As(err, &line) {
		return nil
	}
	return err
}

// removed names what is to be forgotten.
type removed struct {
	ID string `json:"id"`
}

// hear takes in an event: words are passed on at once, changes of a video not
// more often than every pause.
func (x *follower) hear(ctx context.Context, e record.Event) error {
	switch e.Kind {
	case record.RecordingEnds:
		return nil // is between servers
	case record.AccessLost:
		return nil // what was lost is heard of as hidden, or found by recheck
	case record.NoticeAdded:
		return x.showInbox(ctx, e)
	case record.VideoHidden:
		if e.AccountID != "" {
			return x.hideFrom(ctx, e)
		}
	case record.CommentChanged, record.CommentRemoved:
		if x.room == "" {
			return nil // the video's own event brings the new count
		}
		return x.showComment(ctx, e)
	}
	if _, known := x.stale[e.VideoID]; !known {
		x.order = append(x.order, e.VideoID)
	}
	was := x.stale[e.VideoID]
	x.stale[e.VideoID] = mark{hidden: was.hidden || e.Kind == record.VideoHidden, known: was.known || x.knew(e)}
	if x.due != nil {
		return nil
	}
	if wait := x.feed.pause - time.Since(x.shown); wait > 0 {
		x.due = time.After(wait)
		return nil
	}
	return x.showStale(ctx)
}

// mark is what happened to a video since it was shown: it was hidden from some, or
// removed, and the follower knew it as somebody of its workspace, or as its owner.
type mark struct{ hidden, known bool }

// knew says whether somebody who follows a library could see in it what is gone.
func (x *follower) knew(e record.Event) bool {
	account := x.principal.Account
	return (e.Kind == record.VideoRemoved || e.Kind == record.VideoHidden) && account != nil && (e.AccountID == account.ID || account.RoleIn(e.WorkspaceID) != "")
}

// showStale shows every video that changed.
func (x *follower) showStale(ctx context.Context) error {
	order, marks := x.order, x.stale
	x.order, x.stale, x.due, x.shown = nil, map[string]mark{}, nil, time.Now()
	for _, id := range order {
		if err := x.showVideo(ctx, id, marks[id]); err != nil {
			return err
		}
	}
	return nil
}

// showVideo shows a video as it is now, or that it is gone – but that only to
// those who could see it before.
func (x *follower) showVideo(ctx context.Context, id string, since mark) error {
	video, err := x.feed.Finder.Find(ctx, x.principal, catalog.VideoID, id)
	if errors.Is(err, record.ErrNotFound) {
		if x.room == "" && !since.known {
			return nil
		}
		return x.showGone(id)
	}
	if err != nil {
		return err
	}
	if video.Trashed() {
		before := *video
		before.TrashedAt.Time = time.Time{}
		if x.shows(&before) {
			return x.showGone(id)
		}
		return x.endRoom()
	}
	if !x.shows(video) {
		if x.room != "" || since.hidden && (since.known || video.Named) {
			return x.showGone(id)
		}
		return nil
	}
	ctx = access.WithVideo(ctx, x.principal, video)
	view, err := x.feed.Video(ctx, video)
	if err != nil {
		return err
	}
	return x.stream.send("video", view)
}

// hideFrom takes a video from the one account that it was hidden from.
func (x *follower) hideFrom(ctx context.Context, e record.Event) error {
	if e.AccountID != x.principal.AccountID() {
		return nil
	}
	video, err := x.feed.Finder.Find(ctx, x.principal, catalog.VideoID, e.VideoID)
	if errors.Is(err, record.ErrNotFound) || err == nil && !x.shows(video) {
		return x.showGone(e.VideoID)
	}
	return err
}

// shows says whether a video is for this follower. Of all the videos that one may
// watch by their address, a library shows those that one finds without it.
func (x *follower) shows(video *catalog.Video) bool {
	return access.RightsOf(x.principal, video).Watch && (x.room != "" || x.belongs(video))
}

func (x *follower) belongs(video *catalog.Video) bool {
	account := x.principal.Account
	return account != nil && (account.ID == video.OwnerID || video.Named || account.RoleIn(video.WorkspaceID) != "")
}

// inbox tells how much of one's inbox is new.
type inbox struct {
	Unread int `json:"unread"`
}

func (x *follower) showInbox(ctx context.Context, e record.Event) error {
	if x.room != "" || e.AccountID != x.principal.AccountID() {
		return nil
	}
	unread, err := x.feed.Catalog.UnreadNotices(ctx, e.AccountID)
	if err != nil {
		return err
	}
	return x.stream.send("notice", inbox{unread})
}

func (x *follower) showGone(id string) error {
	if err := x.stream.send("video_removed", removed{id}); err != nil {
		return err
	}
	return x.endRoom()
}

// endRoom ends a stream about a video that may not be watched any more.
func (x *follower) endRoom() error {
	if x.room != "" {
		return errEnd
	}
	return nil
}

// showComment shows a comment as it is now, or that it is gone.
func (x *follower) showComment(ctx context.Context, e record.Event) error {
	video, err := x.feed.Finder.Find(ctx, x.principal, catalog.VideoID, e.VideoID)
	if errors.Is(err, record.ErrNotFound) {
		return x.showGone(e.VideoID)
	}
	if err != nil {
		return err
	}
	rights := access.RightsOf(x.principal, video)
	if !rights.Watch {
		return x.showGone(e.VideoID)
	}
	comment, err := x.feed.Catalog.Comment(ctx, e.CommentID)
	if errors.Is(err, record.ErrNotFound) {
		return x.stream.send("comment_deleted", removed{e.CommentID})
	}
	if err != nil {
		return err
	}
	return x.stream.send("comment", readerOf(access.WithVideo(ctx, x.principal, video)).view(comment))
}
