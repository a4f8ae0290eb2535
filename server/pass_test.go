package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// TestAPassOfALinkThatCountsIsForOneBrowser: whoever was let in cannot let others in
// by handing on what it got, and a bound counts those of before.
func TestAPassOfALinkThatCountsIsForOneBrowser(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.start(t, catalog.InTeam)
	link := r.makeLink(t, v, object{})
	open, at := "POST /api/links/"+link.Slug+"/open", "/api/videos/"+v.ID
	read := func(pass, guest string) int {
		header := []string{"Meanwhile-Pass", pass}
		if guest != "" {
			header = append(header, "Cookie", "meanwhile_guest="+guest)
		}
		res, _ := r.nobody.get(t, at, header...)
		return res.StatusCode
	}
	type answer struct {
		Video struct{ Pass string }
		Pass  string
	}
	var free, counted answer
	r.nobody.do(t, open, object{}, 200, &free)
	require.Equal(t, 200, read(free.Pass, ""), "a frame has no cookies")
	r.owner.do(t, "PATCH /api/links/"+link.ID, object{"max_views": 5}, 200, nil)
	require.Equal(t, 404, read(free.Pass, ""), "the bound is for those of before, too")

	guest := ""
	for _, cookie := range r.nobody.do(t, open, object{}, 200, &counted).Cookies() {
		if cookie.Name == "meanwhile_guest" {
			guest = cookie.Value
		}
	}
	for _, pass := range []string{counted.Pass, counted.Video.Pass} {
		require.Equal(t, 200, read(pass, guest))
		require.Equal(t, 404, read(pass, ""))
		require.Equal(t, 404, read(pass, "another"))
	}
	r.owner.do(t, "PATCH /api/links/"+link.ID, object{"max_views": 9}, 200, nil)
	require.Equal(t, 200, read(counted.Pass, guest), "more may come, and who is in stays")
	r.owner.do(t, "PATCH /api/links/"+link.ID, object{"max_views": 2}, 200, nil)
	require.Equal(t, 404, read(counted.Pass, guest))
	res := r.nobody.ask(t, "POST", "/api/links/"+link.Slug+"/open", "{}", "Cookie", "meanwhile_guest="+guest)
	require.Equal(t, 200, res.StatusCode, "who was counted comes in again")
}
