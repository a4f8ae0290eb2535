package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// What argon2id makes of a password, in bytes. One lane: the queue, not a hash,
// is what uses several cores.
const (
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// Cost is how much work a new hash is. Stored ones keep the cost they were made at.
type Cost struct {
	KiB    uint32 // of memory
	Passes uint32
}

// standard is above the second choice of the OWASP password storage cheat sheet,
// and about 50 ms of one core.
func standard() Cost { return Cost{KiB: 32 << 10, Passes: 2} }

// Bounds on the parameters of a stored hash, so that a damaged row cannot take
// the server down.
const (
	maxArgonMemory = 256 << 10
	maxArgonTime   = 16
)

// Bounds on passwords: NIST SP 800-63B asks for at least 8 characters, and for
// room for pass phrases.
const (
	minPassword = 8
	maxPassword = 1024
)

// Bounds on the work that hashing may cause at once.
const (
	hashesAtOnce = 2
	hashesQueued = 32
	queueFullFor = 3 * time.Second
)

// Hasher turns passwords into hashes, a few at a time.
type Hasher struct {
	cost    Cost
	slots   chan struct{}
	waiting atomic.Int32
	// dummy is a hash that no password has; verifying against it takes as long
	// as against a real one.
	dummy string
}

// NewHasher makes a Hasher of the standard cost. A process needs one: it bounds
// what all hashes cost together.
func NewHasher() *Hasher { return NewHasherAt(standard()) }

// NewHasherAt makes a Hasher of another cost; tests take a small one.
func NewHasherAt(cost Cost) *Hasher {
	noise := make([]byte, argonSalt+argonKey)
	_, _ = rand.Read(noise) // never fails since Go 1.24
	return &Hasher{cost: cost, slots: make(chan struct{}, hashesAtOnce), dummy: encode(cost, noise[:argonSalt], noise[argonSalt:])}
}

// Hash checks that a password will do and returns its hash as a PHC string. It
// returns a record.InvalidError for a password that will not do, and
// reply.TooMany when too many are waiting.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	var hash string
	err := h.inTurn(ctx, func() {
		hash = encode(h.cost, salt, argon2.IDKey(normal(password), salt, h.cost.Passes, h.cost.KiB, argonThreads, argonKey))
	})
	return hash, err
}

// Verify says whether a password has this hash. An empty hash stands for an
// account that does not exist: the answer is no, after the same time.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	exists := hash != ""
	if !exists {
		hash = h.dummy
	}
	p, err := decode(hash)
	if err != nil {
		return false, err
	}
	var matches bool
	err = h.inTurn(ctx, func() {
		key := argon2.IDKey(normal(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.key)))
		matches = subtle.ConstantTimeCompare(key, p.key) == 1
	})
	return matches && exists, err
}

// inTurn runs work when fewer than hashesAtOnce others do.
func (h *Hasher) inTurn(ctx context.Context, work func()) error {
	if h.waiting.Add(1) > hashesAtOnce+hashesQueued {
		h.waiting.Add(-1)
		return reply.TooMany.After(queueFullFor)
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.slots }()
	work()
	return nil
}

// CheckPassword says what is wrong with a new password, if anything.
func CheckPassword(password string) error {
	short := utf8.RuneCountInString(password) < minPassword
	switch {
	case !utf8.ValidString(password):
		return &record.InvalidError{Field: "password", Message: "The password is not text."}
	case short:
		return &record.InvalidError{Field: "password", Message: fmt.Sprintf("A password needs at least %d characters.", minPassword)}
	case len(password) > maxPassword:
		return &record.InvalidError{Field: "password", Message: "This password is too long."}
	}
	return nil
}

// normal makes the same bytes of the same password, however the keyboard
// composed it (RFC 8265, section 4.2), and never more than a bounded number.
func normal(password string) []byte {
	if len(password) > maxPassword {
		password = password[:maxPassword]
	}
	return norm.NFC.Bytes([]byte(password))
}

// stored is a decoded PHC string.
type stored struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

// encode writes a PHC string
// (https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md).
func encode(cost Cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		cost.KiB, cost.Passes, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

var errBadHash = errors.New("auth: the stored password hash is damaged")

func decode(hash string) (stored, error) {
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return stored{}, errBadHash
	}
	var p stored
	n, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads)
	if err != nil || n != 3 || p.memory > maxArgonMemory || p.time < 1 || p.time > maxArgonTime || p.threads < 1 {
		return stored{}, errBadHash
	}
	var saltErr, keyErr error
	p.salt, saltErr = base64.RawStdEncoding.DecodeString(fields[4])
	p.key, keyErr = base64.RawStdEncoding.DecodeString(fields[5])
	if saltErr != nil || keyErr != nil || len(p.salt) == 0 || len(p.key) == 0 {
		return stored{}, errBadHash
	}
	return p, nil
}

// wrongCredentials is the same for a wrong address and for a wrong password.
func wrongCredentials() *reply.Problem {
	return reply.New(http.StatusUnauthorized, "credentials", "The e-mail address or the password is wrong.")
}
