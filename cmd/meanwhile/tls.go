package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/cmd/meanwhile/doctor"
	"github.com/meanwhile-app/meanwhile/server/certificate"
	"github.com/meanwhile-app/meanwhile/storage/database"
)

// Ways to TLS.
const (
	tlsOff   = "off"
	tlsFiles = "files"
	tlsACME  = "acme"
)

// TLS are the settings of a server that people reach without a proxy.
type TLS struct {
	Mode      string `help:"off: plain HTTP, for localhost or behind a proxy; files: a certificate of your own; acme: get one and renew it." name:"tls" enum:"off,files,acme" default:"off" env:"MEANWHILE_TLS"`
	Cert      string `help:"File of the certificate with its chain, in PEM. Read again when it changes, and on SIGHUP." name:"tls-cert" type:"path" env:"MEANWHILE_TLS_CERT"`
	Key       string `help:"File of the certificate's key, in PEM." name:"tls-key" type:"path" env:"MEANWHILE_TLS_KEY"`
	Directory string `help:"ACME directory of the certificate authority." name:"acme-directory" default:"https://acme-v02.api.letsencrypt.org/directory" env:"MEANWHILE_ACME_DIRECTORY"`
	Email     string `help:"Where the authority may write to." name:"acme-email" env:"MEANWHILE_ACME_EMAIL"`
	Terms     bool   `help:"You agree to the authority's terms of service." name:"acme-accept-terms" env:"MEANWHILE_ACME_ACCEPT_TERMS"`
	HTTPAddr  string `help:"Where to listen for plain HTTP, too, to lead people to https and to answer the authority, host:port." name:"http-addr" env:"MEANWHILE_HTTP_ADDR"`
}

// scheme is that of a base URL which nobody has set.
func (t *TLS) scheme() string {
	if t.Mode == "" || t.Mode == tlsOff {
		return "http"
	}
	return "https"
}

// check finds settings that contradict each other.
func (t *TLS) check(c *Config, base *url.URL) error {
	if t.scheme() == "http" {
		if t.Cert != "" || t.Key != "" || t.HTTPAddr != "" {
			return errors.New("MEANWHILE_TLS is off, but there are settings for it: set MEANWHILE_TLS=files or acme, or remove MEANWHILE_TLS_CERT, MEANWHILE_TLS_KEY and MEANWHILE_HTTP_ADDR")
		}
		return nil
	}
	if base.Scheme != "https" {
		return errors.New("MEANWHILE_BASE_URL must begin with https:// where MEANWHILE_TLS is on")
	}
	switch {
	case t.Mode == tlsFiles && (t.Cert == "" || t.Key == ""):
		return errors.New("MEANWHILE_TLS=files needs MEANWHILE_TLS_CERT and MEANWHILE_TLS_KEY")
	case t.Mode == tlsACME && c.BaseURL == "":
		return errors.New("MEANWHILE_TLS=acme needs MEANWHILE_BASE_URL: its host is the name on the certificate")
	case t.Mode == tlsACME && !t.Terms:
		return errors.New("MEANWHILE_TLS=acme needs MEANWHILE_ACME_ACCEPT_TERMS=true: read the terms of the authority first (Let's Encrypt: https://letsencrypt.org/repository)")
	}
	return nil
}

// acmeFolder is where the keys of the account and of the certificate are kept.
func (c *Config) acmeFolder() string { return filepath.Join(c.Data, "acme") }

// enter finds where people reach the server and makes the listener fit for them.
func (a *app) enter(ctx context.Context, listener net.Listener) (*url.URL, net.Listener, error) {
	base, err := a.config.base(listener.Addr())
	if err != nil {
		return nil, nil, err
	}
	secured, err := a.secure(ctx, listener, base)
	return base, secured, err
}

// secure puts TLS around a listener as the settings say. What belongs to it ends
// with the context.
func (a *app) secure(ctx context.Context, listener net.Listener, base *url.URL) (net.Listener, error) {
	if found := exposed(a.config); len(found) > 0 {
		a.log.Warn("other users of this machine can read or change what is kept", "paths", found, "advice", doctor.ExposedAdvice)
	}
	t := &a.config.TLS
	if err := t.check(a.config, base); err != nil {
		return nil, err
	}
	toHTTPS := certificate.Redirect(base)
	var secured *tls.Config
	switch t.Mode {
	case tlsFiles:
		files, err := certificate.OpenFiles(t.Cert, t.Key, a.log)
		if err != nil {
			return nil, fmt.Errorf("MEANWHILE_TLS_CERT, MEANWHILE_TLS_KEY: %w", err)
		}
		onHangup(ctx, files.Reload)
		secured = certificate.Config(files.Get)
	case tlsACME:
		authority, err := certificate.NewACME(certificate.ACMEOptions{
			Host: base.Hostname(), Directory: t.Directory, Email: t.Email, Folder: a.config.acmeFolder(), UserAgent: "meanwhile/" + version, Log: a.log,
		})
		if err != nil {
			return nil, err
		}
		secured = certificate.Config(authority.Get, authority.Protocols()...)
		toHTTPS = authority.Challenges(toHTTPS)
		defer func() { go authority.Warm(ctx) }() // when plain HTTP can answer
	default:
		if base.Scheme == "http" && !doctor.Local(base) {
			a.log.Warn("people come by plain http: browsers do not record there, and passwords can be read on the way; see MEANWHILE_TLS", "url", base.String())
		}
		return listener, nil
	}
	if err := a.redirect(ctx, toHTTPS); err != nil {
		return nil, err
	}
	return tls.NewListener(listener, secured), nil
}

