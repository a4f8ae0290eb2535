package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Role is what an account may do in a workspace.
type Role string

// The roles. A viewer watches and comments, a member records too, an admin looks
// after people, settings and what the workspace may see, an owner may do all and
// name other owners.
const (
	Viewer Role = "viewer"
	Member Role = "member"
	Admin  Role = "admin"
	Owner  Role = "owner"
)

// AtLeast says whether a role includes another one.
func (r Role) AtLeast(other Role) bool { return r.rank() >= other.rank() && r.rank() > 0 }

func (r Role) rank() int {
	switch r {
	case Viewer:
		return 1
	case Member:
		return 2
	case Admin:
		return 3
	case Owner:
		return 4
	}
	return 0
}

// Workspace is a group of people with a library of their own.
type Workspace struct {
	bun.BaseModel `bun:"table:workspaces,alias:workspace"`

	ID   string `bun:"id,pk"`
	Name string `bun:"name"`
	// EmbedOrigins are the sites that may show the player in a frame.
	EmbedOrigins []string `bun:"embed_origins,type:text"`
	// The bounds; 0 means none.
	QuotaBytes     int64 `bun:"quota_bytes"`
	MaxUploadBytes int64 `bun:"max_upload_bytes"`
	MaxLengthUS    int64 `bun:"max_length_us"`
	RetentionDays  int   `bun:"retention_days"`
	// TrashDays is how long what was thrown away can be brought back.
	TrashDays int `bun:"trash_days"`
	// UsedBytes is what the objects of its videos hold.
	UsedBytes int64     `bun:"used_bytes"`
	CreatedAt time.Time `bun:"created_at"`
}

// Membership says that an account belongs to a workspace.
type Membership struct {
	bun.BaseModel `bun:"table:memberships,alias:membership"`

	WorkspaceID string     `bun:"workspace_id,pk"`
	AccountID   string     `bun:"account_id,pk"`
	Role        Role       `bun:"role"`
	CreatedAt   time.Time  `bun:"created_at"`
	Workspace   *Workspace `bun:"rel:belongs-to,join:workspace_id=id"`
	Account     *Account   `bun:"rel:belongs-to,join:account_id=id"`
}

// trashDays is how long a new workspace keeps what was thrown away.
const trashDays = 30

// firstWorkspace finds the workspace that was made with the server, or makes it.
// It returns record.ErrNotFound if that was deleted: others belong to whoever made
// them, and strangers are not to be led there.
func (t change) firstWorkspace(ctx context.Context) (*Workspace, error) {
	var first string
	err := record.Translate(t.NewRaw("SELECT coalesce(workspace_id, '') FROM instance").Scan(ctx, &first))
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		return nil, err
	}
	w := new(Workspace)
	if first != "" {
		return w, record.Translate(t.NewSelect().Model(w).Where("id = ?", first).Scan(ctx))
	}
	err = record.Translate(t.NewSelect().Model(w).OrderExpr("created_at, id").Limit(1).Scan(ctx))
	if errors.Is(err, record.ErrNotFound) {
		return t.makeFirst(ctx)
	}
	if err != nil {
		return nil, err
	}
	return w, t.setFirst(ctx, w)
}

func (t change) makeFirst(ctx context.Context) (*Workspace, error) {
	w, err := t.newWorkspace(ctx, "Workspace", 0) // its owner gives it a better name
	if err != nil {
		return nil, err
	}
	return w, t.setFirst(ctx, w)
}

func (t change) setFirst(ctx context.Context, w *Workspace) error {
	_, err := t.NewRaw("UPDATE instance SET workspace_id = ?", w.ID).Exec(ctx)
	return err
}

func (t change) newWorkspace(ctx context.Context, name string, quota int64) (*Workspace, error) {
	w := &Workspace{ID: record.NewID(), Name: name, EmbedOrigins: []string{}, QuotaBytes: quota, TrashDays: trashDays, CreatedAt: t.Now()}
	_, err := t.NewInsert().Model(w).Exec(ctx)
	return w, err
}

