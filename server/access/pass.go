package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// PassLife is how long a pass through a share link can be used before the page
// asks for another one.
const PassLife = 12 * time.Hour

// Finder finds videos for a principal, with all that decides what it may do:
// whether it was named, and the share link it came by.
type Finder struct {
	catalog *catalog.Catalog
	key     []byte
	now     func() time.Time
}

// NewFinder makes a Finder; all servers of an installation share the key.
func NewFinder(records *catalog.Catalog, key []byte, now func() time.Time) *Finder {
	return &Finder{catalog: records, key: key, now: now}
}

// Pass proves, until it lapses, that its holder came by a share link and, if it
// asks for one, knew the password. That of a link that counts whom it lets in is
// good in the browser that it let in: who has it cannot hand it on.
func (f *Finder) Pass(link *catalog.ShareLink, viewer []byte) string {
	body := link.ID + "." + strconv.FormatInt(link.Version, 36) + "." + strconv.FormatInt(f.now().Add(PassLife).Unix(), 36) + "." + bound(link, viewer)
	return body + "." + f.sign(body)
}

// bound names the browser that a pass is for, if it is for one alone. Others, such
// as frames that have no cookies, are let in by links that do not count.
func bound(link *catalog.ShareLink, viewer []byte) string {
	if link.MaxViews == 0 {
		return ""
	}
	of := sha256.Sum256(append([]byte("viewer\x00"+link.ID+"\x00"), viewer...))
	return base64.RawURLEncoding.EncodeToString(of[:macBytes])
}

// Passed finds the link that a principal's pass is for, if both are good now. It
// returns record.ErrNotFound otherwise.
func (f *Finder) Passed(ctx context.Context, p auth.Principal) (*catalog.ShareLink, error) {
	pass := p.Pass
	last := strings.LastIndexByte(pass, '.')
	if last < 0 || !hmac.Equal([]byte(pass[last+1:]), []byte(f.sign(pass[:last]))) {
		return nil, record.ErrNotFound
	}
	fields := strings.Split(pass[:last], ".")
	if len(fields) != 4 {
		return nil, record.ErrNotFound
	}
	version, errVersion := strconv.ParseInt(fields[1], 36, 64)
	lapses, errLapses := strconv.ParseInt(fields[2], 36, 64)
	if errors.Join(errVersion, errLapses) != nil || !f.now().Before(time.Unix(lapses, 0)) {
		return nil, record.ErrNotFound
	}
	link, err := f.catalog.ShareLink(ctx, fields[0])
	if err == nil && (link.Version != version || !link.Open(f.now())) {
		return nil, record.ErrNotFound
	}
	if err == nil && link.MaxViews > 0 && (len(p.GuestHash) == 0 || !hmac.Equal([]byte(fields[3]), []byte(bound(link, p.GuestHash)))) {
		return nil, record.ErrNotFound
	}
	return link, err
}

// Find finds a video by one of its names for a principal. It says nothing of
// whether the principal may watch it: that is for RightsOf.
func (f *Finder) Find(ctx context.Context, p auth.Principal, key catalog.VideoKey, value string) (*catalog.Video, error) {
	video, err := f.catalog.VideoFor(ctx, p.AccountID(), key, value)
	if err != nil || p.Pass == "" {
		return video, err
	}
	link, err := f.Passed(ctx, p)
	if errors.Is(err, record.ErrNotFound) {
		return video, nil // a pass that is no good opens nothing, and closes nothing either
	}
	if err == nil && link.VideoID == video.ID {
		video.Via = link
	}
	return video, err
}

// Admits says whether a link lets a browser in, once it has given the password
// if there is one. A link that is closed, paused because its video is private or
// in the trash, or has let in as many as it may, lets in nobody else.
func (f *Finder) Admits(ctx context.Context, p auth.Principal, v *catalog.Video, link *catalog.ShareLink) (bool, error) {
	within := *v
	within.Via = link
	if !link.Open(f.now()) || !RightsOf(p, &within).Watch {
		return false, nil
	}
	if link.MaxViews == 0 || link.Views < link.MaxViews {
		return true, nil
	}
	return f.catalog.LinkKnows(ctx, link.ID, p.GuestHash)
}

func (f *Finder) sign(body string) string {
	mac := hmac.New(sha256.New, f.key)
	_, _ = mac.Write([]byte("pass\x00" + body)) // a hash never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:macBytes])
}