// redirect serves the plain HTTP beside TLS, if it is wanted.
func (a *app) redirect(ctx context.Context, handler http.Handler) error {
	addr := a.config.TLS.HTTPAddr
	if addr == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("MEANWHILE_HTTP_ADDR: %w", err)
	}
	a.log.Info("plain http leads to https", "plain_addr", listener.Addr().String())
	plain := newFront(handler, a.log)
	plain.ReadTimeout, plain.WriteTimeout = headerTime, headerTime
	context.AfterFunc(ctx, func() { _ = plain.Close() }) // nobody waits for its answers
	go func() {
		if err := plain.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("plain http ended", "error", err)
		}
	}()
	return nil
}

// onHangup calls a function at each SIGHUP.
func onHangup(ctx context.Context, call func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hangup)
		for {
			select {
			case <-hangup:
				call()
			case <-ctx.Done():
				return
			}
		}
	}()
}

// newFront makes an HTTP server with the bounds that every one has here. A body
// may take as long as it comes; see the handlers. Who asks waits for the database no
// longer than people do.
func newFront(handler http.Handler, l *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return database.Promptly(context.Background()) },
		ErrorLog:    log.New(complaints{l}, "", 0), //nolint:forbidigo // net/http takes nothing else
	}
}

// complaints takes what net/http says about connections into the log. That
// strangers do not get through a handshake is the noise of the internet.
type complaints struct{ log *slog.Logger }

// Write implements io.Writer.
func (c complaints) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if strings.Contains(string(line), "TLS handshake error") {
		level = slog.LevelDebug
	}
	c.log.Log(context.Background(), level, "http", "message", strings.TrimSpace(string(line)))
	return len(line), nil
}

// examineTLS reads the certificate that the server would show.
func examineTLS(config *Config, now time.Time) []doctor.Finding {
	const name = "certificate"
	t := &config.TLS
	base, err := config.base(text(config.Addr))
	if err == nil {
		err = t.check(config, base)
	}
	if err != nil {
		return []doctor.Finding{{Name: name, Status: doctor.Failure, Detail: err.Error(), Advice: "Correct the settings."}}
	}
	path := t.Cert
	switch t.Mode {
	case tlsFiles:
		if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
			return []doctor.Finding{{Name: name, Status: doctor.Failure, Detail: err.Error(), Advice: "Let MEANWHILE_TLS_CERT and MEANWHILE_TLS_KEY name a certificate with its chain and its key, in PEM."}}
		}
	case tlsACME:
		path = filepath.Join(config.acmeFolder(), base.Hostname())
	default:
		return nil
	}
	leaf, err := readLeaf(path)
	if err != nil && t.Mode == tlsACME {
		return []doctor.Finding{{Name: name, Status: doctor.Warning, Detail: "none yet", Advice: "The first start gets it: the authority must reach this server as " + base.Host + ", on port 443 or on port 80 (MEANWHILE_HTTP_ADDR)."}}
	}
	if err != nil {
		return []doctor.Finding{{Name: name, Status: doctor.Failure, Detail: err.Error(), Advice: "Let MEANWHILE_TLS_CERT name a certificate in PEM."}}
	}
	return []doctor.Finding{examineLeaf(leaf, base.Hostname(), now)}
}

func examineLeaf(leaf *x509.Certificate, host string, now time.Time) doctor.Finding {
	const name, advice = "certificate", "Renew it for the host of MEANWHILE_BASE_URL; the running server takes new files by itself."
	detail := fmt.Sprintf("for %s until %s", host, leaf.NotAfter.UTC().Format(time.DateOnly))
	if err := certificate.Check(leaf, host, now); err != nil {
		return doctor.Finding{Name: name, Status: doctor.Failure, Detail: err.Error(), Advice: advice}
	}
	if leaf.NotAfter.Sub(now) < certificate.Soon && leaf.NotAfter.Sub(leaf.NotBefore) > 3*certificate.Soon {
		return doctor.Finding{Name: name, Status: doctor.Warning, Detail: detail, Advice: advice}
	}
	return doctor.Finding{Name: name, Status: doctor.Fine, Detail: detail}
}

// readLeaf reads the first certificate of a PEM file, before which a key may be.
func readLeaf(path string) (*x509.Certificate, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("%s holds no certificate", path)
		}
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
}
