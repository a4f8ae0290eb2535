package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cmd/meanwhile/doctor"
)

// logged is a server whose log is kept.
type logged struct {
	*process

	mu    sync.Mutex
	lines []string
	out   bytes.Buffer
}

// serveLogged starts a server with settings of the environment.
func serveLogged(t *testing.T, data string, settings ...string) *logged {
	t.Helper()
	cmd := command(t, data, "serve", "--workers", "0")
	cmd.Env = append(cmd.Env, settings...)
	l := &logged{process: &process{cmd: cmd, exit: make(chan error, 1)}}
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	cmd.Stdout = &l.out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	go func() {
		for s := bufio.NewScanner(stderr); s.Scan(); {
			l.mu.Lock()
			l.lines = append(l.lines, s.Text())
			l.mu.Unlock()
		}
		l.exit <- cmd.Wait()
	}()
	return l
}

// stop ends the server and returns all that it wrote.
func (l *logged) stop(t *testing.T) string {
	t.Helper()
	require.NoError(t, l.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-l.exit:
		require.NoError(t, err)
	case <-time.After(testTime):
		require.FailNow(t, "the server does not end")
	}
	return strings.Join(l.lines, "\n") + l.out.String()
}

// value waits until a line of the log has a field and returns it.
func (l *logged) value(t *testing.T, message, field string) string {
	t.Helper()
	return l.within(t, testTime, message, field)
}

// within does so for a time.
func (l *logged) within(t *testing.T, patience time.Duration, message, field string) string {
	t.Helper()
	var found string
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, raw := range l.lines {
			line := map[string]any{}
			if json.Unmarshal([]byte(raw), &line) == nil && line["msg"] == message {
				found, _ = line[field].(string)
				return true
			}
		}
		return false
	}, patience, tick, message)
	return found
}

// selfMade writes a certificate for a name, signed by itself.
func selfMade(t *testing.T, folder, name string, life time.Duration) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	made := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-100 * 24 * time.Hour), NotAfter: time.Now().Add(life), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
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

// swap puts another certificate in the place of one, of the same size and age: who does
// not read it cannot know.
func swap(t *testing.T, folder, name string, life time.Duration) {
	t.Helper()
	other := t.TempDir()
	for _, file := range []string{"cert.pem", "key.pem"} {
		old, err := os.Stat(filepath.Join(folder, file))
		require.NoError(t, err)
		require.Eventually(t, func() bool { // a signature may be a byte longer or shorter
			if file == "cert.pem" {
				selfMade(t, other, name, life)
			}
			made, err := os.Stat(filepath.Join(other, file))
			return err == nil && made.Size() == old.Size()
		}, testTime, time.Millisecond)
		raw, err := os.ReadFile(filepath.Join(other, file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), raw, 0o600))
		require.NoError(t, os.Chtimes(filepath.Join(folder, file), old.ModTime(), old.ModTime()))
	}
}

// requireHealthy waits until a server answers those who ask how it is, who do not wait
// for long.
func requireHealthy(t *testing.T, c *Config) {
	t.Helper()
	require.Eventually(t, func() bool { return doctor.AskHealth(t.Context(), c.listens()) == nil }, testTime, tick)
}

// browser reaches a server at addr by the name on its certificate, whoever signed it.
func browser(addr, name string) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			ForceAttemptHTTP2: true, DisableKeepAlives: true,
			DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
				return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: []string{"h2", "http/1.1"}})
			},
		},
	}
}

func serialOf(t *testing.T, addr, name string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: name})
	require.NoError(t, err)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func serialIn(t *testing.T, cert string) string {
	t.Helper()
	leaf, err := readLeaf(cert)
	require.NoError(t, err)
	return leaf.SerialNumber.String()
}

func TestTLSFromFiles(t *testing.T) {
	t.Parallel()
	const name = "video.example.org"
	data, folder := t.TempDir(), t.TempDir()
	cert, key := selfMade(t, folder, name, 90*24*time.Hour)
	settings := []string{"MEANWHILE_TLS=files", "MEANWHILE_TLS_CERT=" + cert, "MEANWHILE_TLS_KEY_FILE=" + key, "MEANWHILE_BASE_URL=https://" + name, "MEANWHILE_HTTP_ADDR=127.0.0.1:0"}
	l := serveLogged(t, data, settings...)
	addr, plain := l.value(t, "starting", "addr"), l.value(t, "plain http leads to https", "plain_addr")
	require.Equal(t, "https://"+name, l.value(t, "listening", "url"))
	client := browser(addr, name)

	response, err := client.Get("https://" + name + "/api/session")
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, 2, response.ProtoMajor, "HTTP/2")
	require.Equal(t, "max-age=31536000", response.Header.Get("Strict-Transport-Security"))

	_, err = program(t, data, "correct horse battery staple\n", "user", "add", "--email", "ada@example.com", "--name", "Ada", "--role", "owner")
	require.NoError(t, err)
	response, err = client.Post("https://"+name+"/api/session", "application/json", strings.NewReader(`{"email":"ada@example.com","password":"correct horse battery staple"}`))
	require.NoError(t, err)
	response.Body.Close()
	require.Regexp(t, `^__Host-meanwhile_session=[^;]+; Path=/; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$`, response.Header.Get("Set-Cookie"))

	response, err = client.Get("http://" + plain + "/v/x?t=3")
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, "https://"+name+"/v/x?t=3", response.Header.Get("Location"))

	require.Equal(t, serialIn(t, cert), serialOf(t, addr, name))
	swap(t, folder, name, 80*24*time.Hour)
	require.NoError(t, l.cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return serialOf(t, addr, name) == serialIn(t, cert) }, testTime, tick, "at once by SIGHUP: nothing else tells of it")
	selfMade(t, folder, name, 70*24*time.Hour)
	require.Eventually(t, func() bool { return serialOf(t, addr, name) == serialIn(t, cert) }, testTime, 10*tick, "soon by itself")
	all := l.stop(t)
	require.Contains(t, all, "Meanwhile is at https://"+name+"/setup")
	require.NotContains(t, all, "PRIVATE KEY")
}

