package site

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/shield"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// oembed is an answer as https://oembed.com describes it, version 1.0.
type oembed struct {
	Version         string `json:"version"`
	Type            string `json:"type"`
	ProviderName    string `json:"provider_name"`
	ProviderURL     string `json:"provider_url"`
	Title           string `json:"title"`
	AuthorName      string `json:"author_name"`
	CacheAge        int    `json:"cache_age"`
	ThumbnailURL    string `json:"thumbnail_url,omitempty"`
	ThumbnailWidth  int    `json:"thumbnail_width,omitempty"`
	ThumbnailHeight int    `json:"thumbnail_height,omitempty"`
	HTML            string `json:"html,omitempty"`
	Width           int    `json:"width,omitempty"`
	Height          int    `json:"height,omitempty"`
	Duration        int64  `json:"duration,omitempty"`
}

// oembedAge is how many seconds a reader may keep an answer: after that a link
// that was closed shows nothing any more.
const oembedAge = 60

var (
	errFormat = reply.New(http.StatusNotImplemented, "format", "Only format=json is spoken here.")
	errBounds = reply.New(http.StatusUnprocessableEntity, "bounds", "maxwidth and maxheight are whole numbers above 0.")
)

// OEmbed is GET and HEAD /api/oembed: what another site may show of one of our
// addresses. It answers everybody alike, whoever is signed in, and every site may
// read it; what is not open to everybody is not there.
func (s *Site) OEmbed(c *gin.Context) error {
	shield.Open(c.Writer.Header())
	if format := c.Query("format"); format != "" && format != "json" {
		return errFormat
	}
	wide, errWide := bound(c.Query("maxwidth"))
	high, errHigh := bound(c.Query("maxheight"))
	if errWide != nil || errHigh != nil {
		return errBounds
	}
	slug, second := s.named(c.Query("url"))
	if slug == "" {
		return reply.NotFound
	}
	ctx := c.Request.Context()
	v, err := s.finder.Open(ctx, slug)
	if errors.Is(err, record.ErrNotFound) {
		return reply.NotFound
	}
	if err != nil {
		return err
	}
	framed, err := s.framed(ctx, v)
	if err != nil {
		return err
	}
	about := shown{Title: v.Title, DurationMS: v.Duration().Milliseconds(), Width: v.Width, Height: v.Height}
	answer := oembed{
		Version: "1.0", Type: "link", ProviderName: "Meanwhile", ProviderURL: s.base.String(), Title: v.Title, AuthorName: v.OwnerName,
		CacheAge: oembedAge, Duration: (about.DurationMS + 500) / 1000,
	}
	if v.Stills().Poster != "" {
		answer.thumbnail(s.at(slug).poster, about, wide, high)
	}
	if len(framed) > 0 {
		answer.Type = "video"
		answer.Width, answer.Height = about.frame(wide, high)
		answer.HTML = frame(s.at(slug).embed, second, answer)
	}
	c.Header("Cache-Control", "private, max-age="+strconv.Itoa(oembedAge))
	c.JSON(http.StatusOK, answer)
	return nil
}

// thumbnail names the poster unless it is larger than was asked for.
func (o *oembed) thumbnail(poster *url.URL, v shown, maxWide, maxHigh int) {
	wide, high := v.poster()
	if wide == 0 || maxWide > 0 && wide > maxWide || maxHigh > 0 && high > maxHigh {
		return
	}
	o.ThumbnailURL, o.ThumbnailWidth, o.ThumbnailHeight = poster.String(), wide, high
}

// frame writes the element that shows a player. frontend/src/embed/snippets.ts
// writes the same one.
func frame(player *url.URL, second string, o oembed) string {
	at := *player
	if second != "" {
		at.RawQuery = "t=" + second
	}
	return fmt.Sprintf(`<iframe src="%s" title="%s" width="%d" height="%d" style="border:0" loading="lazy" referrerpolicy="strict-origin-when-cross-origin" `+
		`allow="autoplay; fullscreen; picture-in-picture" allowfullscreen></iframe>`, html.EscapeString(at.String()), html.EscapeString(o.Title), o.Width, o.Height)
}

// bound reads a bound; none is 0.
func bound(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err == nil && n == 0 {
		err = errBounds
	}
	return int(n), err
}

// named reads the slug, and the second, out of one of our own addresses; any
// other has no slug.
func (s *Site) named(text string) (slug, second string) {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || !strings.EqualFold(u.Scheme, s.base.Scheme) || !strings.EqualFold(u.Host, s.base.Host) {
		return "", ""
	}
	path, ours := strings.CutPrefix(u.Path, strings.TrimSuffix(s.base.Path, "/")+"/")
	page, slug, found := strings.Cut(path, "/")
	if !ours || !found || page != "v" && page != "embed" || !plain(slug, "_-") {
		return "", ""
	}
	if second = u.Query().Get("t"); !plain(second, ".") || len(second) > 12 {
		second = ""
	}
	return slug, second
}

// plain says whether a text is letters of ASCII, digits and some others, and not
// empty.
func plain(text, others string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return text != "" && strings.Trim(text, letters+others) == ""
}

// discovery is where the page of an address says that its oEmbed is.
func (s *Site) discovery(at address) *url.URL {
	u := s.base.JoinPath("api", "oembed")
	u.RawQuery = url.Values{"url": {at.watch.String()}, "format": {"json"}}.Encode()
	return u
}
