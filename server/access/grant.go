package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// How long a media grant lasts. It ends on a multiple of grantStep so that
// pages loaded soon after each other share URLs, and with them caches.
const (
	grantLife = 10 * time.Minute
	grantStep = 5 * time.Minute
	macBytes  = 18
)

// Grant is what a media address says of whom it was made for.
type Grant struct {
	// AccountID or LinkID is whom it was made for; both are "" for somebody who
	// came by the video's own open address.
	AccountID, LinkID string
	// Download says that the file may be saved, too.
	Download bool

	videoEpoch, accountEpoch int64
}

// Granter signs the short-lived grants in media URLs, so that a segment costs
// no query.
type Granter struct {
	key    []byte
	now    func() time.Time
	losses *Losses
}

// NewGranter makes a Granter; all servers of an installation share the key.
func NewGranter(key []byte, now func() time.Time) *Granter {
	return &Granter{key: key, now: now, losses: newLosses(now)}
}

// Losses are the grants that are void before they lapse.
func (g *Granter) Losses() *Losses { return g.losses }

// Grant allows a principal, who may watch the video, to read its media until it
// lapses. What somebody may do by a share link alone lapses with the link.
func (g *Granter) Grant(p auth.Principal, v *catalog.Video) (token string, lapses time.Time) {
	lapses = g.now().Add(grantLife + grantStep - 1).Truncate(grantStep)
	rights := RightsOf(p, v)
	if v.Via != nil && !v.Via.ExpiresAt.IsZero() && v.Via.ExpiresAt.Before(lapses) {
		without := *v
		without.Via = nil
		if own := RightsOf(p, &without); !own.Watch || own.Download != rights.Download {
			lapses = v.Via.ExpiresAt.Time
		}
	}
	made := Grant{Download: rights.Download, videoEpoch: v.Epoch}
	switch {
	case p.Account != nil:
		made.AccountID, made.accountEpoch = p.Account.ID, p.Account.Epoch
	case v.Via != nil:
		made.LinkID = v.Via.ID
	}
	body := strconv.FormatInt(lapses.Unix(), 36) + "." + made.String()
	return body + "." + g.sign(v.ID, body), lapses
}

// String writes a grant as it stands in an address.
func (t Grant) String() string {
	may := "w"
	if t.Download {
		may = "d"
	}
	who := ""
	switch {
	case t.AccountID != "":
		who = "~a" + t.AccountID
	case t.LinkID != "":
		who = "~l" + t.LinkID
	}
	return may + strconv.FormatInt(t.videoEpoch, 36) + "." + strconv.FormatInt(t.accountEpoch, 36) + who
}

// Check reads a grant for the media of a video, if it is valid now.
func (g *Granter) Check(token, videoID string) (Grant, bool) {
	last := strings.LastIndexByte(token, '.')
	if last < 0 || !hmac.Equal([]byte(token[last+1:]), []byte(g.sign(videoID, token[:last]))) {
		return Grant{}, false
	}
	expiry, body, _ := strings.Cut(token[:last], ".")
	unix, err := strconv.ParseInt(expiry, 36, 64)
	if err != nil || !g.now().Before(time.Unix(unix, 0)) {
		return Grant{}, false
	}
	made, ok := parseGrant(body)
	return made, ok && !g.losses.void(made, videoID)
}

// parseGrant reads what String wrote.
func parseGrant(body string) (Grant, bool) {
	video, rest, ok := strings.Cut(body, ".")
	if !ok || len(video) < 2 {
		return Grant{}, false
	}
	account, who, _ := strings.Cut(rest, "~")
	made := Grant{Download: video[0] == 'd'}
	var errVideo, errAccount error
	made.videoEpoch, errVideo = strconv.ParseInt(video[1:], 36, 64)
	made.accountEpoch, errAccount = strconv.ParseInt(account, 36, 64)
	switch {
	case strings.HasPrefix(who, "a"):
		made.AccountID = who[1:]
	case strings.HasPrefix(who, "l"):
		made.LinkID = who[1:]
	}
	return made, errVideo == nil && errAccount == nil
}

func (g *Granter) sign(videoID, body string) string {
	mac := hmac.New(sha256.New, g.key)
	_, _ = mac.Write([]byte("media\x00" + videoID + "\x00" + body)) // a hash never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:macBytes])
}
