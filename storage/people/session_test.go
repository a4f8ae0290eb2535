package people_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const day = 24 * time.Hour

func TestSessionsSlideAndEnd(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, ticks := accountsCatalog(t, engine)
		ctx := t.Context()
		ada := addAccount(t, c, "Ada")
		kept, left := signIn(t, c, ada), signIn(t, c, ada)
		require.Len(t, kept, 43, "256 bits")

		ticks.advance(29 * day)
		require.NoError(t, c.ExtendSession(ctx, record.HashToken(kept)))
		ticks.advance(2 * day)
		requireSession(t, c, kept, true)
		requireSession(t, c, left, false)

		session, err := c.Session(ctx, record.HashToken(kept))
		require.NoError(t, err)
		require.Equal(t, ada.Email, session.Account.Email)
		require.WithinDuration(t, ticks.now().Add(28*day), session.ExpiresAt, time.Second)

		require.NoError(t, c.EndSession(ctx, session.Hash))
		requireSession(t, c, kept, false)
		require.NoError(t, c.EndSession(ctx, session.Hash), "twice is no error")
		require.ErrorIs(t, c.ExtendSession(ctx, session.Hash), record.ErrNotFound, "an ended session stays ended")
	})
}

func TestAPITokens(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		ctx := t.Context()
		ada, bob := addAccount(t, c, "Ada"), addAccount(t, c, "Bob")
		made, shown, err := c.AddToken(ctx, people.NewToken{Account: ada, Name: "deploy", Scope: people.ScopeWrite})
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(shown, "mw_"))

		found, err := c.Token(ctx, record.HashToken(shown))
		require.NoError(t, err)
		require.Equal(t, ada.ID, found.Account.ID)
		require.Equal(t, people.ScopeWrite, found.Scope)
		require.NotContains(t, string(found.Hash), shown)

		mine, err := c.Tokens(ctx, bob.ID)
		require.NoError(t, err)
		require.Empty(t, mine)
		require.ErrorIs(t, c.DropToken(ctx, bob, made.ID), record.ErrNotFound, "somebody else's")
		require.NoError(t, c.DropToken(ctx, ada, made.ID))
		_, err = c.Token(ctx, record.HashToken(shown))
		require.ErrorIs(t, err, record.ErrNotFound)

		_, _, err = c.AddToken(ctx, people.NewToken{Account: ada, Name: "x", Scope: "root"})
		require.Error(t, err)
		_, _, err = c.AddToken(ctx, people.NewToken{Account: ada, Name: "a\x00b", Scope: people.ScopeRead})
		require.Error(t, err)
	})
}

func TestScopesIncludeEachOther(t *testing.T) {
	t.Parallel()
	order := []people.Scope{people.ScopeRead, people.ScopeWrite, people.ScopeAdmin}
	for i, have := range order {
		for j, need := range order {
			require.Equal(t, i >= j, have.Allows(need), "%s for %s", have, need)
		}
		require.False(t, people.Scope("").Allows(have))
		require.False(t, have.Allows(""), "a need that nobody declared is closed")
	}
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, ticks := accountsCatalog(t, engine)
		ctx := t.Context()
		ada := addAdmin(t, c, "Ada")
		invite := func(email string) (*people.Invitation, string) {
			made, token, err := c.Invite(ctx, invitation(ada, email))
			require.NoError(t, err)
			return made, token
		}

		_, open := invite("")
		found, err := c.Invitation(ctx, open)
		require.NoError(t, err)
		require.Equal(t, "Ada", found.Inviter.Name)
		bob, err := c.AcceptInvitation(ctx, open, person("Bob"))
		require.NoError(t, err)
		require.Equal(t, people.Member, bob.RoleIn(ada.WorkspaceID))
		_, err = c.AcceptInvitation(ctx, open, person("Mallory"))
		require.ErrorIs(t, err, people.ErrToken, "used")

		_, bound := invite(" Cleo@Example.org ")
		_, err = c.AcceptInvitation(ctx, bound, person("Mallory"))
		var invalid *record.InvalidError
		require.ErrorAs(t, err, &invalid, "bound to another address")
		_, err = c.AcceptInvitation(ctx, bound, person("Cleo"))
		require.NoError(t, err, "a refused try does not use it up")

		revoked, token := invite("")
		require.NoError(t, c.DropInvitation(ctx, ada.WorkspaceID, revoked.ID))
		_, err = c.AcceptInvitation(ctx, token, person("Mallory"))
		require.ErrorIs(t, err, people.ErrToken, "taken back")
		require.ErrorIs(t, c.DropInvitation(ctx, ada.WorkspaceID, revoked.ID), record.ErrNotFound)

		_, old := invite("")
		ticks.advance(7*day - time.Second)
		_, err = c.Invitation(ctx, old)
		require.NoError(t, err)
		ticks.advance(time.Second)
		_, err = c.Invitation(ctx, old)
		require.ErrorIs(t, err, people.ErrToken, "lapsed")
		_, err = c.AcceptInvitation(ctx, old, person("Mallory"))
		require.ErrorIs(t, err, people.ErrToken, "lapsed")
		left, err := c.Invitations(ctx, ada.WorkspaceID)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

func TestInvitationsToKnownAddresses(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		ada := addAdmin(t, c, "Ada")
		_, _, err := c.Invite(t.Context(), invitation(ada, "ADA@example.org"))
		require.ErrorIs(t, err, people.ErrEmailTaken)

		_, first, err := c.Invite(t.Context(), invitation(ada, "bob@example.org"))
		require.NoError(t, err)
		_, second, err := c.Invite(t.Context(), invitation(ada, "bob@example.org"))
		require.NoError(t, err)
		_, err = c.Invitation(t.Context(), first)
		require.ErrorIs(t, err, people.ErrToken, "only the newest counts")
		_, err = c.Invitation(t.Context(), second)
		require.NoError(t, err)
	})
}

