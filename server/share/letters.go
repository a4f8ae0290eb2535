package share

import (
	"context"
	"errors"
	"net/url"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/notify"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// post makes the letters about sharing, when their turn comes: what has changed
// since they were put in is heeded.
type post struct {
	catalog *catalog.Catalog
	base    *url.URL
}

// Letters are the sources of the letters about sharing, by template.
func Letters(records *catalog.Catalog, base *url.URL) map[string]notify.Source {
	p := &post{records, base}
	return map[string]notify.Source{
		catalog.MailShared:  p.shared,
		catalog.MailRequest: p.request,
		catalog.MailGranted: p.granted,
		catalog.MailDenied:  p.denied,
	}
}

// stale says that a letter about a record that is gone is not needed.
func stale(err error) error {
	if errors.Is(err, record.ErrNotFound) {
		return notify.ErrStale
	}
	return err
}

// shared tells somebody that they were named. Their address may belong to nobody
// here yet: the page asks them to sign in.
func (p *post) shared(ctx context.Context, ref, _ string) (notify.Letter, error) {
	named, err := p.catalog.NamedPerson(ctx, ref)
	if err != nil {
		return nil, stale(err)
	}
	v, err := p.catalog.Video(ctx, named.VideoID)
	if err != nil {
		return nil, stale(err)
	}
	v.Named = true
	if !access.RightsOf(auth.Principal{}, v).Watch {
		return nil, notify.ErrStale
	}
	letter := notify.Shared{Video: v.Title, Sharer: v.OwnerName, URL: p.base.JoinPath("v", v.Slug).String(), Length: v.Duration()}
	if by, err := p.catalog.Account(ctx, named.NamedBy); err == nil {
		letter.Sharer, letter.SharerEmail = by.Name, by.Email
	}
	return letter, nil
}

// request asks an owner. Both links lead to the page that asks for a click of
// somebody who is signed in and may answer.
func (p *post) request(ctx context.Context, ref, to string) (notify.Letter, error) {
	r, v, err := p.requestOf(ctx, ref, catalog.RequestOpen)
	if err != nil {
		return nil, err
	}
	owner, err := p.catalog.Account(ctx, v.OwnerID)
	if err != nil {
		return nil, stale(err)
	}
	if owner.Email != to {
		return nil, notify.ErrStale // handed over since: whoever had it need not know who asks
	}
	page, email := p.base.JoinPath("requests", r.ID), r.Account.Email
	if !r.Account.Verified() {
		email += ", not proved to be theirs"
	}
	return notify.AccessRequest{
		Video: v.Title, Name: r.Account.Name, Email: email, Message: r.Message,
		GrantURL: page.String(), DenyURL: page.String() + "?answer=no",
	}, nil
}

func (p *post) granted(ctx context.Context, ref, _ string) (notify.Letter, error) {
	r, v, err := p.requestOf(ctx, ref, catalog.RequestGranted)
	if err != nil {
		return nil, err
	}
	seen, err := p.catalog.VideoFor(ctx, r.AccountID, catalog.VideoID, v.ID)
	if err != nil {
		return nil, stale(err)
	}
	if !access.RightsOf(auth.Principal{Account: r.Account}, seen).Watch {
		return nil, notify.ErrStale // and taken back since
	}
	return notify.AccessGranted{Video: v.Title, Owner: v.OwnerName, URL: p.base.JoinPath("v", v.Slug).String()}, nil
}

func (p *post) denied(ctx context.Context, ref, _ string) (notify.Letter, error) {
	_, _, err := p.requestOf(ctx, ref, catalog.RequestDenied)
	if err != nil {
		return nil, err
	}
	return notify.AccessDenied{}, nil
}

// requestOf finds a request that is still in a state, and its video.
func (p *post) requestOf(ctx context.Context, id string, state catalog.RequestState) (*catalog.AccessRequest, *catalog.Video, error) {
	r, err := p.catalog.Request(ctx, id)
	if err != nil {
		return nil, nil, stale(err)
	}
	v, err := p.catalog.Video(ctx, r.VideoID)
	if err != nil {
		return nil, nil, stale(err)
	}
	if r.State != state || v.Trashed() {
		return nil, nil, notify.ErrStale
	}
	return r, v, nil
}
