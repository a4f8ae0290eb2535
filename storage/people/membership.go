package people

import (
	"context"
	"errors"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

var (
	// ErrLastOwner says that a workspace would be left without an owner.
	ErrLastOwner = errors.New("a workspace needs an owner")
	// ErrRole says that somebody's role is not enough for a change of roles.
	ErrRole = errors.New("the role does not suffice")
	// ErrHeir says that nobody was named who takes over the videos of somebody
	// who goes, or nobody who may have any.
	ErrHeir = errors.New("somebody must take over the videos")
	// ErrMember says that an account belongs to the workspace already.
	ErrMember = errors.New("the account belongs to the workspace already")
)

// Members lists who belongs to a workspace, with their accounts, by name.
func (c *People) Members(ctx context.Context, workspaceID string) ([]Membership, error) {
	var all []Membership
	err := c.DB.Reader.NewSelect().Model(&all).Relation("Account").Where("membership.workspace_id = ?", workspaceID).
		OrderExpr("lower(account.name), account.email").Scan(ctx)
	return all, record.Translate(err)
}

// VideosOwned counts, for each member of a workspace, the videos that somebody
// must take over when they go.
func (c *People) VideosOwned(ctx context.Context, workspaceID string) (map[string]int, error) {
	var rows []struct {
		OwnerID string
		N       int
	}
	err := c.DB.Reader.NewRaw("SELECT owner_id, count(*) AS n FROM videos WHERE workspace_id = ? GROUP BY owner_id", workspaceID).Scan(ctx, &rows)
	owned := make(map[string]int, len(rows))
	for _, row := range rows {
		owned[row.OwnerID] = row.N
	}
	return owned, record.Translate(err)
}

// RoleChange gives a member another role.
type RoleChange struct {
	WorkspaceID string
	// By is the account that decides, AccountID the one whose role it is.
	By, AccountID string
	Role          Role
}

// ChangeRole changes a member's role. Nobody gives more than they have, or
// touches somebody above them: ErrRole. ErrLastOwner if no owner would be left.
// Whoever loses rights loses media grants with them.
func (c *People) ChangeRole(ctx context.Context, r RoleChange) error {
	if r.Role.rank() == 0 {
		return &record.InvalidError{Field: "role", Message: "A role is owner, admin, member or viewer."}
	}
	return c.write(ctx, func(ctx context.Context, tx change) error {
		before, err := tx.mayManage(ctx, r.WorkspaceID, r.By, r.AccountID)
		if err != nil || before.Role == r.Role {
			return err
		}
		decides, err := tx.membership(ctx, r.WorkspaceID, r.By)
		if err != nil {
			return err
		}
		if !decides.Role.AtLeast(r.Role) {
			return ErrRole
		}
		if _, err := tx.NewUpdate().Model(before).Set("role = ?", r.Role).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := tx.needOwner(ctx, before); err != nil {
			return err
		}
		if !r.Role.AtLeast(before.Role) {
			if err := tx.takeBackInvitations(ctx, r.WorkspaceID, r.AccountID, r.Role); err != nil {
				return err
			}
			if err := LoseRights(ctx, tx.Change, r.AccountID); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, record.Audit{WorkspaceID: r.WorkspaceID, Action: record.MemberChanged, Detail: map[string]string{
			"member": before.Account.Email, "role": string(before.Role) + " → " + string(r.Role),
		}})
	})
}

// mayManage finds a member whom another one may change or remove: an admin who
// is not below them, or themselves.
func (t change) mayManage(ctx context.Context, workspaceID, by, accountID string) (*Membership, error) {
	member, err := t.membership(ctx, workspaceID, accountID)
	if err != nil || by == accountID {
		return member, err
	}
	decides, err := t.membership(ctx, workspaceID, by)
	if errors.Is(record.Translate(err), record.ErrNotFound) {
		return nil, ErrRole // he was removed a moment ago
	}
	if err != nil {
		return nil, err
	}
	if !decides.Role.AtLeast(Admin) || !decides.Role.AtLeast(member.Role) {
		return nil, ErrRole
	}
	return member, nil
}

func (t change) membership(ctx context.Context, workspaceID, accountID string) (*Membership, error) {
	m := new(Membership)
	return m, t.NewSelect().Model(m).Relation("Account").Where("membership.workspace_id = ? AND membership.account_id = ?", workspaceID, accountID).Scan(ctx)
}

// needOwner refuses a change to a membership that leaves the workspace without an
// owner. Both sides of a race see the other's change here, for each change is as if it were alone.
func (t change) needOwner(ctx context.Context, before *Membership) error {
	if before.Role != Owner {
		return nil
	}
	owned, err := t.NewSelect().Model((*Membership)(nil)).Where("workspace_id = ? AND role = ?", before.WorkspaceID, Owner).Exists(ctx)
	if err == nil && !owned {
		return ErrLastOwner
	}
	return err
}

// LoseRights voids, within a transaction, all media grants of an account, and
// lets whatever follows its rights look again.
func LoseRights(ctx context.Context, tx record.Change, accountID string) error {
	var epoch int64
	err := tx.NewRaw("UPDATE accounts SET epoch = epoch + 1, epoch_at = ? WHERE id = ? RETURNING epoch", tx.Now(), accountID).Scan(ctx, &epoch)
	tx.Tell(record.Event{Kind: record.AccessLost, AccountID: accountID, Epoch: epoch})
	return err
}

// Removal lets a member go.
type Removal struct {
	WorkspaceID string
	// By is the account that decides, AccountID the one who goes; they are the
	// same for somebody who leaves.
	By, AccountID string
	// HeirID takes over the videos; "" will do if there are none.
	HeirID string
}

// RemoveMember ends a membership. All videos of the one who goes, the private
// ones too, belong to the heir from then on, and who was named for them or has
// a link to them keeps that. For the workspace's videos the one who goes is not
// named any more: what they may watch then is what any stranger may.
func (c *People) RemoveMember(ctx context.Context, r Removal) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		gone, err := tx.mayManage(ctx, r.WorkspaceID, r.By, r.AccountID)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(gone).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := tx.needOwner(ctx, gone); err != nil {
			return err
		}
		if err := tx.handOver(ctx, r); err != nil {
			return err
		}
		if err := tx.forgetIn(ctx, r.WorkspaceID, r.AccountID); err != nil {
			return err
		}
		action := record.MemberRemoved
		if r.By == r.AccountID {
			action = record.MemberLeft
		}
		return tx.Audit(ctx, record.Audit{WorkspaceID: r.WorkspaceID, Action: action, Detail: map[string]string{"member": gone.Account.Email}})
	})
}

