package talk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// ViewInput is what a player reports from time to time.
type ViewInput struct {
	ByVideo
	UserAgent string `header:"User-Agent" hidden:"true"`
	Body      struct {
		PositionMS int64 `json:"position_ms" doc:"Where the viewer is, in milliseconds of the video"`
		WatchedMS  int64 `json:"watched_ms" doc:"How much was watched since the page was opened, in milliseconds"`
		First      bool  `json:"first,omitempty" doc:"The first report of this visit"`
	}
}

// RecordView is POST /api/videos/{id}/views. Needs the right to watch. What a
// program reports that no person looks through is thanked for and forgotten.
func (a *API) RecordView(ctx context.Context, in *ViewInput) (*auth.Empty, error) {
	if robot(in.UserAgent) {
		return &auth.Empty{}, nil
	}
	return &auth.Empty{}, a.catalog.RecordView(ctx, catalog.Watched{
		VideoID: access.Video(ctx).ID, Viewer: a.viewer(ctx, in.UserAgent),
		Position: duration(in.Body.PositionMS), Played: duration(in.Body.WatchedMS),
	})
}

// PlaceInput asks for one's own place in a video.
type PlaceInput struct {
	ByVideo
	UserAgent string `header:"User-Agent" hidden:"true"`
}

// PlaceOutput tells where somebody left off.
type PlaceOutput struct {
	Body struct {
		PositionMS int64 `json:"position_ms" doc:"Where you left off, in milliseconds; 0 if you never watched"`
		WatchedMS  int64 `json:"watched_ms" doc:"The most you have watched in one visit, in milliseconds"`
	}
}

// ReadPlace is GET /api/videos/{id}/views: where the one who asks left off, on
// whatever device. Needs the right to watch.
func (a *API) ReadPlace(ctx context.Context, in *PlaceInput) (*PlaceOutput, error) {
	view, err := a.catalog.View(ctx, access.Video(ctx).ID, a.viewer(ctx, in.UserAgent))
	if err != nil {
		return nil, err
	}
	out := &PlaceOutput{}
	out.Body.PositionMS, out.Body.WatchedMS = view.PositionUS/1000, view.WatchedUS/1000
	return out, nil
}

// viewer is the name under which somebody is counted. Without an account it is
// made of network, browser and day under a key, so it tells nothing by itself
// and forgets people after a day.
func (a *API) viewer(ctx context.Context, userAgent string) string {
	if p := auth.From(ctx); p.Account != nil {
		return catalog.ViewerAccount(p.Account.ID)
	}
	mac := hmac.New(sha256.New, a.secret)
	day := a.now().UTC().Format(time.DateOnly)
	_, _ = mac.Write([]byte("view\x00" + day + "\x00" + auth.Address(ctx) + "\x00" + userAgent)) // a hash never fails
	return "day:" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}
