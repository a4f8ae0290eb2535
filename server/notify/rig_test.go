package notify

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/notify/smtptest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// certificate is one that this machine trusts, as an administrator would make
// it trust the certificate of a mail server.
var certificate *tls.Config

func TestMain(m *testing.M) {
	os.Exit(func() int {
		web := httptest.NewTLSServer(nil)
		defer web.Close()
		certificate = &tls.Config{Certificates: web.TLS.Certificates}
		folder, err := os.MkdirTemp("", "meanwhile-notify-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(folder)
		path := filepath.Join(folder, "ca.pem")
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
		if err := os.WriteFile(path, block, 0o600); err != nil {
			panic(err)
		}
		if err := os.Setenv("SSL_CERT_FILE", path); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

const ada = "ada@example.org"

// testTime is longer than anything takes, even if the machine stands still for a while.
const testTime = 2 * time.Minute

// journal is a log that may be read while somebody writes.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// rig is a mail server with a Notify that sends to it.
type rig struct {
	*Notify

	server *smtptest.Server
	log    *journal
	// letter is what every source makes; calls counts how often.
	letter Letter
	calls  int
	// user stands before the host in the address, query behind it.
	user, query string
}

func (r *rig) start(t *testing.T) *rig {
	t.Helper()
	require.NoError(t, r.server.Start())
	t.Cleanup(func() { require.NoError(t, r.server.Close()) })
	scheme := "smtp://"
	if r.server.Implicit {
		scheme = "smtps://"
	}
	r.log = &journal{}
	base, err := url.Parse("https://video.example.org")
	require.NoError(t, err)
	r.Notify, err = New(Options{
		SMTP: scheme + r.user + r.server.Addr() + r.query, From: "Jürgen's “Videos” <video@example.org>", BaseURL: base,
		Sources: map[string]Source{"test": func(context.Context, string, string) (Letter, error) {
			r.calls++
			if r.letter == nil {
				return nil, ErrStale
			}
			return r.letter, nil
		}},
		Log: slog.New(slog.NewTextHandler(r.log, nil)), Now: func() time.Time { return noon },
	})
	require.NoError(t, err)
	require.True(t, r.Configured())
	return r
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newRig(t *testing.T) *rig {
	t.Helper()
	return (&rig{server: &smtptest.Server{}, letter: AccessGranted{Video: "Tour", URL: place1 + "v/x"}}).start(t)
}

func order(to string) jobs.Job[jobs.Mail] {
	return jobs.Job[jobs.Mail]{ID: 7, Attempt: 1, Args: jobs.Mail{Template: "test", To: to, Ref: "r"}}
}

// received is a letter as its reader's program sees it.
type received struct {
	header     mail.Header
	text, html string
}

// send sends a letter and reads it at the other end.
func (r *rig) read(t *testing.T, letter Letter) received {
	t.Helper()
	r.letter = letter
	before := len(r.server.Letters())
	require.NoError(t, r.send(t.Context(), order(ada)))
	all := r.server.Letters()
	require.Len(t, all, before+1)
	require.Equal(t, []string{ada}, all[before].To)
	require.Equal(t, "video@example.org", all[before].From)
	return parse(t, all[before].Raw)
}

func parse(t *testing.T, raw string) received {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(raw))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	parts := multipart.NewReader(message.Body, params["boundary"])
	out := received{header: message.Header}
	for _, target := range []struct {
		kind string
		body *string
	}{{"text/plain; charset=UTF-8", &out.text}, {"text/html; charset=UTF-8", &out.html}} {
		part, err := parts.NextRawPart()
		require.NoError(t, err)
		require.Equal(t, target.kind, part.Header.Get("Content-Type"))
		require.Equal(t, "quoted-printable", part.Header.Get("Content-Transfer-Encoding"))
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		*target.body = string(body)
	}
	_, err = parts.NextPart()
	require.ErrorIs(t, err, io.EOF)
	return out
}

func (r received) subject(t *testing.T) string {
	t.Helper()
	subject, err := new(mime.WordDecoder).DecodeHeader(r.header.Get("Subject"))
	require.NoError(t, err)
	return subject
}

// selfSigned is a certificate that nobody trusts.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}
