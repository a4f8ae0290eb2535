// Package reply turns what a handler returns into an answer. It is the one
// place where an error becomes a status.
//
// An answer to an error is a problem document (RFC 9457) with a code for
// programs and a sentence for people. Why the server failed is nobody's
// business outside: the cause goes to the log, and both carry the same error id.
package reply

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// ContentType is the media type of a problem document (RFC 9457, section 6.1).
const ContentType = "application/problem+json"

// Field says what is wrong with one value of the request. The value itself is
// never repeated: it may be a password.
type Field struct {
	Message  string `json:"message" doc:"What is wrong with the value"`
	Location string `json:"location,omitempty" doc:"Where the value stands, e.g. body.email"`
}

// Problem is an error that knows its answer. It is never changed once made: the
// methods return copies.
//
//nolint:errname // RFC 9457 calls it a problem
type Problem struct {
	Type    string  `json:"type" doc:"Always about:blank: the code tells problems apart" example:"about:blank"`
	Title   string  `json:"title" doc:"The status in words" example:"Not Found"`
	Status  int     `json:"status" doc:"HTTP status" example:"404"`
	Detail  string  `json:"detail" doc:"A sentence for people" example:"There is no such thing here, or not for you."`
	Code    string  `json:"code" doc:"A word for programs; it does not change between releases" example:"not_found"`
	ErrorID string  `json:"error_id,omitempty" doc:"Joins this answer to a line of the server's log"`
	Errors  []Field `json:"errors,omitempty" nullable:"false" doc:"The values that are wrong"`

	cause      error
	retryAfter time.Duration
}

// New makes a problem: a status, a code in snake_case and a sentence that says
// what to do about it.
func New(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// Error is the sentence, followed by the cause if there is one. It is for the
// log, not for the client.
func (p *Problem) Error() string {
	if p.cause == nil {
		return p.Code + ": " + p.Detail
	}
	return p.Code + ": " + p.cause.Error()
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.cause }

// Is says that two problems are the same when their codes are.
func (p *Problem) Is(target error) bool {
	other, ok := target.(*Problem)
	return ok && other.Code == p.Code
}

// Because keeps the cause for the log.
func (p *Problem) Because(cause error) *Problem {
	q := *p
	q.cause = cause
	return &q
}

// At points to the value that is wrong, e.g. body.email.
func (p *Problem) At(location string) *Problem {
	q := *p
	q.Errors = []Field{{Message: p.Detail, Location: location}}
	return &q
}

// After asks the client to wait before it tries again.
func (p *Problem) After(wait time.Duration) *Problem {
	q := *p
	q.retryAfter = wait
	return &q
}

// GetStatus is the HTTP status; huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are the headers that belong to the answer; huma asks for them.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{"Cache-Control": {"no-store"}}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	return h
}

// ContentType replaces JSON by the type of problem documents; huma asks for it.
func (p *Problem) ContentType(string) string { return ContentType }
