package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// garbageGrace is how long an object stays after its row is gone, so that
// whoever plays it now may finish.
const garbageGrace = 15 * time.Minute

// checkpointEmitted reads the one field of container.Checkpoint that the
// records rely on: how many fragments were closed for good. What the end of a
// quiet upload closed beyond that is taken back when the upload goes on.
func checkpointEmitted(raw json.RawMessage) int64 {
	var c struct {
		Emitted int64 `json:"emitted"`
	}
	_ = json.Unmarshal(raw, &c) // an empty one starts at 0
	return c.Emitted
}

// TrashVideo puts a video into the trash, from where it can be restored until
// housekeeping empties it.
func (c *Catalog) TrashVideo(ctx context.Context, id string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, id)
		if err != nil || video.Trashed() {
			return err
		}
		return tx.trash(ctx, video, nil)
	})
}

func (t change) trash(ctx context.Context, video *Video, why map[string]string) error {
	if err := t.setTrashed(ctx, video.ID, bun.NullTime{Time: t.Now()}); err != nil {
		return err
	}
	t.Tell(gone(record.VideoRemoved, video))
	if err := t.loseAccess(ctx, video); err != nil {
		return err
	}
	return t.audit(ctx, video, record.VideoTrashed, why)
}

// gone tells that a video is gone, or is from some, and who may hear of that.
func gone(kind record.EventKind, video *Video) record.Event {
	e := record.Event{Kind: kind, VideoID: video.ID, AccountID: video.OwnerID}
	if video.Visibility == InTeam || video.Visibility == WithLink {
		e.WorkspaceID = video.WorkspaceID
	}
	return e
}

func (t change) setTrashed(ctx context.Context, id string, at bun.NullTime) error {
	return record.Must(t.NewUpdate().Table("videos").Set("trashed_at = ?", at).Set("updated_at = ?", t.Now()).
		Set("warned_at = NULL").Set("removal_at = NULL").Where("id = ?", id).Exec(ctx))
}

// RestoreVideo takes a video out of the trash. Retention begins anew for it.
func (c *Catalog) RestoreVideo(ctx context.Context, id string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, id)
		if err != nil || !video.Trashed() {
			return err
		}
		if err := tx.setTrashed(ctx, id, bun.NullTime{}); err != nil {
			return err
		}
		if err := tx.noteViewed(ctx, video); err != nil {
			return err
		}
		tx.Tell(record.Event{Kind: record.VideoChanged, VideoID: id})
		return tx.audit(ctx, video, record.VideoRestored, nil)
	})
}

// EmptyTrash removes the records of videos that have been in the trash for
// longer than their workspace keeps them; their objects become garbage in the
// same transaction.
func (c *Catalog) EmptyTrash(ctx context.Context) error {
	workspaces, err := c.Workspaces(ctx)
	for _, w := range workspaces {
		err = errors.Join(err, c.emptyTrash(ctx, w.ID))
	}
	return err
}

// errRule says that an admin has saved another rule meanwhile.
var errRule = errors.New("the rule has changed")

// emptyTrash looks at the rule in the transaction that deletes, before and after:
// what an admin has just saved stays.
func (c *Catalog) emptyTrash(ctx context.Context, workspaceID string) error {
	err := c.removeInTurn(ctx, func(ctx context.Context, tx change) (int, error) {
		days, err := tx.trashDays(ctx, workspaceID)
		if err != nil {
			return 0, err
		}
		gone, err := tx.removeVideos(ctx, "workspace_id = ? AND trashed_at < ?", workspaceID, c.Now().AddDate(0, 0, -days))
		if err != nil {
			return 0, err
		}
		if now, err := tx.trashDays(ctx, workspaceID); err != nil || now != days {
			return 0, cmp.Or(err, errRule)
		}
		return gone, nil
	})
	if errors.Is(err, record.ErrNotFound) || errors.Is(err, errRule) {
		return nil // it is gone with its videos, or there is a next time
	}
	return err
}

func (t change) trashDays(ctx context.Context, workspaceID string) (days int, err error) {
	err = record.Translate(t.NewRaw("SELECT trash_days FROM workspaces WHERE id = ?", workspaceID).Scan(ctx, &days))
	return days, err
}

// RemoveVideo removes a video with everything that belongs to it, at once.
func (c *Catalog) RemoveVideo(ctx context.Context, id string) error {
	return c.removeVideos(ctx, "id = ?", id)
}

// removedAtOnce bounds how long others wait for a change.
const removedAtOnce = 50

func (c *Catalog) removeVideos(ctx context.Context, where string, values ...any) error {
	return c.removeInTurn(ctx, func(ctx context.Context, tx change) (int, error) { return tx.removeVideos(ctx, where, values...) })
}

