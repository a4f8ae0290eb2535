package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// LetsEncrypt is the directory of the authority that most people use.
const LetsEncrypt = acme.LetsEncryptURL

// ACMEOptions say which certificate to get, and where. Whoever sets them has
// agreed to the authority's terms.
type ACMEOptions struct {
	// Host is the one name that a certificate is asked for.
	Host string
	// Directory is the authority's.
	Directory string
	// Email is where the authority may write to; it may be empty.
	Email string
	// Folder keeps the account's and the certificate's keys.
	Folder    string
	UserAgent string
	Log       *slog.Logger
}

// ACME gets a certificate at the first handshake and renews it in time. The
// authority checks that the name is ours on the TLS listener itself
// (TLS-ALPN-01, RFC 8737) or by a file over plain HTTP (HTTP-01).
type ACME struct {
	host    string
	manager *autocert.Manager
	log     *slog.Logger

	mu sync.Mutex
	// After a failure nothing is asked until next: authorities count.
	next time.Time
	wait time.Duration
	last error
}

// NewACME makes an ACME. Nothing is asked yet. It fails for names that no
// authority gives certificates for.
func NewACME(o ACMEOptions) (*ACME, error) {
	if net.ParseIP(o.Host) != nil || !strings.Contains(strings.Trim(o.Host, "."), ".") || strings.HasSuffix(o.Host, ".localhost") {
		return nil, fmt.Errorf("no authority gives a certificate for %q: it takes a name of the public DNS", o.Host)
	}
	a := &ACME{host: o.Host, log: o.Log}
	a.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS,
		Cache:  autocert.DirCache(o.Folder), // files of 0600 in a folder of 0700
		Email:  o.Email,
		Client: &acme.Client{DirectoryURL: o.Directory, UserAgent: o.UserAgent},
		HostPolicy: func(_ context.Context, host string) error {
			if !a.named(host) {
				return errOtherName
			}
			return nil
		},
	}
	return a, nil
}

var errOtherName = errors.New("certificate: the client asks for another name")

// named says whether a name, perhaps with a port, is ours. One that asks for
// none, as by address, gets our certificate and judges it.
func (a *ACME) named(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "" || strings.EqualFold(strings.TrimSuffix(host, "."), a.host)
}

// Protocols are what TLS has to offer beside HTTP.
func (a *ACME) Protocols() []string { return []string{acme.ALPNProto} }

// The waits after failures double from the first to the last. autocert forgets a
// failure after a minute, and until then repeats it.
const (
	firstWait = 90 * time.Second
	lastWait  = time.Hour
)

// Get is the Getter.
func (a *ACME) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if !a.named(hello.ServerName) {
		return nil, errOtherName
	}
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto {
		return a.manager.GetCertificate(hello) // the authority checks
	}
	if err := a.resting(); err != nil {
		return nil, err
	}
	cert, err := a.manager.GetCertificate(a.plain())
	a.note(err)
	return cert, err
}

// plain asks for one kind of certificate whatever the client prefers; without
// that, old clients would make us get a second one.
func (a *ACME) plain() *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName: a.host, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves: []tls.CurveID{tls.CurveP256}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	}
}

func (a *ACME) resting() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Now().Before(a.next) {
		return a.last
	}
	return nil
}

func (a *ACME) note(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.next, a.wait, a.last = time.Time{}, 0, nil
		return
	}
	if time.Now().Before(a.next) {
		return // others waited for the same answer
	}
	a.wait = min(max(2*a.wait, firstWait), lastWait)
	a.next, a.last = time.Now().Add(a.wait), err
	a.log.Warn("no certificate: the authority must reach this server by its name on port 443, or on port 80 where MEANWHILE_HTTP_ADDR listens",
		"host", a.host, "again_in", a.wait.String(), "error", err)
}

// Warm gets the certificate before anybody asks for it, and tries again until it
// is there.
func (a *ACME) Warm(ctx context.Context) {
	for {
		cert, err := a.Get(&tls.ClientHelloInfo{ServerName: a.host})
		if err == nil {
			a.log.Info("the certificate is there", "host", a.host, "expires", cert.Leaf.NotAfter)
			return
		}
		select {
		case <-time.After(a.pause()):
		case <-ctx.Done():
			return
		}
	}
}

// pause is how long nothing is to be asked.
func (a *ACME) pause() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(time.Until(a.next), time.Second)
}

// Challenges answers what the authority asks over plain HTTP and leaves all else
// to next.
func (a *ACME) Challenges(next http.Handler) http.Handler { return a.manager.HTTPHandler(next) }
