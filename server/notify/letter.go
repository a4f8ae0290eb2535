package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Letter is what a mail says: one of the types below. Their fields are texts of
// people and whole addresses of this server; nothing in them can become HTML, a
// header or a second recipient.
type Letter interface {
	sheet(place) sheet
}

// place is where a letter comes from.
type place struct {
	host string
	to   string
	now  time.Time
}

// sheet is what every letter is made of, for the one layout that all share.
type sheet struct {
	Subject string
	// Lines are paragraphs; Quote is what somebody wrote himself.
	Lines []string
	Quote string
	Items []Item
	// Actions are what the reader may do, the first one before all.
	Actions []action
	// Small explains why the mail came and what is safe to do.
	Small []string
	// Unsubscribe is an address that ends mails of this sort, if one may.
	Unsubscribe string
	// Fresh says that the letter carries a token of its own: two tries of the
	// same letter are two letters.
	Fresh bool
}

// action is a link with words.
type action struct{ Label, URL string }

// Item is a video in a list.
type Item struct {
	Title, URL, Note string
}

// Invitation asks somebody into a workspace.
type Invitation struct {
	Workspace, Inviter, InviterEmail string
	// Role is what he will be there: member, viewer.
	Role    string
	URL     string
	Expires time.Time
}

func (l Invitation) sheet(p place) sheet {
	return sheet{
		Subject: fmt.Sprintf("%s invites you to %s", clean(l.Inviter), clean(l.Workspace)),
		Lines: []string{
			fmt.Sprintf("%s invites you to join the workspace “%s” as %s.", signed(l.Inviter, l.InviterEmail), clean(l.Workspace), withArticle(l.Role)),
			"Meanwhile is where the team shares recorded walkthroughs. You watch and answer when it suits you.",
		},
		Actions: []action{{"Accept the invitation", l.URL}},
		Small: []string{
			"The link is for " + p.to + " alone. It works once, until " + day(l.Expires) + ".",
			"If you did not expect this, do nothing.",
		},
		Fresh: true,
	}
}

// SignInLink lets somebody in without a password, once.
type SignInLink struct {
	URL     string
	Expires time.Time
	// From says where it was asked for: a browser, a network.
	From string
}

func (l SignInLink) sheet(p place) sheet {
	return sheet{
		Subject: "Your link to sign in to " + p.host,
		Lines:   []string{"Somebody, most likely you, asked to sign in as " + p.to + "."},
		Actions: []action{{"Sign in", l.URL}},
		Small: []string{
			"The link works once, for " + span(l.Expires.Sub(p.now)) + ". " + from("It was asked for from ", l.From),
			"If it was not you, do nothing: nobody gets in without this mail. Never pass it on.",
		},
		Fresh: true,
	}
}

// AccessRequest asks the owner of a video to let somebody watch it. The links
// must lead to a page that asks once more: programs that look for harm in mail
// open every link.
type AccessRequest struct {
	Video, Name, Email, Message string
	GrantURL, DenyURL           string
}

func (l AccessRequest) sheet(place) sheet {
	return sheet{
		Subject: fmt.Sprintf("%s asks to watch “%s”", clean(l.Name), clean(l.Video)),
		Lines:   []string{fmt.Sprintf("%s would like to watch “%s”, which is not shared with them.", signed(l.Name, l.Email), clean(l.Video))},
		Quote:   l.Message,
		Actions: []action{{"Let them watch", l.GrantURL}, {"Decline", l.DenyURL}},
		Small:   []string{"You get this because the video is yours. Until you answer, they see nothing of it."},
		Fresh:   true,
	}
}

// AccessGranted tells that a video may be watched now.
type AccessGranted struct{ Video, Owner, URL string }

