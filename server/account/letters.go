package account

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/notify"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Letters are the sources of the letters about signing in, by template.
func Letters(records *people.People, base *url.URL) map[string]notify.Source {
	p := &post{credential.New(records), base}
	return map[string]notify.Source{auth.LinkMail: p.link, "security": p.security}
}

type post struct {
	records *credential.Store
	base    *url.URL
}

// link makes the link at the moment of sending. Nobody is written to whose
// address is not known here.
func (p *post) link(ctx context.Context, ref, to string) (notify.Letter, error) {
	token, expires, err := p.records.MakeLink(ctx, to)
	if errors.Is(err, record.ErrNotFound) {
		return nil, notify.ErrStale
	}
	if err != nil {
		return nil, err
	}
	said, err := url.ParseQuery(ref)
	if err != nil {
		return nil, err
	}
	return notify.SignInLink{URL: auth.LinkAddress(p.base, token, said.Get("next")), Expires: expires, From: said.Get("from")}, nil
}

// security warns of what people.Warn has noted.
func (p *post) security(_ context.Context, ref, _ string) (notify.Letter, error) {
	event, rest, _ := strings.Cut(ref, " ")
	moment, from, _ := strings.Cut(rest, " ")
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		return nil, err
	}
	return notify.Security{Event: notify.SecurityEvent(event), At: at, From: from, URL: p.base.JoinPath("settings").String() + "#security"}, nil
}
