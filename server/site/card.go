package site

import (
	"net/url"
	"strconv"
)

// What chats and other sites show of a link comes from the tags of the Open
// Graph protocol (https://ogp.me), of Twitter's cards, and from oEmbed (oembed.go).
// They are written for what an address shows to everybody and for nothing else:
// the card of every other address is the same one, whether there is a video or not.

// genericCard is the head of a page that has no video for whoever asks.
func (s *Site) genericCard() string {
	var h head
	h.add(`<title>%s</title>`, "Meanwhile")
	h.add(`<meta property="og:site_name" content="%s">`, "Meanwhile")
	h.add(`<meta property="og:title" content="%s">`, "Meanwhile")
	h.add(`<meta property="og:description" content="%s">`, "Open the link to see whether there is a video for you.")
	h.add(`<meta name="twitter:card" content="%s">`, "summary")
	return h.String()
}

// address is one address of a video and what stands below it.
type address struct{ watch, embed, poster, preview *url.URL }

// at makes the addresses that a slug has.
func (s *Site) at(slug string) address {
	return address{
		watch: s.base.JoinPath("v", slug), embed: s.base.JoinPath("embed", slug),
		poster: s.base.JoinPath("v", slug, "poster.jpg"), preview: s.base.JoinPath("v", slug, "preview.webp"),
	}
}

// card writes the tags of an address. framed says that some site may show the
// player: then the card names it. A card never names a media file: its address
// would have lapsed before somebody presses play, and would count no view.
func (s *Site) card(h *head, v shown, at address, framed []string) {
	about := v.about()
	h.add(`<link rel="canonical" href="%s">`, at.watch.String())
	h.add(`<link rel="alternate" type="application/json+oembed" title="oEmbed" href="%s">`, s.discovery(at).String())
	h.add(`<meta property="og:site_name" content="%s">`, "Meanwhile")
	h.add(`<meta property="og:type" content="%s">`, "video.other")
	h.add(`<meta property="og:title" content="%s">`, v.Title)
	h.add(`<meta property="og:description" content="%s">`, about)
	h.add(`<meta property="og:url" content="%s">`, at.watch.String())
	if v.DurationMS > 0 {
		h.add(`<meta property="video:duration" content="%s">`, strconv.FormatInt((v.DurationMS+500)/1000, 10))
	}
	h.add(`<meta name="twitter:title" content="%s">`, v.Title)
	h.add(`<meta name="twitter:description" content="%s">`, about)
	h.pictures(v, at)
	wide, high := v.frame(0, 0)
	if len(framed) > 0 {
		h.add(`<meta property="og:video" content="%s">`, at.embed.String())
		h.add(`<meta property="og:video:type" content="%s">`, "text/html")
		h.size("og:video", wide, high)
	}
	switch {
	case showsPlayers(framed):
		h.add(`<meta name="twitter:card" content="%s">`, "player")
		h.add(`<meta name="twitter:player" content="%s">`, at.embed.String())
		h.add(`<meta name="twitter:player:width" content="%s">`, strconv.Itoa(wide))
		h.add(`<meta name="twitter:player:height" content="%s">`, strconv.Itoa(high))
	case v.Playback.Poster != nil:
		h.add(`<meta name="twitter:card" content="%s">`, "summary_large_image")
	default:
		h.add(`<meta name="twitter:card" content="%s">`, "summary")
	}
}

// pictures writes the poster, which every reader of cards takes, and then the
// moving one for those that go on reading.
func (h *head) pictures(v shown, at address) {
	if v.Playback.Poster != nil {
		h.add(`<meta property="og:image" content="%s">`, at.poster.String())
		h.add(`<meta property="og:image:type" content="%s">`, "image/jpeg")
		if wide, high := v.poster(); wide > 0 {
			h.size("og:image", wide, high)
		}
		h.add(`<meta property="og:image:alt" content="%s">`, v.Title)
		h.add(`<meta name="twitter:image" content="%s">`, at.poster.String())
	}
	if v.Playback.Preview != nil {
		h.add(`<meta property="og:image" content="%s">`, at.preview.String())
		h.add(`<meta property="og:image:type" content="%s">`, "image/webp")
	}
}

func (h *head) size(of string, wide, high int) {
	h.add(`<meta property="`+of+`:width" content="%s">`, strconv.Itoa(wide))
	h.add(`<meta property="`+of+`:height" content="%s">`, strconv.Itoa(high))
}

// showsPlayers says whether the sites that read Twitter's player card are among
// those that may frame the player; to others it would be an empty box.
func showsPlayers(framed []string) bool {
	for _, origin := range framed {
		switch origin {
		case "https://x.com", "https://twitter.com", "https://platform.twitter.com":
			return true
		}
	}
	return false
}

// posterWidth is the width of a poster, if its video is that wide (transcode/still).
const posterWidth = 1280

// poster is how large the poster is, 0 if that is not known.
func (v shown) poster() (wide, high int) {
	if v.Width <= 0 || v.Height <= 0 {
		return 0, 0
	}
	wide = min(posterWidth, v.Width)
	return wide, (v.Height*wide/v.Width + 1) / 2 * 2
}

// The frame of a player of which nobody said how large it may be.
const (
	frameWidth  = 640
	frameHeight = 360
)

// frame is how large a frame shows the video best within bounds; 0 means no bound.
func (v shown) frame(maxWide, maxHigh int) (wide, high int) {
	w, h := v.Width, v.Height
	if w <= 0 || h <= 0 {
		w, h = frameWidth, frameHeight
	}
	wide, high = frameWidth, frameWidth*h/w
	if high > frameWidth { // upright videos are not taller than others are wide
		wide, high = frameWidth*w/h, frameWidth
	}
	if maxWide > 0 && wide > maxWide {
		wide, high = maxWide, high*maxWide/wide
	}
	if maxHigh > 0 && high > maxHigh {
		wide, high = wide*maxHigh/high, maxHigh
	}
	return max(wide, 1), max(high, 1)
}
