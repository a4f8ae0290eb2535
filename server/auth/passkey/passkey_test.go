package passkey_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/url"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth/passkey"
)

const origin = "https://video.example.org"

// device keeps one passkey, as an authenticator would (WebAuthn level 3, section 6).
type device struct {
	key     *ecdsa.PrivateKey
	id      []byte
	user    []byte
	counter uint32
	flags   byte
	origin  string
	rpID    string
}

const (
	present  = 1
	verified = 4
	attested = 64
)

func newDevice(t *testing.T) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return &device{key: key, id: []byte(rand.Text()), flags: present | verified, origin: origin, rpID: "video.example.org"}
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// challenge reads what the server asks for.
func challenge(t *testing.T, options any) (string, []byte) {
	t.Helper()
	raw, err := json.Marshal(options)
	require.NoError(t, err)
	var o struct {
		Challenge string
		User      struct{ ID string }
	}
	require.NoError(t, json.Unmarshal(raw, &o))
	user, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	require.NoError(t, err)
	return o.Challenge, user
}

func (d *device) client(kind, challenge string) []byte {
	raw, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	return raw
}

func (d *device) data(flags byte, more ...byte) []byte {
	sum := sha256.Sum256([]byte(d.rpID))
	raw := append(sum[:], flags)
	raw = binary.BigEndian.AppendUint32(raw, d.counter)
	return append(raw, more...)
}

// make answers navigator.credentials.create.
func (d *device) make(t *testing.T, options any) []byte {
	t.Helper()
	asked, user := challenge(t, options)
	d.user = user
	public, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: d.key.X.FillBytes(make([]byte, 32)), -3: d.key.Y.FillBytes(make([]byte, 32))})
	require.NoError(t, err)
	more := append(make([]byte, 16), 0, byte(len(d.id)))
	more = append(append(more, d.id...), public...)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": d.data(d.flags|attested, more...)})
	require.NoError(t, err)
	raw, err := json.Marshal(map[string]any{
		"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(d.client("webauthn.create", asked)), "attestationObject": b64(object)},
	})
	require.NoError(t, err)
	return raw
}

// sign answers navigator.credentials.get.
func (d *device) sign(t *testing.T, options any) []byte {
	t.Helper()
	asked, _ := challenge(t, options)
	d.counter++
	client, data := d.client("webauthn.get", asked), d.data(d.flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, sum[:])
	require.NoError(t, err)
	raw, err := json.Marshal(map[string]any{
		"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(d.user)},
	})
	require.NoError(t, err)
	return raw
}

func party(t *testing.T) *passkey.Party {
	t.Helper()
	base, err := url.Parse(origin)
	require.NoError(t, err)
	p, err := passkey.New(base)
	require.NoError(t, err)
	require.NotNil(t, p)
	return p
}

// registered is an account with a passkey on a device.
func registered(t *testing.T, p *passkey.Party, id string) (*device, passkey.Holder) {
	t.Helper()
	d, h := newDevice(t), passkey.Holder{ID: id, Email: id + "@example.org", Name: id}
	options, state, err := p.AskToMake(h)
	require.NoError(t, err)
	key, err := p.Made(h, state, d.make(t, options))
	require.NoError(t, err)
	require.Equal(t, d.id, key.ID)
	h.Credentials = []json.RawMessage{key.Credential}
	return d, h
}

var errNobody = errors.New("nobody")

func among(holders ...passkey.Holder) func(string) (passkey.Holder, error) {
	return func(id string) (passkey.Holder, error) {
		for _, h := range holders {
			if h.ID == id {
				return h, nil
			}
		}
		return passkey.Holder{}, errNobody
	}
}

func TestAPasskeySaysWhoItIs(t *testing.T) {
	t.Parallel()
	p := party(t)
	d, ada := registered(t, p, "ada")
	_, ben := registered(t, p, "ben")
	for range 3 {
		options, state, err := p.AskToSign()
		require.NoError(t, err)
		id, key, err := p.Signed(state, d.sign(t, options), among(ben, ada))
		require.NoError(t, err)
		require.Equal(t, "ada", id)
		ada.Credentials = []json.RawMessage{key.Credential} // the counter goes on
	}
}

func TestSignaturesThatProveNothing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*device){
		"another site":                           func(d *device) { d.origin = "https://evil.example" },
		"a site of the same host":                func(d *device) { d.origin = "http://video.example.org" },
		"another party":                          func(d *device) { d.rpID = "evil.example" },
		"nobody was there":                       func(d *device) { d.flags = verified },
		"nobody was verified":                    func(d *device) { d.flags = present },
		"another key":                            func(d *device) { d.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"another passkey":                        func(d *device) { d.id = []byte(rand.Text()) },
		"a counter that goes back, as of a copy": func(d *device) { d.counter = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := party(t)
			d, h := registered(t, p, "ada")
			d.counter = 7
			options, state, err := p.AskToSign()
			require.NoError(t, err)
			_, key, err := p.Signed(state, d.sign(t, options), among(h))
			require.NoError(t, err, "the control")
			h.Credentials = []json.RawMessage{key.Credential}

			spoil(d)
			options, state, err = p.AskToSign()
			require.NoError(t, err)
			_, _, err = p.Signed(state, d.sign(t, options), among(h))
			require.ErrorIs(t, err, passkey.ErrRefused)
		})
	}
}

func TestAnAnswerIsForItsQuestion(t *testing.T) {
	t.Parallel()
	p := party(t)
	d, h := registered(t, p, "ada")
	options, _, err := p.AskToSign()
	require.NoError(t, err)
	answer := d.sign(t, options)
	_, state, err := p.AskToSign()
	require.NoError(t, err)
	_, _, err = p.Signed(state, answer, among(h))
	require.ErrorIs(t, err, passkey.ErrRefused, "of another challenge")
	d.user = []byte("mallory")
	options, state, err = p.AskToSign()
	require.NoError(t, err)
	_, _, err = p.Signed(state, d.sign(t, options), among(h))
	require.ErrorIs(t, err, errNobody, "of somebody who is not here")
	for _, raw := range []string{"", "{}", "null", "[]", `{"id":"x"}`, `{"id":"eA","rawId":"eA","type":"public-key","response":{}}`} {
		_, _, err = p.Signed(state, []byte(raw), among(h))
		require.ErrorIs(t, err, passkey.ErrRefused, raw)
		_, err = p.Made(h, state, []byte(raw))
		require.ErrorIs(t, err, passkey.ErrRefused, raw)
	}
}

func TestWherePasskeysWork(t *testing.T) {
	t.Parallel()
	for address, works := range map[string]bool{
		"https://video.example.org": true, "https://video.example.org:8443": true, "http://localhost:8080": true, "http://video.example.org": false,
		"https://192.0.2.7": false, "http://127.0.0.1:8080": false, "https://[::1]": false,
	} {
		base, err := url.Parse(address)
		require.NoError(t, err)
		p, err := passkey.New(base)
		require.NoError(t, err)
		require.Equal(t, works, p != nil, address)
	}
}
