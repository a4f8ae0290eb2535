package record

import (
	"context"
	"encoding/json"
	"time"
)

// AuditQuery chooses rows of a workspace's audit log; empty fields choose all.
type AuditQuery struct {
	WorkspaceID string
	Action      Action
	// AccountID is who did it.
	AccountID, VideoID string
	// Since and Until bound the time: from the first on, before the second.
	Since, Until time.Time
	// Before goes on behind a row that was read.
	Before *AuditRow
	Limit  int
}

// AuditLog reads rows of an audit log, the newest first.
func (s *Store) AuditLog(ctx context.Context, q AuditQuery) ([]AuditRow, error) {
	var rows []AuditRow
	query := s.DB.Reader.NewSelect().Model(&rows).Where("workspace_id = ?", q.WorkspaceID).OrderExpr("at DESC, id DESC").Limit(int64(q.Limit))
	for column, value := range map[string]string{"action": string(q.Action), "actor_id": q.AccountID, "video_id": q.VideoID} {
		if value != "" {
			query = query.Where(column+" = ?", value)
		}
	}
	if !q.Since.IsZero() {
		query = query.Where("at >= ?", q.Since.UTC())
	}
	if !q.Until.IsZero() {
		query = query.Where("at < ?", q.Until.UTC())
	}
	if q.Before != nil {
		query = query.Where("(at, id) < (?, ?)", q.Before.At.UTC(), q.Before.ID)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, Translate(err)
	}
	for i := range rows {
		_ = json.Unmarshal(rows[i].DetailRaw, &rows[i].Detail) // only Audit writes it
	}
	return rows, nil
}

// AuditAlone notes something that is no part of a change, such as a look at the
// log itself.
func (s *Store) AuditAlone(ctx context.Context, all ...Audit) error {
	return s.WriteBeside(ctx, func(ctx context.Context, tx Change) error {
		for _, a := range all {
			if err := tx.Audit(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// ForgetAudit drops what the audit logs say of the time before.
func (s *Store) ForgetAudit(ctx context.Context, before time.Time) error {
	return s.WriteBeside(ctx, func(ctx context.Context, tx Change) error {
		_, err := tx.NewDelete().Model((*AuditRow)(nil)).Where("at < ?", before.UTC()).Exec(ctx)
		return err
	})
}
