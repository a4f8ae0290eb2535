package people_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// crew is a workspace with one account of each role.
type crew struct {
	*people.People
	workspace                    string
	owner, admin, member, viewer *people.Account
}

func newCrew(t *testing.T, engine database.Engine) *crew {
	t.Helper()
	c, _ := accountsCatalog(t, engine)
	k := &crew{People: c}
	for name, role := range map[string]people.Role{"Oda": people.Owner, "Ann": people.Admin, "Mia": people.Member, "Vic": people.Viewer} {
		account, err := c.AddAccount(t.Context(), person(name), role)
		require.NoError(t, err)
		k.workspace = account.WorkspaceID
		*map[people.Role]**people.Account{people.Owner: &k.owner, people.Admin: &k.admin, people.Member: &k.member, people.Viewer: &k.viewer}[role] = account
	}
	return k
}

func (k *crew) change(t *testing.T, by, who *people.Account, role people.Role) error {
	t.Helper()
	return k.ChangeRole(t.Context(), people.RoleChange{WorkspaceID: k.workspace, By: by.ID, AccountID: who.ID, Role: role})
}

func (k *crew) role(t *testing.T, who *people.Account) people.Role {
	t.Helper()
	account, err := k.Account(t.Context(), who.ID)
	require.NoError(t, err)
	return account.RoleIn(k.workspace)
}

func TestNobodyGivesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newCrew(t, engine)
		all := []people.Role{people.Viewer, people.Member, people.Admin, people.Owner}
		for _, by := range []*people.Account{k.viewer, k.member} {
			for _, who := range []*people.Account{k.viewer, k.member, k.admin, k.owner} {
				for _, role := range all {
					before := k.role(t, who)
					err := k.change(t, by, who, role)
					if by != who || role.AtLeast(before) && role != before {
						require.ErrorIs(t, err, people.ErrRole, "%s makes %s %s", by.Name, who.Name, role)
						require.Equal(t, before, k.role(t, who))
					}
				}
			}
			k.restore(t)
		}
		require.ErrorIs(t, k.change(t, k.admin, k.member, people.Owner), people.ErrRole, "only owners make owners")
		require.ErrorIs(t, k.change(t, k.admin, k.admin, people.Owner), people.ErrRole, "nobody raises themselves")
		require.ErrorIs(t, k.change(t, k.admin, k.owner, people.Viewer), people.ErrRole, "nobody lowers who is above")
		require.NoError(t, k.change(t, k.admin, k.member, people.Admin))
		require.NoError(t, k.change(t, k.owner, k.admin, people.Owner))
		require.Equal(t, people.Owner, k.role(t, k.admin))
		require.ErrorIs(t, k.change(t, k.owner, &people.Account{ID: "absent"}, people.Member), record.ErrNotFound)
		var invalid *record.InvalidError
		require.ErrorAs(t, k.change(t, k.owner, k.member, "emperor"), &invalid)
	})
}

// restore gives everybody the role they began with.
func (k *crew) restore(t *testing.T) {
	t.Helper()
	for who, role := range map[*people.Account]people.Role{k.viewer: people.Viewer, k.member: people.Member, k.admin: people.Admin} {
		require.NoError(t, k.change(t, k.owner, who, role))
	}
}

func TestLosingARoleVoidsGrants(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newCrew(t, engine)
		before, err := k.Account(t.Context(), k.member.ID)
		require.NoError(t, err)
		require.NoError(t, k.change(t, k.owner, k.member, people.Admin))
		raised, err := k.Account(t.Context(), k.member.ID)
		require.NoError(t, err)
		require.Equal(t, before.Epoch, raised.Epoch, "whoever gains loses nothing")
		sub := k.Subscribe("")
		defer sub.Close()
		require.NoError(t, k.change(t, k.owner, k.member, people.Viewer))
		require.Equal(t, record.Event{Kind: record.AccessLost, AccountID: k.member.ID, Epoch: before.Epoch + 1}, <-sub.C)
	})
}

