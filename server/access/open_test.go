package access

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// TestWhatAnAddressShowsToEverybody: a card, a picture and an answer of oEmbed
// are for these addresses alone, whoever asks for them.
func TestWhatAnAddressShowsToEverybody(t *testing.T) {
	t.Parallel()
	video := func(v catalog.Visibility, change ...func(*catalog.Video)) *catalog.Video {
		made := &catalog.Video{ID: "1", Slug: "own", OwnerID: "ada", WorkspaceID: "w", Visibility: v, Named: true}
		for _, c := range change {
			c(made)
		}
		return made
	}
	by := func(link catalog.ShareLink) func(*catalog.Video) {
		link.VideoID, link.Slug = "1", "link"
		return func(v *catalog.Video) { v.Via = &link }
	}
	trashed := func(v *catalog.Video) { v.TrashedAt.Time = time.Now() }
	free := by(catalog.ShareLink{})
	for name, row := range map[string]struct {
		video *catalog.Video
		slug  string
		want  bool
	}{
		"nothing":                            {nil, "own", false},
		"anyone with the link":               {video(catalog.WithLink), "own", true},
		"workspace":                          {video(catalog.InTeam), "own", false},
		"people":                             {video(catalog.NamedOnly), "own", false},
		"private":                            {video(catalog.Private), "own", false},
		"in the trash":                       {video(catalog.WithLink, trashed), "own", false},
		"a free link":                        {video(catalog.InTeam, free), "link", true},
		"a free link, the video's own slug":  {video(catalog.InTeam, free), "own", false},
		"a free link, another slug":          {video(catalog.InTeam, free), "other", false},
		"a free link to a private video":     {video(catalog.Private, free), "link", false},
		"a free link into the trash":         {video(catalog.InTeam, free, trashed), "link", false},
		"a link with a password":             {video(catalog.InTeam, by(catalog.ShareLink{PasswordHash: "x"})), "link", false},
		"the same to a video open to anyone": {video(catalog.WithLink, by(catalog.ShareLink{PasswordHash: "x"})), "link", false},
		"a link for a few":                   {video(catalog.InTeam, by(catalog.ShareLink{MaxViews: 3})), "link", false},
		"a link that was not come by":        {video(catalog.WithLink), "link", false},
	} {
		require.Equal(t, row.want, Open(row.video, row.slug), name)
	}
}
