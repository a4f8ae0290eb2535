// Package certificate gives the server its TLS: a certificate from files, which
// may change while it runs, or one that it gets by itself from an authority that
// speaks ACME (RFC 8555). Behind a reverse proxy none of this is used.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

// Getter finds the certificate for a handshake.
type Getter func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// Config is how the server speaks TLS: 1.2 and 1.3, with forward secrecy and
// authenticated encryption only, and HTTP/2.
func Config(get Getter, protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: get,
		NextProtos:     append([]string{"h2", "http/1.1"}, protocols...),
		CipherSuites: []uint16{ // of 1.2; those of 1.3 are all good
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// lookEvery is how often files are looked at while handshakes come.
const lookEvery = 5 * time.Second

// Files is a certificate in two files. Whoever renews it replaces them.
type Files struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	read    stamp
	looked  time.Time
	failed  string
}

// stamp tells one state of the files from another.
type stamp struct {
	certTime, keyTime time.Time
	certSize, keySize int64
}

// OpenFiles reads the certificate with its chain and its key, both in PEM.
func OpenFiles(cert, key string, log *slog.Logger) (*Files, error) {
	f := &Files{cert: cert, key: key, log: log}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(time.Now()); err != nil {
		return nil, err
	}
	return f, nil
}

// Get is the Getter of the files. It reads them again when they have changed;
// what cannot be read, as in the middle of a change, leaves the old one in place.
func (f *Files) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) >= lookEvery {
		f.refresh(now)
	}
	return f.current, nil
}

// Reload reads the files now, whether they have changed or not.
func (f *Files) Reload() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = stamp{}
	f.refresh(time.Now())
}

// refresh runs with the lock held.
func (f *Files) refresh(now time.Time) {
	f.looked = now
	if s, err := f.stamp(); err == nil && s == f.read {
		return
	}
	err := f.load(now)
	switch {
	case err == nil:
		f.failed = ""
		f.log.Info("the certificate was read again", "expires", f.current.Leaf.NotAfter)
	case err.Error() != f.failed:
		f.failed = err.Error()
		f.log.Warn("the changed certificate cannot be used; the old one stays", "error", err)
	}
}

// load runs with the lock held.
func (f *Files) load(now time.Time) error {
	s, err := f.stamp()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return err
	}
	f.current, f.read, f.looked = &pair, s, now
	return nil
}

func (f *Files) stamp() (stamp, error) {
	cert, err := os.Stat(f.cert)
	if err != nil {
		return stamp{}, err
	}
	key, err := os.Stat(f.key)
	if err != nil {
		return stamp{}, err
	}
	return stamp{cert.ModTime(), key.ModTime(), cert.Size(), key.Size()}, nil
}

// Soon is how long before its end a certificate should have been renewed.
const Soon = 10 * 24 * time.Hour

// Check says what is wrong with a certificate for a host, or nil.
func Check(leaf *x509.Certificate, host string, now time.Time) error {
	if err := leaf.VerifyHostname(host); err != nil {
		return err
	}
	if now.Before(leaf.NotBefore) {
		return fmt.Errorf("it is valid only from %s", leaf.NotBefore.UTC().Format(time.DateTime))
	}
	if now.After(leaf.NotAfter) {
		return fmt.Errorf("it expired on %s", leaf.NotAfter.UTC().Format(time.DateTime))
	}
	return nil
}

// Redirect sends people who come by plain HTTP to the same page of the base URL.
// What is more than reading is refused: it has gone over the line unprotected.
func Redirect(base *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "This server speaks HTTPS only: "+base.String(), http.StatusForbidden)
			return
		}
		to := *base // only the path is the client's
		to.Path, to.RawPath, to.RawQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery
		w.Header().Set("Location", to.String())
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}
