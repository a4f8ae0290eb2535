// Package passkey makes and checks passkeys (WebAuthn level 3,
// https://www.w3.org/TR/webauthn-3/). It keeps nothing: what has to last between
// asking a browser and reading its answer is the caller's.
package passkey

import (
	"encoding/json"
	"errors"
	"net"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// ErrRefused says that a browser's answer does not prove anything.
var ErrRefused = errors.New("passkey: the answer proves nothing")

// Holder is an account that has passkeys, or is about to.
type Holder struct {
	ID, Email, Name string
	// Credentials are its passkeys as they were stored.
	Credentials []json.RawMessage
}

// Key is a passkey to store.
type Key struct {
	ID         []byte
	Credential json.RawMessage
}

// Party is this server as browsers know it.
type Party struct{ web *webauthn.WebAuthn }

// New makes a Party for the address where people reach the server. It returns
// nil where browsers offer no passkeys: at a bare IP address, and without TLS but
// on the machine itself.
func New(base *url.URL) (*Party, error) {
	host := base.Hostname()
	if net.ParseIP(host) != nil || (base.Scheme != "https" && host != "localhost") {
		return nil, nil //nolint:nilnil // there is no such party, and no error
	}
	web, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "Meanwhile", RPOrigins: []string{base.Scheme + "://" + base.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			// To be found without a name, and to count as two factors.
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
	return &Party{web: web}, err
}

// AskToMake returns what a browser needs to make a passkey, and what Made needs
// to judge its answer.
func (p *Party) AskToMake(h Holder) (options any, state json.RawMessage, err error) {
	user, err := h.user()
	if err != nil {
		return nil, nil, err
	}
	var known []protocol.CredentialDescriptor
	for _, c := range user.credentials {
		known = append(known, c.Descriptor())
	}
	creation, session, err := p.web.BeginRegistration(user, webauthn.WithExclusions(known))
	if err != nil {
		return nil, nil, err
	}
	state, err = json.Marshal(session)
	return creation.Response, state, err
}

// Made reads a browser's new passkey.
func (p *Party) Made(h Holder, state json.RawMessage, answer []byte) (Key, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return Key{}, err
	}
	user, err := h.user()
	if err != nil {
		return Key{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Key{}, refused(err)
	}
	credential, err := p.web.CreateCredential(user, session, parsed)
	if err != nil {
		return Key{}, refused(err)
	}
	return key(credential)
}

// AskToSign returns what a browser needs to sign with whatever passkey its
// holder picks, and what Signed needs to judge its answer.
func (p *Party) AskToSign() (options any, state json.RawMessage, err error) {
	assertion, session, err := p.web.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, nil, err
	}
	state, err = json.Marshal(session)
	return assertion.Response, state, err
}

// Signed says which passkey has signed, and what to store of it from now on.
// holder finds an account by its id.
func (p *Party) Signed(state json.RawMessage, answer []byte, holder func(id string) (Holder, error)) (accountID string, k Key, err error) {
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return "", Key{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return "", Key{}, refused(err)
	}
	var failure error
	find := func(_, handle []byte) (webauthn.User, error) {
		h, err := holder(string(handle))
		if err != nil {
			failure = err
			return nil, err
		}
		return h.user()
	}
	user, credential, err := p.web.ValidatePasskeyLogin(find, session, parsed)
	if failure != nil {
		return "", Key{}, failure
	}
	if err != nil {
		return "", Key{}, refused(err)
	}
	if credential.Authenticator.CloneWarning {
		// Its counter went back: there are two of a key that cannot be copied.
		return "", Key{}, refused(errors.New("the counter of signatures went back"))
	}
	k, err = key(credential)
	return string(user.WebAuthnID()), k, err
}

func refused(err error) error {
	// The library's sentence is for clients and says little; the reason is beside it.
	if detailed, ok := errors.AsType[*protocol.Error](err); ok && detailed.DevInfo != "" {
		err = errors.New(detailed.Details + ": " + detailed.DevInfo)
	}
	return errors.Join(ErrRefused, err)
}

func key(c *webauthn.Credential) (Key, error) {
	raw, err := json.Marshal(c)
	return Key{ID: c.ID, Credential: raw}, err
}

// user is a Holder as the library wants it.
type user struct {
	holder      Holder
	credentials []webauthn.Credential
}

func (h Holder) user() (*user, error) {
	u := &user{holder: h, credentials: make([]webauthn.Credential, len(h.Credentials))}
	for i, raw := range h.Credentials {
		if err := json.Unmarshal(raw, &u.credentials[i]); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// WebAuthnID implements webauthn.User.
func (u *user) WebAuthnID() []byte { return []byte(u.holder.ID) }

// WebAuthnName implements webauthn.User.
func (u *user) WebAuthnName() string { return u.holder.Email }

// WebAuthnDisplayName implements webauthn.User.
func (u *user) WebAuthnDisplayName() string { return u.holder.Name }

// WebAuthnCredentials implements webauthn.User.
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }
