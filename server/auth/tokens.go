package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
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

func bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// byToken finds the account of an API token. Tokens cannot be guessed, but every
// one that is made up costs a query: a network that shows many is refused before
// it, unless its token was good a while ago.
func (a *Auth) byToken(ctx context.Context, network, shown string) (Principal, error) {
	hash, who := record.HashToken(shown), limit.Who{Network: network}
	known := a.tokens.has(hash)
	if !known {
		if err := a.limits.Waiting(limit.Refused, who); err != nil {
			return Principal{}, err
		}
	}
	token, err := a.catalog.Token(ctx, hash)
	if errors.Is(err, record.ErrNotFound) {
		if err := a.limits.Request(ctx, limit.Refused, who); err != nil {
			return Principal{}, err
		}
		return Principal{}, reply.New(http.StatusUnauthorized, "token_unknown", "This API token is not known here.")
	}
	if err != nil {
		return Principal{}, err
	}
	if token.Expired(a.now()) {
		return Principal{}, reply.New(http.StatusUnauthorized, "token_expired", "This API token has expired. Make a new one.")
	}
	if !known {
		a.tokens.add(hash)
	}
	if token.Stale(a.now()) {
		if err := a.catalog.TouchToken(ctx, token.ID); err != nil {
			return Principal{}, err
		}
	}
	return Principal{Account: token.Account, Scope: token.Scope, tokenHash: token.Hash}, nil
}

// goodTokens bounds how many tokens are remembered as good, and goodFor is how
// long: they are looked up all the same, and only not refused unseen.
const (
	goodTokens = 4096
	goodFor    = time.Hour
)

// goods are the hashes of tokens that were good lately.
type goods struct {
	mu   sync.Mutex
	seen map[string]time.Time
	now  func() time.Time
}

func (g *goods) has(hash []byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, ok := g.seen[string(hash)]
	return ok && g.now().Sub(at) < goodFor
}

func (g *goods) add(hash []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for old, at := range g.seen {
		if len(g.seen) >= goodTokens || g.now().Sub(at) >= goodFor {
			delete(g.seen, old)
		}
	}
	g.seen[string(hash)] = g.now()
}