// handOver gives all videos of a member in a workspace to another one.
func (t change) handOver(ctx context.Context, r Removal) error {
	var moved []struct{ ID, Title string }
	if err := t.NewRaw("SELECT id, title FROM videos WHERE workspace_id = ? AND owner_id = ?", r.WorkspaceID, r.AccountID).Scan(ctx, &moved); err != nil || len(moved) == 0 {
		return err
	}
	heir, err := t.membership(ctx, r.WorkspaceID, r.HeirID)
	if errors.Is(record.Translate(err), record.ErrNotFound) || err == nil && (!heir.Role.AtLeast(Member) || r.HeirID == r.AccountID) {
		return ErrHeir
	}
	if err != nil {
		return err
	}
	statements := []string{
		"UPDATE videos SET owner_id = ?2, updated_at = ?3 WHERE workspace_id = ?0 AND owner_id = ?1",
		"DELETE FROM video_people WHERE account_id = ?2 AND video_id IN (SELECT id FROM videos WHERE workspace_id = ?0 AND owner_id = ?2)",
		// Who has what they asked for asks no more, and the others ask who may answer now.
		"DELETE FROM access_requests WHERE account_id = ?2 AND state = 'open' AND video_id IN (SELECT id FROM videos WHERE workspace_id = ?0 AND owner_id = ?2)",
		`UPDATE notices SET account_id = ?2, read_at = NULL WHERE account_id = ?1
			AND request_id IN (SELECT access_requests.id FROM access_requests JOIN videos ON videos.id = access_requests.video_id
				WHERE access_requests.state = 'open' AND videos.workspace_id = ?0 AND videos.owner_id = ?2)`,
	}
	for _, statement := range statements {
		if _, err := t.NewRaw(statement, r.WorkspaceID, r.AccountID, r.HeirID, t.Now()).Exec(ctx); err != nil {
			return err
		}
	}
	for _, inbox := range []string{r.AccountID, r.HeirID} {
		t.Tell(record.Event{Kind: record.NoticeAdded, AccountID: inbox})
	}
	for _, video := range moved {
		t.Tell(record.Event{Kind: record.VideoChanged, VideoID: video.ID})
		t.Tell(record.Event{Kind: record.VideoHidden, VideoID: video.ID, AccountID: r.AccountID})
		err := t.Audit(ctx, record.Audit{WorkspaceID: r.WorkspaceID, Action: record.VideoMoved, VideoID: video.ID, VideoTitle: video.Title, Detail: map[string]string{"to": heir.Account.Email}})
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetIn takes from an account what it had in a workspace. It works in
// another one of its own from then on, if there is one.
func (t change) forgetIn(ctx context.Context, workspaceID, accountID string) error {
	statements := []string{
		"DELETE FROM video_people WHERE account_id = ?1 AND video_id IN (SELECT id FROM videos WHERE workspace_id = ?0)",
		"DELETE FROM invitations WHERE inviter_id = ?1 AND workspace_id = ?0",
		`UPDATE accounts SET workspace_id = (SELECT min(memberships.workspace_id) FROM memberships WHERE memberships.account_id = ?1)
			WHERE id = ?1 AND workspace_id = ?0`,
	}
	for _, statement := range statements {
		if _, err := t.NewRaw(statement, workspaceID, accountID).Exec(ctx); err != nil {
			return err
		}
	}
	return LoseRights(ctx, t.Change, accountID)
}

// JoinByInvitation lets an account that exists join a further workspace, and
// uses the invitation up.
func (c *People) JoinByInvitation(ctx context.Context, token, accountID string) (*Workspace, error) {
	var joined *Workspace
	err := c.write(ctx, func(ctx context.Context, tx change) error {
		invitation, err := c.invitation(ctx, tx, token)
		if err != nil {
			return err
		}
		account := new(Account)
		if err := tx.NewSelect().Model(account).Where("id = ?", accountID).Scan(ctx); err != nil {
			return err
		}
		if err := tx.mayJoin(ctx, account, invitation); err != nil {
			return err // and the invitation stays for whom it was meant
		}
		if err := record.Must(tx.NewDelete().Model(invitation).WherePK().Exec(ctx)); err != nil {
			return err
		}
		joined = invitation.Workspace
		if err := tx.join(ctx, account, joined, invitation.Role); err != nil {
			return err
		}
		return tx.auditJoined(ctx, account, invitation)
	})
	return joined, err
}

// mayJoin refuses an account that an invitation is not for, and one that belongs
// already. The token of a letter proves the account's address besides.
func (t change) mayJoin(ctx context.Context, account *Account, by *Invitation) error {
	if by.Email != "" && by.Email != account.Email {
		return &record.InvalidError{Field: "email", Message: "This invitation is for another e-mail address."}
	}
	belongs, err := t.NewSelect().Model((*Membership)(nil)).Where("workspace_id = ? AND account_id = ?", by.WorkspaceID, account.ID).Exists(ctx)
	if err != nil {
		return err
	}
	if belongs {
		return ErrMember
	}
	if !by.byMail || account.Verified() {
		return nil
	}
	return Verify(ctx, t.Change, account)
}

func (t change) auditJoined(ctx context.Context, account *Account, by *Invitation) error {
	return t.Audit(ctx, record.Audit{WorkspaceID: by.WorkspaceID, Action: record.MemberJoined, Detail: map[string]string{
		"member": account.Email, "role": string(by.Role), "invited_by": by.Inviter.Email,
	}})
}

// DissolveWorkspace removes, within a transaction, a workspace that has no
// videos any more, and everything else that belongs to it.
func DissolveWorkspace(ctx context.Context, tx record.Change, id string) error {
	var members []string
	if err := tx.NewSelect().Model((*Membership)(nil)).Column("account_id").Where("workspace_id = ?", id).Scan(ctx, &members); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model((*Membership)(nil)).Where("workspace_id = ?", id).Exec(ctx); err != nil {
		return err
	}
	for _, accountID := range members {
		if err := (change{tx}).forgetIn(ctx, id, accountID); err != nil {
			return err
		}
	}
	return record.Must(tx.NewDelete().Model((*Workspace)(nil)).Where("id = ?", id).Exec(ctx))
}

// AuditEverywhere notes, within a transaction, what an account does about
// itself in the log of every workspace that it belongs to.
func AuditEverywhere(ctx context.Context, tx record.Change, accountID string, action record.Action, detail map[string]string) error {
	return auditEverywhere(ctx, tx, accountID, record.Audit{Action: action, Detail: detail})
}

func auditEverywhere(ctx context.Context, tx record.Change, accountID string, a record.Audit) error {
	var workspaces []string
	if err := tx.NewSelect().Model((*Membership)(nil)).Column("workspace_id").Where("account_id = ?", accountID).Scan(ctx, &workspaces); err != nil {
		return err
	}
	for _, id := range workspaces {
		a.WorkspaceID = id
		if err := tx.Audit(ctx, a); err != nil {
			return err
		}
	}
	return nil
}