func (l AccessGranted) sheet(place) sheet {
	return sheet{
		Subject: fmt.Sprintf("You can watch “%s” now", clean(l.Video)),
		Lines:   []string{fmt.Sprintf("%s lets you watch “%s”.", clean(l.Owner), clean(l.Video))},
		Actions: []action{{"Watch", l.URL}},
		Small:   []string{"You get this because you asked for it."},
	}
}

// AccessDenied tells that a video stays closed. Whoever may not watch it learns
// neither its title nor its address: they may have asked by a link that is closed.
type AccessDenied struct{}

func (AccessDenied) sheet(place) sheet {
	return sheet{
		Subject: "Your request to watch a video was declined",
		Lines:   []string{"You asked to watch a video. Its owner has decided not to share it with you."},
		Small:   []string{"You get this because you asked for it."},
	}
}

// Shared tells that somebody gave access to a video.
type Shared struct {
	Video, Sharer, SharerEmail, Message string
	URL                                 string
	// Length is how long it takes to watch; 0 if that is not known yet.
	Length      time.Duration
	Unsubscribe string
}

func (l Shared) sheet(place) sheet {
	line := fmt.Sprintf("%s shared “%s” with you.", signed(l.Sharer, l.SharerEmail), clean(l.Video))
	if l.Length >= time.Second {
		line += " It takes " + span(l.Length) + "."
	}
	return sheet{
		Subject:     fmt.Sprintf("%s shared “%s” with you", clean(l.Sharer), clean(l.Video)),
		Lines:       []string{line},
		Quote:       l.Message,
		Actions:     []action{{"Watch", l.URL}},
		Unsubscribe: l.Unsubscribe,
	}
}

// Retention warns that videos will be removed by the rule of their workspace.
type Retention struct {
	Workspace string
	On        time.Time
	Videos    []Item
	// URL is where they can be kept.
	URL string
}

// maxItems is how many videos one mail names.
const maxItems = 20

func (l Retention) sheet(place) sheet {
	what, these := fmt.Sprintf("%d videos", len(l.Videos)), "These"
	if len(l.Videos) == 1 {
		what, these = "“"+clean(l.Videos[0].Title)+"”", "This one"
	}
	s := sheet{
		Subject: what + " will be removed on " + day(l.On),
		Lines: []string{fmt.Sprintf("The workspace “%s” keeps videos for a while only. %s will be removed on %s, unless you choose to keep what you still need.",
			clean(l.Workspace), these, day(l.On))},
		Items:   l.Videos[:min(len(l.Videos), maxItems)],
		Actions: []action{{"Choose what to keep", l.URL}},
		Small:   []string{"You get this because you own them."},
	}
	if more := len(l.Videos) - maxItems; more > 0 {
		s.Small = append([]string{fmt.Sprintf("And %d more.", more)}, s.Small...)
	}
	return s
}

// SecurityEvent is something that changes who can sign in.
type SecurityEvent string

// What the owner of an account is told at once.
const (
	PasskeyAdded    SecurityEvent = "passkey_added"
	PasswordChanged SecurityEvent = "password_changed"
	RecoveryUsed    SecurityEvent = "recovery_used"
	CodesTurnedOn   SecurityEvent = "totp_on"
	CodesTurnedOff  SecurityEvent = "totp_off"
	LoginLinked     SecurityEvent = "login_linked"
	PasskeyRemoved  SecurityEvent = "passkey_removed"
	CodesRenewed    SecurityEvent = "codes_renewed"
	LoginUnlinked   SecurityEvent = "login_unlinked"
)

