package team

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/meanwhile-app/meanwhile/server/notify"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Letters are the sources of the letters about workspaces, by template.
func Letters(records *catalog.Catalog, base *url.URL) map[string]notify.Source {
	p := &post{records, base}
	return map[string]notify.Source{people.MailInvitation: p.invitation, catalog.MailRetention: p.retention}
}

type post struct {
	catalog *catalog.Catalog
	base    *url.URL
}

// invitation carries a token of its own, made at the moment of sending: who has
// it has the address.
func (p *post) invitation(ctx context.Context, ref, to string) (notify.Letter, error) {
	invitation, token, err := p.catalog.InvitationLetter(ctx, ref)
	if errors.Is(err, record.ErrNotFound) || err == nil && invitation.Email != to {
		return nil, notify.ErrStale
	}
	if err != nil {
		return nil, err
	}
	return notify.Invitation{
		Workspace: invitation.Workspace.Name, Inviter: invitation.Inviter.Name, InviterEmail: invitation.Inviter.Email,
		Role: string(invitation.Role), URL: p.base.JoinPath("invite", url.PathEscape(token)).String(), Expires: invitation.ExpiresAt,
	}, nil
}

// retention names all that an owner will lose in a workspace, as things stand
// when the letter is sent.
func (p *post) retention(ctx context.Context, workspaceID, to string) (notify.Letter, error) {
	owner, err := p.catalog.AccountByEmail(ctx, to)
	if errors.Is(err, record.ErrNotFound) {
		return nil, notify.ErrStale
	}
	if err != nil {
		return nil, err
	}
	w, err := p.catalog.Workspace(ctx, workspaceID)
	if errors.Is(err, record.ErrNotFound) {
		return nil, notify.ErrStale
	}
	if err != nil {
		return nil, err
	}
	doomed, err := p.catalog.ToBeRemoved(ctx, owner.ID, workspaceID)
	if err != nil {
		return nil, err
	}
	if len(doomed) == 0 {
		return nil, notify.ErrStale
	}
	letter := notify.Retention{Workspace: w.Name, On: doomed[0].RemovalAt.Time, URL: p.base.JoinPath("/").String() + "?show=mine"}
	for _, v := range doomed {
		letter.Videos = append(letter.Videos, notify.Item{Title: v.Title, URL: p.base.JoinPath("v", v.Slug).String(), Note: v.RemovalAt.Format(time.DateOnly)})
	}
	return letter, nil
}
