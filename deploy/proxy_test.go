package deploy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
)

// proxied is a sample's proxy in front of two servers, and a client who is signed in.
type proxied struct {
	*cluster.Cluster

	url    string
	client *ledger.Client
}

// proxies start each of the samples, on a port, in front of servers at addresses.
func proxies() map[string]func(t *testing.T, port string, servers []string) {
	return map[string]func(t *testing.T, port string, servers []string){"nginx": startNginx, "caddy": startCaddy}
}

func startNginx(t *testing.T, port string, servers []string) {
	t.Helper()
	nginx := program(t, "nginx", "/usr/sbin/nginx")
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755)) // nginx's workers are another user's
	certificate(t, folder)
	other := freePorts(t, 1)[0]
	sample := strings.NewReplacer(
		"server1:8080", servers[0], "server2:8080", servers[1],
		"listen 80;", "listen 127.0.0.1:"+other+";", "listen [::]:80;", "",
		"listen 443 ssl http2;", "listen 127.0.0.1:"+port+" ssl http2;", "listen [::]:443 ssl http2;", "",
		"/etc/ssl/meanwhile/", folder+"/",
	).Replace(read(t, "nginx/meanwhile.conf"))
	main := write(t, filepath.Join(folder, "nginx.conf"), "daemon off; pid "+folder+"/pid; error_log stderr; events {} http { access_log off; client_body_temp_path "+folder+
		"/body; proxy_temp_path "+folder+"/proxy; fastcgi_temp_path "+folder+"/f; uwsgi_temp_path "+folder+"/u; scgi_temp_path "+folder+"/s;\n"+sample+"}")
	out, err := output(t, nil, nginx, "-t", "-q", "-c", main)
	require.NoError(t, err, out)
	run(t, cluster.Program{Name: "nginx", Path: nginx, Args: []string{"-c", main}, Env: os.Environ()})
}

