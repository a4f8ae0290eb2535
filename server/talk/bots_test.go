package talk

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgramsAreToldFromPeople(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Mozilla/5.0 (compatible; bingbot/2.0)", "Twitterbot/1.0",
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Slack-ImgProxy (+https://api.slack.com/robots)", "facebookexternalhit/1.1", "WhatsApp/2.23.20.0",
		"Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", "TelegramBot (like TwitterBot)", "LinkedInBot/1.0", "Applebot", "GPTBot/1.2", "ClaudeBot/1.0",
		"Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5", "Embedly/0.2", "Iframely/1.3.1", "Mozilla/5.0 Chrome-Lighthouse", "ia_archiver", "Baiduspider+(+http://www.baidu.com)",
	} {
		require.True(t, robot(name), name)
	}
	for _, name := range []string{
		"", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 12; CUBOT NOTE 30) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36", "Mozilla/5.0 (Linux; Android 11; CUBOT) AppleWebKit/537.36",
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Meanwhile/1.0",
	} {
		require.False(t, robot(name), name)
	}
}

func TestAProgramsReportIsNoView(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.openToGuests(t)
	for name, want := range map[string]int{"Mozilla/5.0 (compatible; Googlebot/2.1)": 0, "Mozilla/5.0 Firefox/128.0": 1} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+"/api/videos/"+r.video.ID+"/views", strings.NewReader(`{"position_ms":4000,"watched_ms":4000,"first":true}`))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("User-Agent", name)
		before, err := r.catalog.Video(t.Context(), r.video.ID)
		require.NoError(t, err)
		res, err := r.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusNoContent, res.StatusCode)
		after, err := r.catalog.Video(t.Context(), r.video.ID)
		require.NoError(t, err)
		require.Equal(t, want, after.Views-before.Views, name)
	}
}
