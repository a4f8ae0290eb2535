package webhook

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// inside are addresses that only this server, or its neighbours, can reach, or
// that lead there in disguise.
func inside() []string {
	return []string{
		"127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.1.2.3",
		"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.254",
		"100.64.0.1", "100.100.100.200", "100.127.255.254", "169.254.0.1", "169.254.169.254", "169.254.170.2",
		"192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.254", "198.51.100.7", "203.0.113.9",
		"224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::2", "::7f00:1", "::10.0.0.1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::ffff:0:127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1",
		"2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1",
		"fc00::1", "fd00::1", "fd00:ec2::254", "fdff:ffff::1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1", "ff05::2", "ff0e::1",
	}
}

// TestNoAddressInsideIsCalled is attack 30 of the list, by address: refused where
// the line is opened, and where it is written as one.
func TestNoAddressInsideIsCalled(t *testing.T) {
	t.Parallel()
	g, err := NewGuard(nil)
	require.NoError(t, err)
	require.Greater(t, len(inside()), 60)
	for _, text := range inside() {
		require.Error(t, g.control(t.Context(), "tcp", netip.AddrPortFrom(netip.MustParseAddr(text), 443).String(), nil), text)
		host := text
		if strings.Contains(text, ":") {
			host = "[" + strings.ReplaceAll(text, "%", "%25") + "]"
		}
		_, err := g.Check("https://" + host + "/hook")
		require.Error(t, err, text)
	}
	for _, text := range []string{"93.184.215.14", "8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "198.17.0.1", "198.20.0.1", "2606:4700::1111", "2a00:1450::1"} {
		require.NoError(t, g.control(t.Context(), "tcp", netip.AddrPortFrom(netip.MustParseAddr(text), 443).String(), nil), text)
	}
	require.Error(t, g.control(t.Context(), "unix", "/run/docker.sock", nil))
}

// TestAddressesAreReadStrictly: what some resolver takes for an address inside is
// none to begin with, nor is anything that is not plain https.
func TestAddressesAreReadStrictly(t *testing.T) {
	t.Parallel()
	g, err := NewGuard([]string{"hooks.internal", "10.1.0.0/16", "127.0.0.1"})
	require.NoError(t, err)
	for _, bad := range []string{
		"", "hooks.example.org", "//hooks.example.org", "ftp://hooks.example.org", "file:///etc/passwd", "gopher://hooks.example.org", "javascript:alert(1)",
		"http://hooks.example.org/", "https://", "https://:443/", "https://user:password@hooks.example.org/", "https://hooks.example.org@127.0.0.1/",
		"https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://017700000001/", "https://0177.0.0.1/", "https://127.1/", "https://127.0.1/", "https://1.2.3.4.5/",
		"https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://printer.local/", "https://metadata.google.internal/", "https://router.home.arpa/", "https://intranet/",
		"https://１２７.0.0.1/", "https://127。0。0。1/", "https://ⓔxample.org/", "https://hooks.example.org:0/", "https://hooks.example.org:65536/", "https://hooks.example.org/#a",
		"https://hooks.example.org\r\nHost: x/", "https://[::1%25lo]/", "https://[v1.fe]/", "https://10.2.0.1/", "http://10.2.0.1/",
	} {
		_, err := g.Check(bad)
		require.Error(t, err, bad)
		require.ErrorAs(t, err, new(*record.InvalidError), bad)
	}
	for _, fine := range []string{"https://hooks.example.org/a?b=c", "https://hooks.example.org:8443", "http://hooks.internal/x", "https://HOOKS.internal", "http://10.1.2.3:8080/", "https://[2606:4700::1111]/"} {
		_, err := g.Check(fine)
		require.NoError(t, err, fine)
	}
	for _, bad := range []string{"http://x", "10.0.0.0/33", "a b", "*", "host:80", ""} {
		_, err := NewGuard([]string{bad})
		require.Error(t, err, bad)
	}
}

// TestEveryAddressOfANameIsJudged: a name that leads inside when it is called,
// whatever it led to before, leads nowhere. localhost is such a name everywhere.
func TestEveryAddressOfANameIsJudged(t *testing.T) {
	t.Parallel()
	called := make(chan struct{}, 10)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- struct{}{} }))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	call := func(g *Guard) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost:"+port, nil)
		require.NoError(t, err)
		res, err := g.client().Do(req)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	g, err := NewGuard(nil)
	require.NoError(t, err)
	require.ErrorIs(t, call(g), errAddress)
	require.Empty(t, called)
	g, err = NewGuard([]string{"localhost"})
	require.NoError(t, err)
	require.NoError(t, call(g), "the control: the operator has listed it")
	require.Len(t, called, 1)
}

