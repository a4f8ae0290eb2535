package people

import (
	"context"
	"errors"
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

// firstWorkspace finds the oldest workspace, or makes one.
func (t change) firstWorkspace(ctx context.Context) (*Workspace, error) {
	w := new(Workspace)
	err := record.Translate(t.NewSelect().Model(w).OrderExpr("created_at, id").Limit(1).Scan(ctx))
	if !errors.Is(err, record.ErrNotFound) {
		return w, err
	}
	return t.newWorkspace(ctx, "Workspace")
}

func (t change) newWorkspace(ctx context.Context, name string) (*Workspace, error) {
	w := &Workspace{ID: record.NewID(), Name: name, EmbedOrigins: []string{}, TrashDays: trashDays, CreatedAt: t.Now()}
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

// WorkspacesOf lists the memberships of an account with their workspaces, by name.
func (c *People) WorkspacesOf(ctx context.Context, accountID string) ([]Membership, error) {
	var all []Membership
	err := c.DB.Reader.NewSelect().Model(&all).Relation("Workspace").Where("membership.account_id = ?", accountID).
		OrderExpr("workspace.name, workspace.id").Scan(ctx)
	return all, record.Translate(err)
}