func TestAWorkspaceKeepsAnOwner(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newCrew(t, engine)
		require.ErrorIs(t, k.change(t, k.owner, k.owner, people.Member), people.ErrLastOwner)
		leave := people.Removal{WorkspaceID: k.workspace, By: k.owner.ID, AccountID: k.owner.ID}
		require.ErrorIs(t, k.RemoveMember(t.Context(), leave), people.ErrLastOwner)
		require.Equal(t, people.Owner, k.role(t, k.owner), "a refusal changes nothing")
	})
}

// Two owners who lower, or remove, each other at the same time: one stays.
func TestTwoOwnersCannotBothGo(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		for round := range 10 {
			k := newCrew(t, engine)
			require.NoError(t, k.change(t, k.owner, k.admin, people.Owner))
			var done atomic.Int32
			var wait sync.WaitGroup
			for _, pair := range [][2]*people.Account{{k.owner, k.admin}, {k.admin, k.owner}} {
				wait.Go(func() {
					err := databasetest.Insist(func() error {
						if round%2 == 0 {
							return k.change(t, pair[0], pair[1], people.Member)
						}
						return k.RemoveMember(t.Context(), people.Removal{WorkspaceID: k.workspace, By: pair[0].ID, AccountID: pair[0].ID})
					})
					if err == nil {
						done.Add(1)
					}
				})
			}
			wait.Wait()
			require.EqualValues(t, 1, done.Load())
		}
	})
}

func TestWhoGoesLosesTheWorkspace(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newCrew(t, engine)
		ctx := t.Context()
		require.ErrorIs(t, k.RemoveMember(ctx, people.Removal{WorkspaceID: k.workspace, By: k.member.ID, AccountID: k.viewer.ID}), people.ErrRole)
		require.ErrorIs(t, k.RemoveMember(ctx, people.Removal{WorkspaceID: k.workspace, By: k.admin.ID, AccountID: k.owner.ID}), people.ErrRole)
		other, err := k.CreateWorkspace(ctx, people.NewWorkspace{OwnerID: k.member.ID, Name: " Else "})
		require.NoError(t, err)
		require.Equal(t, "Else", other.Name)
		require.NoError(t, k.SwitchWorkspace(ctx, k.member.ID, k.workspace))

		require.NoError(t, k.RemoveMember(ctx, people.Removal{WorkspaceID: k.workspace, By: k.admin.ID, AccountID: k.member.ID}))
		gone, err := k.Account(ctx, k.member.ID)
		require.NoError(t, err)
		require.Empty(t, gone.RoleIn(k.workspace))
		require.Equal(t, other.ID, gone.WorkspaceID, "it works in the other one now")
		require.Greater(t, gone.Epoch, k.member.Epoch)
		require.ErrorIs(t, k.SwitchWorkspace(ctx, k.member.ID, k.workspace), record.ErrNotFound)
		require.ErrorIs(t, k.RemoveMember(ctx, people.Removal{WorkspaceID: k.workspace, By: k.owner.ID, AccountID: k.member.ID}), record.ErrNotFound)

		require.NoError(t, k.RemoveMember(ctx, people.Removal{WorkspaceID: k.workspace, By: k.viewer.ID, AccountID: k.viewer.ID}), "everybody may leave")
		left, err := k.Account(ctx, k.viewer.ID)
		require.NoError(t, err)
		require.Empty(t, left.WorkspaceID)
		actions := k.actions(t, k.workspace)
		require.Equal(t, 1, actions[record.MemberLeft])
		require.Equal(t, 1, actions[record.MemberRemoved])
	})
}

// actions counts what the audit log of a workspace says.
func (k *crew) actions(t *testing.T, workspaceID string) map[record.Action]int {
	t.Helper()
	rows, err := k.AuditLog(t.Context(), record.AuditQuery{WorkspaceID: workspaceID, Limit: 100})
	require.NoError(t, err)
	actions := map[record.Action]int{}
	for _, row := range rows {
		actions[row.Action]++
	}
	return actions
}

