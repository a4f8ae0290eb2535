package main

import (
	"errors"
	"maps"
	"net/url"
	"strings"

	"github.com/meanwhile-app/meanwhile/cmd/meanwhile/doctor"
	"github.com/meanwhile-app/meanwhile/server/account"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/auth/oidc"
	"github.com/meanwhile-app/meanwhile/server/notify"
	"github.com/meanwhile-app/meanwhile/server/share"
	"github.com/meanwhile-app/meanwhile/server/team"
	"github.com/meanwhile-app/meanwhile/server/webhook"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// OIDCConfig names another service by which people sign in.
type OIDCConfig struct {
	Issuer       string   `help:"OpenID Connect provider by which people sign in, e.g. https://id.example.org. Its client must return to BASE_URL/api/oidc/callback. Default: none." env:"MEANWHILE_OIDC_ISSUER"`
	ClientID     string   `help:"What the provider calls this server." env:"MEANWHILE_OIDC_CLIENT_ID" name:"client-id"`
	ClientSecret string   `help:"The client's secret, if it has one." env:"MEANWHILE_OIDC_CLIENT_SECRET" name:"client-secret"`
	Scopes       []string `help:"What is asked for beside openid." default:"email,profile" env:"MEANWHILE_OIDC_SCOPES"`
	Domains      []string `help:"Domains whose verified addresses may come in. Default: everybody whom the provider lets sign in." env:"MEANWHILE_OIDC_DOMAINS"`
	Name         string   `help:"What the button calls the provider." default:"single sign-on" env:"MEANWHILE_OIDC_NAME"`
	Role         string   `help:"What somebody new becomes in the first workspace; none joins no workspace." enum:"admin,member,viewer,none" default:"member" env:"MEANWHILE_OIDC_ROLE"`
	LinkVerified bool     `help:"Let the provider open accounts that exist and have proved the same address, without asking them first. Only for a provider that owns the addresses." env:"MEANWHILE_OIDC_LINK_VERIFIED"`
	SecondFactor bool     `help:"Ask for the code of an account here, too." env:"MEANWHILE_OIDC_SECOND_FACTOR"`
}

// forEverybody are providers by which anybody can sign in.
func forEverybody() []string {
	return []string{"accounts.google.com", "login.microsoftonline.com/common", "login.microsoftonline.com/consumers", "login.live.com", "appleid.apple.com", "gitlab.com"}
}

// open checks the settings; nil is no provider.
func (c OIDCConfig) open() (*auth.OIDC, error) {
	if c.Issuer == "" {
		return nil, nil //nolint:nilnil // there is no provider, and no error
	}
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || (u.Scheme != "https" && !doctor.Local(u)) {
		return nil, errors.New("MEANWHILE_OIDC_ISSUER is not an address like https://id.example.org; without TLS anybody on the way could sign in")
	}
	if c.ClientID == "" {
		return nil, errors.New("MEANWHILE_OIDC_CLIENT_ID is needed beside MEANWHILE_OIDC_ISSUER")
	}
	if len(c.Domains) == 0 {
		for _, public := range forEverybody() {
			if strings.HasPrefix(strings.TrimPrefix(c.Issuer, "https://"), public) {
				return nil, errors.New("MEANWHILE_OIDC_DOMAINS is needed: anybody in the world can sign in at " + u.Host)
			}
		}
	}
	role := people.Role(c.Role)
	if c.Role == "none" {
		role = ""
	}
	return &auth.OIDC{
		Options: oidc.Options{Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: c.ClientSecret, Scopes: c.Scopes, Domains: c.Domains},
		Name:    c.Name, Role: role, LinkVerified: c.LinkVerified, SecondFactor: c.SecondFactor,
	}, nil
}

// letters makes the handlers write and send letters, if a mail server is set.
func (a *app) letters(base *url.URL, handlers *jobs.Handlers) (*notify.Notify, error) {
	sources := account.Letters(a.catalog.People, base)
	maps.Copy(sources, share.Letters(a.catalog, base))
	maps.Copy(sources, team.Letters(a.catalog, base))
	maps.Copy(sources, webhook.Letters(a.webhooks, base))
	post, err := a.config.mail(base, sources, a.log)
	if err == nil {
		post.Register(handlers)
	}
	return post, err
}

// hooks makes the handlers send to webhooks. The guard decides where to.
func (a *app) hooks(base *url.URL, handlers *jobs.Handlers) (*webhook.Guard, error) {
	guard, err := webhook.NewGuard(a.config.WebhookPrivate)
	if err == nil {
		webhook.NewSender(webhook.Options{Store: a.webhooks, Guard: guard, BaseURL: base, Version: version, Log: a.log}).Register(handlers)
	}
	return guard, err
}
