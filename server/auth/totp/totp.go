// Package totp checks the codes that apps show (RFC 6238): six digits, a new
// one every 30 seconds, by SHA-1, which is what all apps know.
package totp

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// period is how long a code is shown.
const period = 30 * time.Second

// skew is how many steps the clock of a phone may be early or late.
const skew = 1

// digits is the length of a code.
const digits = 6

// Check returns the step of time whose code this is. Codes of the step last and
// those before it have been used.
func Check(secret []byte, code string, last int64, now time.Time) (step int64, ok bool) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' {
			return -1
		}
		return r
	}, code)
	current := now.Unix() / int64(period/time.Second)
	// Every step is looked at, so that time tells nothing of which one fitted.
	for at := current - skew; at <= current+skew; at++ {
		if at > last && at >= 0 && subtle.ConstantTimeCompare([]byte(At(secret, at)), []byte(code)) == 1 {
			step, ok = at, true
		}
	}
	return step, ok
}

// At is the code of a step.
func At(secret []byte, step int64) string {
	code, err := hotp.GenerateCodeCustom(Text(secret), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return strings.Repeat("x", digits) // a secret of bytes can always be written; no code is this
	}
	return code
}

// Text is a secret as people type it into an app.
func Text(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// Address is what the QR code holds
// (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
func Address(secret []byte, host, email string) string {
	label := strings.ReplaceAll(host, ":", " ") + ":" + email
	query := url.Values{"secret": {Text(secret)}, "issuer": {host}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	return (&url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + label, RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20")}).String()
}

// Picture is a QR code as the path of an SVG, one unit per module, and the
// number of modules on each side.
func Picture(address string) (path string, size int, err error) {
	code, err := qr.Encode(address, qr.M, qr.Auto)
	if err != nil {
		return "", 0, fmt.Errorf("totp: draw the code: %w", err)
	}
	size = code.Bounds().Dx()
	var b strings.Builder
	for y := range size {
		for x := range size {
			if dark, _, _, _ := code.At(x, y).RGBA(); dark == 0 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	return b.String(), size, nil
}
