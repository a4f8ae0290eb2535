package access

import (
	"context"
	"errors"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Open says whether whoever has this one address of a video may watch it, without
// an account and without being asked for anything. Nothing else of a video may be
// told to everybody: not in a card of its link, not in a picture of it.
func Open(v *catalog.Video, slug string) bool {
	if v == nil {
		return false
	}
	seen := *v
	seen.Named, seen.Via = false, nil
	if slug != v.Slug {
		if v.Via == nil || v.Via.Slug != slug || !v.Via.Free() {
			return false
		}
		seen.Via = v.Via
	}
	return RightsOf(auth.Principal{}, &seen).Watch
}

// Open finds the video that an address shows to everybody. What there is not and
// what is not for everybody look the same: record.ErrNotFound.
func (f *Finder) Open(ctx context.Context, slug string) (*catalog.Video, error) {
	video, err := f.catalog.VideoFor(ctx, "", catalog.VideoSlug, slug)
	if errors.Is(err, record.ErrNotFound) {
		video, err = f.openLink(ctx, slug)
	}
	if err == nil && !Open(video, slug) {
		return nil, record.ErrNotFound
	}
	return video, err
}

func (f *Finder) openLink(ctx context.Context, slug string) (*catalog.Video, error) {
	link, err := f.catalog.ShareLinkBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	if !link.Open(f.now()) {
		return nil, record.ErrNotFound
	}
	video, err := f.catalog.VideoFor(ctx, "", catalog.VideoID, link.VideoID)
	if err == nil {
		video.Via = link
	}
	return video, err
}
