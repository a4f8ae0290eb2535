package site

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// The placeholders of the pages.
const (
	// nonceMark stands where the build wants the nonce of the answer (vite.config.ts).
	nonceMark  = "meanwhile-nonce"
	headMark   = "<!--meanwhile:head-->"
	playerMark = "<!--meanwhile:player-->"
)

// template is a page cut at its placeholders.
type template struct{ before, between, after string }

func parse(page string) (*template, error) {
	before, rest, okHead := strings.Cut(page, headMark)
	between, after, okPlayer := strings.Cut(rest, playerMark)
	if !okHead || !okPlayer {
		return nil, errors.New("the placeholders are missing")
	}
	return &template{before, between, after}, nil
}

// page is what the page of a video is filled with. Its JSON is what the scripts
// of the page read.
type page struct {
	Video   json.RawMessage `json:"video"` // null if there is none for whoever asks
	Session any             `json:"session"`
	// Locked is a share link that lets nobody in yet; nil elsewhere.
	Locked *locked `json:"locked,omitempty"`
	// Embed is what a page in a frame needs to know besides; nil elsewhere.
	Embed *embedded `json:"embed,omitempty"`
	head  string
	// script is the path of a module to load at once, or "".
	script string
	nonce  string
}

// locked is all that the page of a locked link says of it: nothing of the video,
// and not whose it is.
type locked struct {
	Slug     string `json:"slug"`
	Password bool   `json:"password"` // or it counts whom it lets in
}

// fill writes the page. json.Marshal writes <, > and & as escapes, so that no
// text of a user can end the element it stands in.
func (t *template) fill(p *page) ([]byte, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("site: page data: %w", err)
	}
	var out bytes.Buffer
	// Only the build's own text has placeholders: what users wrote is put in as it is.
	ours := func(text string) string { return strings.ReplaceAll(text, nonceMark, p.nonce) }
	preload := ""
	if p.script != "" {
		preload = `<link rel="modulepreload" nonce="` + nonceMark + `" href="` + p.script + `">`
	}
	for _, part := range []string{ours(t.before), p.head, ours(preload), ours(t.between), `<script type="application/json" id="page-data">`, string(raw), "</script>", ours(t.after)} {
		out.WriteString(part)
	}
	return out.Bytes(), nil
}

// describe collects what the page of a video says, or of none. slug is the
// address that it was asked by.
func (s *Site) describe(ctx context.Context, v *catalog.Video, slug string) (*page, error) {
	session, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return &page{Session: session, head: s.genericCard()}, nil
	}
	p, known, err := s.show(ctx, v)
	if err != nil {
		return nil, err
	}
	p.Session = session
	var h head
	h.add(`<title>%s – Meanwhile</title>`, known.Title)
	h.add(`<meta name="description" content="%s">`, known.about())
	if access.Open(v, slug) {
		framed, err := s.framed(ctx, v)
		if err != nil {
			return nil, err
		}
		s.card(&h, known, s.at(slug), framed)
	}
	h.preload(known)
	p.head = h.String()
	return p, nil
}

// show begins the page of a video that the one who asks may watch.
func (s *Site) show(ctx context.Context, v *catalog.Video) (*page, shown, error) {
	var known shown
	view, err := s.video(ctx, v)
	if err != nil {
		return nil, known, err
	}
	p := &page{}
	if p.Video, err = json.Marshal(view); err != nil {
		return nil, known, fmt.Errorf("site: video: %w", err)
	}
	if err := json.Unmarshal(p.Video, &known); err != nil {
		return nil, known, fmt.Errorf("site: video: %w", err)
	}
	if known.playlist() != "" {
		p.script = s.hls
	}
	return p, known, nil
}

// shown is what the head needs to know of the API's description of a video.
type shown struct {
	Title      string `json:"title"`
	DurationMS int64  `json:"duration_ms"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Owner      struct {
		Name string `json:"name"`
	} `json:"owner"`
	Playback struct {
		HLS     *string `json:"hls"`
		Prefer  string  `json:"prefer"`
		Poster  *string `json:"poster"`
		Preview *string `json:"preview"`
	} `json:"playback"`
}

// playlist is what the page plays first, "" if that is a file.
func (v shown) playlist() string {
	if v.Playback.HLS == nil || v.Playback.Prefer != "hls" {
		return ""
	}
	return *v.Playback.HLS
}

// about is a sentence about a video for those who have not seen it.
func (v shown) about() string {
	length := ""
	if v.DurationMS > 0 {
		length = ", " + clock(time.Duration(v.DurationMS)*time.Millisecond)
	}
	return "A recording by " + v.Owner.Name + length + ". Watch it when you like and answer at the second that matters."
}

// clock writes a length as people do: 1:02:03 or 2:03.
func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// head collects tags. Whatever is put into one is escaped.
type head struct{ strings.Builder }

func (h *head) add(tag, value string) {
	h.WriteString(strings.Replace(tag, "%s", html.EscapeString(value), 1))
	h.WriteString("\n    ")
}

// preload asks for the playlist before any script does.
func (h *head) preload(v shown) {
	if playlist := v.playlist(); playlist != "" {
		h.add(`<link rel="preload" as="fetch" crossorigin href="%s">`, playlist)
	}
}
