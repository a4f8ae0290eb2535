package auth

import (
	"context"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/people"
)

// APIToken is what can be told of an API token after it was made.
type APIToken struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Scope     people.Scope `json:"scope" enum:"read,write,admin"`
	CreatedAt time.Time    `json:"created_at"`
}

func tokenView(t *people.APIToken) APIToken {
	return APIToken{ID: t.ID, Name: t.Name, Scope: t.Scope, CreatedAt: t.CreatedAt}
}

// AddTokenInput says what a token is for.
type AddTokenInput struct {
	Body struct {
		Name  string       `json:"name" maxLength:"1000" doc:"To know it again by"`
		Scope people.Scope `json:"scope" enum:"read,write,admin"`
	}
}

// NewAPIToken is a token with its secret.
type NewAPIToken struct {
	APIToken

	Token string `json:"token" doc:"The token itself; it is told once, now"`
}

// NewTokenOutput answers with a token, for the only time.
type NewTokenOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         NewAPIToken
}

// AddToken is POST /api/tokens.
func (a *Auth) AddToken(ctx context.Context, in *AddTokenInput) (*NewTokenOutput, error) {
	account, err := Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	token, shown, err := a.catalog.AddToken(ctx, account.ID, in.Body.Name, in.Body.Scope)
	if err != nil {
		return nil, err
	}
	return &NewTokenOutput{CacheControl: "no-store", Body: NewAPIToken{APIToken: tokenView(token), Token: shown}}, nil
}

// TokensOutput lists API tokens.
type TokensOutput struct {
	Body struct {
		Items []APIToken `json:"items" nullable:"false"`
	}
}

// ListTokens is GET /api/tokens: those of the account that asks.
func (a *Auth) ListTokens(ctx context.Context, _ *struct{}) (*TokensOutput, error) {
	account, err := Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	tokens, err := a.catalog.Tokens(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	out := &TokensOutput{}
	out.Body.Items = make([]APIToken, len(tokens))
	for i := range tokens {
		out.Body.Items[i] = tokenView(&tokens[i])
	}
	return out, nil
}

// DropToken is DELETE /api/tokens/{id}.
func (a *Auth) DropToken(ctx context.Context, in *ByID) (*Empty, error) {
	account, err := Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	return &Empty{}, a.catalog.DropToken(ctx, account.ID, in.ID)
}
