package notify

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"net/url"
	"strings"
	text "text/template"
	"unicode/utf8"
)

//go:embed letter.txt letter.html
var files embed.FS

// printer renders letters.
type printer struct {
	base  *url.URL
	plain *text.Template
	rich  *html.Template
}

// printed is a letter ready to be put into an envelope.
type printed struct {
	Subject, Text, HTML string
	Unsubscribe         string
	Fresh               bool
}

func newPrinter(base *url.URL) (*printer, error) {
	plain, err := text.ParseFS(files, "letter.txt")
	if err != nil {
		return nil, err
	}
	rich, err := html.ParseFS(files, "letter.html")
	return &printer{base: base, plain: plain, rich: rich}, err
}

// page is what the templates see.
type page struct {
	sheet

	Quote      []string
	Base, Host string
}

func (p *printer) print(letter Letter, at place) (*printed, error) {
	at.host = p.base.Host
	s := letter.sheet(at)
	if err := p.check(s); err != nil {
		return nil, err
	}
	for i := range s.Items {
		s.Items[i].Title, s.Items[i].Note = clean(s.Items[i].Title), clean(s.Items[i].Note)
	}
	view := page{sheet: s, Quote: quoted(s.Quote), Base: p.base.String(), Host: p.base.Host}
	var plain, rich bytes.Buffer
	if err := errors.Join(p.plain.Execute(&plain, view), p.rich.Execute(&rich, view)); err != nil {
		return nil, fmt.Errorf("notify: render: %w", err)
	}
	return &printed{Subject: s.Subject, Text: strings.TrimSpace(plain.String()) + "\n", HTML: rich.String(), Unsubscribe: s.Unsubscribe, Fresh: s.Fresh}, nil
}

// check makes sure that a letter leads here and nowhere else: its words come
// from people, its links do not.
func (p *printer) check(s sheet) error {
	links := []string{s.Unsubscribe}
	for _, a := range s.Actions {
		if a.URL == "" {
			return fmt.Errorf("notify: %q leads nowhere", a.Label)
		}
		links = append(links, a.URL)
	}
	for _, item := range s.Items {
		links = append(links, item.URL)
	}
	for _, link := range links {
		if link == "" {
			continue
		}
		u, err := url.Parse(link)
		if err != nil || u.Scheme != p.base.Scheme || u.Host != p.base.Host || u.User != nil {
			return errors.New("notify: a letter links to another server")
		}
	}
	return nil
}

// Bounds on what somebody may write to somebody else by a mail of ours.
const (
	maxQuote = 1000
	maxLines = 20
)

// quoted are the lines of a message, each of them harmless.
func quoted(message string) []string {
	if utf8.RuneCountInString(message) > maxQuote {
		message = string([]rune(message)[:maxQuote]) + "…"
	}
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(message)) {
		for len(lines) < maxLines {
			head, rest := cut(line)
			lines = append(lines, clean(head))
			if line = rest; rest == "" {
				break
			}
		}
	}
	return lines
}

// cut takes as much of a line as clean leaves whole, at a space if there is one.
func cut(line string) (head, rest string) {
	runes := []rune(line)
	if len(runes) < maxText {
		return line, ""
	}
	at := maxText - 1
	for i := at; i > maxText/2; i-- {
		if runes[i] == ' ' {
			at = i
			break
		}
	}
	return string(runes[:at]), string(runes[at:])
}
