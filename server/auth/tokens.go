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
	ExpiresAt *time.Time   `json:"expires_at" doc:"Null for a token that lives until it is taken back"`
	UsedAt    *time.Time   `json:"used_at" doc:"About when it was used last; null if never"`
}

func tokenView(t *people.APIToken) APIToken {
	return APIToken{ID: t.ID, Name: t.Name, Scope: t.Scope, CreatedAt: t.CreatedAt, ExpiresAt: Moment(t.ExpiresAt.Time), UsedAt: Moment(t.UsedAt.Time)}
}

// Moment is a time that may not have come, as the API shows it.
func Moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// AddTokenInput says what a token is for.
type AddTokenInput struct {
	Body struct {
		Name  string       `json:"name" maxLength:"1000" doc:"To know it again by"`
		Scope people.Scope `json:"scope" enum:"read,write,admin"`
		Days  int          `json:"expires_in_days,omitempty" minimum:"0" maximum:"3650" doc:"How long it is good for; 0 is until it is taken back"`
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

// AddToken is POST /api/tokens. A token is a way to sign in, so it takes a
// session with a fresh proof: no token makes one that outlives it.
func (a *Auth) AddToken(ctx context.Context, in *AddTokenInput) (*NewTokenOutput, error) {
	account, err := a.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	token, shown, err := a.catalog.AddToken(ctx, people.NewToken{
		Account: account, Name: in.Body.Name, Scope: in.Body.Scope, Life: time.Duration(in.Body.Days) * 24 * time.Hour,
	})
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
	return &Empty{}, a.catalog.DropToken(ctx, account, in.ID)
}
