// Package webhook tells programs of a workspace what happens in it: admins name
// addresses, and a job posts a signed message to them for every event.
//
// Messages are those of Standard Webhooks (standardwebhooks.com): a JSON body,
// and the headers webhook-id, webhook-timestamp and webhook-signature. A status
// from 200 to 299 within ten seconds takes a message; all else is tried again. What
// a receiver answers beyond its status is not read.
package webhook

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

const (
	// patience is how long a receiver may take.
	patience = 10 * time.Second
	// A job sends so many messages for so long, before others have their turn.
	perTurn  = 50
	turnTime = 20 * time.Second
)

// Options set up a Sender.
type Options struct {
	Store *webhook.Store
	Guard *Guard
	// BaseURL is where people reach the server.
	BaseURL *url.URL
	Version string
	Log     *slog.Logger
	// Patience is how long a receiver may take; 0 means ten seconds.
	Patience time.Duration
}

// Sender posts messages to receivers.
type Sender struct {
	Options
	client *http.Client
}

// NewSender makes a sender.
func NewSender(o Options) *Sender {
	if o.Patience == 0 {
		o.Patience = patience
	}
	return &Sender{Options: o, client: o.Guard.client()}
}

// Register makes the handlers send to webhooks.
func (s *Sender) Register(handlers *jobs.Handlers) { jobs.Handle(handlers, s.send) }

// send is the job: it sends what is due for one webhook, one message after the
// other.
func (s *Sender) send(ctx context.Context, job jobs.Job[jobs.Webhook]) error {
	w, err := s.Store.Take(ctx, job.Args, job.ID)
	if err != nil || w == nil {
		return err
	}
	end := s.Store.Now().Add(turnTime)
	for sent := 0; ; sent++ {
		d, err := s.Store.Next(ctx, w)
		if err != nil || d == nil {
			return err
		}
		if sent == perTurn || !s.Store.Now().Before(end) {
			return s.Store.Release(ctx, w, d.EventID)
		}
		outcome, err := s.post(ctx, w, d)
		if err != nil {
			return err
		}
		s.note(ctx, w, d, outcome)
		if goOn, err := s.Store.Settle(ctx, w, d, outcome); err != nil || !goOn {
			return err
		}
	}
}

// note keeps addresses out of the log: there may be secrets in them.
func (s *Sender) note(ctx context.Context, w *webhook.Webhook, d *webhook.Delivery, o webhook.Outcome) {
	level := slog.LevelDebug
	if o.Problem != "" {
		level = slog.LevelWarn
	}
	s.Log.Log(ctx, level, "called a webhook", "webhook", w.ID, "host", w.Host(), "event", d.EventID, "attempt", d.Attempts+1,
		"status", o.Status, "duration_ms", o.Duration.Milliseconds(), "problem", o.Problem)
}

// post makes one attempt. It returns an error only if the message could not be
// made, or the server stops.
func (s *Sender) post(ctx context.Context, w *webhook.Webhook, d *webhook.Delivery) (webhook.Outcome, error) {
	attempt, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	req, err := s.request(attempt, w, d)
	if err != nil {
		return webhook.Outcome{}, err
	}
	began := time.Now()
	res, err := s.client.Do(req)
	took := time.Since(began)
	if ctx.Err() != nil {
		return webhook.Outcome{}, ctx.Err()
	}
	if err != nil {
		// How long that took would tell what is inside: an address that is refused is
		// refused at once, one where nobody listens is not.
		return webhook.Outcome{Problem: s.explain(err)}, nil
	}
	_ = res.Body.Close() // nobody reads it
	return webhook.Outcome{
		Status: res.StatusCode, Duration: took, Problem: judge(res.StatusCode), Gone: res.StatusCode == http.StatusGone, Wait: s.wait(res.Header),
	}, nil
}

// message is the body; it is the same in every attempt.
type message struct {
	Type      webhook.Kind `json:"type"`
	Timestamp time.Time    `json:"timestamp"`
	Data      webhook.Data `json:"data"`
}

func (s *Sender) body(d *webhook.Delivery) ([]byte, error) {
	m := message{Type: d.Kind, Timestamp: d.HappenedAt.UTC()}
	if err := json.Unmarshal(d.Data, &m.Data); err != nil {
		return nil, err
	}
	if v := m.Data.Video; v != nil {
		v.WatchURL = s.BaseURL.JoinPath("v", v.Slug).String()
	}
	return json.Marshal(m)
}

func (s *Sender) request(ctx context.Context, w *webhook.Webhook, d *webhook.Delivery) (*http.Request, error) {
	body, err := s.body(d)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	// A redirect or a retry of the transport would need a body to read again; there is neither.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, strings.NewReader(string(body)))
	if err != nil {
		return nil, jobs.Permanent(errors.New("webhook: this address cannot be called"))
	}
	now := s.Store.Now()
	signature, err := sign(w.Secrets(now), d.EventID, now, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Meanwhile/"+s.Version)
	req.Header.Set(standard.HeaderWebhookID, d.EventID)
	req.Header.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standard.HeaderWebhookSignature, signature)
	return req, nil
}

// sign signs a message by each secret: while one is renewed, receivers may know
// either.
func sign(secrets []string, id string, at time.Time, body []byte) (string, error) {
	var all []string
	for _, secret := range secrets {
		if strings.TrimPrefix(secret, "whsec_") == "" {
			return "", errors.New("webhook: nothing is sent without a secret to sign it")
		}
		signer, err := standard.NewWebhook(secret)
		if err != nil {
			return "", errors.New("webhook: the secret is none")
		}
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return "", err
		}
		all = append(all, signature)
	}
	return strings.Join(all, " "), nil
}

// judge says what is wrong with a status, or "".
func judge(status int) string {
	switch {
	case status >= 200 && status <= 299:
		return ""
	case status >= 300 && status <= 399:
		return fmt.Sprintf("The receiver answered %d, a redirect. They are not followed: enter the address that it leads to.", status)
	case status == http.StatusGone:
		return "The receiver answered 410: it wants no more messages."
	}
	return fmt.Sprintf("The receiver answered %d.", status)
}

// explain says why there was no answer. It does not tell an address that may not
// be called from one where nobody listens: that would map the network inside.
func (s *Sender) explain(err error) string {
	var timeout net.Error
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return "The receiver's certificate is not valid."
	case !errors.Is(err, errAddress) && errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("The receiver did not answer within %d seconds.", int(s.Patience.Seconds()))
	}
	return "The receiver could not be reached at a public address."
}

// wait reads Retry-After (RFC 9110, section 10.2.3).
func (s *Sender) wait(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(s.Store.Now()))
	}
	return 0
}
