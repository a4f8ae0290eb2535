package account

import (
	"context"
	"errors"
	"net/http"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/auth/totp"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

func (a *API) factor(ctx context.Context, account *people.Account, to *Security) error {
	factor, err := a.records.Factor(ctx, account.ID)
	if errors.Is(err, record.ErrNotFound) {
		return nil
	}
	if err != nil || !factor.On() {
		return err
	}
	to.SecondFactor = true
	to.RecoveryCodes, err = a.records.CodesLeft(ctx, account.ID)
	return err
}

// FactorOutput is what an app needs to show codes. It is told only now.
type FactorOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Secret  string `json:"secret" doc:"To type into an app"`
		Address string `json:"address" doc:"What the picture says"`
		Picture string `json:"picture" doc:"The QR code as the path of an SVG, one unit per module"`
		Size    int    `json:"size" doc:"Modules on each side"`
	}
}

// BeginFactor is POST /api/second-factor: it makes the secret for an app. Codes
// are asked for once one has been confirmed.
func (a *API) BeginFactor(ctx context.Context, _ *struct{}) (*FactorOutput, error) {
	account, err := a.auth.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	factor, err := a.records.BeginFactor(ctx, account.ID)
	if errors.Is(err, record.ErrDuplicate) {
		return nil, reply.New(http.StatusConflict, "second_factor_on", "Codes are on already. Turn them off to use another app.")
	}
	if err != nil {
		return nil, err
	}
	out := &FactorOutput{CacheControl: "no-store"}
	out.Body.Secret = totp.Text(factor.Secret)
	out.Body.Address = totp.Address(factor.Secret, a.base.Host, account.Email)
	out.Body.Picture, out.Body.Size, err = totp.Picture(out.Body.Address)
	return out, err
}

// CodesOutput answers with recovery codes, for the only time.
type CodesOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		RecoveryCodes []string `json:"recovery_codes" nullable:"false"`
	}
}

// ConfirmFactor is POST /api/second-factor/confirm: it turns codes on.
func (a *API) ConfirmFactor(ctx context.Context, in *auth.CodeInput) (*CodesOutput, error) {
	account, err := a.auth.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	guess := limit.Guess{Kind: limit.Code, Subject: account.ID, Network: auth.Address(ctx)}
	if err := a.auth.Limits().Attempt(ctx, guess); err != nil {
		return nil, err
	}
	factor, err := a.records.Factor(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	step, ok := totp.Check(factor.Secret, in.Body.Code, 0, a.now())
	if !ok || factor.On() {
		return nil, reply.New(http.StatusUnprocessableEntity, "code", "This code is not right. Type the one that the app shows now.").At("body.code")
	}
	a.auth.Limits().Succeeded(ctx, guess)
	codes, err := a.records.ConfirmFactor(ctx, account, step, auth.Origin(ctx))
	return shown(codes, err)
}

func shown(codes []string, err error) (*CodesOutput, error) {
	out := &CodesOutput{CacheControl: "no-store"}
	out.Body.RecoveryCodes = codes
	return out, err
}

// needCode returns the account that asks, once it has shown a code: a session
// that began at another service is fresh, but nobody may have asked it for one.
func (a *API) needCode(ctx context.Context, code string) (*people.Account, error) {
	account, err := a.auth.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.auth.CheckCode(ctx, account, code); err != nil {
		return nil, reply.Of(err).At("body.code")
	}
	return account, nil
}

// DropFactor is DELETE /api/second-factor.
func (a *API) DropFactor(ctx context.Context, in *auth.CodeInput) (*auth.Empty, error) {
	account, err := a.needCode(ctx, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &auth.Empty{}, a.records.DropFactor(ctx, account, auth.Origin(ctx))
}

// RenewCodes is POST /api/recovery-codes: new ones; those before are void.
func (a *API) RenewCodes(ctx context.Context, in *auth.CodeInput) (*CodesOutput, error) {
	account, err := a.needCode(ctx, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return shown(a.records.RenewCodes(ctx, account, auth.Origin(ctx)))
}
