package people

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnOriginIsASchemeAHostAndNothingElse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://wiki.example.org": "https://wiki.example.org", "HTTPS://Wiki.Example.org/": "https://wiki.example.org", "https://wiki.example.org:8443": "https://wiki.example.org:8443",
		"https://wiki.example.org:443": "https://wiki.example.org", "http://localhost:3000": "http://localhost:3000", "http://127.0.0.1:80": "http://127.0.0.1", "http://wiki": "http://wiki",
		"http://192.168.1.4:8080": "http://192.168.1.4:8080", "http://wiki.internal": "http://wiki.internal", "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
	} {
		got, err := EmbedOrigin(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{
		"", "*", "https://*", "https://*.example.org", "*.example.org", "wiki.example.org", "//wiki.example.org", "https:", "https://", "https://wiki.example.org/path", "https://wiki.example.org?x", "https://wiki.example.org#x",
		"https://user@wiki.example.org", "https://user:pass@wiki.example.org", "https://wiki.example.org@evil.example", "https://a.example https://b.example", "https://a.example,https://b.example",
		"https://a.example; script-src *", "https://a.example\r\nSet-Cookie: x", "https://a.example\x00", "null", "'self'", "'none'", "data:", "javascript:alert(1)", "file:///", "ftp://a.example", "https://bücher.example",
		"http://wiki.example.org", "http://8.8.8.8", "http://evil.localhost.example", "https://a.example:", "https://:443", "https://a..example", "https://.example", "https://[::1]", "https://a_b.example", `https://a"b.example`, "https://a%2f.example", "https://a.example:99x",
	} {
		_, err := EmbedOrigin(text)
		require.Error(t, err, text)
	}
}
