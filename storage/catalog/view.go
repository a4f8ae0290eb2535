package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// View is how far somebody has come in a video.
type View struct {
	bun.BaseModel `bun:"table:views,alias:view"`

	VideoID string `bun:"video_id,pk"`
	// Viewer tells people apart without saying who they are, unless they have
	// an account: see ViewerAccount.
	Viewer  string    `bun:"viewer,pk"`
	FirstAt time.Time `bun:"first_at"`
	LastAt  time.Time `bun:"last_at"`
	// WatchedUS is the longest they have watched in one visit; PositionUS is
	// where they are.
	WatchedUS  int64 `bun:"watched_us"`
	PositionUS int64 `bun:"position_us"`
}

// ViewerAccount is the viewer key of an account.
func ViewerAccount(accountID string) string { return "account:" + accountID }

// Watched is what a player reports from time to time.
type Watched struct {
	VideoID string
	Viewer  string
	// Position is where the viewer is; Played how long they have watched since
	// the page was opened.
	Position, Played time.Duration
}

// RecordView keeps where a viewer is. The first report of each viewer counts as
// a view, save the owner's own. Numbers beyond what can be true are cut: the
// position to the video, and the time watched to the clock.
func (c *Catalog) RecordView(ctx context.Context, w Watched) error {
	now := c.Now()
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		// It is not locked: all its viewers would wait for each other.
		video := new(Video)
		if err := tx.NewSelect().Model(video).Where("id = ?", w.VideoID).Scan(ctx); err != nil {
			return err
		}
		position := min(max(w.Position, 0), latestMoment).Microseconds()
		if video.State != Recording && video.DurationUS > 0 {
			position = min(position, video.DurationUS)
		}
		view, first, err := tx.view(ctx, w, now)
		if err != nil {
			return err
		}
		most := maxSpeed*now.Sub(view.FirstAt) + reportSlack
		view.WatchedUS = max(view.WatchedUS, min(w.Played, most).Microseconds())
		view.PositionUS, view.LastAt = position, now
		if _, err := tx.NewUpdate().Model(view).Column("last_at", "watched_us", "position_us").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := tx.noteViewed(ctx, video); err != nil || !first || w.Viewer == ViewerAccount(video.OwnerID) {
			return err
		}
		if err := tx.audit(ctx, video, record.VideoWatched, nil); err != nil {
			return err
		}
		tx.Tell(record.Event{Kind: record.VideoChanged, VideoID: w.VideoID})
		_, err = tx.NewRaw("UPDATE videos SET views = views + 1 WHERE id = ?", w.VideoID).Exec(ctx)
		return err
	})
}

// viewedStep is how exactly is known when a video was last watched: not every
// report needs to write.
const viewedStep = time.Hour

// noteViewed lets retention count from now on; a warning that was given before
// is void.
func (t change) noteViewed(ctx context.Context, video *Video) error {
	if t.Now().Sub(video.ViewedAt.Time) < viewedStep && video.RemovalAt.IsZero() {
		return nil
	}
	_, err := t.NewUpdate().Table("videos").Set("viewed_at = ?", t.Now()).Set("warned_at = NULL").Set("removal_at = NULL").Where("id = ?", video.ID).Exec(ctx)
	return err
}

// maxSpeed is faster than anybody watches, and reportSlack is how much a first
// report may claim: nobody has watched for longer than the clock has run.
const (
	maxSpeed    = 4
	reportSlack = time.Minute
)

// view finds how far a viewer has come, for nobody else to change, and says
// whether this is their first report.
func (t change) view(ctx context.Context, w Watched, now time.Time) (view *View, first bool, err error) {
	view = &View{VideoID: w.VideoID, Viewer: w.Viewer, FirstAt: now, LastAt: now}
	made, err := t.NewInsert().Model(view).On("CONFLICT (video_id, viewer) DO NOTHING").Exec(ctx)
	if err != nil {
		return nil, false, err
	}
	if n, err := made.RowsAffected(); err != nil || n > 0 {
		return view, true, err
	}
	return view, false, t.Lock(t.NewSelect().Model(view).WherePK()).Scan(ctx)
}

// View finds how far a viewer has come; a viewer who never reported is at the
// start.
func (c *Catalog) View(ctx context.Context, videoID, viewer string) (*View, error) {
	var found []*View
	err := c.DB.Reader.NewSelect().Model(&found).Where("video_id = ? AND viewer = ?", videoID, viewer).Scan(ctx)
	if err != nil {
		return nil, record.Translate(err)
	}
	if len(found) == 0 {
		return &View{VideoID: videoID, Viewer: viewer}, nil
	}
	return found[0], nil
}

// Download is a file that somebody saved.
type Download struct {
	VideoID string
	// AccountID or LinkID is whom it was made possible for, or neither.
	AccountID, LinkID string
	// Address is the network it went to, File what it was.
	Address, File string
}

// NoteDownloads notes downloads in the audit log. What has been removed since
// is passed over.
func (c *Catalog) NoteDownloads(ctx context.Context, all []Download) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		for _, d := range all {
			video, err := tx.lockVideo(ctx, d.VideoID) // others may be about to note the same
			if errors.Is(record.Translate(err), record.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			actor, detail, err := tx.downloader(ctx, d)
			if err != nil {
				return err
			}
			noted, err := tx.downloadNoted(ctx, video.ID, actor, detail)
			if err != nil {
				return err
			}
			if noted {
				continue
			}
			if err := tx.audit(record.WithActor(ctx, actor), video, record.VideoDownloaded, detail); err != nil {
				return err
			}
		}
		return nil
	})
}

// sameDownload is how long after it was noted a download may go on, range by range
// and by way of several servers, and still be the same.
const sameDownload = 15 * time.Minute

// downloadNoted says whether another server has noted the same.
func (t change) downloadNoted(ctx context.Context, videoID string, actor record.Actor, detail map[string]string) (bool, error) {
	raw, err := json.Marshal(detail)
	if err != nil {
		return false, err
	}
	return t.NewSelect().Model((*record.AuditRow)(nil)).
		Where("video_id = ? AND action = ? AND at > ?", videoID, record.VideoDownloaded, t.Now().Add(-sameDownload)).
		Where("actor_id = ? AND address = ? AND CAST(detail AS TEXT) = ?", actor.AccountID, actor.Address, string(raw)).Exists(ctx)
}

// downloader tells who saved a file, as far as is known.
func (t change) downloader(ctx context.Context, d Download) (record.Actor, map[string]string, error) {
	actor, detail := record.Actor{Name: "Guest", Address: d.Address}, map[string]string{"file": d.File}
	err := t.NewRaw("SELECT id, name, email FROM accounts WHERE id = ?", d.AccountID).Scan(ctx, &actor.AccountID, &actor.Name, &actor.Email)
	if err = record.Translate(err); d.LinkID == "" || err == nil || !errors.Is(err, record.ErrNotFound) {
		return actor, detail, ignoreAbsent(err)
	}
	var name string
	err = t.NewRaw("SELECT name FROM share_links WHERE id = ?", d.LinkID).Scan(ctx, &name)
	detail["link"] = name
	return actor, detail, ignoreAbsent(record.Translate(err))
}

func ignoreAbsent(err error) error {
	if errors.Is(err, record.ErrNotFound) {
		return nil
	}
	return err
}