// TestNoRedirectIsFollowed: not to an address that would be allowed, either.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	target, front := newReceiver(t, r), newReceiver(t, r)
	for _, status := range []int{301, 302, 303, 307, 308} {
		front.answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target.URL)
			w.WriteHeader(status)
		})
		o, err := r.sender.post(t.Context(), r.plain(front.URL), r.plainMessage())
		require.NoError(t, err)
		require.Equal(t, status, o.Status)
		require.Contains(t, o.Problem, "redirect")
	}
	require.Len(t, front.messages(), 5)
	require.Empty(t, target.messages())
}

// plain is a webhook that stands in no database.
func (r *rig) plain(address string) *webhook.Webhook {
	return &webhook.Webhook{ID: "w", URL: address, Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
}

func (r *rig) plainMessage() *webhook.Delivery {
	return &webhook.Delivery{EventID: "evt_1", Kind: webhook.Test, Data: []byte("{}"), HappenedAt: r.clock()}
}

// TestProxiesAreNotAsked: a proxy would open the line itself, to anywhere.
func TestProxiesAreNotAsked(t *testing.T) {
	asked := make(chan string, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { asked <- req.Host }))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
		t.Setenv(strings.ToLower(name), proxy.URL)
	}
	g, err := NewGuard(nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	transport := g.client().Transport.(*http.Transport)
	require.Nil(t, transport.Proxy)
	transport.DialContext = func(_ context.Context, _, address string) (net.Conn, error) {
		cancel()
		require.Equal(t, "hooks.example.org:80", address)
		return nil, ctx.Err()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://hooks.example.org/", nil)
	require.NoError(t, err)
	_, err = transport.RoundTrip(req)
	require.Error(t, err)
	require.Empty(t, asked)
}

// TestWhatAReceiverAnswersIsNotKept is attack 31: of an answer the status is
// known, and nothing that it says, in body, headers or reason.
func TestWhatAReceiverAnswersIsNotKept(t *testing.T) {
	t.Parallel()
	const canary = "canary-8c1d"
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	rec := newReceiver(t, r)
	rec.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Canary", canary)
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("<script>" + canary + "</script>"))
	})
	w := r.hook(t, rec.URL)
	r.video(t, catalog.InTeam)
	r.pass(t, r.clock())
	log, err := r.store.Deliveries(t.Context(), w.WorkspaceID, w.ID)
	require.NoError(t, err)
	require.Len(t, log, 1)
	require.Equal(t, http.StatusTeapot, log[0].Status)
	require.Equal(t, "The receiver answered 418.", log[0].Problem)
	for _, table := range []string{"webhooks", "webhook_deliveries", "audit", "river_job"} {
		var rows []map[string]any
		require.NoError(t, r.db.Reader.NewRaw("SELECT * FROM "+table).Scan(t.Context(), &rows)) //nolint:unqueryvet // whatever columns there are
		for _, row := range rows {
			for column, value := range row {
				require.NotContains(t, strings.ToLower(textOf(value)), canary, "%s.%s", table, column)
			}
		}
	}
}

func textOf(value any) string {
	switch v := value.(type) {
	case []byte:
		return string(v)
	case string:
		return v
	}
	return ""
}

// TestNobodyLearnsWhatIsInside: an address that may not be called and one where
// nobody listens are told in the same words.
func TestNobodyLearnsWhatIsInside(t *testing.T) {
	t.Parallel()
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	// Nobody listens at port 1 (tcpmux); one that was ours may be another test's by now.
	closed, err := r.sender.post(t.Context(), r.plain("http://127.0.0.1:1/"), r.plainMessage())
	require.NoError(t, err)
	forbidden, err := r.sender.post(t.Context(), r.plain("http://127.0.0.2:1/"), r.plainMessage())
	require.NoError(t, err)
	require.Equal(t, closed.Problem, forbidden.Problem)
	require.NotEmpty(t, closed.Problem)
	require.Zero(t, closed.Status)
}