// removeInTurn removes some videos at a time until fewer are left.
func (c *Catalog) removeInTurn(ctx context.Context, some func(ctx context.Context, tx change) (int, error)) error {
	for {
		var gone int
		err := c.beside(ctx, func(ctx context.Context, tx change) (err error) {
			gone, err = some(ctx, tx)
			return err
		})
		if err != nil || gone < removedAtOnce {
			return err
		}
	}
}

// removeVideos removes some videos; the caller asks again if there may be more.
func (t change) removeVideos(ctx context.Context, where string, values ...any) (int, error) {
	var all []*Video
	if err := t.Lock(t.NewSelect().Model(&all).Where(where, values...).Order("id").Limit(removedAtOnce)).Scan(ctx); err != nil {
		return 0, err
	}
	for _, video := range all {
		if err := t.discard(ctx, ObjectPrefix(video.ID), t.Now()); err != nil {
			return 0, err
		}
		if err := people.Store(ctx, t.Change, video.ID, -video.StoredBytes); err != nil {
			return 0, err
		}
		if err := record.Must(t.NewDelete().Model(video).WherePK().Exec(ctx)); err != nil {
			return 0, err
		}
		t.Tell(gone(record.VideoRemoved, video))
		// Its objects are there for a while yet, and it may not have been in the trash.
		t.Tell(record.Event{Kind: record.AccessLost, VideoID: video.ID, Epoch: video.Epoch + 1})
		if err := t.audit(ctx, video, record.VideoDeleted, nil); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// discard leaves an object, or all below a prefix, to housekeeping.
func (t change) discard(ctx context.Context, key string, due time.Time) error {
	_, err := t.NewRaw("INSERT INTO garbage (object_prefix, due_at) VALUES (?, ?) ON CONFLICT DO NOTHING", key, due).Exec(ctx)
	return err
}

// Retention counts from the day on which a video was made or last watched, by
// whomever: what a team still uses stays. Its owner is warned before, and so
// long that somebody on leave for a week hears of it.
const retentionNotice = 7 * 24 * time.Hour

// NoticeRetention is the kind of notice that tells an owner what retention will
// remove, and MailRetention the letter, whose record is the workspace.
const (
	NoticeRetention NoticeKind = "retention"
	MailRetention   string     = "retention"
)

// Retire does what the workspaces want done with videos that nobody watches:
// owners are warned, and what was announced long enough ago goes to the trash.
func (c *Catalog) Retire(ctx context.Context) error {
	workspaces, err := c.Workspaces(ctx)
	for i := range workspaces {
		if workspaces[i].RetentionDays > 0 {
			err = errors.Join(err, c.warn(ctx, &workspaces[i]), c.trashUnwatched(ctx, workspaces[i].ID))
		}
	}
	return err
}

func retentionOf(w *people.Workspace) (life, notice time.Duration) {
	life = time.Duration(w.RetentionDays) * 24 * time.Hour
	return life, min(retentionNotice, life/2)
}

// unwatched selects the videos of a workspace that retention speaks of at a time.
func unwatched(q *bun.SelectQuery, workspaceID string, before time.Time) *bun.SelectQuery {
	return q.Where("workspace_id = ? AND trashed_at IS NULL AND NOT kept AND state <> ?", workspaceID, Recording).
		Where("created_at < ? AND (viewed_at IS NULL OR viewed_at < ?)", before, before)
}

// warn tells owners once of each video; one letter names all of theirs.
func (c *Catalog) warn(ctx context.Context, w *people.Workspace) error {
	life, notice := retentionOf(w)
	return c.write(ctx, func(ctx context.Context, tx change) error {
		var due []*Video
		q := unwatched(tx.NewSelect().Model(&due), w.ID, c.Now().Add(notice-life)).Where("warned_at IS NULL")
		if err := q.Order("created_at").Limit(1000).Scan(ctx); err != nil {
			return err
		}
		owners := map[string]bool{}
		for _, video := range due {
			removal := later(later(video.CreatedAt, video.ViewedAt.Time).Add(life), c.Now().Add(notice))
			if _, err := tx.NewUpdate().Table("videos").Set("warned_at = ?", c.Now()).Set("removal_at = ?", removal).Where("id = ?", video.ID).Exec(ctx); err != nil {
				return err
			}
			tx.Tell(record.Event{Kind: record.VideoChanged, VideoID: video.ID})
			if err := tx.inform(ctx, Notice{AccountID: video.OwnerID, Kind: NoticeRetention, VideoID: video.ID}, ""); err != nil {
				return err
			}
			owners[video.OwnerID] = true
		}
		for id := range owners {
			if err := tx.warnByMail(ctx, id, w.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t change) warnByMail(ctx context.Context, accountID, workspaceID string) error {
	var email string
	if err := t.NewRaw("SELECT email FROM accounts WHERE id = ?", accountID).Scan(ctx, &email); err != nil {
		return err
	}
	return t.Enqueue(ctx, jobs.Mail{Template: MailRetention, To: email, Ref: workspaceID}, jobs.Bulk)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// trashUnwatched puts into the trash what was announced. Who watched or kept a
// video meanwhile, or changed the rule, is heeded up to the last moment: what
// goes is decided in the transaction that lets it go.
func (c *Catalog) trashUnwatched(ctx context.Context, workspaceID string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		w := new(people.Workspace)
		if err := tx.NewSelect().Model(w).Where("id = ?", workspaceID).Scan(ctx); err != nil || w.RetentionDays == 0 {
			return err
		}
		life, _ := retentionOf(w)
		var due []*Video
		q := unwatched(tx.NewSelect().Model(&due), w.ID, c.Now().Add(-life)).Where("removal_at <= ?", c.Now())
		if err := q.Limit(removedAtOnce).Scan(ctx); err != nil {
			return err
		}
		for _, video := range due {
			if err := tx.trash(ctx, video, map[string]string{"why": fmt.Sprintf("nobody watched it for %d days", w.RetentionDays)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// ToBeRemoved lists the videos of an account in a workspace that retention has
// announced to remove, the first to go first.
func (c *Catalog) ToBeRemoved(ctx context.Context, accountID, workspaceID string) ([]*Video, error) {
	var found []*Video
	err := videos(c.DB.Reader, &found, accountID).Where("video.owner_id = ? AND video.workspace_id = ? AND video.removal_at IS NOT NULL AND video.trashed_at IS NULL", accountID, workspaceID).
		Order("video.removal_at").Limit(1000).Scan(ctx)
	return found, record.Translate(err)
}

// DeleteWorkspace removes a workspace with all its videos and everything else
// that belongs to it. The account must own it.
func (c *Catalog) DeleteWorkspace(ctx context.Context, accountID, id string) error {
	for {
		var gone int
		err := c.write(ctx, func(ctx context.Context, tx change) (err error) {
			owns, err := tx.NewSelect().Model((*people.Membership)(nil)).Where("account_id = ? AND workspace_id = ? AND role = ?", accountID, id, people.Owner).Exists(ctx)
			if err != nil {
				return err
			}
			if !owns {
				return record.ErrNotFound
			}
			if gone, err = tx.removeVideos(ctx, "workspace_id = ?", id); err != nil || gone == removedAtOnce {
				return err
			}
			return people.DissolveWorkspace(ctx, tx.Change, id)
		})
		if err != nil || gone < removedAtOnce {
			return err
		}
	}
}

// ForgetVisitors drops what was noted of visitors without an account since
// before a time; their views stay counted.
func (c *Catalog) ForgetVisitors(ctx context.Context, before time.Time) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewRaw("DELETE FROM views WHERE viewer LIKE 'day:%' AND last_at < ?", before.UTC()).Exec(ctx)
		return err
	})
}

// ObjectPrefix is where all objects of a video live.
func ObjectPrefix(videoID string) string { return "v/" + videoID + "/" }

// Strays tells which of these keys belong to a recording or to a rendition by
// their place, and are named by no record: whoever wrote them was lost before the
// record was. Those of an object that is being written are among them.
func (c *Catalog) Strays(ctx context.Context, keys []string) ([]string, error) {
	var videos, places []string
	for _, key := range keys {
		parts := strings.Split(key, "/")
		if len(parts) > 3 && parts[0] == "v" && (parts[2] == "src" || parts[2] == "ladder") {
			videos, places = append(videos, parts[1]), append(places, key)
		}
	}
	if len(places) == 0 {
		return nil, nil
	}
	var named []string
	err := c.DB.Reader.NewRaw("SELECT object_key FROM parts WHERE video_id IN (?0) AND object_key IN (?1) UNION ALL SELECT object_key FROM tracks WHERE video_id IN (?0) AND object_key IN (?1)",
		bun.List(videos), bun.List(places)).Scan(ctx, &named)
	if err != nil {
		return nil, record.Translate(err)
	}
	return slices.DeleteFunc(places, func(key string) bool { return slices.Contains(named, key) }), nil
}

// Garbage lists keys and prefixes of objects that nothing names any more.
func (c *Catalog) Garbage(ctx context.Context) ([]string, error) {
	var keys []string
	err := c.DB.Reader.NewRaw("SELECT object_prefix FROM garbage WHERE due_at <= ? LIMIT 1000", c.Now()).Scan(ctx, &keys)
	return keys, record.Translate(err)
}

// ForgetGarbage notes that the objects are deleted.
func (c *Catalog) ForgetGarbage(ctx context.Context, key string) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		_, err := tx.NewRaw("DELETE FROM garbage WHERE object_prefix = ?", key).Exec(ctx)
		return err
	})
}
