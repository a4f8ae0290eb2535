// Package ledger is a client of Meanwhile that writes down what is promised to it – how
// much of each upload was acknowledged, which comments were taken – and wants every
// promise kept once the faults are over.
package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Ledger is what a client was promised: how much of
// each upload was acknowledged, and which comments were taken.
type Ledger struct {
	// SettleTime is how long what was interrupted may take to be made up for.
	SettleTime time.Duration

	client *Client

	mu       sync.Mutex
	uploads  []*Upload
	comments []Comment
}

// Upload is a recording on its way. One goroutine sends it.
type Upload struct {
	ledger  *Ledger
	Video   string
	Content []byte
	url     string

	mu       sync.Mutex
	acked    int64
	sum      [sha256.Size]byte // of what was acknowledged
	finished bool
}

// Comment is one that was acknowledged.
type Comment struct{ Video, ID, Body string }

// ErrBroken says that a promise was not kept.
var ErrBroken = errors.New("a promise is broken")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}

// New opens an empty ledger of one client.
func New(client *Client) *Ledger { return &Ledger{SettleTime: patience, client: client} }

// Begin makes a video whose upload is open.
func (l *Ledger) Begin(ctx context.Context, title string, content []byte) (*Upload, error) {
	var made Video
	err := l.client.Make(ctx, "/api/videos", rand.Text(), map[string]string{"title": title, "mime": "video/mp4"}, &made)
	if err != nil {
		return nil, err
	}
	u := &Upload{ledger: l, Video: made.ID, Content: content, url: made.UploadURL, sum: sha256.Sum256(nil)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uploads = append(l.uploads, u)
	return u, nil
}

// Resume goes on with an upload that another client began, from what it was told.
func (l *Ledger) Resume(other *Upload) *Upload {
	other.mu.Lock()
	defer other.mu.Unlock()
	u := &Upload{ledger: l, Video: other.Video, Content: other.Content, url: other.url, acked: other.acked, sum: other.sum}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uploads = append(l.uploads, u)
	return u
}

// Uploads are all that were begun.
func (l *Ledger) Uploads() []*Upload {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Upload(nil), l.uploads...)
}

// Acked is how much was acknowledged.
func (u *Upload) Acked() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.acked
}

// acknowledge writes down what is promised now, and refuses to be told of less
// than before.
func (u *Upload) acknowledge(offset int64) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if offset < u.acked {
		return broken("video %s had %d bytes acknowledged and holds %d", u.Video, u.acked, offset)
	}
	if offset > int64(len(u.Content)) {
		return broken("video %s holds %d bytes, and %d are all there are", u.Video, offset, len(u.Content))
	}
	u.acked, u.sum = offset, sha256.Sum256(u.Content[:offset])
	return nil
}

// Send sends bytes up to an offset, as often as it takes.
func (u *Upload) Send(ctx context.Context, to int64) error {
	to = min(to, int64(len(u.Content)))
	return u.push(ctx, to, nil)
}

// Finish sends the rest and says that it is all.
func (u *Upload) Finish(ctx context.Context) error {
	length := int64(len(u.Content))
	if err := u.push(ctx, length, map[string]string{"Upload-Length": strconv.FormatInt(length, 10)}); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.finished = true
	return nil
}

// Finished says whether the end was acknowledged.
func (u *Upload) Finished() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.finished
}

// push sends one piece until it is acknowledged. Where an attempt fails, the
// server is asked how far it came.
func (u *Upload) push(ctx context.Context, to int64, header map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, u.ledger.client.Patience)
	defer cancel()
	var last error
	for {
		at := u.Acked()
		if at >= to && header == nil {
			return nil
		}
		_, err := u.patch(ctx, at, to, header)
		if err == nil {
			return u.acknowledge(to)
		}
		if last = err; !again(err) {
			return fmt.Errorf("video %s from %d to %d: %w", u.Video, at, to, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("video %s from %d to %d for %v: %w", u.Video, at, to, u.ledger.client.Patience, last)
		case <-time.After(pause):
		}
		offset, err := u.Offset(ctx)
		if err != nil {
			return err
		}
		if err := u.acknowledge(offset); err != nil {
			return err
		}
		if header != nil && offset == to && u.ended(ctx) {
			return nil // it was the answer that was lost
		}
	}
}

// ended says whether the cluster has closed the upload.
func (u *Upload) ended(ctx context.Context) bool {
	video, err := u.ledger.client.Video(ctx, u.Video)
	return err == nil && video.State != "recording"
}

// again says whether a piece that was refused may be taken next time: another
// request of ours may still hold the upload, or have moved it.
func again(err error) bool {
	if status, ok := errors.AsType[*Status](err); ok {
		switch status.Code {
		case http.StatusConflict, http.StatusLocked, http.StatusInsufficientStorage, http.StatusRequestTimeout, http.StatusInternalServerError:
			return true
		}
	}
	return Passing(err)
}

