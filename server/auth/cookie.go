package auth

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// guestLife is how long a browser may change the comments it left as a guest.
// Browsers keep no cookie longer than 400 days.
const guestLife = 400 * 24 * time.Hour

// cookies makes the cookies of an installation.
type cookies struct {
	secure bool
}

func cookiesFor(base *url.URL) cookies {
	return cookies{secure: base != nil && base.Scheme == "https"}
}

// name is prefixed on https, where browsers then insist that no other host and
// no insecure page has set it.
func (c cookies) name(plain string) string {
	if c.secure {
		return "__Host-" + plain
	}
	return plain
}

func (c cookies) sessionName() string { return c.name("meanwhile_session") }

func (c cookies) guestName() string { return c.name("meanwhile_guest") }

// cookie lives for life; none at all ends it.
func (c cookies) cookie(name, value string, life time.Duration) http.Cookie {
	age := int(life / time.Second)
	if age <= 0 {
		age = -1
	}
	return http.Cookie{ //nolint:gosec // Secure depends on the address: over plain http such a cookie would be lost
		Name: name, Value: value, Path: "/", MaxAge: age,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func (c cookies) session(token string) http.Cookie {
	return c.cookie(c.sessionName(), token, people.SessionLife)
}

func (c cookies) noSession() http.Cookie { return c.cookie(c.sessionName(), "", 0) }

// NoSession ends the cookie of a session.
func (a *Auth) NoSession() http.Cookie { return a.cookies.noSession() }

// NewGuest makes the cookie that lets a guest change what he wrote, and the hash
// to store with it.
func (a *Auth) NewGuest() (http.Cookie, []byte) { return a.Guest(rand.Text()) }

// Guest makes the same of a secret that only this browser can have been told.
func (a *Auth) Guest(token string) (http.Cookie, []byte) {
	return a.cookies.cookie(a.cookies.guestName(), token, guestLife), record.HashToken(token)
}

// stepName names the cookie of something that takes several steps.
func (c cookies) stepName(kind credential.Kind) string { return c.name("meanwhile_" + string(kind)) }

// Step is the cookie that binds a ceremony to the browser that began it.
func (a *Auth) Step(kind credential.Kind, token string) http.Cookie {
	return a.cookies.cookie(a.cookies.stepName(kind), token, credential.CeremonyLife)
}

// NoStep ends such a cookie.
func (a *Auth) NoStep(kind credential.Kind) http.Cookie {
	return a.cookies.cookie(a.cookies.stepName(kind), "", 0)
}

// StepOf is the token of a ceremony that the browser has begun, or "".
func StepOf(ctx context.Context, kind credential.Kind) string { return visitorOf(ctx).steps[kind] }

// steps reads what a browser has begun.
func (a *Auth) steps(r *http.Request) map[credential.Kind]string {
	var begun map[credential.Kind]string
	for _, kind := range []credential.Kind{credential.Second, credential.Passkey, credential.Register, credential.OIDC} {
		if token := a.cookie(r, a.cookies.stepName(kind)); token != "" {
			if begun == nil {
				begun = map[credential.Kind]string{}
			}
			begun[kind] = token
		}
	}
	return begun
}

// passLife bounds how long a browser keeps a pass; the pass itself lapses sooner
// or later than that as it says.
const passLife = 12 * time.Hour

// passName names the cookie of the share link with this address.
func (c cookies) passName(slug string) string { return c.name("meanwhile_pass_" + slug) }

// PassCookie lets a browser open the page of a share link again.
func (a *Auth) PassCookie(slug, pass string) http.Cookie {
	return a.cookies.cookie(a.cookies.passName(slug), pass, passLife)
}
