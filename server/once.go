package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/talk"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// keyHeader gives a request a name that stays the same when it is sent again
// (draft-ietf-httpapi-idempotency-key-header-07).
const keyHeader = "Idempotency-Key"

// maxKey is longer than any key that is made at random. Whoever has no account and
// no cookie is known by the key alone, which therefore must not be guessed: leastKey
// is 128 bits in base64.
const (
	maxKey   = 255
	leastKey = 22
)

// maxRepeat is the largest body of the routes that may be repeated, and bodyTime
// how long it may take to come.
const (
	maxRepeat = talk.MaxBodyBytes
	bodyTime  = 10 * time.Second
)

// repeatable are the routes whose requests make something once by their key. Others
// may be sent again anyway, or answer with a secret that is told only once.
func repeatable() []string {
	return []string{"POST /api/videos", "POST /api/uploads", "POST /api/videos/:id/comments", "POST /api/videos/:id/links"}
}

var (
	errKey      = reply.New(http.StatusBadRequest, "idempotency_key", "An Idempotency-Key is a text of 1 to 255 characters of ASCII.")
	errShortKey = reply.New(http.StatusBadRequest, "idempotency_key", "Without an account, an Idempotency-Key has at least 22 characters, made at random.")
)

// once gives the change that a request causes its key.
func (s *Server) once(c *gin.Context) {
	said := c.GetHeader(keyHeader)
	if said == "" || !slices.Contains(repeatable(), c.Request.Method+" "+c.FullPath()) {
		return
	}
	key := strings.TrimSuffix(strings.TrimPrefix(said, `"`), `"`)
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		reply.Write(c, errKey)
		return
	}
	who := asker(c)
	if who == "" && len(key) < leastKey {
		reply.Write(c, errShortKey)
		return
	}
	line := http.NewResponseController(c.Writer)
	_ = line.SetReadDeadline(time.Now().Add(bodyTime)) // a recorder in a test has no deadlines
	body, err := io.ReadAll(io.LimitReader(c.Request.Body, maxRepeat+1))
	_ = line.SetReadDeadline(time.Time{})
	if err != nil || len(body) > maxRepeat {
		c.Request.Body = rest{io.MultiReader(bytes.NewReader(body), c.Request.Body), c.Request.Body}
		return // whoever reads it refuses it
	}
	c.Request.Body = rest{bytes.NewReader(body), c.Request.Body}
	whole := sha256.New()
	for _, part := range []string{c.Request.URL.Path, c.GetHeader("Upload-Length"), c.GetHeader("Upload-Metadata"), string(body)} {
		size := sha256.Sum256([]byte(part)) // so that parts cannot run into each other
		_, _ = whole.Write(size[:])         // a hash never fails
	}
	c.Request = c.Request.WithContext(record.WithOnce(c.Request.Context(), record.Once{
		Key: record.HashToken(who + "\x00" + key), Fingerprint: whole.Sum(nil), Secret: record.HashToken("secret\x00" + key),
	}))
}

// asker is whose key it is: others may use the same for something else. It is ""
// for whom we do not know: an address is not asked, for between two tries a phone
// may leave one network for another.
func asker(c *gin.Context) string {
	switch p := auth.From(c.Request.Context()); {
	case p.Account != nil:
		return "account " + p.Account.ID
	case p.GuestHash != nil:
		return "guest " + hex.EncodeToString(p.GuestHash)
	}
	return ""
}

// rest is a body of which a part has been read.
type rest struct {
	io.Reader
	io.Closer
}

// keyParameter describes the header.
func keyParameter() *huma.Param {
	return &huma.Param{
		Name: keyHeader, In: "header",
		Description: "A text made at random, of 22 characters or more for those without an account. Sent again with the same body within a day, the request makes nothing new and gets the same answer",
		Schema:      &huma.Schema{Type: huma.TypeString},
	}
}