// join makes an account belong to a workspace and work in it from now on.
func (t change) join(ctx context.Context, account *Account, w *Workspace, role Role) error {
	m := Membership{WorkspaceID: w.ID, AccountID: account.ID, Role: role, CreatedAt: t.Now()}
	if _, err := t.NewInsert().Model(&m).Exec(ctx); err != nil {
		return err
	}
	account.WorkspaceID = w.ID
	account.Memberships = append(account.Memberships, m)
	_, err := t.NewUpdate().Model(account).Column("workspace_id").WherePK().Exec(ctx)
	return err
}

// Workspace finds a workspace by its id.
func (c *People) Workspace(ctx context.Context, id string) (*Workspace, error) {
	w := new(Workspace)
	err := c.DB.Reader.NewSelect().Model(w).Where("id = ?", id).Scan(ctx)
	return w, record.Translate(err)
}

// Workspaces lists all workspaces of the server, the oldest first.
func (c *People) Workspaces(ctx context.Context) ([]Workspace, error) {
	var all []Workspace
	err := c.DB.Reader.NewSelect().Model(&all).OrderExpr("created_at, id").Scan(ctx)
	return all, record.Translate(err)
}

// WorkspacesOf lists the memberships of an account with their workspaces, by name.
func (c *People) WorkspacesOf(ctx context.Context, accountID string) ([]Membership, error) {
	var all []Membership
	err := c.DB.Reader.NewSelect().Model(&all).Relation("Workspace").Where("membership.account_id = ?", accountID).
		OrderExpr("workspace.name, workspace.id").Scan(ctx)
	return all, record.Translate(err)
}

// maxWorkspaces is how many workspaces an account may own.
const maxWorkspaces = 50

// NewWorkspace is a workspace to be made.
type NewWorkspace struct {
	OwnerID, Name string
	// QuotaBytes bounds what it holds; 0 is no bound.
	QuotaBytes int64
}

// CreateWorkspace makes a workspace that its owner works in from now on.
func (c *People) CreateWorkspace(ctx context.Context, n NewWorkspace) (*Workspace, error) {
	name, err := NormalName(n.Name)
	if err != nil {
		return nil, err
	}
	var w *Workspace
	err = c.write(ctx, func(ctx context.Context, tx change) error {
		account := new(Account)
		if err := tx.NewSelect().Model(account).Where("id = ?", n.OwnerID).Scan(ctx); err != nil {
			return err
		}
		owned, err := tx.NewSelect().Model((*Membership)(nil)).Where("account_id = ? AND role = ?", n.OwnerID, Owner).Count(ctx)
		if err != nil {
			return err
		}
		if owned >= maxWorkspaces {
			return record.ErrTooMany
		}
		if w, err = tx.newWorkspace(ctx, name, n.QuotaBytes); err != nil {
			return err
		}
		if err := tx.join(ctx, account, w, Owner); err != nil {
			return err
		}
		return tx.Audit(ctx, record.Audit{WorkspaceID: w.ID, Action: record.WorkspaceCreated, Detail: map[string]string{"name": name}})
	})
	return w, err
}

// SwitchWorkspace lets an account work in another workspace that it belongs to.
func (c *People) SwitchWorkspace(ctx context.Context, accountID, workspaceID string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		return record.Must(tx.NewUpdate().Model((*Account)(nil)).Set("workspace_id = ?", workspaceID).
			Where("id = ? AND EXISTS (SELECT 1 FROM memberships WHERE account_id = ? AND workspace_id = ?)", accountID, accountID, workspaceID).Exec(ctx))
	})
}

// WorkspaceChange lists what an admin may change; nil leaves a field as it is.
type WorkspaceChange struct {
	Name *string
	// The bounds; 0 means none.
	QuotaBytes, MaxUploadBytes *int64
	MaxLength                  *time.Duration
	// RetentionDays is how long a video stays that nobody watches; 0 is for ever.
	RetentionDays, TrashDays *int
	// MostBytes is how far whoever asks may raise the quota; 0 is no bound.
	MostBytes int64
}

// The longest times that are kept, in days: a century, and a year in the trash.
const (
	maxRetentionDays = 36_500
	maxTrashDays     = 365
)

