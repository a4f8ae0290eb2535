package account

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/auth/passkey"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// PasskeyOptions is POST /api/passkeys/options: what a browser needs to make a
// passkey.
func (a *API) PasskeyOptions(ctx context.Context, _ *struct{}) (*auth.OptionsOutput, error) {
	account, err := a.auth.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	if a.auth.Passkeys() == nil {
		return nil, reply.NotFound
	}
	holder, err := a.auth.Holder(ctx, account)
	if err != nil {
		return nil, err
	}
	options, state, err := a.auth.Passkeys().AskToMake(holder)
	if err != nil {
		return nil, err
	}
	token, err := a.records.Start(ctx, credential.Register, account.ID, state)
	if err != nil {
		return nil, err
	}
	out := &auth.OptionsOutput{SetCookie: a.auth.Step(credential.Register, token)}
	out.Body.Options = options
	return out, nil
}

// AddPasskeyInput is a passkey that a browser has made.
type AddPasskeyInput struct {
	Body struct {
		Name       string         `json:"name" maxLength:"1000" doc:"To know it again by"`
		Credential map[string]any `json:"credential" doc:"What navigator.credentials returned, as JSON"`
	}
}

// PasskeyOutput answers with a passkey.
type PasskeyOutput struct {
	Body Passkey
}

// AddPasskey is POST /api/passkeys.
func (a *API) AddPasskey(ctx context.Context, in *AddPasskeyInput) (*PasskeyOutput, error) {
	account, err := a.auth.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	if a.auth.Passkeys() == nil {
		return nil, reply.NotFound
	}
	if _, err := people.NormalName(in.Body.Name); err != nil {
		return nil, err
	}
	key, err := a.made(ctx, account, in.Body.Credential)
	if err != nil {
		return nil, err
	}
	kept, err := a.records.AddPasskey(ctx, account, credential.StoredPasskey{ID: key.ID, Name: in.Body.Name, Credential: key.Credential}, auth.Origin(ctx))
	if err != nil {
		return nil, err
	}
	return &PasskeyOutput{Body: passkeyView(kept)}, nil
}

func (a *API) made(ctx context.Context, account *people.Account, answer map[string]any) (passkey.Key, error) {
	refused := reply.New(http.StatusUnprocessableEntity, "passkey", "This passkey cannot be used here. Try again, or use another device.")
	var state json.RawMessage
	owner, err := a.records.Take(ctx, credential.Register, auth.StepOf(ctx, credential.Register), &state)
	if errors.Is(err, people.ErrToken) || err == nil && owner != account.ID {
		return passkey.Key{}, refused
	}
	if err != nil {
		return passkey.Key{}, err
	}
	holder, err := a.auth.Holder(ctx, account)
	if err != nil {
		return passkey.Key{}, err
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return passkey.Key{}, err
	}
	key, err := a.auth.Passkeys().Made(holder, state, raw)
	if errors.Is(err, passkey.ErrRefused) {
		return passkey.Key{}, refused.Because(err)
	}
	return key, err
}

// RenamePasskeyInput is another name for a passkey.
type RenamePasskeyInput struct {
	ID   string `path:"id" maxLength:"2000"`
	Body struct {
		Name string `json:"name" maxLength:"1000"`
	}
}

// RenamePasskey is PATCH /api/passkeys/{id}.
func (a *API) RenamePasskey(ctx context.Context, in *RenamePasskeyInput) (*auth.Empty, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	id, err := base64.RawURLEncoding.DecodeString(in.ID)
	if err != nil {
		return nil, reply.NotFound
	}
	return &auth.Empty{}, a.records.RenamePasskey(ctx, account.ID, id, in.Body.Name)
}

// ByPasskey names a passkey in the path.
type ByPasskey struct {
	ID string `path:"id" maxLength:"2000"`
}

// DropPasskey is DELETE /api/passkeys/{id}.
func (a *API) DropPasskey(ctx context.Context, in *ByPasskey) (*auth.Empty, error) {
	account, err := a.auth.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.spare(ctx, account); err != nil {
		return nil, err
	}
	id, err := base64.RawURLEncoding.DecodeString(in.ID)
	if err != nil {
		return nil, reply.NotFound
	}
	return &auth.Empty{}, a.records.DropPasskey(ctx, account, id, auth.Origin(ctx))
}
