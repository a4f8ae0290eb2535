package certificate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/certificate"
)

// write makes a certificate of its own for a host into two files.
func write(t *testing.T, folder, host string, life time.Duration) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	made := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, made, made, private.Public(), private)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	return cert, key
}

func serve(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Proto)) }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.Listener = tls.NewListener(server.Listener, config)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// shown connects and returns what was agreed on.
func shown(t *testing.T, server *httptest.Server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	client.InsecureSkipVerify = true
	conn, err := tls.Dial("tcp", server.Listener.Addr().String(), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.ConnectionState(), nil
}

func TestOnlyModernTLS(t *testing.T) {
	t.Parallel()
	cert, key := write(t, t.TempDir(), "video.example.org", time.Hour)
	files, err := certificate.OpenFiles(cert, key, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	server := serve(t, certificate.Config(files.Get))
	state, err := shown(t, server, &tls.Config{NextProtos: []string{"h2", "http/1.1"}})
	require.NoError(t, err)
	require.Equal(t, uint16(tls.VersionTLS13), state.Version)
	require.Equal(t, "h2", state.NegotiatedProtocol)
	state, err = shown(t, server, &tls.Config{MaxVersion: tls.VersionTLS12})
	require.NoError(t, err)
	require.Contains(t, tls.CipherSuiteName(state.CipherSuite), "ECDHE")
	for _, weak := range []*tls.Config{
		{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_GCM_SHA256}},
	} {
		_, err = shown(t, server, weak)
		require.Error(t, err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	response, err := client.Get("https://" + server.Listener.Addr().String())
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, 2, response.ProtoMajor)
}

func TestChangedFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := write(t, folder, "old.example.org", time.Hour)
	var log bytes.Buffer
	files, err := certificate.OpenFiles(cert, key, slog.New(slog.NewJSONHandler(&log, nil)))
	require.NoError(t, err)
	name := func() string {
		found, err := files.Get(nil)
		require.NoError(t, err)
		return found.Leaf.DNSNames[0]
	}
	require.Equal(t, "old.example.org", name())

	old, err := os.ReadFile(key)
	require.NoError(t, err)
	write(t, folder, "new.example.org", time.Hour)
	fresh, err := os.ReadFile(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(key, old, 0o600)) // the certificate is new, its key is not there yet
	files.Reload()
	files.Reload()
	require.Equal(t, "old.example.org", name(), "what does not fit is not used")
	require.Equal(t, 1, strings.Count(log.String(), "the old one stays"), log.String())
	require.NotContains(t, log.String(), "PRIVATE")
	require.NoError(t, os.WriteFile(key, fresh, 0o600))
	files.Reload()
	require.Equal(t, "new.example.org", name())
	require.NoError(t, os.Remove(cert))
	files.Reload()
	require.Equal(t, "new.example.org", name())

	_, err = certificate.OpenFiles(cert, key, slog.New(slog.DiscardHandler))
	require.Error(t, err)
}

func TestWhatIsWrongWithACertificate(t *testing.T) {
	t.Parallel()
	cert, key := write(t, t.TempDir(), "video.example.org", time.Hour)
	files, err := certificate.OpenFiles(cert, key, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	found, err := files.Get(nil)
	require.NoError(t, err)
	require.NoError(t, certificate.Check(found.Leaf, "video.example.org", time.Now()))
	require.ErrorContains(t, certificate.Check(found.Leaf, "other.example.org", time.Now()), "other.example.org")
	require.ErrorContains(t, certificate.Check(found.Leaf, "video.example.org", time.Now().Add(2*time.Hour)), "expired")
	require.ErrorContains(t, certificate.Check(found.Leaf, "video.example.org", time.Now().Add(-2*time.Hour)), "valid only from")
}

func TestPlainHTTPLeadsToTheBaseURLOnly(t *testing.T) {
	t.Parallel()
	h := certificate.Redirect(&url.URL{Scheme: "https", Host: "video.example.org:8443"})
	ask := func(method, target string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		r.Host = "evil.example"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for target, want := range map[string]string{
		"/v/x?t=3": "/v/x?t=3", "/": "/", "//evil.example/x": "//evil.example/x", "http://evil.example/x": "/x", "/@evil.example": "/@evil.example", "/%2f%2fevil": "/%2f%2fevil",
	} {
		w := ask(http.MethodGet, target)
		require.Equal(t, http.StatusPermanentRedirect, w.Code)
		require.Equal(t, "https://video.example.org:8443"+want, w.Header().Get("Location"))
		require.Empty(t, w.Header().Get("Strict-Transport-Security"), "plain http is not believed (RFC 6797, 7.2)")
	}
	require.Equal(t, http.StatusForbidden, ask(http.MethodPost, "/api/session").Code)
}

func TestNamesThatNoAuthorityKnows(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "192.0.2.7", "2001:db8::7", "video.localhost", "intranet", ""} {
		_, err := certificate.NewACME(certificate.ACMEOptions{Host: host, Log: slog.New(slog.DiscardHandler)})
		require.Error(t, err, host)
	}
}

// TestAnAuthorityIsNotAskedWithoutPause: after a failure, handshakes fail at once
// and only one line is logged.
func TestAnAuthorityIsNotAskedWithoutPause(t *testing.T) {
	t.Parallel()
	asked := 0
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusForbidden)
	}))
	defer broken.Close()
	var log bytes.Buffer
	a, err := certificate.NewACME(certificate.ACMEOptions{
		Host: "video.example.org", Directory: broken.URL, Folder: t.TempDir(), Log: slog.New(slog.NewJSONHandler(&log, nil)),
	})
	require.NoError(t, err)
	for range 5 {
		_, err = a.Get(&tls.ClientHelloInfo{ServerName: "VIDEO.example.org"})
		require.Error(t, err)
	}
	_, err = a.Get(&tls.ClientHelloInfo{ServerName: "evil.example"})
	require.Error(t, err)
	require.Equal(t, 1, asked)
	require.Equal(t, 1, strings.Count(log.String(), "no certificate"), log.String())
}
