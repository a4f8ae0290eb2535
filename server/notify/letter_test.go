package notify

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const place1 = "https://video.example.org/"

// letters is one of each.
func letters() map[string]Letter {
	return map[string]Letter{
		"invitation":    Invitation{Workspace: "Design & Code", Inviter: "Béla Bartók", InviterEmail: "bela@example.org", Role: "member", URL: place1 + "invite/abc", Expires: noon.AddDate(0, 0, 7)},
		"sign_in":       SignInLink{URL: place1 + "sign-in/once?token=abc", Expires: noon.Add(15 * time.Minute), From: "Firefox on Linux, 192.0.2.1"},
		"asks":          AccessRequest{Video: "Why the import is slow", Name: "Cy", Email: "cy@example.org", Message: "I need it for the report.\nThanks!", GrantURL: place1 + "answer/abc?yes", DenyURL: place1 + "answer/abc?no"},
		"granted":       AccessGranted{Video: "Why the import is slow", Owner: "Béla Bartók", URL: place1 + "v/abc"},
		"denied":        AccessDenied{},
		"shared":        Shared{Video: "Why the import is slow", Sharer: "Béla Bartók", SharerEmail: "bela@example.org", Message: "Look at 3:10, please.", URL: place1 + "v/abc", Length: 12 * time.Minute, Unsubscribe: place1 + "api/mail/stop?token=abc"},
		"retention_one": Retention{Workspace: "Design", On: noon.AddDate(0, 0, 14), Videos: []Item{{Title: "Old tour", URL: place1 + "v/a", Note: "recorded in 2024"}}, URL: place1 + "settings/retention"},
		"retention":     Retention{Workspace: "Design", On: noon.AddDate(0, 0, 14), Videos: many(25), URL: place1 + "settings/retention"},
		"webhook":       WebhookOff{Host: "hooks.example.org", Why: "failing", URL: place1 + "settings#webhooks"},
		"passkey":       Security{Event: PasskeyAdded, At: noon, From: "Firefox on Linux, 192.0.2.1", URL: place1 + "settings/account"},
		"password":      Security{Event: PasswordChanged, At: noon, URL: place1 + "settings/account"},
		"recovery":      Security{Event: RecoveryUsed, At: noon, URL: place1 + "settings/account"},
		"codes_on":      Security{Event: CodesTurnedOn, At: noon, URL: place1 + "settings/account"},
		"codes_off":     Security{Event: CodesTurnedOff, At: noon, URL: place1 + "settings/account"},
		"linked":        Security{Event: LoginLinked, At: noon, URL: place1 + "settings/account"},
	}
}

func many(n int) []Item {
	var items []Item
	for i := range n {
		items = append(items, Item{Title: fmt.Sprint("Video ", i), URL: place1 + fmt.Sprint("v/", i)})
	}
	return items
}

// remote is whatever a mail program might fetch.
var remote = regexp.MustCompile(`(?i)<(img|link|script|iframe|object|embed|video|audio|svg|form|base)\b|url\(|@import|<[^>]*\b(src|srcset|background|http-equiv)=`)

func TestEveryLetter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	subjects := map[string]bool{}
	for name, letter := range letters() {
		got := r.read(t, letter)
		subject := got.subject(t)
		require.NotEmpty(t, subject, name)
		require.False(t, subjects[subject], subject)
		subjects[subject] = true
		from, err := mail.ParseAddress(got.header.Get("From"))
		require.NoError(t, err)
		require.Equal(t, "Jürgen's “Videos”", from.Name)
		require.Equal(t, "<"+ada+">", got.header.Get("To"))
		require.Equal(t, "auto-generated", got.header.Get("Auto-Submitted"))
		require.Contains(t, got.header.Get("Message-ID"), "@example.org>")
		require.NotRegexp(t, remote, got.html, name)
		require.NotContains(t, got.html, "ZgotmplZ", name)
		require.NotContains(t, got.text, "<no value>", name)
		require.NotContains(t, got.text, "&#", "plain text is not HTML: "+name)
		require.Contains(t, got.html, "prefers-color-scheme: dark")
		s := letter.sheet(place{host: "video.example.org", to: ada, now: noon})
		for _, a := range s.Actions {
			require.Contains(t, got.text, a.URL, name)
			require.Contains(t, got.html, `href="`+strings.ReplaceAll(a.URL, "&", "&amp;")+`"`, name)
		}
		for _, line := range s.Lines {
			require.Contains(t, got.text, line, name)
		}
		for line := range strings.SplitSeq(got.text, "\n") {
			require.NotRegexp(t, `%!|  $`, line, name)
		}
	}
}

func TestWordsOfLetters(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := r.read(t, letters()["invitation"])
	require.Equal(t, "Béla Bartók invites you to Design & Code", got.subject(t))
	require.Contains(t, got.text, "Béla Bartók (bela@example.org) invites you to join the workspace “Design & Code” as a member.")
	require.Contains(t, got.text, "The link is for ada@example.org alone. It works once, until 8 March 2026.")
	require.Contains(t, got.html, "Design &amp; Code")

	got = r.read(t, letters()["sign_in"])
	require.Contains(t, got.text, "The link works once, for 15 minutes. It was asked for from Firefox on Linux, 192.0.2.1.")
	got = r.read(t, letters()["asks"])
	require.Contains(t, got.text, "> I need it for the report.\n> Thanks!\n")
	require.Contains(t, got.html, "I need it for the report.<br>Thanks!")
	got = r.read(t, letters()["shared"])
	require.Contains(t, got.text, "It takes 12 minutes.")
	got = r.read(t, letters()["retention"])
	require.Equal(t, "25 videos will be removed on 15 March 2026", got.subject(t))
	require.Contains(t, got.text, "Video 19")
	require.NotContains(t, got.text, "Video 20")
	require.Contains(t, got.text, "And 5 more.")
	got = r.read(t, letters()["passkey"])
	require.Contains(t, got.text, "A passkey was added to your account ada@example.org on video.example.org at 12:00 UTC on 1 March 2026. It came from Firefox on Linux, 192.0.2.1.")
}