func TestAnAcceptedInvitationForATakenAddressIsNotUsedUp(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		ada := addAdmin(t, c, "Ada")
		_, token, err := c.Invite(t.Context(), invitation(ada, ""))
		require.NoError(t, err)
		_, err = c.AcceptInvitation(t.Context(), token, person("Ada"))
		require.ErrorIs(t, err, people.ErrEmailTaken)
		_, err = c.AcceptInvitation(t.Context(), token, person("Bob"))
		require.NoError(t, err)
	})
}

func invitation(by *people.Account, email string) people.NewInvitation {
	return people.NewInvitation{InviterID: by.ID, WorkspaceID: by.WorkspaceID, Role: people.Member, Email: email}
}

func addAdmin(t *testing.T, c *people.People, name string) *people.Account {
	t.Helper()
	account, err := c.AddAccount(t.Context(), person(name), people.Admin)
	require.NoError(t, err)
	return account
}

// Whoever has lost a role comes back by no invitation of theirs, and makes none with
// a request that was under way.
func TestInvitationsEndWithTheRoleOfWhoMadeThem(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		for name, lose := range map[string]func(k *crew) error{
			"made a member": func(k *crew) error { return k.change(t, k.owner, k.admin, people.Member) },
			"locked out":    func(k *crew) error { return k.SetDisabled(t.Context(), k.admin.ID, true) },
			"removed": func(k *crew) error {
				return k.RemoveMember(t.Context(), people.Removal{WorkspaceID: k.workspace, By: k.owner.ID, AccountID: k.admin.ID})
			},
		} {
			k := newCrew(t, engine)
			invite := func(by *people.Account, role people.Role) (string, error) {
				_, token, err := k.Invite(t.Context(), people.NewInvitation{InviterID: by.ID, WorkspaceID: k.workspace, Role: role})
				return token, err
			}
			token, err := invite(k.admin, people.Admin)
			require.NoError(t, err, name)
			others, err := invite(k.owner, people.Owner)
			require.NoError(t, err, name)
			require.NoError(t, lose(k), name)
			_, err = k.AcceptInvitation(t.Context(), token, person("Mallory"))
			require.ErrorIs(t, err, people.ErrToken, name)
			_, err = k.Invitation(t.Context(), others)
			require.NoError(t, err, name)
			if name != "locked out" { // who has no session any more
				_, err = invite(k.admin, people.Viewer)
				require.ErrorIs(t, err, people.ErrRole, name)
			}
		}
		k := newCrew(t, engine)
		require.NoError(t, k.change(t, k.owner, k.admin, people.Owner))
		var tokens []string
		for _, role := range []people.Role{people.Owner, people.Admin} {
			_, token, err := k.Invite(t.Context(), people.NewInvitation{InviterID: k.admin.ID, WorkspaceID: k.workspace, Role: role})
			require.NoError(t, err)
			tokens = append(tokens, token)
		}
		require.NoError(t, k.change(t, k.owner, k.admin, people.Admin))
		_, err := k.Invitation(t.Context(), tokens[0])
		require.ErrorIs(t, err, people.ErrToken, "more than an admin may hand out")
		_, err = k.Invitation(t.Context(), tokens[1])
		require.NoError(t, err)
	})
}
