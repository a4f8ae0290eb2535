package people

import (
	"context"
	"errors"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Bound names a bound of a workspace.
type Bound string

// The bounds at which an upload ends.
const (
	BoundStorage Bound = "storage" // all that the workspace's videos may hold
	BoundSize    Bound = "size"    // one upload
	BoundLength  Bound = "length"  // one video
)

// What passes a bound is refused with one of these.
var (
	ErrStorage = errors.New("the workspace's storage is full")
	ErrSize    = errors.New("the upload is larger than the workspace allows")
	ErrLength  = errors.New("the video is longer than the workspace allows")
)

// BoundOf tells which bound an error speaks of, or "".
func BoundOf(err error) Bound {
	switch {
	case errors.Is(err, ErrStorage):
		return BoundStorage
	case errors.Is(err, ErrSize):
		return BoundSize
	case errors.Is(err, ErrLength):
		return BoundLength
	}
	return ""
}

// Place finds, within a transaction, the workspace in which an account records:
// the one that is named, or where it works now. It returns ErrRole if the account
// may not record there, or not any more.
func Place(ctx context.Context, tx record.Change, accountID, workspaceID string) (string, error) {
	m := new(Membership)
	err := record.Translate(tx.NewSelect().Model(m).Relation("Account").
		Where("membership.account_id = ? AND membership.workspace_id = coalesce(nullif(?, ''), account.workspace_id)", accountID, workspaceID).
		Where("account.disabled_at IS NULL").Scan(ctx))
	if errors.Is(err, record.ErrNotFound) || err == nil && !m.Role.AtLeast(Member) {
		return "", ErrRole
	}
	return m.WorkspaceID, err
}

// Admit says, within a transaction, whether an upload of so many bytes may
// begin in a workspace; -1 means that nobody knows its length yet. What other
// open uploads have announced counts as used: a file that was let in arrives
// whole.
func Admit(ctx context.Context, tx record.Change, workspaceID string, length int64) error {
	w, err := readWorkspace(ctx, tx, workspaceID)
	if err != nil {
		return err
	}
	if w.MaxUploadBytes > 0 && length > w.MaxUploadBytes {
		return ErrSize
	}
	if w.QuotaBytes == 0 {
		return nil
	}
	var announced int64
	err = tx.NewRaw(`SELECT coalesce(sum(uploads.length - uploads.received), 0) FROM uploads JOIN videos ON videos.id = uploads.video_id
		WHERE videos.workspace_id = ? AND uploads.state = 'open' AND uploads.length IS NOT NULL`, workspaceID).Scan(ctx, &announced)
	if err != nil {
		return err
	}
	if w.UsedBytes+announced+max(length, 1) > w.QuotaBytes {
		return ErrStorage
	}
	return nil
}

// Arriving is a part of an upload that wants to be kept.
type Arriving struct {
	// Bytes is its length, Total that of the upload with it.
	Bytes, Total int64
	// LengthUS is how long the video is without it.
	LengthUS int64
}

// Take counts, within a transaction, a part that arrived, if the bounds of its
// workspace leave room for it. The workspace is as the transaction has read it,
// without a lock: every upload and every worker of it would wait. What the video
// holds is counted by the caller.
func Take(tx record.Change, w *Workspace, a Arriving) error {
	switch {
	case w.QuotaBytes > 0 && w.UsedBytes+a.Bytes > w.QuotaBytes: // and looked at again when it is counted
		return ErrStorage
	case w.MaxUploadBytes > 0 && a.Total > w.MaxUploadBytes:
		return ErrSize
	case w.MaxLengthUS > 0 && a.LengthUS >= w.MaxLengthUS:
		return ErrLength
	}
	count := tx.NewUpdate().Table("workspaces").Set("used_bytes = used_bytes + ?", a.Bytes).Where("id = ?", w.ID)
	tx.AtLast(count.Where("(quota_bytes = 0 OR used_bytes + ? <= quota_bytes)", a.Bytes), ErrStorage)
	return nil
}

// readWorkspace reads a workspace inside the transaction, without a lock.
func readWorkspace(ctx context.Context, tx record.Change, id string) (*Workspace, error) {
	w := new(Workspace)
	return w, tx.NewSelect().Model(w).Where("id = ?", id).Scan(ctx)
}

// Store counts, within a transaction, that the objects of a video hold so many
// bytes more than before, or fewer. Sources and renditions count; pictures,
// which are small, do not.
func Store(ctx context.Context, tx record.Change, videoID string, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	var workspaceID string
	err := tx.NewRaw("UPDATE videos SET stored_bytes = stored_bytes + ? WHERE id = ? RETURNING coalesce(workspace_id, '')", bytes, videoID).Scan(ctx, &workspaceID)
	if err != nil || workspaceID == "" {
		return err
	}
	tx.AtLast(tx.NewUpdate().Table("workspaces").Set("used_bytes = used_bytes + ?", bytes).Where("id = ?", workspaceID), nil)
	return nil
}
