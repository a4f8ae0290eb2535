package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/meanwhile-app/meanwhile/server/auth/passkey"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

var errPasskey = reply.New(http.StatusUnauthorized, "passkey", "This passkey was not accepted. Try again, or sign in another way.")

// Passkeys makes and checks passkeys; nil where browsers offer none.
func (a *Auth) Passkeys() *passkey.Party { return a.passkeys }

// OptionsOutput is what a browser is to be asked for.
type OptionsOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		Options any `json:"options" doc:"For navigator.credentials, as JSON (WebAuthn level 3)"`
	}
}

// PasskeyOptions is POST /api/session/passkey/options: what a browser needs to
// sign in, or to prove who it is, with a passkey.
func (a *Auth) PasskeyOptions(ctx context.Context, _ *struct{}) (*OptionsOutput, error) {
	if a.passkeys == nil {
		return nil, reply.NotFound
	}
	options, state, err := a.passkeys.AskToSign()
	if err != nil {
		return nil, err
	}
	token, err := a.records.Start(ctx, credential.Passkey, "", state)
	if err != nil {
		return nil, err
	}
	out := &OptionsOutput{SetCookie: a.Step(credential.Passkey, token)}
	out.Body.Options = options
	return out, nil
}

// PasskeyInput is what a browser answered.
type PasskeyInput struct {
	Body struct {
		Credential map[string]any `json:"credential" doc:"What navigator.credentials returned, as JSON"`
	}
}

// EnterByPasskey is POST /api/session/passkey: it signs in. A passkey asks for
// its holder's finger or number itself, so there is no second step.
func (a *Auth) EnterByPasskey(ctx context.Context, in *PasskeyInput) (*EntryOutput, error) {
	account, err := a.signer(ctx, in.Body.Credential)
	if err != nil {
		return nil, err
	}
	return a.proven(ctx, account, people.ByPasskey)
}

// signer says whose passkey has signed. The challenge is used up, right or wrong.
func (a *Auth) signer(ctx context.Context, answer map[string]any) (*people.Account, error) {
	if a.passkeys == nil {
		return nil, reply.NotFound
	}
	if err := a.limits.Attempt(ctx, limit.Guess{Kind: limit.Token, Network: Address(ctx)}); err != nil {
		return nil, err
	}
	var state json.RawMessage
	if _, err := a.records.Take(ctx, credential.Passkey, StepOf(ctx, credential.Passkey), &state); err != nil {
		return nil, errPasskey.Because(err)
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	var account *people.Account
	_, key, err := a.passkeys.Signed(state, raw, func(id string) (h passkey.Holder, err error) {
		if account, err = a.catalog.Account(ctx, id); err == nil {
			h, err = a.Holder(ctx, account)
		}
		return h, err
	})
	if errors.Is(err, passkey.ErrRefused) || errors.Is(err, record.ErrNotFound) || err == nil && !account.DisabledAt.IsZero() {
		a.log.InfoContext(ctx, "a passkey was refused", "error", err, "network", Address(ctx))
		return nil, errPasskey
	}
	if err != nil {
		return nil, err
	}
	return account, a.records.UsePasskey(ctx, key.ID, key.Credential)
}

// Holder is an account with its passkeys.
func (a *Auth) Holder(ctx context.Context, account *people.Account) (passkey.Holder, error) {
	keys, err := a.records.Passkeys(ctx, account.ID)
	h := passkey.Holder{ID: account.ID, Email: account.Email, Name: account.Name, Credentials: make([]json.RawMessage, len(keys))}
	for i := range keys {
		h.Credentials[i] = keys[i].Credential
	}
	return h, err
}