func TestJoiningAFurtherWorkspace(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newCrew(t, engine)
		ctx := t.Context()
		other, err := k.CreateWorkspace(ctx, people.NewWorkspace{OwnerID: k.member.ID, Name: "Other"})
		require.NoError(t, err)
		invite := func(email string) string {
			_, token, err := k.Invite(ctx, people.NewInvitation{InviterID: k.member.ID, WorkspaceID: other.ID, Role: people.Viewer, Email: email})
			require.NoError(t, err)
			return token
		}
		open := invite("")
		w, err := k.JoinByInvitation(ctx, open, k.viewer.ID)
		require.NoError(t, err)
		require.Equal(t, other.ID, w.ID)
		joined, err := k.Account(ctx, k.viewer.ID)
		require.NoError(t, err)
		require.Equal(t, people.Viewer, joined.RoleIn(other.ID))
		require.Equal(t, other.ID, joined.WorkspaceID)
		_, err = k.JoinByInvitation(ctx, open, k.admin.ID)
		require.ErrorIs(t, err, people.ErrToken, "once")

		again := invite("")
		_, err = k.JoinByInvitation(ctx, again, k.viewer.ID)
		require.ErrorIs(t, err, people.ErrMember)
		_, err = k.JoinByInvitation(ctx, again, k.admin.ID)
		require.NoError(t, err, "the mistake did not use it up")
		_, err = k.JoinByInvitation(ctx, "x", k.owner.ID)
		require.ErrorIs(t, err, people.ErrToken)
		require.Equal(t, map[record.Action]int{record.MemberJoined: 2, record.InvitationCreated: 2, record.WorkspaceCreated: 1}, k.actions(t, other.ID))
	})
}

func TestChangesOfAWorkspace(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		k := newCrew(t, engine)
		var invalid *record.InvalidError
		for name, wrong := range map[string]people.WorkspaceChange{
			"no name":          {Name: new(" ")},
			"long name":        {Name: new(strings.Repeat("x", 101))},
			"negative quota":   {QuotaBytes: new(int64(-1))},
			"negative upload":  {MaxUploadBytes: new(int64(-1))},
			"negative days":    {RetentionDays: new(-1)},
			"no trash":         {TrashDays: new(0)},
			"a year and a day": {TrashDays: new(366)},
		} {
			_, err := k.ChangeWorkspace(t.Context(), k.workspace, wrong)
			require.ErrorAs(t, err, &invalid, name)
		}
		w, err := k.ChangeWorkspace(t.Context(), k.workspace, people.WorkspaceChange{Name: new("Team"), RetentionDays: new(90), QuotaBytes: new(int64(7))})
		require.NoError(t, err)
		require.Equal(t, "Team", w.Name)
		rows, err := k.AuditLog(t.Context(), record.AuditQuery{WorkspaceID: k.workspace, Action: record.WorkspaceChanged, Limit: 9})
		require.NoError(t, err)
		require.Len(t, rows, 1, "refused changes leave no trace")
		require.Equal(t, map[string]string{"name": "Workspace → Team", "retention_days": "0 → 90", "quota_bytes": "0 → 7"}, rows[0].Detail)
		_, err = k.ChangeWorkspace(t.Context(), "absent", people.WorkspaceChange{Name: new("x")})
		require.ErrorIs(t, err, record.ErrNotFound)
	})
}

// Whoever the provider lets in is led to no workspace of somebody else's.
func TestNewcomersJoinOnlyTheWorkspaceOfTheServer(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		ctx := t.Context()
		begun, err := c.Begin(ctx)
		require.NoError(t, err)
		ada, err := c.CreateOwner(ctx, begun.SetupToken, person("Ada"))
		require.NoError(t, err)
		first := ada.WorkspaceID
		other, err := c.CreateWorkspace(ctx, people.NewWorkspace{OwnerID: ada.ID, Name: "Other"})
		require.NoError(t, err)
		ben, err := c.AddAccount(ctx, person("Ben"), people.Member)
		require.NoError(t, err)
		require.Equal(t, first, ben.WorkspaceID)
		require.NoError(t, c.Write(ctx, func(ctx context.Context, tx record.Change) error {
			_, err := tx.NewRaw("DELETE FROM workspaces WHERE id = ?", first).Exec(ctx)
			return err
		}))
		eve, err := c.AddAccount(ctx, person("Eve"), people.Member)
		require.NoError(t, err)
		require.Empty(t, eve.RoleIn(other.ID))
		require.Empty(t, eve.WorkspaceID)
	})
}
