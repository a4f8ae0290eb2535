package oidc

import (
	"context"
	"fmt"
	"time"

	library "github.com/coreos/go-oidc/v3/oidc"
)

// retryDescribe is how long a provider that could not be asked is left alone:
// those who come meanwhile hear so at once.
const retryDescribe = 5 * time.Second

// metadata is what of the provider's own description is read beside the library.
type metadata struct {
	// NamesItself says that the provider puts iss into what it sends back
	// (RFC 9207).
	NamesItself bool `json:"authorization_response_iss_parameter_supported"`
}

// described is what a provider says of itself.
type described struct {
	provider *library.Provider
	says     metadata
}

// question is one question to the provider, which all who come meanwhile share.
type question struct {
	done  chan struct{} // closed when the answer is there
	until time.Time     // how long a failure counts
	known *described
	err   error
}

// describe returns what the provider says of itself. Nobody waits for it longer
// than his own request does, and nobody waits in a row behind others.
func (p *Party) describe(ctx context.Context) (*described, error) {
	q, known := p.question(ctx)
	if known != nil {
		return known, nil
	}
	select {
	case <-q.done:
		return q.known, q.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
	}
}

// question is the one that is asked now, or a new one.
func (p *Party) question(ctx context.Context) (*question, *described) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return nil, p.known
	}
	if p.asking == nil || p.asking.failed() {
		p.asking = &question{done: make(chan struct{})}
		go p.ask(context.WithoutCancel(ctx), p.asking)
	}
	return p.asking, nil
}

// failed says that the question was answered by a failure, some time ago. A
// failure counts by the clock of the machine, whatever the time of the records.
func (q *question) failed() bool {
	select {
	case <-q.done:
		return q.err != nil && time.Now().After(q.until)
	default:
		return false
	}
}

func (p *Party) ask(ctx context.Context, q *question) {
	ctx, cancel := context.WithTimeout(library.ClientContext(ctx, p.o.Client), exchangeTime)
	defer cancel()
	known := new(described)
	provider, err := library.NewProvider(ctx, p.o.Issuer)
	if err == nil {
		known.provider = provider
		err = provider.Claims(&known.says)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		q.err, q.until = fmt.Errorf("%w: %s", ErrUnreachable, short(err.Error())), time.Now().Add(retryDescribe)
	} else {
		p.known, q.known = known, known
	}
	close(q.done)
}
