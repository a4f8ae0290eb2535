// Package access is the one gate. Whatever names a video – a page, an API
// call, a playlist, a segment, a comment, an upload – passes here before its
// handler runs, and the answer to "who asks, and what may they do with it" is
// worked out in one place. A route that declares no need is closed.
package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// Rights are what somebody may do with one video.
type Rights struct {
	Watch, Comment, Download, Edit bool
}

// RightsOf decides what a principal may do with a video. It is the only place
// that knows the rules.
func RightsOf(p auth.Principal, v *catalog.Video) Rights {
	signedIn := p.Account != nil
	if signedIn && p.Account.ID == v.OwnerID {
		return Rights{Watch: true, Comment: !v.Trashed(), Download: true, Edit: true}
	}
	if v.Trashed() {
		return Rights{}
	}
	switch {
	case v.Visibility == catalog.Private, v.Visibility == catalog.Members && !signedIn:
		return Rights{}
	case signedIn:
		return Rights{Watch: true, Comment: true, Download: true}
	}
	return Rights{Watch: true, Comment: v.GuestsMayComment, Download: true}
}

// How long a media grant lasts. It ends on a multiple of grantStep so that
// pages loaded soon after each other share URLs, and with them caches.
const (
	grantLife = 10 * time.Minute
	grantStep = 5 * time.Minute
	macBytes  = 18
)

// Granter signs the short-lived grants in media URLs, so that a segment costs
// no query.
type Granter struct {
	key []byte
	now func() time.Time
}

// NewGranter makes a Granter; all servers of an installation share the key.
func NewGranter(key []byte, now func() time.Time) *Granter { return &Granter{key: key, now: now} }

// Grant allows reading a video's media until it lapses.
func (g *Granter) Grant(videoID string) (token string, lapses time.Time) {
	lapses = g.now().Add(grantLife + grantStep - 1).Truncate(grantStep)
	expiry := strconv.FormatInt(lapses.Unix(), 36)
	return expiry + "." + g.sign(videoID, expiry), lapses
}

// Valid says whether a grant allows reading the media of a video now.
func (g *Granter) Valid(token, videoID string) bool {
	expiry, mac, ok := strings.Cut(token, ".")
	if !ok || !hmac.Equal([]byte(mac), []byte(g.sign(videoID, expiry))) {
		return false
	}
	unix, err := strconv.ParseInt(expiry, 36, 64)
	return err == nil && g.now().Before(time.Unix(unix, 0))
}

func (g *Granter) sign(videoID, expiry string) string {
	mac := hmac.New(sha256.New, g.key)
	_, _ = mac.Write([]byte("media\x00" + videoID + "\x00" + expiry)) // a hash never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:macBytes])
}

type contextKey struct{}

// entry is what the gate found out about a request.
type entry struct {
	video  *catalog.Video
	rights Rights
}

func with(ctx context.Context, e entry) context.Context {
	return context.WithValue(ctx, contextKey{}, e)
}

// Video is the video that the request names. The gate has made sure that there
// is one on every route that declares so.
func Video(ctx context.Context) *catalog.Video {
	e, _ := ctx.Value(contextKey{}).(entry)
	return e.video
}

// May tells what the request's principal may do with the video it names.
func May(ctx context.Context) Rights {
	e, _ := ctx.Value(contextKey{}).(entry)
	return e.rights
}

// WithVideo puts a video and its rights into a context, for the few routes that
// make a video and then go on as if they had named it.
func WithVideo(ctx context.Context, p auth.Principal, v *catalog.Video) context.Context {
	return with(ctx, entry{video: v, rights: RightsOf(p, v)})
}