// ChangeWorkspace changes a workspace's settings. Whatever retention has
// announced is taken back when its time changes: owners are told anew.
func (c *People) ChangeWorkspace(ctx context.Context, id string, wanted WorkspaceChange) (*Workspace, error) {
	if err := wanted.check(); err != nil {
		return nil, err
	}
	w := new(Workspace)
	return w, c.beside(ctx, func(ctx context.Context, tx change) error {
		if err := tx.Lock(tx.NewSelect().Model(w).Where("id = ?", id)).Scan(ctx); err != nil {
			return err
		}
		if err := wanted.within(w); err != nil {
			return err
		}
		before := *w
		detail := wanted.apply(w)
		if len(detail) == 0 {
			return nil
		}
		if _, err := tx.NewUpdate().Model(w).ExcludeColumn("used_bytes", "embed_origins", "created_at").WherePK().Exec(ctx); err != nil {
			return err
		}
		if w.RetentionDays != before.RetentionDays {
			if _, err := tx.NewRaw("UPDATE videos SET warned_at = NULL, removal_at = NULL WHERE workspace_id = ? AND removal_at IS NOT NULL", id).Exec(ctx); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, record.Audit{WorkspaceID: id, Action: record.WorkspaceChanged, Detail: detail})
	})
}

func (w *WorkspaceChange) check() error {
	if w.Name != nil {
		name, err := NormalName(*w.Name)
		if err != nil {
			return err
		}
		w.Name = &name
	}
	for field, value := range map[string]*int64{"quota_bytes": w.QuotaBytes, "max_upload_bytes": w.MaxUploadBytes} {
		if value != nil && *value < 0 {
			return &record.InvalidError{Field: field, Message: "Give a number of bytes, or 0 for no bound."}
		}
	}
	switch {
	case w.MaxLength != nil && *w.MaxLength < 0:
		return &record.InvalidError{Field: "max_length_ms", Message: "Give a time in milliseconds, or 0 for no bound."}
	case w.RetentionDays != nil && (*w.RetentionDays < 0 || *w.RetentionDays > maxRetentionDays):
		return &record.InvalidError{Field: "retention_days", Message: "Give a number of days, or 0 to keep videos for ever."}
	case w.TrashDays != nil && (*w.TrashDays < 1 || *w.TrashDays > maxTrashDays):
		return &record.InvalidError{Field: "trash_days", Message: "The trash keeps videos for 1 to 365 days."}
	}
	return nil
}

// within refuses a quota above what whoever asks may set. One that is above
// already, because an operator has set it, stays or goes down.
func (w *WorkspaceChange) within(now *Workspace) error {
	quota := w.QuotaBytes
	if quota == nil || *quota == now.QuotaBytes || w.MostBytes == 0 {
		return nil
	}
	raised := *quota == 0 || now.QuotaBytes > 0 && *quota > now.QuotaBytes
	if !raised || *quota > 0 && *quota <= w.MostBytes {
		return nil
	}
	return &record.InvalidError{Field: "quota_bytes", Message: fmt.Sprintf("Here a workspace holds at most %.4g GB. Whoever runs the server may allow more.", float64(w.MostBytes)/gigabyte)}
}

// gigabyte is one as people are shown it.
const gigabyte = 1e9

// apply sets what is wanted and tells what that changes, for the audit log.
func (w *WorkspaceChange) apply(to *Workspace) map[string]string {
	detail := map[string]string{}
	if w.Name != nil && *w.Name != to.Name {
		detail["name"] = to.Name + " → " + *w.Name
		to.Name = *w.Name
	}
	if w.MaxLength != nil {
		note(detail, "max_length_us", &to.MaxLengthUS, new(w.MaxLength.Microseconds()))
	}
	note(detail, "quota_bytes", &to.QuotaBytes, w.QuotaBytes)
	note(detail, "max_upload_bytes", &to.MaxUploadBytes, w.MaxUploadBytes)
	note(detail, "retention_days", &to.RetentionDays, w.RetentionDays)
	note(detail, "trash_days", &to.TrashDays, w.TrashDays)
	return detail
}

func note[N int | int64](detail map[string]string, name string, to, wanted *N) {
	if wanted != nil && *wanted != *to {
		detail[name] = fmt.Sprintf("%d → %d", *to, *wanted)
		*to = *wanted
	}
}
