package admin

import (
	"context"
	"fmt"
	"time"
)

// missingListed is how many videos without their media are named.
const missingListed = 50

// Missing is a video of which the store has lost media.
type Missing struct {
	VideoID   string    `json:"video_id"`
	Title     string    `json:"title"`
	Workspace string    `json:"workspace"`
	Object    string    `json:"object" doc:"An object that is missing, or is not as long as it was; there may be others"`
	NoticedAt time.Time `json:"noticed_at"`
}

// MissingMedia are the videos of which the store has lost media.
type MissingMedia struct {
	Items []Missing `json:"items" nullable:"false" doc:"The last noticed first, 50 at most"`
	Total int       `json:"total" doc:"How many videos there are"`
}

// MissingOutput are the videos of which the store has lost media.
type MissingOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         MissingMedia
}

// ListMissing is GET /api/admin/missing.
func (a *API) ListMissing(ctx context.Context, _ *struct{}) (*MissingOutput, error) {
	found, all, err := a.Missing.List(ctx, missingListed)
	if err != nil {
		return nil, err
	}
	out := &MissingOutput{CacheControl: noStore, Body: MissingMedia{Items: make([]Missing, 0, len(found)), Total: all}}
	for _, v := range found {
		out.Body.Items = append(out.Body.Items, Missing{
			VideoID: v.ID, Title: v.Title, Workspace: v.Workspace, Object: v.Object, NoticedAt: time.UnixMilli(v.NoticedMS).UTC(),
		})
	}
	return out, nil
}

// media says whether videos have lost media.
func (a *API) media(ctx context.Context) Check {
	n, err := a.Missing.Count(ctx)
	switch {
	case err != nil:
		return Check{"Media", warning, "Whether media is missing cannot be read.", "The server’s log has the reason."}
	case n == 0:
		return Check{"Media", fine, "Nothing was found missing.", ""}
	}
	videos := "1 video"
	if n > 1 {
		videos = fmt.Sprintf("%d videos", n)
	}
	return Check{
		"Media", failure, "Media missing: " + videos + ".",
		"See below for which. Run meanwhile doctor --objects for everything that is missing, and bring it back from a backup under the same names.",
	}
}
