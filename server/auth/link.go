package auth

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// LinkMail is the template of the letter with a link to sign in.
const LinkMail = "sign_in_link"

// AskLinkInput says whom to mail a link to.
type AskLinkInput struct {
	Body struct {
		Email string `json:"email" maxLength:"1000"`
		Next  string `json:"next,omitempty" maxLength:"2000" doc:"Where to go on to: a path of this server"`
	}
}

// AskLink is POST /api/session/link/mail. It does the same for every address:
// whether anybody has it is found out when the letter is written.
func (a *Auth) AskLink(ctx context.Context, in *AskLinkInput) (*Empty, error) {
	if !a.mail {
		return nil, reply.NotFound
	}
	email, err := people.NormalEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	if err := a.limits.Attempt(ctx, limit.Guess{Kind: limit.Letter, Subject: email, Network: Address(ctx)}); err != nil {
		return nil, err
	}
	ref := url.Values{"from": {Origin(ctx)}}
	if next := Inside(in.Body.Next); next != "/" {
		ref.Set("next", next)
	}
	return &Empty{}, a.catalog.Write(ctx, func(ctx context.Context, tx record.Change) error {
		return tx.Enqueue(ctx, jobs.Mail{Template: LinkMail, To: email, Ref: ref.Encode()}, jobs.Waiting)
	})
}

// LinkAddress is the page that uses a link up. The token stands behind the #:
// no browser sends that to any server, so it is in no log and no Referer, and
// programs that open the links in mails do not use it up.
func LinkAddress(base *url.URL, token, next string) string {
	to := base.JoinPath("sign-in", "link")
	values := url.Values{"token": {token}}
	if next != "" {
		values.Set("next", next)
	}
	return to.String() + "#" + values.Encode()
}

// LinkInput is the token of a mailed link.
type LinkInput struct {
	Body struct {
		Token string `json:"token" maxLength:"200"`
	}
}

// EnterByLink is POST /api/session/link: it signs in with a mailed link.
func (a *Auth) EnterByLink(ctx context.Context, in *LinkInput) (*EntryOutput, error) {
	if err := a.limits.Attempt(ctx, limit.Guess{Kind: limit.Token, Network: Address(ctx)}); err != nil {
		return nil, err
	}
	account, err := a.records.UseLink(ctx, in.Body.Token, From(ctx).Account)
	if errors.Is(err, record.ErrNotFound) {
		err = people.ErrToken
	}
	if err != nil {
		return nil, err
	}
	return a.proven(ctx, account, people.ByLink)
}

// Inside is the path of this server that a next parameter names, or / if it
// leads anywhere else: a link must not send people elsewhere after signing in.
func Inside(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(next, "/") {
		return "/"
	}
	// Browsers take some of what follows for another host, or step out of it.
	odd := strings.Contains(next+u.Path, "\\") || strings.Contains(u.Path, "//") || strings.Contains(u.Path, "/.") ||
		strings.ContainsFunc(next+u.Path, people.Unprintable)
	if odd || strings.HasPrefix(u.Path, "/api/") {
		return "/"
	}
	return u.String()
}
