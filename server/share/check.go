package share

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// CheckInput asks who of some people could open a video.
type CheckInput struct {
	ByVideo
	Body struct {
		Addresses string   `json:"addresses,omitempty" maxLength:"20000" doc:"Text with e-mail addresses in it, as pasted"`
		Accounts  []string `json:"accounts,omitempty" maxItems:"200" nullable:"false" doc:"People of the workspace, by account"`
	}
}

// Checked says whether somebody can open the video, and why.
type Checked struct {
	Text    string  `json:"text" doc:"What was pasted"`
	Email   *string `json:"email" doc:"Null if the text is no address"`
	Account *Person `json:"account,omitempty" doc:"Who that is, for people of the workspace"`
	Proved  bool    `json:"proved" doc:"The account has proved that the address is its own"`
	Can     bool    `json:"can"`
	Why     string  `json:"why" enum:"owner,admin,member,named,link,named_pending,private,not_named,outside,invalid" doc:"named_pending: named, but must sign in with the address first"`
}

// CheckOutput lists what was found, in the order of the text.
type CheckOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items []Checked `json:"items" nullable:"false"`
		Links int       `json:"links" doc:"Share links that are open: whoever has one can watch"`
	}
}

// maxChecked bounds how many people are checked at once.
const maxChecked = 200

// Check is POST /api/videos/{id}/check: who could not open a video, and why,
// before it is shared. Needs the right to edit.
func (a *API) Check(ctx context.Context, in *CheckInput) (*CheckOutput, error) {
	v := access.Video(ctx)
	around, err := a.circleOf(ctx, v)
	if err != nil {
		return nil, err
	}
	named, err := a.Catalog.NamedPeople(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	links, err := a.openLinks(ctx, v)
	if err != nil {
		return nil, err
	}
	x := &examiner{video: v, around: around, named: named}
	out := &CheckOutput{CacheControl: "no-store"}
	out.Body.Items, out.Body.Links = []Checked{}, links
	for _, id := range in.Body.Accounts {
		if m := around[id]; m != nil {
			out.Body.Items = append(out.Body.Items, x.member(m.Account.Email, m))
		}
	}
	for _, text := range addressesIn(in.Body.Addresses) {
		if len(out.Body.Items) == maxChecked {
			break
		}
		if one := x.address(text); !slices.ContainsFunc(out.Body.Items, one.same) {
			out.Body.Items = append(out.Body.Items, one)
		}
	}
	return out, nil
}

func (c Checked) same(other Checked) bool {
	return c.Email != nil && other.Email != nil && *c.Email == *other.Email
}

// openLinks counts the share links that let somebody in.
func (a *API) openLinks(ctx context.Context, v *catalog.Video) (int, error) {
	links, err := a.Catalog.ShareLinks(ctx, v.ID)
	n := 0
	for _, l := range links {
		if a.link(v, l).State == "open" {
			n++
		}
	}
	return n, err
}

// addressesIn finds in pasted text what looks like it is meant as an address:
// "Ada <ada@example.org>; ben@example.org" names two. Words around an address
// are dropped; a word without one beside it is kept, to be shown as wrong.
func addressesIn(text string) []string {
	var found []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",;\n\r\t|", r) }) {
		words := strings.FieldsFunc(part, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<>()[]"'`, r) })
		var addresses []string
		for _, word := range words {
			word = strings.TrimPrefix(strings.Trim(word, ".:"), "mailto:")
			if strings.Contains(word, "@") {
				addresses = append(addresses, word)
			}
		}
		if len(addresses) == 0 && len(words) > 0 {
			addresses = []string{strings.Join(words, " ")}
		}
		found = append(found, addresses...)
	}
	return found
}

// examiner knows all that decides who can open one video.
type examiner struct {
	video  *catalog.Video
	around circle
	named  []*catalog.Named
}

// address examines somebody by address.
func (x *examiner) address(text string) Checked {
	email, err := people.NormalEmail(text)
	if err != nil {
		return Checked{Text: text, Why: "invalid"}
	}
	if m := x.around.byEmail(email); m != nil {
		return x.member(text, m)
	}
	out := Checked{Text: text, Email: &email, Why: x.closed("outside")}
	switch {
	case x.video.Visibility == catalog.WithLink:
		out.Can, out.Why = true, "link"
	case x.video.Visibility != catalog.Private && x.nameOf("", email) != nil:
		out.Can, out.Why = true, "named_pending"
	}
	return out
}