// Try sends bytes up to an offset once, and returns how that was answered.
func (u *Upload) Try(ctx context.Context, to int64) (http.Header, error) {
	at := u.Acked()
	answer, err := u.patch(ctx, at, to, nil)
	if err == nil {
		err = u.acknowledge(to)
	}
	return answer, err
}

func (u *Upload) patch(ctx context.Context, from, to int64, header map[string]string) (http.Header, error) {
	r := Request{Method: http.MethodPatch, Path: u.url, Body: u.Content[from:to], Header: map[string]string{
		"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": strconv.FormatInt(from, 10),
	}}
	maps.Copy(r.Header, header)
	_, answer, err := u.ledger.client.Once(ctx, r)
	return answer, err
}

// Letter is a request as it stands on the line, which begins to send what follows
// what was acknowledged, and never comes to its end: its body is longer than anybody
// waits for.
func (u *Upload) Letter(host string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "PATCH %s HTTP/1.1\r\nHost: %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n", u.url, host)
	fmt.Fprintf(&b, "Upload-Offset: %d\r\nContent-Length: %d\r\n", u.Acked(), 1<<20)
	base, err := url.Parse(u.ledger.client.Base)
	if err == nil {
		for _, cookie := range u.ledger.client.HTTP.Jar.Cookies(base) {
			fmt.Fprintf(&b, "Cookie: %s=%s\r\n", cookie.Name, cookie.Value)
		}
	}
	return b.String() + "\r\n"
}

// Offset asks how much the cluster holds.
func (u *Upload) Offset(ctx context.Context) (int64, error) {
	_, header, err := u.ledger.client.Send(ctx, Request{Method: http.MethodHead, Path: u.url, Header: map[string]string{"Tus-Resumable": "1.0.0"}})
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(header.Get("Upload-Offset"), 10, 64)
}

// Kept wants what was acknowledged to be there: the offset, and where the video
// shows its original, every byte up to it.
func (u *Upload) Kept(ctx context.Context) error {
	promised := u.Acked()
	if !u.Finished() {
		offset, err := u.Offset(ctx)
		if err != nil {
			return err
		}
		if offset < promised {
			return broken("video %s had %d bytes acknowledged and holds %d", u.Video, promised, offset)
		}
	}
	video, err := u.ledger.client.Video(ctx, u.Video)
	if err != nil {
		return err
	}
	if video.SizeBytes < promised {
		return broken("video %s had %d bytes acknowledged and says %d", u.Video, promised, video.SizeBytes)
	}
	if video.Media() == "" {
		return nil // nothing of it plays yet
	}
	raw, _, err := u.ledger.client.Send(ctx, Request{Method: http.MethodGet, Path: video.Media() + "/source"})
	if err != nil {
		return err
	}
	if int64(len(raw)) < promised || !bytes.Equal(raw, u.Content[:min(len(raw), len(u.Content))]) || sha256.Sum256(raw[:promised]) != u.sum {
		return broken("video %s: the original is not what was sent: %d bytes of %d", u.Video, len(raw), promised)
	}
	return nil
}

// Say writes a comment until it is taken, once.
func (l *Ledger) Say(ctx context.Context, video, body string, at time.Duration) error {
	var made struct {
		ID string `json:"id"`
	}
	in := map[string]any{"at_ms": at.Milliseconds(), "body": body}
	if err := l.client.Make(ctx, "/api/videos/"+video+"/comments", rand.Text(), in, &made); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.comments = append(l.comments, Comment{Video: video, ID: made.ID, Body: body})
	return nil
}

// Heard wants every comment that was taken to be there once, and no other.
func (l *Ledger) Heard(ctx context.Context) error {
	l.mu.Lock()
	wanted := map[string]map[string]string{} // body to id, of each video
	for _, u := range l.uploads {
		wanted[u.Video] = map[string]string{}
	}
	for _, c := range l.comments {
		wanted[c.Video][c.Body] = c.ID
	}
	l.mu.Unlock()
	for video, comments := range wanted {
		if err := l.heard(ctx, video, comments); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) heard(ctx context.Context, video string, wanted map[string]string) error {
	raw, _, err := l.client.Send(ctx, Request{Method: http.MethodGet, Path: "/api/videos/" + video + "/comments"})
	if err != nil {
		return err
	}
	var list struct {
		Items []struct {
			ID   string `json:"id"`
			Body string `json:"body"`
		} `json:"items"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	times := map[string]int{}
	for _, c := range list.Items {
		times[c.Body]++
		if id, ok := wanted[c.Body]; !ok || id != c.ID {
			return broken("video %s has a comment %q that nobody was told of", video, c.Body)
		}
	}
	for body := range wanted {
		if times[body] != 1 {
			return broken("video %s: the comment %q is there %d times", video, body, times[body])
		}
	}
	return nil
}
