package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// patience is how long the mail server may take for one step.
const patience = 30 * time.Second

// post is the mail server that takes our letters.
type post struct {
	host           string
	port           int
	user, password string
	// implicit means TLS from the first byte; otherwise policy says what STARTTLS
	// is worth.
	implicit bool
	policy   gomail.TLSPolicy
	// name is how we introduce ourselves.
	name string
}

// errSettings never repeats an address: there is a password in it.
var errSettings = errors.New("MEANWHILE_SMTP_URL is not an address like smtp://user:password@mail.example.org:587 or smtps://user:password@mail.example.org")

// parsePost reads the address of a mail server.
func parsePost(raw, name string) (*post, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return nil, errSettings
	}
	p := &post{host: u.Hostname(), name: name, implicit: u.Scheme == "smtps"}
	switch u.Scheme {
	case "smtp":
		p.port = gomail.DefaultPortTLS
	case "smtps":
		p.port = gomail.DefaultPortSSL
	default:
		return nil, errSettings
	}
	if text := u.Port(); text != "" {
		if p.port, err = strconv.Atoi(text); err != nil || p.port < 1 || p.port > 65535 {
			return nil, errSettings
		}
	}
	if u.User != nil {
		p.user = u.User.Username()
		p.password, _ = u.User.Password()
	}
	p.policy, err = policyOf(u)
	return p, err
}

// policyOf reads ?starttls=…: letters and passwords are not sent in the clear,
// save to this machine, or if somebody says so.
func policyOf(u *url.URL) (gomail.TLSPolicy, error) {
	asked := u.Query()
	policy, given := asked.Get("starttls"), asked.Has("starttls")
	asked.Del("starttls")
	if len(asked) > 0 || given && u.Scheme == "smtps" {
		return gomail.TLSMandatory, errSettings
	}
	ip := net.ParseIP(u.Hostname())
	switch {
	case policy == "off":
		return gomail.NoTLS, nil
	case policy == "optional", !given && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()):
		return gomail.TLSOpportunistic, nil
	case policy != "required" && given:
		return gomail.TLSMandatory, errors.New("MEANWHILE_SMTP_URL: starttls is required, optional or off")
	}
	return gomail.TLSMandatory, nil
}

// dial connects and signs in. When the context ends, so does the connection.
func (p *post) dial(ctx context.Context) (*gomail.Client, *smtp.Client, func(), error) {
	hangUp := func() {}
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := p.connect(dialing, network, address)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			hangUp = func() { stop(); _ = conn.Close() }
		}
		return conn, err
	}
	options := []gomail.Option{
		gomail.WithPort(p.port), gomail.WithTimeout(patience), gomail.WithHELO(p.name), gomail.WithTLSPolicy(p.policy),
		gomail.WithTLSConfig(p.tls()), gomail.WithDialContextFunc(dial), gomail.WithoutNoop(), gomail.WithoutRset(),
	}
	if p.implicit {
		options = append(options, gomail.WithSSL())
	}
	if p.user != "" {
		options = append(options, gomail.WithOpportunisticSMTPAuth(p.mechanisms()...), gomail.WithUsername(p.user), gomail.WithPassword(p.password))
	}
	client, err := gomail.NewClient(p.host, options...)
	if err != nil {
		return nil, nil, nil, err
	}
	line, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		hangUp()
		return nil, nil, nil, err
	}
	return client, line, hangUp, nil
}

func (p *post) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if p.implicit {
		return (&tls.Dialer{Config: p.tls()}).DialContext(ctx, network, address)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (p *post) tls() *tls.Config {
	return &tls.Config{ServerName: p.host, MinVersion: tls.VersionTLS12}
}

// mechanisms are the ways to sign in, best first. The last ones send the
// password itself: through TLS, to this machine, or where somebody has said that
// the connection is safe; go-mail refuses to do it elsewhere.
func (p *post) mechanisms() []gomail.SMTPAuthType {
	ways := []gomail.SMTPAuthType{gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthCramMD5}
	if p.policy == gomail.NoTLS && !p.implicit {
		return append(ways, gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc)
	}
	return append(ways, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin)
}

// deliver hands one letter over. Once the server has taken it, nothing that
// happens afterwards counts.
func (p *post) deliver(ctx context.Context, letter *gomail.Msg) error {
	client, line, hangUp, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp()
	err = client.SendWithSMTPClient(line, letter)
	if letter.IsDelivered() {
		_ = client.CloseWithSMTPClient(line) // it has the letter; how it says goodbye is its own affair
		return nil
	}
	return err
}

// check connects, signs in and says goodbye. Its error is for people.
func (p *post) check(ctx context.Context) error {
	client, line, hangUp, err := p.dial(ctx)
	if err != nil {
		return p.explain(err)
	}
	defer hangUp()
	return client.CloseWithSMTPClient(line)
}

// explain says what is wrong with the connection in words.
func (p *post) explain(err error) error {
	where := net.JoinHostPort(p.host, strconv.Itoa(p.port))
	var unknown *net.DNSError
	var refusal *textproto.Error
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("there is no mail server by the name %s", p.host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s", where)
	case errors.As(err, &certificate), errors.As(err, new(x509.HostnameError)):
		return fmt.Errorf("the certificate of %s is not valid for that name: %w", where, err)
	case errors.As(err, new(tls.RecordHeaderError)):
		return fmt.Errorf("%s does not speak TLS from the first byte: use smtp:// instead of smtps://", where)
	case strings.Contains(err.Error(), "does not support STARTTLS"):
		return fmt.Errorf("%s offers no encryption (STARTTLS), so nothing is sent to it", where)
	case errors.As(err, &refusal):
		return fmt.Errorf("%s refuses: %d %s", where, refusal.Code, refusal.Msg)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s does not answer", where)
	}
	return fmt.Errorf("%s: %w", where, err)
}

// recipient checks an address: it must be one, and nothing more.
func recipient(address string) error {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || strings.ContainsAny(address, " \t\r\n,;<>\"") {
		return errors.New("notify: this is not an address to send to")
	}
	return nil
}