func TestOnlySomeLettersCanBeStopped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, letter := range letters() {
		got := r.read(t, letter)
		if name != "shared" {
			require.Empty(t, got.header.Get("List-Unsubscribe"), name)
			continue
		}
		require.Equal(t, "<"+place1+"api/mail/stop?token=abc>", got.header.Get("List-Unsubscribe"))
		require.Equal(t, "List-Unsubscribe=One-Click", got.header.Get("List-Unsubscribe-Post"))
		require.Contains(t, got.text, "No more mails like this: "+place1)
	}
}

// hostile are names and messages that want to be more than that.
var hostile = []string{
	"Ada\r\nBcc: victim@example.net", "Ada\nSubject: free", "Ada\r\n\r\n<b>body</b>", "\u2028Bcc: x@y.z", "\x00\x07\x1b[31m",
	"<script>alert(1)</script>", `"><img src=http://evil.example/x>`, "{{.Base}}", "=?utf-8?q?=0D=0ABcc:_x@y.z?=", "\u202Egpj.exe",
	"a\r\n.\r\nMAIL FROM:<x@y.z>", strings.Repeat("é", 10_000), strings.Repeat("a\n", 10_000), "\xff\xfe", "javascript:alert(1)",
	"Ada <victim@example.net>, b", "%s%d%!", "--boundary\r\nContent-Type: text/html",
}

func TestWordsOfPeopleStayWords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, bad := range hostile {
		for _, letter := range []Letter{
			Invitation{Workspace: bad, Inviter: bad, InviterEmail: bad, Role: bad, URL: place1},
			SignInLink{URL: place1, From: bad},
			AccessRequest{Video: bad, Name: bad, Email: bad, Message: bad, GrantURL: place1, DenyURL: place1},
			AccessGranted{Video: bad, Owner: bad, URL: place1},
			AccessGranted{Video: bad, URL: place1 + "v/x"},
			Shared{Video: bad, Sharer: bad, SharerEmail: bad, Message: bad, URL: place1, Unsubscribe: place1},
			Retention{Workspace: bad, Videos: []Item{{Title: bad, URL: place1, Note: bad}}, URL: place1},
			Security{Event: SecurityEvent(bad), From: bad, URL: place1},
			WebhookOff{Host: bad, Why: bad, URL: place1},
		} {
			got := r.read(t, letter)
			require.Len(t, got.header["To"], 1)
			require.Len(t, got.header["Subject"], 1)
			require.Len(t, got.header["From"], 1)
			require.Empty(t, got.header["Bcc"])
			require.Empty(t, got.header["Cc"])
			require.NotContains(t, got.subject(t), "\n")
			require.NotRegexp(t, remote, got.html)
			require.NotContains(t, got.html, "<b>")
			require.Equal(t, 1, strings.Count(got.html, "</body>"))
			require.Less(t, len(got.text), 10_000)
			require.NotContains(t, got.text, "\u202e")
			require.NotContains(t, got.text, "\x1b")
			require.LessOrEqual(t, len([]rune(got.subject(t))), 300)
		}
	}
	require.Len(t, r.server.Letters(), len(hostile)*9, "no letter became two")
}

func TestLettersLeadNowhereElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, bad := range []string{
		"", "https://evil.example/", "http://video.example.org/", "javascript:alert(1)", "//evil.example", "https://video.example.org@evil.example/",
		"https://x@video.example.org/", "https://video.example.org:444/", " https://video.example.org/", "mailto:x@y.z",
	} {
		r.letter = AccessGranted{Video: "v", Owner: "o", URL: bad}
		require.Error(t, r.send(t.Context(), order(ada)), bad)
		r.letter = Retention{Videos: []Item{{Title: "t", URL: bad}}, URL: place1}
		if bad != "" {
			require.Error(t, r.send(t.Context(), order(ada)), bad)
		}
	}
	require.Empty(t, r.server.Letters())
}

func TestTriesOfALetter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := func(letter Letter) string { return r.read(t, letter).header.Get("Message-ID") }
	first := id(AccessGranted{Video: "v", URL: place1 + "v/x"})
	require.Equal(t, first, id(AccessGranted{Video: "v", URL: place1 + "v/x"}), "whoever gets it twice sees it once")
	require.NotEqual(t, id(SignInLink{URL: place1 + "a"}), id(SignInLink{URL: place1 + "b"}), "another token is another letter")
}

func TestDurationsInWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Second: "less than a minute", time.Minute: "a minute", 89 * time.Second: "a minute", 15 * time.Minute: "15 minutes",
		3 * time.Hour: "3 hours", 7 * 24 * time.Hour: "7 days", -time.Hour: "less than a minute",
	} {
		require.Equal(t, want, span(d), d)
	}
}