// said is the event for a subject, and for a sentence about an account.
func (e SecurityEvent) said() (subject, sentence string) {
	switch e {
	case PasskeyAdded:
		return "A passkey was added to your account", "A passkey was added to %s"
	case PasswordChanged:
		return "Your password was changed", "The password of %s was changed"
	case RecoveryUsed:
		return "A recovery code was used", "A recovery code was used to sign in to %s"
	case CodesTurnedOn:
		return "Your account asks for a code from now on", "Codes from an app were turned on for %s"
	case CodesTurnedOff:
		return "Your account no longer asks for a code", "Codes from an app were turned off for %s"
	case PasskeyRemoved:
		return "A passkey was removed from your account", "A passkey was removed from %s"
	case CodesRenewed:
		return "You have new recovery codes", "The recovery codes of %s were replaced; those before are void"
	case LoginUnlinked:
		return "A way to sign in was removed", "An account of another service is not linked to %s any more"
	case LoginLinked:
		return "Another way to sign in was added", "An account of another service was linked to %s"
	}
	return "Your account was changed", "The ways to sign in were changed for %s"
}

// Security tells the owner of an account what was done to it.
type Security struct {
	Event SecurityEvent
	At    time.Time
	// From says where it came from: a browser, a network.
	From string
	// URL is where sessions can be ended and the password changed.
	URL string
}

func (l Security) sheet(p place) sheet {
	subject, sentence := l.Event.said()
	account := "your account " + p.to + " on " + p.host
	return sheet{
		Subject: subject,
		Lines: []string{
			strings.TrimSpace(fmt.Sprintf(sentence, account) + " at " + moment(l.At) + ". " + from("It came from ", l.From)),
			"If that was you, there is nothing to do. If not, end the sessions you do not know and change your password now.",
		},
		Actions: []action{{"Look at my account", l.URL}},
	}
}

// maxText bounds a name or a title in a mail.
const maxText = 120

// clean makes one line of what somebody typed: no control character, no mark
// that turns the direction of what follows.
func clean(text string) string { return cleanTo(text, maxText) }

func cleanTo(text string, most int) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return ' '
		}
		if unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)), " ")
	if utf8.RuneCountInString(text) > most {
		text = strings.TrimSpace(string([]rune(text)[:most-1])) + "…"
	}
	return text
}

// signed is a name with its address.
func signed(name, email string) string {
	name, email = clean(name), clean(email)
	switch {
	case name == "":
		return email
	case email == "" || email == name:
		return name
	}
	return name + " (" + email + ")"
}

func withArticle(role string) string {
	role = clean(role)
	switch {
	case role == "":
		return "a member"
	case strings.ContainsAny(role[:1], "aeiou"):
		return "an " + role
	}
	return "a " + role
}

func from(words, where string) string {
	if where = clean(where); where == "" {
		return ""
	}
	return words + where + "."
}

func day(at time.Time) string    { return at.UTC().Format("2 January 2006") }
func moment(at time.Time) string { return at.UTC().Format("15:04 UTC on 2 January 2006") }

// span is a duration in words.
func span(d time.Duration) string {
	minutes := int((d + 30*time.Second) / time.Minute)
	switch {
	case d < time.Minute:
		return "less than a minute"
	case minutes == 1:
		return "a minute"
	case minutes < 2*60:
		return fmt.Sprintf("%d minutes", minutes)
	case minutes < 2*24*60:
		return fmt.Sprintf("%d hours", (minutes+30)/60)
	}
	return fmt.Sprintf("%d days", (minutes+12*60)/(24*60))
}

// WebhookOff tells that a webhook was switched off.
type WebhookOff struct{ Host, Why, URL string }

func (l WebhookOff) sheet(place) sheet {
	why := map[string]string{
		"gone":    "The receiver answered that it wants no more messages (status 410).",
		"backlog": "Too many messages waited for it, for it did not take them.",
	}[l.Why]
	if why == "" {
		why = "It has not taken a message for a day, although each was tried many times."
	}
	return sheet{
		Subject: "The webhook to " + clean(l.Host) + " was switched off",
		Lines:   []string{"Meanwhile no longer tells " + clean(l.Host) + " of events in your workspace. " + why, "Once the receiver works again, switch the webhook on in the settings. What was not delivered can be sent again there."},
		Actions: []action{{"Open the settings", l.URL}},
		Small:   []string{"You get this because you look after this webhook."},
	}
}
