// Package auth answers "who is asking": browsers with a session cookie,
// programs with an API token, guests with a cookie of their own, or nobody.
//
// Passwords are hashed with argon2id, two at a time at most, so that a flood of
// sign-ins cannot starve playback. Tokens of all kinds are 256 random bits and
// are stored as their SHA-256 only.
package auth

import (
	"context"

	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Principal is who asks.
type Principal struct {
	// Account is nil for somebody who is not signed in.
	Account *people.Account
	// Scope is how much of the account's rights the request may use; sessions
	// may use all of them.
	Scope people.Scope
	// GuestHash knows a guest again who has commented from this browser; nil if none has.
	GuestHash []byte
	// SessionHash names the session that the request came with; nil for API tokens.
	SessionHash []byte
	// Session is that session; nil for API tokens.
	Session *people.Session

	// Pass is what the request showed to prove that it came by a share link, or
	// ""; nobody has looked at it yet.
	Pass string

	tokenHash []byte
}

// AccountID is the account's, or "".
func (p Principal) AccountID() string {
	if p.Account == nil {
		return ""
	}
	return p.Account.ID
}

// visitor is what the middleware found out about a request.
type visitor struct {
	principal Principal
	// address is the network the request came from: an IPv4 address or an IPv6 /64.
	address string
	// agent is what the browser calls itself.
	agent string
	// steps are the tokens of what the browser has begun and not ended.
	steps map[credential.Kind]string
}

// actor is the visitor as the audit log names it.
func (v visitor) actor() record.Actor {
	if a := v.principal.Account; a != nil {
		return record.Actor{AccountID: a.ID, Name: a.Name, Email: a.Email, Address: v.address}
	}
	return record.Actor{Name: "Guest", Address: v.address}
}

type visitorKey struct{}

func with(ctx context.Context, v visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

func visitorOf(ctx context.Context) visitor {
	v, _ := ctx.Value(visitorKey{}).(visitor)
	return v
}

// From tells who asks. Without the middleware that is nobody.
func From(ctx context.Context) Principal { return visitorOf(ctx).principal }

// Address is the network that the request came from, to count attempts by: an
// IPv4 address or an IPv6 /64, which is what one subscriber holds.
func Address(ctx context.Context) string { return visitorOf(ctx).address }

// Origin describes for people where a request came from: "Firefox on Linux, 192.0.2.1".
func Origin(ctx context.Context) string {
	v := visitorOf(ctx)
	return Device(v.agent) + ", " + v.address
}

// entry says by what method, and from where, somebody signs in.
func entry(ctx context.Context, method string) people.Entry {
	v := visitorOf(ctx)
	return people.Entry{Method: method, Agent: v.agent, Address: v.address}
}

// With puts a principal into a context: one that has just become known as a guest.
func With(ctx context.Context, p Principal) context.Context {
	v := visitorOf(ctx)
	v.principal = p
	return with(ctx, v)
}