// member examines somebody of the workspace.
func (x *examiner) member(text string, m *people.Membership) Checked {
	out := Checked{
		Text: text, Email: &m.Account.Email, Proved: m.Account.Verified(),
		Account: &Person{ID: m.AccountID, Name: m.Account.Name, Email: m.Account.Email},
	}
	out.Can = access.RightsOf(principal(m), x.as(m.AccountID)).Watch
	switch {
	case m.AccountID == x.video.OwnerID:
		out.Why = "owner"
	case !out.Can:
		out.Why = x.closed("not_named")
	case x.nameOf(m.AccountID, "") != nil:
		out.Why = "named"
	case x.video.Visibility == catalog.WithLink:
		out.Why = "link"
	case m.Role.AtLeast(people.Admin):
		out.Why = "admin"
	default:
		out.Why = "member"
	}
	return out
}

// closed is why somebody cannot open the video.
func (x *examiner) closed(otherwise string) string {
	if x.video.Visibility == catalog.Private {
		return "private"
	}
	return otherwise
}

func (x *examiner) nameOf(accountID, email string) *catalog.Named {
	for _, n := range x.named {
		if accountID != "" && n.AccountID == accountID || accountID == "" && n.Email == email {
			return n
		}
	}
	return nil
}

// as is the video as the gate would find it for an account.
func (x *examiner) as(accountID string) *catalog.Video {
	v := *x.video
	v.Via, v.Named = nil, x.nameOf(accountID, "") != nil
	return &v
}

// PreviewInput asks what another visibility would change.
type PreviewInput struct {
	ByVideo
	Body struct {
		Visibility string `json:"visibility" enum:"private,people,workspace,link"`
	}
}

// Crowd is some people.
type Crowd struct {
	Count int      `json:"count"`
	Names []string `json:"names" nullable:"false" doc:"The first few"`
}

// maxNames is how many people a sentence names.
const maxNames = 3

func (c *Crowd) add(name string) {
	if c.Count++; c.Count <= maxNames {
		c.Names = append(c.Names, name)
	}
}

// PreviewOutput says who gains and who loses.
type PreviewOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Gains       Crowd `json:"gains"`
		Loses       Crowd `json:"loses"`
		AnyoneGains bool  `json:"anyone_gains" doc:"Whoever has the video's own address"`
		AnyoneLoses bool  `json:"anyone_loses"`
		LinksPaused int   `json:"links_paused" doc:"Share links that are open now and would not be"`
		LinksOpened int   `json:"links_opened" doc:"Share links that are paused now and would open"`
	}
}

// Preview is POST /api/videos/{id}/preview-visibility: who gains and who loses by
// another visibility. Needs the right to edit.
func (a *API) Preview(ctx context.Context, in *PreviewInput) (*PreviewOutput, error) {
	v := access.Video(ctx)
	around, err := a.circleOf(ctx, v)
	if err != nil {
		return nil, err
	}
	named, err := a.Catalog.NamedPeople(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	after := *v
	after.Visibility = catalog.Visibility(in.Body.Visibility)
	out := &PreviewOutput{CacheControl: "no-store"}
	out.Body.Gains.Names, out.Body.Loses.Names = []string{}, []string{}
	out.compare(&examiner{v, around, named}, &examiner{&after, around, named})
	before, err := a.openLinks(ctx, v)
	if err != nil {
		return nil, err
	}
	then, err := a.openLinks(ctx, &after)
	out.Body.LinksPaused, out.Body.LinksOpened = max(before-then, 0), max(then-before, 0)
	return out, err
}

func (o *PreviewOutput) compare(before, after *examiner) {
	note := func(name string, could, can bool) {
		switch {
		case can && !could:
			o.Body.Gains.add(name)
		case could && !can:
			o.Body.Loses.add(name)
		}
	}
	for _, m := range before.around.sorted() {
		p := principal(m)
		note(m.Account.Name, access.RightsOf(p, before.as(m.AccountID)).Watch, access.RightsOf(p, after.as(m.AccountID)).Watch)
	}
	for _, n := range before.named {
		if before.around[n.AccountID] == nil {
			outside := func(x *examiner) bool {
				v := *x.video
				v.Via, v.Named = nil, true
				return access.RightsOf(auth.Principal{}, &v).Watch
			}
			note(n.Email, outside(before), outside(after))
		}
	}
	anyone := func(x *examiner) bool { return access.RightsOf(auth.Principal{}, x.as("")).Watch }
	could, can := anyone(before), anyone(after)
	o.Body.AnyoneGains, o.Body.AnyoneLoses = can && !could, could && !can
}

// sorted is everybody by name.
func (c circle) sorted() []*people.Membership {
	all := make([]*people.Membership, 0, len(c))
	for _, m := range c {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *people.Membership) int {
		return strings.Compare(strings.ToLower(a.Account.Name)+a.AccountID, strings.ToLower(b.Account.Name)+b.AccountID)
	})
	return all
}
