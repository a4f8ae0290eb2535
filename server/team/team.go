// Package team is the API of workspaces: their settings and bounds, who belongs
// to them, and the log of what was done in them. The gate has made sure that
// whoever asks belongs to the workspace that the path names, in the role that
// the route needs; what one member may do to another is decided with the change.
package team

import (
	"context"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// API answers the operations on workspaces.
type API struct {
	catalog *catalog.Catalog
	limits  *limit.Limiter
}

// New makes an API. The limits slow down guessing at invitations.
func New(records *catalog.Catalog, limits *limit.Limiter) *API {
	return &API{catalog: records, limits: limits}
}

// ByID names a workspace.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The workspace"`
}

// Empty is an answer without a body.
type Empty struct{}

// Limits are the bounds of a workspace; 0 means none.
type Limits struct {
	QuotaBytes     int64 `json:"quota_bytes" doc:"What all videos together may hold"`
	MaxUploadBytes int64 `json:"max_upload_bytes" doc:"The largest upload"`
	MaxLengthMS    int64 `json:"max_length_ms" doc:"The longest video"`
	RetentionDays  int   `json:"retention_days" doc:"Videos that nobody has watched for so long go to the trash; 0 keeps them"`
	TrashDays      int   `json:"trash_days" doc:"How long the trash keeps them"`
}

// WorkspaceDetails is a workspace as its members see it.
type WorkspaceDetails struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Role      people.Role `json:"role" enum:"owner,admin,member,viewer" doc:"What the one who asks is in it"`
	Limits    Limits      `json:"limits"`
	UsedBytes int64       `json:"used_bytes" doc:"What the recordings and their renditions hold"`
	CreatedAt time.Time   `json:"created_at"`
}

// WorkspaceOutput is one workspace.
type WorkspaceOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         WorkspaceDetails
}

func view(w *people.Workspace, role people.Role) *WorkspaceOutput {
	return &WorkspaceOutput{CacheControl: "no-store", Body: WorkspaceDetails{
		ID: w.ID, Name: w.Name, Role: role, UsedBytes: w.UsedBytes, CreatedAt: w.CreatedAt.UTC(),
		Limits: Limits{
			QuotaBytes: w.QuotaBytes, MaxUploadBytes: w.MaxUploadBytes, MaxLengthMS: w.MaxLengthUS / 1000,
			RetentionDays: w.RetentionDays, TrashDays: w.TrashDays,
		},
	}}
}

// NewWorkspaceInput names a new workspace.
type NewWorkspaceInput struct {
	Body struct {
		Name string `json:"name" maxLength:"400"`
	}
}

// Create is POST /api/workspaces. Whoever may record somewhere may make one;
// guests who were named for a video may not.
func (a *API) Create(ctx context.Context, in *NewWorkspaceInput) (*WorkspaceOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	if !mayCreate(account) {
		return nil, reply.Forbidden
	}
	w, err := a.catalog.CreateWorkspace(ctx, account.ID, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return view(w, people.Owner), nil
}

func mayCreate(account *people.Account) bool {
	for i := range account.Memberships {
		if account.Memberships[i].Role.AtLeast(people.Member) {
			return true
		}
	}
	return account.Operator
}

// Read is GET /api/workspaces/{id}.
func (a *API) Read(ctx context.Context, in *ByID) (*WorkspaceOutput, error) {
	w, err := a.catalog.Workspace(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return view(w, auth.From(ctx).Account.RoleIn(in.ID)), nil
}

// WorkspaceInput changes some of a workspace's settings.
type WorkspaceInput struct {
	ByID
	Body struct {
		Name           *string `json:"name,omitempty" maxLength:"400"`
		QuotaBytes     *int64  `json:"quota_bytes,omitempty"`
		MaxUploadBytes *int64  `json:"max_upload_bytes,omitempty"`
		MaxLengthMS    *int64  `json:"max_length_ms,omitempty" maximum:"1000000000000"`
		RetentionDays  *int    `json:"retention_days,omitempty"`
		TrashDays      *int    `json:"trash_days,omitempty"`
	}
}

// Change is PATCH /api/workspaces/{id}, for its admins.
func (a *API) Change(ctx context.Context, in *WorkspaceInput) (*WorkspaceOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	change := people.WorkspaceChange{
		Name: in.Body.Name, QuotaBytes: in.Body.QuotaBytes, MaxUploadBytes: in.Body.MaxUploadBytes,
		RetentionDays: in.Body.RetentionDays, TrashDays: in.Body.TrashDays,
	}
	if ms := in.Body.MaxLengthMS; ms != nil {
		change.MaxLength = new(time.Duration(*ms) * time.Millisecond)
	}
	w, err := a.catalog.ChangeWorkspace(ctx, in.ID, change)
	if err != nil {
		return nil, err
	}
	return view(w, account.RoleIn(in.ID)), nil
}

// DeletionInput repeats the name, so that nobody deletes the wrong one.
type DeletionInput struct {
	ByID
	Body struct {
		Name string `json:"name" maxLength:"400" doc:"The workspace's name, as a precaution"`
	}
}

// Delete is DELETE /api/workspaces/{id}, for its owners: all its videos go, for
// good and at once.
func (a *API) Delete(ctx context.Context, in *DeletionInput) (*Empty, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	w, err := a.catalog.Workspace(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Body.Name) != w.Name {
		return nil, reply.New(422, "name", "This is not the workspace's name. Nothing was deleted.").At("body.name")
	}
	return &Empty{}, a.catalog.DeleteWorkspace(ctx, account.ID, in.ID)
}

// SwitchInput says where an account wants to work.
type SwitchInput struct {
	Body struct {
		ID string `json:"id" maxLength:"64" doc:"A workspace that one belongs to"`
	}
}

// Switch is PUT /api/account/workspace.
func (a *API) Switch(ctx context.Context, in *SwitchInput) (*Empty, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	return &Empty{}, a.catalog.SwitchWorkspace(ctx, account.ID, strings.ReplaceAll(in.Body.ID, "\x00", ""))
}
