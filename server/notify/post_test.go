package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/notify/smtptest"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

const password = "pa ss/wörd:@%"

func users() map[string]string { return map[string]string{"video@example.org": password} }

func userinfo(password string) string {
	return url.UserPassword("video@example.org", password).String() + "@"
}

// isPermanent says whether the queue would try again.
func isPermanent(err error) bool { return strings.HasPrefix(err.Error(), "JobCancelError") }

func TestWaysToSend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server    *smtptest.Server
		user      string
		query     string
		encrypted bool
	}{
		"in the clear to this machine": {server: &smtptest.Server{}},
		"encrypted if that is offered": {server: &smtptest.Server{TLS: certificate}, encrypted: true},
		"not even then":                {server: &smtptest.Server{TLS: certificate}, query: "?starttls=off"},
		"encrypted because it must":    {server: &smtptest.Server{TLS: certificate}, query: "?starttls=required", encrypted: true},
		"TLS from the first byte":      {server: &smtptest.Server{TLS: certificate, Implicit: true}, encrypted: true},
		"with a password, STARTTLS":    {server: &smtptest.Server{TLS: certificate, Users: users()}, user: userinfo(password), encrypted: true},
		"with a password, TLS":         {server: &smtptest.Server{TLS: certificate, Implicit: true, Users: users()}, user: userinfo(password), encrypted: true},
		"with a password, this machine": {
			server: &smtptest.Server{Users: users()}, user: userinfo(password),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := (&rig{server: c.server, user: c.user, query: c.query}).start(t)
			r.read(t, AccessGranted{Video: "Grüße", URL: place1 + "v/x"})
			got := r.server.Letters()[0]
			require.Equal(t, c.encrypted, got.Encrypted)
			require.Equal(t, c.user != "", got.User != "")
			require.NoError(t, r.Check(t.Context()))
			require.Contains(t, r.log.String(), "to=a…@example.org")
			require.NotContains(t, r.log.String(), "ada@")
		})
	}
}

// TestWhatIsWrongWithTheServer: nothing is sent, it is tried again later, and
// doctor says what to do.
func TestWhatIsWrongWithTheServer(t *testing.T) {
	t.Parallel()
	other := certificate.Clone()
	other.Certificates = nil
	other.Certificates = append(other.Certificates, selfSigned(t))
	for name, c := range map[string]struct {
		server *smtptest.Server
		user   string
		query  string
		says   string
	}{
		"no encryption":     {server: &smtptest.Server{}, query: "?starttls=required", says: "offers no encryption (STARTTLS)"},
		"wrong password":    {server: &smtptest.Server{TLS: certificate, Users: users()}, user: userinfo("secret guess"), says: "refuses: 535"},
		"no password":       {server: &smtptest.Server{TLS: certificate}, user: userinfo("secret guess"), says: "SMTP AUTH"},
		"strange":           {server: &smtptest.Server{TLS: other}, query: "?starttls=required", says: "certificate"},
		"strange, implicit": {server: &smtptest.Server{TLS: other, Implicit: true}, says: "certificate"},
		"full":              {server: &smtptest.Server{Answer: func(string, string) string { return "421 4.3.2 too busy" }}, says: "421"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := (&rig{server: c.server, letter: AccessDenied{}, user: c.user, query: c.query}).start(t)
			require.ErrorContains(t, r.Check(t.Context()), c.says)
			err := r.send(t.Context(), order(ada))
			require.Error(t, err)
			require.False(t, isPermanent(err), "whoever runs the server may mend it")
			require.Empty(t, r.server.Letters())
			require.NotContains(t, r.log.String()+err.Error(), "secret guess")
			require.Contains(t, r.log.String(), "is tried again")
		})
	}
}

func always(verb, answer string) func(string, string) string {
	return func(asked, _ string) string {
		if asked == verb {
			return answer
		}
		return ""
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verb, answer string
		permanent    bool
	}{
		{"RCPT", "550 5.1.1 no such user <ada@example.org>", true},
		{"RCPT", "450 4.2.0 greylisted, come back", false},
		{"RCPT", "452 4.2.2 mailbox full", false},
		{"DATA", "554 5.7.1 no", true},
		{".", "554 5.7.1 this looks like spam", true},
		{".", "451 4.3.0 disk full", false},
		{"MAIL", "553 5.7.1 you may not send as video@example.org", false},
		{"MAIL", "530 5.7.0 Authentication required", false},
	} {
		r := (&rig{server: &smtptest.Server{Answer: always(c.verb, c.answer)}, letter: AccessDenied{}}).start(t)
		err := r.send(t.Context(), order(ada))
		require.Error(t, err, c.answer)
		require.Equal(t, c.permanent, isPermanent(err), c.answer)
		require.Empty(t, r.server.Letters())
		require.Contains(t, r.log.String(), c.answer[:3], "the reason is in the log")
		require.Contains(t, r.log.String(), c.answer[4:9], "the reason is in the log")
		require.NotContains(t, r.log.String()+err.Error(), ada)
	}
}

func TestAServerThatGoesAwayAfterItTookTheLetter(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"421 4.0.0 sorry", "500 what"} {
		r := (&rig{server: &smtptest.Server{Answer: always("QUIT", answer)}, letter: AccessDenied{}}).start(t)
		require.NoError(t, r.send(t.Context(), order(ada)), "it has the letter")
		require.Len(t, r.server.Letters(), 1)
	}
}

func TestASilentServerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	r := (&rig{letter: AccessDenied{}, server: &smtptest.Server{Answer: func(verb, _ string) string {
		if verb != "RCPT" {
			return ""
		}
		asked <- struct{}{}
		return "hang"
	}}}).start(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.send(ctx, order(ada)) }()
	<-asked
	stop()
	select {
	case err := <-done:
		require.Error(t, err)
		require.NotContains(t, err.Error(), "timeout", "it waits although the server stops")
	case <-time.After(testTime):
		t.Fatal("it waits for ever")
	}
}

func TestLettersThatAreNotSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, address := range []string{"", "ada", "Ada <ada@example.org>", "ada@example.org, x@y.z", "ada@example.org\r\nBcc: x@y.z", "a b@c.d", "<ada@example.org>", "ada@example.org\x00"} {
		err := r.send(t.Context(), order(address))
		require.Error(t, err, address)
		require.True(t, isPermanent(err), address)
	}
	require.Zero(t, r.calls, "no token is made for nobody")
	unknown := order(ada)
	unknown.Args.Template = "unknown"
	require.True(t, isPermanent(r.send(t.Context(), unknown)))

	r.letter = nil
	require.NoError(t, r.send(t.Context(), order(ada)), "a letter that is not needed any more is done")
	r.sources["test"] = func(context.Context, string, string) (Letter, error) { return nil, errors.New("the database is away") }
	err := r.send(t.Context(), order(ada))
	require.Error(t, err)
	require.False(t, isPermanent(err))
	require.Empty(t, r.server.Letters())
}

func TestSettings(t *testing.T) {
	t.Parallel()
	base := &url.URL{Scheme: "https", Host: "video.example.org"}
	none, err := New(Options{BaseURL: base})
	require.NoError(t, err)
	require.False(t, none.Configured())
	require.NoError(t, none.Check(t.Context()))
	require.True(t, isPermanent(none.send(t.Context(), order(ada))))
	for _, address := range []string{
		"smtp://mail.example.org", "smtp://u:p@mail.example.org:2525/", "smtps://mail.example.org", "smtp://[::1]:25", "smtp://m?starttls=off",
	} {
		n, err := New(Options{BaseURL: base, SMTP: address, From: "video@example.org"})
		require.NoError(t, err, address)
		require.True(t, n.Configured())
	}
	for _, address := range []string{
		"mail.example.org", "http://secret@h", "smtp://", "smtp://secret@h:0", "smtp://secret@h:99999", "smtp://secret@h/path", "smtp://secret@h?x=1",
		"smtp://secret@h?starttls=maybe", "smtps://secret@h?starttls=off", "smtp://secret%zz@h", "smtp:secret", "smtp://secret@h#x",
	} {
		_, err := New(Options{BaseURL: base, SMTP: address, From: "video@example.org"})
		require.ErrorContains(t, err, "MEANWHILE_SMTP_URL", address)
		require.NotContains(t, err.Error(), "secret")
	}
	for _, sender := range []string{"", "nobody", "a@b.c, d@e.f", "x\r\nBcc: y@z.a"} {
		_, err := New(Options{BaseURL: base, SMTP: "smtp://h", From: sender})
		require.ErrorContains(t, err, "MEANWHILE_MAIL_FROM", sender)
	}
	strict, err := parsePost("smtp://mail.example.org", "x")
	require.NoError(t, err)
	require.Equal(t, "TLSMandatory", strict.policy.String(), "across a network, encryption is asked for")
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	const address = "127.0.0.1:1" // tcpmux, which nobody runs; a port that was ours may be another test's by now
	base := &url.URL{Scheme: "https", Host: "video.example.org"}
	n, err := New(Options{BaseURL: base, SMTP: "smtp://" + address, From: "video@example.org"})
	require.NoError(t, err)
	require.ErrorContains(t, n.Check(t.Context()), "nothing listens at "+address)
	n, err = New(Options{BaseURL: base, SMTP: "smtp://mail.invalid", From: "video@example.org"})
	require.NoError(t, err)
	require.ErrorContains(t, n.Check(t.Context()), "there is no mail server by the name mail.invalid")
}

// TestThroughTheQueue: from a change in the database to the reader, over a
// server that is busy at first.
func TestThroughTheQueue(t *testing.T) {
	t.Parallel()
	busy := make(chan struct{}, 1)
	busy <- struct{}{}
	r := (&rig{letter: AccessGranted{Video: "Tour", URL: place1 + "v/x"}, server: &smtptest.Server{Answer: func(verb, _ string) string {
		if verb == "RCPT" {
			select {
			case <-busy:
				return "451 4.7.1 come back"
			default:
			}
		}
		return ""
	}}}).start(t)
	quiet := slog.New(slog.DiscardHandler)
	db := databasetest.Any(t)
	handlers := jobs.NewHandlers()
	r.Register(handlers)
	jobs.Handle(handlers, func(context.Context, jobs.Job[jobs.Housekeeping]) error { return nil })
	queue, err := jobs.Open(jobs.Options{DB: db, Log: quiet, Handlers: handlers, Mail: r.Configured()})
	require.NoError(t, err)
	require.NoError(t, change(t.Context(), db.Write, queue.Insert))
	require.NoError(t, queue.Start(t.Context()))
	require.Eventually(t, func() bool { return len(r.server.Letters()) == 1 }, testTime, 10*time.Millisecond)
	require.NoError(t, queue.Stop(t.Context()))
	require.Equal(t, 2, r.calls, "the second try made its own letter")
}

// change is a change in the database that causes a letter.
func change[T any](ctx context.Context, write func(context.Context, func(context.Context, T) error) error,
	enqueue func(context.Context, T, jobs.Args, int) error,
) error {
	return write(ctx, func(ctx context.Context, tx T) error { return enqueue(ctx, tx, order(ada).Args, jobs.Waiting) })
}
