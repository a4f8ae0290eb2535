package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Client talks to a cluster as a good program does: what did not work for a
// passing reason is tried again.
type Client struct {
	Base string
	HTTP *http.Client
	// Patience is how long something is tried.
	Patience time.Duration

	mu      sync.Mutex
	puzzled []string
}

// Puzzled are the answers 500 that were heard: faults that the server did not
// foresee, where it should have said when to come again.
func (c *Client) Puzzled() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.puzzled)
}

// Status is an answer that is none.
type Status struct {
	Code int
	Text string
}

// Error says what was answered.
func (s *Status) Error() string { return fmt.Sprintf("answered %d: %.300s", s.Code, s.Text) }

// answerTime is how long an answer may take, and patience how long something is
// tried: what is promised sooner is timed by the tests that say so, and here a
// machine may stand still.
const (
	answerTime = 90 * time.Second
	patience   = 5 * time.Minute
)

// NewClient makes a client without a session.
func NewClient(base string) *Client {
	jar, _ := cookiejar.New(nil) // fails only with bad options
	line := &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: 5 * time.Second, DisableCompression: true}
	return &Client{Base: base, HTTP: &http.Client{Jar: jar, Transport: line, Timeout: answerTime}, Patience: patience}
}

// At is the same person, who talks to another address of the same cluster.
func (c *Client) At(base string) (*Client, error) {
	from, err := url.Parse(c.Base)
	if err != nil {
		return nil, err
	}
	to, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	other := NewClient(base)
	other.HTTP.Jar.SetCookies(to, c.HTTP.Jar.Cookies(from))
	return other, nil
}

// Request is one request, which can be sent more than once.
type Request struct {
	Method, Path string
	Body         []byte
	Header       map[string]string
}

// Once sends a request once and reads the whole answer; a status that tells of
// no success is an error.
func (c *Client) Once(ctx context.Context, r Request) ([]byte, http.Header, error) {
	address := r.Path
	if strings.HasPrefix(address, "/") {
		address = c.Base + address
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, address, bytes.NewReader(r.Body))
	if err != nil {
		return nil, nil, err
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	answer, err := c.HTTP.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= http.StatusMultipleChoices {
		err = &Status{Code: answer.StatusCode, Text: string(raw)}
	}
	if answer.StatusCode == http.StatusInternalServerError {
		c.mu.Lock()
		c.puzzled = append(c.puzzled, fmt.Sprintf("%s %s: %s", r.Method, r.Path, raw))
		c.mu.Unlock()
	}
	if err == nil && answer.ContentLength >= 0 && r.Method != http.MethodHead && int64(len(raw)) != answer.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return raw, answer.Header, err
}

// Passing says whether something that failed may work later: the line was cut, or
// the server said so.
func Passing(err error) bool {
	var status *Status
	if !errors.As(err, &status) {
		return err != nil && !errors.Is(err, context.Canceled)
	}
	return slices.Contains([]int{
		http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}, status.Code)
}

// pause is how long to wait before the next attempt.
const pause = 100 * time.Millisecond

// Send sends a request until it is answered.
func (c *Client) Send(ctx context.Context, r Request) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	for {
		raw, header, err := c.Once(ctx, r)
		if err == nil || !Passing(err) {
			return raw, header, wrapped(r, err)
		}
		select {
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("for %v: %w", c.Patience, wrapped(r, err))
		case <-time.After(pause):
		}
	}
}

func wrapped(r Request, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
}

// JSON sends JSON until it is answered, and reads the answer into out, if that is
// not nil.
func (c *Client) JSON(ctx context.Context, method, path string, in, out any) error {
	return c.json(ctx, Request{Method: method, Path: path}, in, out)
}

// Make is a JSON POST that is carried out once, however often it is sent.
func (c *Client) Make(ctx context.Context, path, key string, in, out any) error {
	return c.json(ctx, Request{Method: http.MethodPost, Path: path, Header: map[string]string{"Idempotency-Key": key}}, in, out)
}

func (c *Client) json(ctx context.Context, r Request, in, out any) error {
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return err
		}
		r.Body = body
		if r.Header == nil {
			r.Header = map[string]string{}
		}
		r.Header["Content-Type"] = "application/json"
	}
	raw, _, err := c.Send(ctx, r)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

// Password is the one of every account here.
const Password = "correct horse battery staple"

// SetUp makes the first account, which signs in.
func (c *Client) SetUp(ctx context.Context, token string) error {
	account := map[string]string{"token": token, "name": "Olive Owner", "email": "owner@example.org", "password": Password}
	err := c.JSON(ctx, http.MethodPost, "/api/setup", account, nil)
	if _, refused := errors.AsType[*Status](err); refused && c.SignIn(ctx) == nil {
		return nil // it was made before, and the answer was lost
	}
	return err
}

// SignIn opens a session of the first account.
func (c *Client) SignIn(ctx context.Context) error {
	return c.JSON(ctx, http.MethodPost, "/api/session", map[string]string{"email": "owner@example.org", "password": Password}, nil)
}

// Video is what the API says about a video, as far as we look.
type Video struct {
	ID         string `json:"id"`
	State      string `json:"state"`
	Reason     string `json:"reason"`
	UploadURL  string `json:"upload_url"`
	DurationMS int64  `json:"duration_ms"`
	SavedMS    int64  `json:"saved_ms"`
	SizeBytes  int64  `json:"size_bytes"`
	Playback   struct {
		HLS         string `json:"hls"`
		Progressive string `json:"progressive"`
		Download    string `json:"download"`
	} `json:"playback"`
}

// Video reads one video.
func (c *Client) Video(ctx context.Context, id string) (Video, error) {
	var v Video
	err := c.JSON(ctx, http.MethodGet, "/api/videos/"+id, nil, &v)
	return v, err
}

// Media is the folder of a video's media, below a fresh grant.
func (v Video) Media() string {
	for _, path := range []string{v.Playback.HLS, v.Playback.Progressive, v.Playback.Download} {
		if end := strings.LastIndex(path, "/"); end > 0 {
			return path[:end]
		}
	}
	return ""
}

// MediaOf is the same of a video that was read as JSON.
func MediaOf(raw []byte) string {
	var v Video
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	return v.Media()
}
