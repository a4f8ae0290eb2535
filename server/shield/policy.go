package shield

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
)

const (
	// closed is the policy of an answer that is no page (CSP 3,
	// https://www.w3.org/TR/CSP3): opened by itself, even HTML or SVG of a user has
	// an origin of its own, no script and nothing to load.
	closed = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// assets are no documents. A script may be a worker's, which is bound by the
	// policy that it came with: it loads its own modules and talks to nobody.
	asset = "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

	// recording is what a page of ours may ask a person for.
	recording = "camera=(self), microphone=(self), display-capture=(self), picture-in-picture=(self), fullscreen=(self), autoplay=(self), " +
		"clipboard-write=(self), screen-wake-lock=(self), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=()"
	// playing is what an embedded page may do.
	playing = "camera=(), microphone=(), display-capture=(), picture-in-picture=(self), fullscreen=(self), autoplay=(self), " +
		"clipboard-write=(self), screen-wake-lock=(self), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=()"
)

// close sets what every answer begins with.
func (s *Shield) close(h http.Header) {
	h.Set("Content-Security-Policy", closed)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for what does not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// A handler that knows better says so; an answer that nobody thought about
	// stays nowhere.
	h.Set("Cache-Control", "no-store")
	if s.hsts != "" {
		h.Set("Strict-Transport-Security", s.hsts)
	}
}

// Page makes an answer a page of the application. It returns the nonce that the
// page's own scripts and styles have to carry; it is good for this answer alone.
func (s *Shield) Page(h http.Header) (nonce string) {
	return s.page(h, "'none'", recording)
}

// Embed makes an answer a page that other sites may show in a frame: our own
// pages, and those whose origins are listed (https://example.org, nothing behind
// it, no patterns). What is no origin is left out.
func (s *Shield) Embed(h http.Header, origins []string) (nonce string) {
	nonce = s.page(h, ancestors(origins), playing)
	h.Del("X-Frame-Options") // it has no way to name other sites
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return nonce
}

// page writes the policy of a page: what runs carries the nonce, all else comes
// from this server. Workers are made by one policy of trusted types, which
// theme-boot.js defines; no other text becomes code.
func (s *Shield) page(h http.Header, ancestors, permissions string) string {
	nonce := rand.Text() // base32, 130 bits
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; style-src 'nonce-"+nonce+"'; "+
		"img-src 'self'"+s.media+"; media-src 'self' blob:"+s.media+"; connect-src 'self'"+s.media+"; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "+
		"frame-ancestors "+ancestors+"; require-trusted-types-for 'script'; trusted-types default"+s.upgrade)
	h.Set("Permissions-Policy", permissions)
	return nonce
}

// ancestors writes the origins as frame-ancestors takes them.
func ancestors(named []string) string {
	return strings.Join(append([]string{"'self'"}, origins(named)...), " ")
}

// origins picks those that are sound. Nothing that could end a directive or match
// more than one host gets into the header.
func origins(named []string) (sound []string) {
	for _, origin := range named {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || origin != u.Scheme+"://"+u.Host || !plainHost(u.Host) {
			continue
		}
		sound = append(sound, origin)
	}
	return sound
}

// plainHost says whether a host is letters, digits, dots and dashes, perhaps
// with a port.
func plainHost(host string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
	return host != "" && strings.Trim(strings.Replace(host, ":", "", 1), letters) == "" && host[0] != ':'
}

// Asset makes an answer a file of the application that its pages load, and
// that says nothing about anybody.
func Asset(h http.Header) {
	h.Set("Content-Security-Policy", asset)
}

// Picture lets pages of other sites show an answer as a picture, and no script of
// theirs read it.
func Picture(h http.Header) {
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// Open lets the scripts of every site read an answer and show it: for what says
// the same to everybody. It never goes with cookies: browsers refuse to send any
// where all origins are allowed. A route that is to be asked with more than a
// plain GET answers OPTIONS, too, and names there what it takes
// (Access-Control-Allow-Methods, Access-Control-Allow-Headers).
func Open(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}
