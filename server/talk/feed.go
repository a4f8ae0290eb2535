package talk

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// The tempo of a stream of events.
const (
	// checkEvery is how soon after signing out somebody hears nothing more.
	checkEvery = 5 * time.Second
	// beatEvery keeps proxies from closing a quiet stream, in checks.
	beatEvery = 3
	// videoPause is the least time between two accounts of the same video: a
	// recording changes with every part that arrives.
	videoPause = time.Second
	// patience is how long a client may take to read an event.
	patience = 10 * time.Second
)

// FeedOptions set up a Feed.
type FeedOptions struct {
	Catalog *catalog.Catalog
	Finder  *access.Finder
	Auth    *auth.Auth
	// Losses know who has lost rights while a stream was open.
	Losses *access.Losses
	// Video makes what GET /api/videos/{id} answers, as JSON marshals it. The
	// gate's findings about the video are in the context.
	Video func(ctx context.Context, v *catalog.Video) (any, error)
	Log   *slog.Logger
}

// Feed answers streams of server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
//
// An event of the records says only that something changed. For each follower
// it is read anew, and shown if the follower may still see it.
type Feed struct {
	FeedOptions

	seats    *seats
	stopping chan struct{}
	stopOnce sync.Once
	check    time.Duration
	pause    time.Duration
	patience time.Duration
}

// NewFeed makes a Feed.
func NewFeed(o FeedOptions) *Feed {
	return &Feed{
		FeedOptions: o, seats: newSeats(), stopping: make(chan struct{}),
		check: checkEvery, pause: videoPause, patience: patience,
	}
}

// Stop ends all streams and those that begin from now on; browsers come back by
// themselves. It may be called twice. A server calls it when it begins to shut
// down, because it would wait for the streams otherwise.
func (f *Feed) Stop() { f.stopOnce.Do(func() { close(f.stopping) }) }

// Followers is how many streams are open.
func (f *Feed) Followers() int { return f.seats.count() }

// VideoEvents is GET /api/videos/{id}/events: what happens to one video and to
// its conversation. Needs the right to watch.
func (f *Feed) VideoEvents(c *gin.Context) error {
	return f.follow(c, access.Video(c.Request.Context()).ID)
}

// LibraryEvents is GET /api/events: what happens to the videos that one finds
// without knowing their address, and to one's inbox. Needs an account.
func (f *Feed) LibraryEvents(c *gin.Context) error { return f.follow(c, "") }

func (f *Feed) follow(c *gin.Context, room string) error {
	ctx := c.Request.Context()
	p := auth.From(ctx)
	leave, err := f.seats.take(seatOf(p, auth.Address(ctx)))
	if err != nil {
		return err
	}
	defer leave()
	sub := f.Catalog.Subscribe(room)
	defer sub.Close()

	x := &follower{feed: f, principal: p, room: room, stream: openStream(c.Writer, f.patience), stale: map[string]mark{}}
	if err := x.run(ctx, sub.C); err != nil && ctx.Err() == nil {
		// The answer has begun, so the client is told by its end.
		f.Log.Warn("a stream of events ended early", "error", err)
	}
	return nil
}

// follower is one open stream. Its goroutine owns it.
type follower struct {
	feed      *Feed
	principal auth.Principal
	// room is the video that is followed, or "" for the library.
	room   string
	stream *stream

	// stale are videos that changed since they were shown.
	stale  map[string]mark
	order  []string
	shown  time.Time
	due    <-chan time.Time
	checks int
}

// run shows what happens until somebody or something ends it.
func (x *follower) run(ctx context.Context, events <-chan record.Event) error {
	if err := x.begin(ctx); err != nil {
		return ended(err)
	}
	check := time.NewTicker(x.feed.check)
	defer check.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-x.feed.stopping:
			return ended(x.stream.farewell())
		case e, ok := <-events:
			if !ok {
				return nil // too slow: it comes back and asks for everything
			}
			err = x.hear(ctx, e)
		case <-x.due:
			err = x.showStale(ctx)
		case <-check.C:
			err = x.checkUp(ctx)
		}
		if err != nil {
			return ended(err)
		}
	}
}

// begin shows the video as it is now: it may have changed between the page and
// the subscription.
func (x *follower) begin(ctx context.Context) error {
	if err := x.stream.start(); err != nil || x.room == "" {
		return err
	}
	return x.hear(ctx, record.Event{Kind: record.VideoChanged, VideoID: x.room})
}

// checkUp ends the stream of somebody who has signed out, and shows that the
// line is alive.
func (x *follower) checkUp(ctx context.Context) error {
	alive, err := x.feed.Auth.Alive(ctx, x.principal)
	if err != nil {
		return err
	}
	if !alive {
		return errEnd
	}
	if err := x.recheck(ctx); err != nil {
		return err
	}
	if x.checks++; x.checks%beatEvery == 0 {
		return x.stream.beat()
	}
	return nil
}

// recheck ends the stream of somebody who may not watch any more without an
// event that says so: a share link has expired, or a role is gone.
func (x *follower) recheck(ctx context.Context) error {
	outdated := x.feed.Losses != nil && x.feed.Losses.Outdated(x.principal.Account)
	if outdated {
		account, err := x.feed.Catalog.Account(ctx, x.principal.Account.ID)
		if errors.Is(err, record.ErrNotFound) {
			return errEnd
		}
		if err != nil {
			return err
		}
		x.principal.Account = account
	}
	if x.room == "" || !outdated && x.principal.Pass == "" {
		return nil
	}
	video, err := x.feed.Finder.Find(ctx, x.principal, catalog.VideoID, x.room)
	if errors.Is(err, record.ErrNotFound) || err == nil && !access.RightsOf(x.principal, video).Watch {
		return x.showGone(x.room)
	}
	return err
}
