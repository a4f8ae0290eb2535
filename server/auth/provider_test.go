package auth_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/auth/oidc"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

const clientSecret = "the secret of the client"

// provider is an OpenID Connect provider that can be told to lie.
type provider struct {
	*httptest.Server

	mu     sync.Mutex
	key    *rsa.PrivateKey
	keyID  int
	now    func() time.Time
	begun  map[string]url.Values // by code
	claims object                // of who signs in
	// forge changes what is said before it is signed; alg and sign how.
	forge func(claims object)
	alg   string
	sign  func(text string) []byte
	// naming says in the metadata that answers carry iss.
	naming bool
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{begun: map[string]url.Values{}, alg: "RS256", claims: object{"sub": "1", "email": "pat@example.org", "email_verified": true, "name": "Pat"}}
	p.rotate(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", p.describe)
	mux.HandleFunc("/keys", p.keys)
	mux.HandleFunc("/token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) rotate(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.keyID = key, p.keyID+1
}

func (p *provider) describe(w http.ResponseWriter, _ *http.Request) {
	answer(w, object{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		// It claims all of them; none is to be believed for that.
		"id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256"}, "authorization_response_iss_parameter_supported": p.naming,
	})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func (p *provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer(w, object{"keys": []object{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": strconv.Itoa(p.keyID), "n": b64(p.key.N.Bytes()), "e": b64(big.NewInt(int64(p.key.E)).Bytes()),
	}}})
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// authorize is what the provider's page does once somebody has signed in there.
func (p *provider) authorize(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	require.Equal(t, "S256", q.Get("code_challenge_method"))
	require.NotEmpty(t, q.Get("nonce"))
	require.GreaterOrEqual(t, len(q.Get("state")), 26, "128 bits")
	p.mu.Lock()
	defer p.mu.Unlock()
	code := rand.Text()
	p.begun[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}}
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begun := p.begun[r.FormValue("code")]
	delete(p.begun, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if begun == nil || begun.Get("code_challenge") != b64(sum[:]) {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, object{"error": "invalid_grant"})
		return
	}
	now := p.now()
	claims := object{"iss": p.URL, "aud": "meanwhile", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": begun.Get("nonce")}
	maps.Copy(claims, p.claims)
	if p.forge != nil {
		p.forge(claims)
	}
	answer(w, object{"access_token": "x", "token_type": "Bearer", "id_token": p.signed(claims)})
}

func (p *provider) signed(claims object) string {
	head, _ := json.Marshal(object{"alg": p.alg, "kid": strconv.Itoa(p.keyID)})
	body, _ := json.Marshal(claims)
	text := b64(head) + "." + b64(body)
	if p.sign != nil {
		return text + "." + b64(p.sign(text))
	}
	return text + "." + b64(by(p.key)(text))
}

func by(key *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		signature, _ := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		return signature
	}
}

func byHMAC(key []byte) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

// federated is a server at which people sign in by a provider.
func federated(t *testing.T, adjust ...func(*auth.OIDC)) (*server, *provider) {
	t.Helper()
	p := newProvider(t)
	s := newServer(t, "http://localhost:8080", func(o *auth.Options) {
		o.OIDC = &auth.OIDC{
			Options: oidc.Options{Issuer: p.URL, ClientID: "meanwhile", ClientSecret: clientSecret}, Name: "Example", Role: people.Member,
		}
		for _, a := range adjust {
			a(o.OIDC)
		}
	})
	p.now = s.now
	return s, p
}

// begin sends a browser to the provider, which sends it back with these values.
func (c *client) begin(p *provider, next string) url.Values {
	c.t.Helper()
	address, _ := c.ask("POST", "/api/session/oidc", object{"next": next}, 200)["url"].(string)
	return p.authorize(c.t, address)
}

// back is where a browser is sent on to when it comes back.
func (c *client) back(query url.Values) string {
	c.t.Helper()
	c.ask("GET", auth.OIDCReturn+"?"+query.Encode(), nil, http.StatusSeeOther)
	return c.last.Header().Get("Location")
}

// abroad is the whole way.
func (c *client) abroad(p *provider) string {
	c.t.Helper()
	return c.back(c.begin(p, "/"))
}
