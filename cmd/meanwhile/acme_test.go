package main

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cmd/meanwhile/doctor"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// pebblePath is the certificate authority for tests of those who made ACME
// (scripts/test-go.sh gets it).
const pebblePath = "../../.tools/pebble"

// authority is a local one, behind a proxy that is there before it: the server
// has to know the authority's address, and the authority the server's ports.
type authority struct {
	front *httptest.Server
	ready chan struct{}
	inner *url.URL
	cert  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	if _, err := os.Stat(pebblePath); err != nil {
		t.Skip("no pebble: scripts/test-go.sh gets it")
	}
	a := &authority{ready: make(chan struct{}), inner: &url.URL{Scheme: "https"}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(a.inner)
			r.Out.Host = r.In.Host // the addresses it hands out lead here
		},
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	a.front = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-a.ready:
			proxy.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(a.front.Close)
	a.cert = filepath.Join(t.TempDir(), "front.pem")
	raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.front.Certificate().Raw})
	require.NoError(t, os.WriteFile(a.cert, raw, 0o600))
	return a
}

// settings make a server ask this authority.
func (a *authority) settings(name string) []string {
	return []string{
		"MEANWHILE_TLS=acme", "MEANWHILE_BASE_URL=https://" + name, "MEANWHILE_ACME_EMAIL=ada@example.org", "MEANWHILE_ACME_ACCEPT_TERMS=true",
		"MEANWHILE_ACME_DIRECTORY=" + a.front.URL + "/dir", "SSL_CERT_FILE=" + a.cert,
	}
}

// start runs it. It looks for names at the given ports of this machine.
func (a *authority) start(t *testing.T, httpPort, tlsPort int) {
	t.Helper()
	folder, port := t.TempDir(), freePort(t)
	cert, key := selfMade(t, folder, "pebble", time.Hour)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": "127.0.0.1:" + strconv.Itoa(port), "certificate": cert, "privateKey": key, "httpPort": httpPort, "tlsPort": tlsPort,
		"retryAfter": map[string]int{"authz": 1, "order": 1}, "profiles": map[string]any{"default": map[string]any{"description": "for tests", "validityPeriod": 7776000}},
	}})
	require.NoError(t, err)
	path := filepath.Join(folder, "pebble.json")
	require.NoError(t, os.WriteFile(path, config, 0o600))
	cmd := exec.CommandContext(t.Context(), pebblePath, "-config", path, "-strict", "-dnsserver", nameServer(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context ends it
	a.inner.Host = "127.0.0.1:" + strconv.Itoa(port)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", a.inner.Host)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, testTime, tick)
	close(a.ready)
}

// freePort is one that nobody listens on, and that the system gives to nobody.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := storestest.FreePort(t.Context())
	require.NoError(t, err)
	return port
}

// nameServer answers every question for an IPv4 address with 127.0.0.1, and all
// others with nothing (RFC 1035, section 4, over TCP).
func nameServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerNames(conn)
		}
	}()
	return listener.Addr().String()
}

func answerNames(conn net.Conn) {
	defer conn.Close()
	for {
		asked := make([]byte, 2)
		if _, err := io.ReadFull(conn, asked); err != nil {
			return
		}
		asked = make([]byte, binary.BigEndian.Uint16(asked))
		if _, err := io.ReadFull(conn, asked); err != nil || len(asked) < 12 {
			return
		}
		end := 12 + bytes.IndexByte(asked[12:], 0) + 5 // the name to its root, type and class
		answer := append([]byte{asked[0], asked[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, asked[12:end]...)
		if asked[end-3] == 1 { // an A record
			answer[7] = 1
			answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return n
}

// TestACertificateFromAnAuthority gets one in each of the two ways, keeps it over
// a restart, and shows it to nobody who asks for another name.
func TestACertificateFromAnAuthority(t *testing.T) {
	t.Parallel()
	const name = "video.example.org"
	for _, way := range []string{"tls-alpn-01", "http-01"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			a, data := newAuthority(t), t.TempDir()
			settings := append(a.settings(name), "MEANWHILE_HTTP_ADDR=127.0.0.1:0")
			l := serveLogged(t, data, settings...)
			addr, plain := l.value(t, "starting", "addr"), l.value(t, "plain http leads to https", "plain_addr")
			closed := freePort(t)
			if way == "http-01" {
				a.start(t, portOf(t, plain), closed)
			} else {
				a.start(t, closed, portOf(t, addr))
			}
			l.within(t, 2*testTime, "the certificate is there", "host") // it rests for long between two attempts

			conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: name})
			require.NoError(t, err)
			leaf := conn.ConnectionState().PeerCertificates[0]
			require.NoError(t, conn.Close())
			require.Equal(t, []string{name}, leaf.DNSNames)
			require.Contains(t, leaf.Issuer.CommonName, "Pebble")
			_, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: "evil.example"})
			require.Error(t, err)
			response, err := browser(addr, name).Get("http://" + plain + "/.well-known/acme-challenge/guess")
			require.NoError(t, err)
			response.Body.Close()
			require.NotEqual(t, http.StatusOK, response.StatusCode)

			var kept []os.DirEntry
			require.Eventually(t, func() bool { // what the authority asked for goes a little later
				kept, err = os.ReadDir(filepath.Join(data, "acme"))
				return err == nil && len(kept) == 2
			}, testTime, tick, "the account's key and the certificate")
			for _, file := range kept {
				info, err := file.Info()
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file.Name())
			}
			config := &Config{Addr: addr, Data: data, BaseURL: "https://" + name, TLS: TLS{Mode: tlsACME, Terms: true}}
			require.Equal(t, doctor.Fine, examineTLS(config, time.Now())[0].Status)
			requireHealthy(t, config)
			require.NotContains(t, l.stop(t), "PRIVATE KEY")

			a.front.Close() // nobody needs to be asked any more
			again := serveLogged(t, data, settings...)
			require.Equal(t, leaf.SerialNumber.String(), serialOf(t, again.value(t, "starting", "addr"), name))
		})
	}
}
