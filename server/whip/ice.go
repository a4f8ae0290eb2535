package whip

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // TURN servers want it, as an HMAC
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// ICEServers help clients to connect.
type ICEServers struct {
	// URLs are stun: and turn: addresses.
	URLs []string
	// Secret is shared with the TURN server, for credentials that last a day
	// (what coturn calls use-auth-secret).
	Secret string
}

// turnLife is how long credentials last.
const turnLife = 24 * time.Hour

// links are the Link headers of RFC 9725, section 4.6.
func (i ICEServers) links(accountID string, now time.Time) []string {
	links := make([]string, 0, len(i.URLs))
	for _, url := range i.URLs {
		link := fmt.Sprintf(`<%s>; rel="ice-server"`, url)
		if i.Secret != "" && strings.HasPrefix(url, "turn") {
			name := fmt.Sprintf("%d:%s", now.Add(turnLife).Unix(), accountID)
			mac := hmac.New(sha1.New, []byte(i.Secret))
			_, _ = mac.Write([]byte(name)) // a hash never fails
			link += fmt.Sprintf(`; username=%q; credential=%q; credential-type="password"`, name, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		}
		links = append(links, link)
	}
	return links
}
