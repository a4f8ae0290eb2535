package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"time"
)

// client talks to a server with a session of its own.
type client struct {
	base *url.URL
	http *http.Client
}

// video is what the API says about a video, as far as the bench looks.
type video struct {
	ID        string `json:"id"`
	Slug      string `json:"slug"`
	State     string `json:"state"`
	Reason    string `json:"reason"`
	UploadURL string `json:"upload_url"`
	WatchURL  string `json:"watch_url"`
	Playback  struct {
		HLS         string `json:"hls"`
		Progressive string `json:"progressive"`
	} `json:"playback"`
}

// newClient keeps enough connections for every experiment.
func newClient(base string) *client {
	parsed, err := url.Parse(base)
	if err != nil {
		parsed = &url.URL{}
	}
	jar, _ := cookiejar.New(nil) // fails only with bad options
	transport := &http.Transport{MaxIdleConns: 1000, MaxIdleConnsPerHost: 1000, DisableCompression: true}
	return &client{base: parsed, http: &http.Client{Jar: jar, Transport: transport}}
}

// request sends one request; the path may also be a whole address.
func (c *client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	target, err := c.base.Parse(path)
	if err != nil {
		return nil, err
	}
	return http.NewRequestWithContext(ctx, method, target.String(), body)
}

// do sends a request, reads the whole answer and expects success.
func (c *client) do(req *http.Request) ([]byte, error) {
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s answered %d: %.300s", req.Method, req.URL.Path, answer.StatusCode, text)
	}
	return text, nil
}

// json sends JSON and reads JSON into out, if it is not nil.
func (c *client) json(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if in == nil {
		body = nil
	}
	req, err := c.request(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	text, err := c.do(req)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// setUp makes the owner's account, which signs in.
func (c *client) setUp(ctx context.Context, token string) error {
	account := map[string]string{
		"token": token, "name": "Bench", "email": "bench@example.org", "password": "a long enough password",
	}
	return c.json(ctx, http.MethodPost, "/api/setup", account, nil)
}

// create makes a video with an open upload.
func (c *client) create(ctx context.Context, title string) (video, error) {
	var made video
	err := c.json(ctx, http.MethodPost, "/api/videos", map[string]string{"title": title, "mime": "video/mp4"}, &made)
	return made, err
}

// video reads one video.
func (c *client) video(ctx context.Context, id string) (video, error) {
	var found video
	err := c.json(ctx, http.MethodGet, "/api/videos/"+id, nil, &found)
	return found, err
}

// piece is a part of an upload.
type piece struct {
	offset int64
	body   io.Reader
	length int64
	// total is the upload's whole length if this is its last piece, else 0.
	total int64
}

// patch sends a piece by tus.
func (c *client) patch(ctx context.Context, target string, p piece) error {
	req, err := c.request(ctx, http.MethodPatch, target, p.body)
	if err != nil {
		return err
	}
	req.ContentLength = p.length
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	req.Header.Set("Upload-Offset", strconv.FormatInt(p.offset, 10))
	if p.total > 0 {
		req.Header.Set("Upload-Length", strconv.FormatInt(p.total, 10))
	}
	_, err = c.do(req)
	return err
}

// whenReady waits until all work on a video is done.
func (c *client) whenReady(ctx context.Context, id string) (video, error) {
	for {
		found, err := c.video(ctx, id)
		if err != nil || found.State == "ready" {
			return found, err
		}
		if found.State == "failed" {
			return found, fmt.Errorf("the video failed: %s", found.Reason)
		}
		select {
		case <-ctx.Done():
			return found, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