func startCaddy(t *testing.T, port string, servers []string) {
	t.Helper()
	caddy := program(t, "caddy")
	folder := t.TempDir()
	env := append(os.Environ(), "MEANWHILE_DOMAIN=https://localhost:"+port, "MEANWHILE_SERVERS="+strings.Join(servers, " "),
		"XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder, "HOME="+folder)
	path := write(t, filepath.Join(folder, "Caddyfile"),
		"{\n\tskip_install_trust\n\tadmin off\n\tauto_https disable_redirects\n}\n"+read(t, "caddy/Caddyfile"))
	out, err := output(t, env, caddy, "validate", "--adapter", "caddyfile", "--config", path)
	require.NoError(t, err, out)
	run(t, cluster.Program{Name: "caddy", Path: caddy, Args: []string{"run", "--adapter", "caddyfile", "--config", path}, Env: env})
}

// certificate makes one for localhost, where the sample looks for it.
func certificate(t *testing.T, folder string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	write(t, filepath.Join(folder, "fullchain.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})))
	write(t, filepath.Join(folder, "privkey.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

func startProxied(t *testing.T, start func(t *testing.T, port string, servers []string)) *proxied {
	t.Helper()
	port := freePorts(t, 1)[0]
	p := &proxied{url: "https://localhost:" + port}
	p.Cluster = clustertest.Open(t, all.Stores(t), cluster.Options{
		Servers: 2, Env: []string{"MEANWHILE_BASE_URL=" + p.url, "MEANWHILE_WHIP_ADDR=127.0.0.1:0", "MEANWHILE_TRUSTED_PROXIES=127.0.0.1"},
	})
	var addrs []string
	for i, port := range freePorts(t, 2) { // where they are again after they have stopped
		addrs = append(addrs, "127.0.0.1:"+port)
		p.Servers[i].Args = []string{"serve", "--addr", addrs[i]}
	}
	require.NoError(t, p.Start(t.Context()))
	start(t, port, addrs)
	p.client = ledger.NewClient(p.url)
	p.client.HTTP = p.browser(t)
	require.Eventually(t, func() bool { return status(t.Context(), p.client.HTTP, p.url+"/readyz") == http.StatusOK }, soon, tick)
	owner(t, p.Cluster)
	require.NoError(t, p.client.SignIn(t.Context()))
	return p
}

// browser believes the certificates of these proxies, and no other.
func (p *proxied) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	line := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true} // made a moment ago, for localhost
	return &http.Client{Jar: jar, Transport: line}
}

// TestProxySamples (F19): each sample passes recordings as they come, events at
// once, and goes on with the servers that are left.
func TestProxySamples(t *testing.T) {
	t.Parallel()
	for name, start := range proxies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startProxied(t, start)
			t.Run("a slow upload arrives while it is sent", p.slowUpload)
			t.Run("a piece of 50 MB", p.largePiece)
			t.Run("events at once", p.events)
			t.Run("an offer of WebRTC and its end", p.whip)
			t.Run("what is for operators alone", func(t *testing.T) {
				require.Equal(t, http.StatusNotFound, status(t.Context(), p.client.HTTP, p.url+"/metrics"))
			})
			t.Run("one server stops", p.oneServerLess)
		})
	}
}

func (p *proxied) begin(t *testing.T) ledger.Video {
	t.Helper()
	var v ledger.Video
	require.NoError(t, p.client.JSON(t.Context(), http.MethodPost, "/api/videos", map[string]string{"title": t.Name(), "mime": "video/mp4"}, &v))
	return v
}

func (p *proxied) patch(t *testing.T, url string, offset int64, body io.Reader) *http.Request {
	t.Helper()
	if strings.HasPrefix(url, "/") {
		url = p.url + url
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, url, body)
	require.NoError(t, err)
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	req.Header.Set("Upload-Offset", strconv.FormatInt(offset, 10))
	return req
}

func (p *proxied) slowUpload(t *testing.T) {
	v := p.begin(t)
	from, to := io.Pipe()
	answered := make(chan int, 1)
	request := p.patch(t, v.UploadURL, 0, from)
	go func() {
		res, err := p.client.HTTP.Do(request)
		if err != nil {
			answered <- 0
			return
		}
		res.Body.Close()
		answered <- res.StatusCode
	}()
	piece := bytes.Repeat([]byte{7}, 100_000)
	sent := int64(0)
	for _, floor := range []int64{1, 1_000_000} { // it grows, and grows on
		require.Eventually(t, func() bool {
			n, err := to.Write(piece)
			sent += int64(n)
			if err != nil {
				return false
			}
			now, err := p.client.Video(t.Context(), v.ID)
			return err == nil && now.SizeBytes >= floor
		}, soon, tick, "the server has nothing of what is being sent")
		require.Empty(t, answered, "the request still runs")
	}
	require.NoError(t, to.Close())
	require.Equal(t, http.StatusNoContent, <-answered)
	now, err := p.client.Video(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, sent, now.SizeBytes)
}

func (p *proxied) largePiece(t *testing.T) {
	v := p.begin(t)
	piece := make([]byte, 50<<20)
	_, _ = rand.Read(piece)
	res, err := p.client.HTTP.Do(p.patch(t, v.UploadURL, 0, bytes.NewReader(piece)))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	require.Equal(t, strconv.Itoa(len(piece)), res.Header.Get("Upload-Offset"))
}

func (p *proxied) events(t *testing.T) {
	v := p.begin(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/api/videos/"+v.ID+"/events", nil)
	require.NoError(t, err)
	res, err := p.client.HTTP.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(res.Body); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	quickest := soon // of some: a machine may be slow, a proxy that holds events back holds back each
	for n := range 5 {
		body, said := fmt.Sprint("heard at once ", n), time.Now()
		require.NoError(t, p.client.JSON(t.Context(), http.MethodPost, "/api/videos/"+v.ID+"/comments", map[string]any{"at_ms": 0, "body": body}, nil))
		requireHeard(t, lines, body)
		quickest = min(quickest, time.Since(said))
	}
	require.Less(t, quickest, 5*time.Second)
}

// requireHeard waits for a line that says something.
func requireHeard(t *testing.T, lines <-chan string, says string) {
	t.Helper()
	late := time.After(soon)
	for {
		select {
		case line, open := <-lines:
			require.True(t, open, "the stream ended")
			if strings.Contains(line, says) {
				return
			}
		case <-late:
			require.FailNow(t, "no event came through")
		}
	}
}

// offer is the least that a client of WHIP may say.
const offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n" +
	"a=sendonly\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n" +
	"a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=rtpmap:96 VP8/90000\r\n"

// whip begins and ends sessions: the request that ends one reaches the server
// that has it.
func (p *proxied) whip(t *testing.T) {
	for ended := 0; ended < 3; {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/api/whip", strings.NewReader(offer))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/sdp")
		res, err := p.client.HTTP.Do(req)
		require.NoError(t, err)
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusCreated, res.StatusCode, string(answer))
		begun := time.Now()
		session, err := res.Request.URL.Parse(res.Header.Get("Location"))
		require.NoError(t, err)
		req, err = http.NewRequestWithContext(t.Context(), http.MethodDelete, session.String(), nil)
		require.NoError(t, err)
		res, err = p.client.HTTP.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		if time.Since(begun) < 5*time.Second { // later it may have ended: nobody connects to it
			require.Equal(t, http.StatusOK, res.StatusCode)
			ended++
		}
	}
}

