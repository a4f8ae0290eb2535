package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/meanwhile-app/meanwhile/server/auth/totp"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Entry is how far a sign-in has come.
type Entry struct {
	Account       reply.Maybe[Account] `json:"account" doc:"Who is signed in from now on; null if a second step is needed"`
	SecondFactors []string             `json:"second_factors" nullable:"false" doc:"What the second step may be: code, passkey; empty if none is needed"`
}

// EntryOutput answers with 201 to whoever is signed in, and with 202 when a
// second step is needed.
type EntryOutput struct {
	Status    int
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      Entry
}

// held is what is remembered of a first step that was right.
type held struct {
	Method string `json:"method"`
}

var errCode = reply.New(http.StatusUnauthorized, "code", "This code is not right, or has been used. Wait for the next one and try again.")

// proven goes on after a first step that was right: it signs in, or asks for the
// second step.
func (a *Auth) proven(ctx context.Context, account *people.Account, method string) (*EntryOutput, error) {
	factor, err := a.records.Factor(ctx, account.ID)
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		return nil, err
	}
	if !factor.On() || method == people.ByPasskey || method == people.ByOIDC && !a.oidc.SecondFactor {
		return a.enter(ctx, account, method)
	}
	keys, err := a.records.Passkeys(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	token, err := a.records.Start(ctx, credential.Second, account.ID, held{Method: method})
	if err != nil {
		return nil, err
	}
	out := &EntryOutput{Status: http.StatusAccepted, SetCookie: []http.Cookie{a.Step(credential.Second, token)}}
	out.Body.SecondFactors = []string{"code"}
	if a.passkeys != nil && len(keys) > 0 {
		out.Body.SecondFactors = append(out.Body.SecondFactors, "passkey")
	}
	return out, nil
}

// enter signs in.
func (a *Auth) enter(ctx context.Context, account *people.Account, method string) (*EntryOutput, error) {
	in, err := a.start(ctx, account, method)
	if err != nil {
		return nil, err
	}
	out := &EntryOutput{Status: http.StatusCreated, SetCookie: []http.Cookie{in.SetCookie}}
	out.Body.Account.Value, out.Body.SecondFactors = &in.Body, []string{}
	for kind := range visitorOf(ctx).steps {
		out.SetCookie = append(out.SetCookie, a.NoStep(kind))
	}
	return out, nil
}

// CodeInput is the code of an app, or a recovery code.
type CodeInput struct {
	Body struct {
		Code string `json:"code" maxLength:"100"`
	}
}

// SecondStep is POST /api/session/code: the second step of a sign-in.
func (a *Auth) SecondStep(ctx context.Context, in *CodeInput) (*EntryOutput, error) {
	var first held
	id, err := a.records.Look(ctx, credential.Second, StepOf(ctx, credential.Second), &first)
	if errors.Is(err, people.ErrToken) {
		return nil, reply.New(http.StatusUnauthorized, "sign_in_again", "That took too long. Sign in again.")
	}
	if err != nil {
		return nil, err
	}
	account, err := a.catalog.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := a.CheckCode(ctx, account, in.Body.Code); err != nil {
		return nil, err
	}
	if _, err := a.records.Take(ctx, credential.Second, StepOf(ctx, credential.Second), &first); err != nil {
		return nil, err
	}
	return a.enter(ctx, account, first.Method+people.SecondStep)
}

// codeDigits is how a code of an app is told from a recovery code.
const codeDigits = 6

// CheckCode uses a code up: that of an app, or a recovery code. Guesses are
// counted.
func (a *Auth) CheckCode(ctx context.Context, account *people.Account, code string) error {
	guess := limit.Guess{Kind: limit.Code, Subject: account.ID, Network: Address(ctx)}
	if err := a.limits.Attempt(ctx, guess); err != nil {
		return err
	}
	err := a.useCode(ctx, account, code)
	if errors.Is(err, record.ErrNotFound) {
		a.log.InfoContext(ctx, "a code was refused", "account", account.ID, "network", Address(ctx))
		return a.refused(ctx, account, "code", errCode)
	}
	if err == nil {
		a.limits.Succeeded(ctx, guess)
	}
	return err
}

func (a *Auth) useCode(ctx context.Context, account *people.Account, code string) error {
	if len(strings.ReplaceAll(code, " ", "")) > codeDigits {
		return a.records.UseCode(ctx, account, code, Origin(ctx))
	}
	factor, err := a.records.Factor(ctx, account.ID)
	if err != nil {
		return err
	}
	step, ok := totp.Check(factor.Secret, code, factor.LastStep, a.now())
	if !ok || !factor.On() {
		return record.ErrNotFound
	}
	return a.records.UseStep(ctx, account.ID, step)
}

// ProofInput is what shows that it is still the same person: a password, with a
// code if the account asks for one, or what a passkey signed.
type ProofInput struct {
	Body struct {
		Password   string         `json:"password,omitempty" maxLength:"4000"`
		Code       string         `json:"code,omitempty" maxLength:"100"`
		Credential map[string]any `json:"credential,omitempty" doc:"What the browser made of POST /api/session/passkey/options"`
	}
}

// Prove is POST /api/session/proof. For some minutes the session may then change
// who can sign in. It gets a new token.
func (a *Auth) Prove(ctx context.Context, in *ProofInput) (*SignedInOutput, error) {
	account, err := Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	hash := From(ctx).SessionHash
	if hash == nil {
		return nil, reply.Forbidden
	}
	if in.Body.Credential != nil {
		err = a.proveByPasskey(ctx, account, in.Body.Credential)
	} else {
		err = a.proveByPassword(ctx, account, in.Body.Password, in.Body.Code)
	}
	if err != nil {
		return nil, err
	}
	token, err := a.catalog.RenewSession(ctx, hash)
	if err != nil {
		return nil, err
	}
	return &SignedInOutput{SetCookie: a.cookies.session(token), Body: View(account)}, nil
}

func (a *Auth) proveByPasskey(ctx context.Context, account *people.Account, answer map[string]any) error {
	signer, err := a.signer(ctx, answer)
	if err == nil && signer.ID != account.ID {
		return errPasskey
	}
	return err
}

func (a *Auth) proveByPassword(ctx context.Context, account *people.Account, password, code string) error {
	guess := limit.Guess{Kind: limit.Password, Subject: account.Email, Network: Address(ctx)}
	if err := a.limits.Attempt(ctx, guess); err != nil {
		return err
	}
	if err := a.verify(ctx, account, password); err != nil {
		return reply.New(http.StatusUnauthorized, "credentials", "This is not your password.").At("body.password")
	}
	a.limits.Succeeded(ctx, guess)
	factor, err := a.records.Factor(ctx, account.ID)
	if errors.Is(err, record.ErrNotFound) || err == nil && !factor.On() {
		return nil
	}
	if err == nil {
		err = a.CheckCode(ctx, account, code)
	}
	if errors.Is(err, errCode) {
		return reply.Of(err).At("body.code")
	}
	return err
}
