package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Guard decides which addresses are called. Admins of workspaces name them, and
// they are not to reach what only this server can: itself, its neighbours, the
// metadata service of its cloud. So every address is judged when the line is
// opened, after names were looked up, and no answer leads to another.
type Guard struct {
	hosts    []string
	networks []netip.Prefix
}

// NewGuard makes a guard that also lets through what the operator lists: hosts by
// name, addresses, and networks such as 10.1.0.0/16. To these, http is allowed.
func NewGuard(allowed []string) (*Guard, error) {
	g := &Guard{}
	for _, text := range allowed {
		text = strings.ToLower(strings.TrimSpace(text))
		if network, err := netip.ParsePrefix(text); err == nil {
			g.networks = append(g.networks, network.Masked())
			continue
		}
		if ip, err := netip.ParseAddr(text); err == nil {
			ip = ip.Unmap()
			g.networks = append(g.networks, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		if text == "" || strings.ContainsAny(text, "/:@?#*% ") {
			return nil, fmt.Errorf("MEANWHILE_WEBHOOK_PRIVATE: %q is not a host, an address or a network like 10.1.0.0/16", text)
		}
		g.hosts = append(g.hosts, text)
	}
	return g, nil
}

// refuse is a sentence about an address that somebody gave.
func refuse(message string) error { return &record.InvalidError{Field: "url", Message: message} }

var errNotPublic = refuse("Webhooks go to addresses on the internet. For one inside, whoever runs this server lists it in MEANWHILE_WEBHOOK_PRIVATE.")

// Check reads the address of a webhook and says whether it may be one. What its
// name leads to is judged when it is called.
func (g *Guard) Check(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Hostname() == "" || u.Opaque != "" || u.Fragment != "" || (u.Scheme != "https" && u.Scheme != "http") || !plainHost(u) {
		return "", refuse("This is not an address like https://hooks.example.org/meanwhile.")
	}
	if u.User != nil {
		return "", refuse("An address with a name or a password in it is not called. Messages are signed instead.")
	}
	inside, err := g.judgeHost(hostOf(u.Hostname()))
	if err != nil {
		return "", err
	}
	if u.Scheme == "http" && !inside {
		return "", refuse("Webhooks need https, so that nobody on the way reads them.")
	}
	return u.String(), nil
}

// plainHost says whether a host is a name or an address as they are written in
// ASCII, with a port or none.
func plainHost(u *url.URL) bool {
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return false
		}
	}
	return !strings.ContainsFunc(u.Hostname(), func(r rune) bool {
		return r >= 0x7f || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.:", r|0x20) && !strings.ContainsRune("-_.:0123456789", r)
	})
}

func hostOf(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// judgeHost says whether a host is one of those that the operator lists, and
// returns an error for one that cannot be public.
func (g *Guard) judgeHost(host string) (inside bool, err error) {
	if slices.Contains(g.hosts, host) {
		return true, nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if !g.allows(ip) {
			return false, errNotPublic
		}
		return !public(ip.Unmap()), nil
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	switch {
	case len(labels) == 1, slices.Contains([]string{"localhost", "local", "internal", "home.arpa"}, last), strings.HasSuffix(host, ".home.arpa"):
		return false, errNotPublic
	case last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"):
		return false, errNotPublic // a number in a form that some resolvers take for an address
	}
	return false, nil
}

// allows says whether an address may be called.
func (g *Guard) allows(ip netip.Addr) bool {
	if ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	return public(ip) || slices.ContainsFunc(g.networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// special lists what is not for everybody in the parts of the address space that
// are (IANA's registries of special-purpose addresses, RFC 6890).
func special() []string {
	return []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/3",
		// Of IPv6 only 2000::/3 is global at all. These lead into other networks, or nowhere.
		"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
	}
}

// public says whether an address is one that anybody can reach.
func public(ip netip.Addr) bool {
	if ip.Is6() && !netip.MustParsePrefix("2000::/3").Contains(ip) {
		return false // also ::1, NAT64, link-local, unique local and multicast addresses
	}
	return ip.IsValid() && !slices.ContainsFunc(special(), func(text string) bool { return netip.MustParsePrefix(text).Contains(ip) })
}

var errAddress = errors.New("webhook: this address is not public")

// dial opens a line. The address is judged after the name was looked up, for
// each address that is tried.
func (g *Guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: -1}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(g.hosts, hostOf(host)) {
		dialer.ControlContext = g.control
	}
	return dialer.DialContext(ctx, network, address)
}

// control is asked before each connection, with the address it goes to.
func (g *Guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !g.allows(at.Addr()) {
		return errAddress
	}
	return nil
}

// client calls addresses: through no proxy, which would open the line itself,
// and to no second address.
func (g *Guard) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: nil, DialContext: g.dial, DisableKeepAlives: true, DisableCompression: true,
			TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
