// Package team is the API of workspaces: their settings and bounds, who belongs
// to them, and the log of what was done in them. The gate has made sure that
// whoever asks belongs to the workspace that the path names, in the role that
// the route needs; what one member may do to another is decided with the change.
package team

import (
	"context"
	"slices"
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
	rules   Rules
}

// Rules are what whoever runs the server says about further workspaces. They do
// not bind operators.
type Rules struct {
	// Everyone who may record somewhere may make some; otherwise nobody.
	Everyone bool
	// QuotaBytes is what each new one holds, and the most that its admins may
	// allow it; 0 is no bound.
	QuotaBytes int64
}

// most is how much an account may let a workspace hold.
func (r Rules) most(account *people.Account) int64 {
	if account.Operator {
		return 0
	}
	return r.QuotaBytes
}

// New makes an API. The limits slow down guessing at invitations.
func New(records *catalog.Catalog, limits *limit.Limiter, rules Rules) *API {
	return &API{catalog: records, limits: limits, rules: rules}
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
	MayCreate bool        `json:"may_create" doc:"The one who asks may make further workspaces"`
}

// WorkspaceOutput is one workspace.
type WorkspaceOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         WorkspaceDetails
}

func (a *API) view(w *people.Workspace, account *people.Account, role people.Role) *WorkspaceOutput {
	return &WorkspaceOutput{CacheControl: "no-store", Body: WorkspaceDetails{
		ID: w.ID, Name: w.Name, Role: role, UsedBytes: w.UsedBytes, CreatedAt: w.CreatedAt.UTC(), MayCreate: a.mayCreate(account),
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

var errNoFurther = reply.New(403, "workspaces", "Only whoever looks after this server makes workspaces here. Ask them for one.")

// Create is POST /api/workspaces. Operators may make some; if the server's rules
// say so, whoever may record somewhere, but no guests who were named for a video.
func (a *API) Create(ctx context.Context, in *NewWorkspaceInput) (*WorkspaceOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	if !a.mayCreate(account) {
		return nil, errNoFurther
	}
	w, err := a.catalog.CreateWorkspace(ctx, people.NewWorkspace{OwnerID: account.ID, Name: in.Body.Name, QuotaBytes: a.rules.most(account)})
	if err != nil {
		return nil, err
	}
	return a.view(w, account, people.Owner), nil
}

func (a *API) mayCreate(account *people.Account) bool {
	records := slices.ContainsFunc(account.Memberships, func(m people.Membership) bool { return m.Role.AtLeast(people.Member) })
	return account.Operator || a.rules.Everyone && records
}

// Read is GET /api/workspaces/{id}.
func (a *API) Read(ctx context.Context, in *ByID) (*WorkspaceOutput, error) {
	w, err := a.catalog.Workspace(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	account := auth.From(ctx).Account
	return a.view(w, account, account.RoleIn(in.ID)), nil
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
		RetentionDays: in.Body.RetentionDays, TrashDays: in.Body.TrashDays, MostBytes: a.rules.most(account),
	}
	if ms := in.Body.MaxLengthMS; ms != nil {
		change.MaxLength = new(time.Duration(*ms) * time.Millisecond)
	}
	w, err := a.catalog.ChangeWorkspace(ctx, in.ID, change)
	if err != nil {
		return nil, err
	}
	return a.view(w, account, account.RoleIn(in.ID)), nil
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
