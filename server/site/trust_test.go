package site

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

var nonceOf = regexp.MustCompile(`script-src 'nonce-([A-Z2-7]{26})'`)

// TestANonceIsForOneAnswer: what the build marked carries the nonce of the
// answer's policy, another one each time, and what users wrote never does.
func TestANonceIsForOneAnswer(t *testing.T) {
	t.Parallel()
	v := video(catalog.WithLink, `nonce="`+nonceMark+`"`)
	v.OwnerName = nonceMark
	s := open(t, built(), v, nil)
	seen := map[string]bool{}
	for range 3 {
		for _, path := range []string{"/", "/v/abc", "/v/absent"} {
			res, body := s.get(path)
			found := nonceOf.FindStringSubmatch(res.Header.Get("Content-Security-Policy"))
			require.NotNil(t, found, path)
			nonce := found[1]
			require.False(t, seen[nonce], "a nonce came twice")
			seen[nonce] = true
			require.Contains(t, body, `<script src="/x.js" nonce="`+nonce+`">`, path)
			require.NotContains(t, body, `<script src="/x.js" nonce="`+nonceMark, path)
			if path == "/v/abc" {
				require.Contains(t, body, `<link rel="modulepreload" nonce="`+nonce+`" href="/assets/hls-abc.js">`)
				require.Equal(t, 2, strings.Count(body, nonce), "only the build's own tags have it")
				require.Contains(t, body, `<title>nonce=&#34;`+nonceMark+`&#34; – Meanwhile</title>`)
			}
		}
	}
}