func TestTheDoctorReadsTheCertificate(t *testing.T) {
	t.Parallel()
	const name = "video.example.org"
	folder := t.TempDir()
	cert, key := selfMade(t, folder, name, 60*24*time.Hour)
	config := &Config{Addr: "127.0.0.1:0", BaseURL: "https://" + name, TLS: TLS{Mode: tlsFiles, Cert: cert, Key: key}}
	judge := func(c *Config, after time.Duration) doctor.Finding {
		found := examineTLS(c, time.Now().Add(after))
		require.Len(t, found, 1)
		return found[0]
	}
	require.Equal(t, doctor.Fine, judge(config, 0).Status)
	require.Equal(t, doctor.Warning, judge(config, 55*24*time.Hour).Status, "it ends soon")
	require.Contains(t, judge(config, 61*24*time.Hour).Detail, "expired")
	for _, wrong := range []*Config{
		{BaseURL: "https://other.example.org", TLS: config.TLS},
		{BaseURL: "http://" + name, TLS: config.TLS},
		{BaseURL: config.BaseURL, TLS: TLS{Mode: tlsFiles, Cert: cert, Key: cert}},
		{BaseURL: config.BaseURL, TLS: TLS{Mode: tlsFiles, Cert: "/absent", Key: key}},
		{BaseURL: config.BaseURL, TLS: TLS{Mode: tlsFiles, Cert: cert}},
		{BaseURL: config.BaseURL, TLS: TLS{Mode: tlsACME}},
		{TLS: TLS{Mode: tlsACME, Terms: true}},
		{BaseURL: config.BaseURL, TLS: TLS{Mode: tlsOff, Cert: cert}},
	} {
		wrong.Addr = config.Addr
		found := judge(wrong, 0)
		require.Equal(t, doctor.Failure, found.Status, "%+v", wrong)
		require.NotEmpty(t, found.Advice)
	}
	acme := &Config{Addr: config.Addr, Data: t.TempDir(), BaseURL: config.BaseURL, TLS: TLS{Mode: tlsACME, Terms: true}}
	require.Equal(t, doctor.Warning, judge(acme, 0).Status, "none yet")
	require.NoError(t, os.MkdirAll(acme.acmeFolder(), 0o700))
	raw, err := os.ReadFile(cert)
	require.NoError(t, err)
	private, err := os.ReadFile(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(acme.acmeFolder(), name), append(private, raw...), 0o600))
	require.Equal(t, doctor.Fine, judge(acme, 0).Status)
	require.Empty(t, examineTLS(&Config{Addr: config.Addr}, time.Now()), "there is none to look at")
}

func TestSettingsOfTLSThatContradict(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		settings []string
		says     string
	}{
		{[]string{"MEANWHILE_TLS=files"}, "MEANWHILE_TLS_CERT"},
		{[]string{"MEANWHILE_TLS=files", "MEANWHILE_TLS_CERT=/absent", "MEANWHILE_TLS_KEY=/absent"}, "/absent"},
		{[]string{"MEANWHILE_TLS=files", "MEANWHILE_TLS_CERT=/x", "MEANWHILE_TLS_KEY=/x", "MEANWHILE_BASE_URL=http://video.example.org"}, "https://"},
		{[]string{"MEANWHILE_TLS=acme", "MEANWHILE_BASE_URL=https://video.example.org"}, "ACCEPT_TERMS"},
		{[]string{"MEANWHILE_TLS=acme", "MEANWHILE_ACME_ACCEPT_TERMS=true"}, "MEANWHILE_BASE_URL"},
		{[]string{"MEANWHILE_TLS=acme", "MEANWHILE_ACME_ACCEPT_TERMS=true", "MEANWHILE_BASE_URL=https://localhost"}, "public DNS"},
		{[]string{"MEANWHILE_TLS_CERT=/x"}, "MEANWHILE_TLS is off"},
		{[]string{"MEANWHILE_HTTP_ADDR=127.0.0.1:0"}, "MEANWHILE_TLS is off"},
	} {
		cmd := command(t, t.TempDir(), "serve", "--workers", "0")
		cmd.Env = append(cmd.Env, row.settings...)
		out, err := cmd.CombinedOutput()
		require.Error(t, err, "%v", row.settings)
		require.Contains(t, string(out), row.says, "%v", row.settings)
	}
}

func TestTheHealthCheckSpeaksTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfMade(t, t.TempDir(), "video.example.org", time.Hour)
	l := serveLogged(t, t.TempDir(), "MEANWHILE_TLS=files", "MEANWHILE_TLS_CERT="+cert, "MEANWHILE_TLS_KEY="+key)
	config := &Config{Addr: l.value(t, "starting", "addr"), TLS: TLS{Mode: tlsFiles, Cert: cert, Key: key}}
	require.True(t, strings.HasPrefix(l.value(t, "listening", "url"), "https://localhost:"))
	requireHealthy(t, config)
	require.Error(t, doctor.AskHealth(t.Context(), (&Config{Addr: config.Addr}).listens()), "plain http does not get in")
	l.stop(t)
}
