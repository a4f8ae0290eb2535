// Package notify writes to people by mail: invitations, links to sign in,
// requests for access, warnings.
//
// A letter is a job that names its template, whom it goes to and which record it
// is about. When its turn comes, a Source reads the record and makes the letter,
// with the tokens it carries: so no secret waits in the queue. Rendering is one
// layout for all, as plain text and as HTML that loads nothing. What the mail
// server puts off is tried again for a day; what it refuses for good is not.
package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// ErrStale is what a Source returns when a letter is not needed any more: its
// record is gone, or somebody was faster.
var ErrStale = errors.New("notify: this letter is not needed any more")

// Source makes the letter of a template about a record. It is called once for
// each try, and makes a fresh token each time if the letter carries one.
type Source func(ctx context.Context, ref, to string) (Letter, error)

// Options set up a Notify.
type Options struct {
	// SMTP is the address of the mail server, with its password; empty if there
	// is none.
	SMTP string
	// From is the sender: Meanwhile <video@example.org>.
	From string
	// BaseURL is where people reach the server; every link must lead there.
	BaseURL *url.URL
	// Sources make the letters, by the template that their job names.
	Sources map[string]Source
	Log     *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Notify sends letters.
type Notify struct {
	post    *post
	from    *mail.Address
	printer *printer
	sources map[string]Source
	log     *slog.Logger
	now     func() time.Time
}

// New reads the settings. It connects to nothing.
func New(o Options) (*Notify, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	n := &Notify{sources: o.Sources, log: o.Log, now: o.Now}
	var err error
	if n.printer, err = newPrinter(o.BaseURL); err != nil || o.SMTP == "" {
		return n, err
	}
	if n.from, err = mail.ParseAddress(o.From); err != nil || recipient(n.from.Address) != nil {
		return nil, errors.New("MEANWHILE_MAIL_FROM is not a sender like Meanwhile <video@example.org>; a mail server is set, so one is needed")
	}
	n.from.Name = clean(n.from.Name)
	n.post, err = parsePost(o.SMTP, o.BaseURL.Hostname())
	return n, err
}

// Configured says whether letters can be sent. If not, pages offer links to
// pass on instead.
func (n *Notify) Configured() bool { return n.post != nil }

// Check connects to the mail server and signs in. Its error is for people.
func (n *Notify) Check(ctx context.Context) error {
	if n.post == nil {
		return nil
	}
	return n.post.check(ctx)
}

// Server is the mail server for people: host and port, no secrets.
func (n *Notify) Server() string {
	if n.post == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d as %s", n.post.host, n.post.port, n.from.Address)
}

// Register makes the handlers send letters.
func (n *Notify) Register(handlers *jobs.Handlers) { jobs.Handle(handlers, n.send) }

// sendTime bounds one try.
const sendTime = 2 * time.Minute

// send is the job.
func (n *Notify) send(ctx context.Context, job jobs.Job[jobs.Mail]) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	letter, err := n.write(ctx, job)
	if errors.Is(err, ErrStale) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := n.post.deliver(ctx, letter); err != nil {
		return n.judge(ctx, job, err)
	}
	n.log.InfoContext(ctx, "sent a mail", "template", job.Args.Template, "to", masked(job.Args.To))
	return nil
}

// write makes the letter of a job.
func (n *Notify) write(ctx context.Context, job jobs.Job[jobs.Mail]) (*gomail.Msg, error) {
	source, known := n.sources[job.Args.Template]
	if n.post == nil || !known {
		return nil, jobs.Permanent(fmt.Errorf("notify: no letter %q can be sent", job.Args.Template))
	}
	if err := recipient(job.Args.To); err != nil {
		return nil, jobs.Permanent(err)
	}
	letter, err := source(ctx, job.Args.Ref, job.Args.To)
	if err != nil {
		return nil, err
	}
	out, err := n.printer.print(letter, place{to: job.Args.To, now: n.now()})
	if err != nil {
		return nil, jobs.Permanent(err)
	}
	return n.envelope(job, out)
}

// envelope puts a letter into a message.
func (n *Notify) envelope(job jobs.Job[jobs.Mail], out *printed) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(n.from)
	if err := m.To(job.Args.To); err != nil {
		return nil, jobs.Permanent(errors.New("notify: this is not an address to send to"))
	}
	// A name like =?utf-8?q?…?= would be decoded by its reader (RFC 2047). The
	// invisible joiner breaks it, and makes go-mail encode the whole.
	m.Subject(strings.ReplaceAll(out.Subject, "=?", "=\u2060?"))
	m.SetDateWithValue(n.now())
	m.SetMessageIDWithValue(n.messageID(job, out))
	// Nobody's holiday answer should come back (RFC 3834; Exchange has its own word).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	if strings.HasPrefix(out.Unsubscribe, "https://") {
		if err := m.SetListUnsubscribeOneClick(out.Unsubscribe); err != nil { // RFC 8058
			return nil, jobs.Permanent(err)
		}
	} else if out.Unsubscribe != "" {
		m.SetListUnsubscribe(out.Unsubscribe)
	}
	m.SetBodyString(gomail.TypeTextPlain, out.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, out.HTML)
	return m, nil
}

// messageID is the same for all tries of a letter, so that whoever got it twice
// sees it once; but a letter with a token of its own must not be taken for the
// one before.
func (n *Notify) messageID(job jobs.Job[jobs.Mail], out *printed) string {
	_, domain, _ := strings.Cut(n.from.Address, "@")
	name := fmt.Sprintf("%d\x00%s\x00%s\x00%s", job.ID, job.Args.Template, job.Args.To, n.printer.base.Host)
	if out.Fresh {
		name += "\x00" + out.Text
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16]) + "@" + domain
}

// maxSaid bounds what of a server's words goes into the log.
const maxSaid = 500

// judge says whether a letter that was not taken is tried again. What it
// returns is kept with the job, so nobody's address stands in it.
func (n *Notify) judge(ctx context.Context, job jobs.Job[jobs.Mail], err error) error {
	said := strings.ReplaceAll(err.Error(), job.Args.To, masked(job.Args.To))
	if n.post.password != "" {
		said = strings.ReplaceAll(said, n.post.password, "…")
	}
	said, _, _ = strings.Cut(said, ", affected recipient") // go-mail repeats them
	cause := errors.New("notify: " + cleanTo(said, maxSaid))
	line := []any{"template", job.Args.Template, "to", masked(job.Args.To), "server", n.post.host, "error", cause}
	switch {
	case refused(err):
		n.log.WarnContext(ctx, "a mail was refused and is given up", line...)
		return jobs.Permanent(cause)
	case job.Last:
		n.log.ErrorContext(ctx, "a mail could not be sent and is given up", line...)
	default:
		n.log.WarnContext(ctx, "a mail could not be sent and is tried again", line...)
	}
	return cause
}

// refused says that the server wants neither this recipient nor this letter, for
// good (RFC 5321, section 4.2.1). What it has against us as a sender is for
// whoever runs the server to mend, and tried again.
func refused(err error) bool {
	failure, ok := errors.AsType[*gomail.SendError](err)
	if !ok || failure.ErrorCode() < 500 || failure.ErrorCode() > 599 {
		return false
	}
	switch failure.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return true
	}
	return false
}

// masked is an address for the log: enough to find the case, not to write to.
func masked(address string) string {
	name, domain, ok := strings.Cut(address, "@")
	if !ok || name == "" {
		return "…"
	}
	return string([]rune(name)[:1]) + "…@" + clean(domain)
}