// oneServerLess ends one server while a client goes on sending and reading: nothing
// fails. Then the other one, when the first is back.
func (p *proxied) oneServerLess(t *testing.T) {
	for _, server := range p.Servers {
		u, err := ledger.New(p.client).Begin(t.Context(), t.Name(), bytes.Repeat([]byte("x"), 400_000))
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { ended <- server.Terminate(soon) }()
		at := int64(0)
		for running := true; running; {
			select {
			case err := <-ended:
				require.NoError(t, err)
				running = false
			default:
			}
			at = min(at+1000, 300_000)
			require.NoError(t, u.Send(t.Context(), at))
			require.Equal(t, http.StatusOK, status(t.Context(), p.client.HTTP, p.url+"/api/videos/"+u.Video), "while one stops")
		}
		for range 20 {
			require.Equal(t, http.StatusOK, status(t.Context(), p.client.HTTP, p.url+"/api/videos/"+u.Video), "while one is gone")
		}
		require.NoError(t, u.Finish(t.Context()))
		require.NoError(t, u.Kept(t.Context()))
		p.back(t, server)
	}
}

// back starts a server again where it was, and waits until the proxy sends it something.
func (p *proxied) back(t *testing.T, server *cluster.Node) {
	t.Helper()
	require.NoError(t, p.Restart(t.Context(), server))
	require.Eventually(t, func() bool {
		if status(t.Context(), p.client.HTTP, p.url+"/api/videos") != http.StatusOK {
			return false
		}
		numbers, _, err := ledger.NewClient(server.URL()).Once(t.Context(), ledger.Request{Method: http.MethodGet, Path: "/metrics"})
		return err == nil && bytes.Contains(numbers, []byte(`route="/api/videos",`))
	}, soon, 5*tick)
}

// TestCaddyKnowsEveryOption looks for what an older or newer Caddy would pass over.
func TestCaddyKnowsEveryOption(t *testing.T) {
	t.Parallel()
	caddy := program(t, "caddy")
	cmd := exec.CommandContext(t.Context(), caddy, "adapt", "--adapter", "caddyfile", "--config", "caddy/Caddyfile")
	raw, err := cmd.Output()
	require.NoError(t, err)
	require.True(t, json.Valid(raw))
	for _, wanted := range []string{`"uri":"/readyz"`, `"policy":"first"`, `"policy":"least_conn"`, `"try_duration"`} {
		require.Contains(t, string(raw), wanted)
	}
}
