package attacks

// onPages are attacks by what pages show and by what other pages do.
func onPages() []Attack {
	return []Attack{
		{
			N: 18, Name: "stores script in every text that somebody else reads", Package: "server", Test: "TestWordsOfPeopleStartNothing",
			Guard: Mutation{"server/site/page.go", `html.EscapeString(value)`, `html.UnescapeString(value)`},
		},
		{
			N: 19, Name: "writes a link that runs, or markup that a page takes for its own", Package: "attacks", Test: "TestPagesMakeNoMarkupOfText",
			Guard: Mutation{"frontend/src/watch/talk/autolink.ts", `url.protocol === 'https:' &&`, `url.protocol !== '' &&`},
		},
		{
			N: 20, Name: "uploads a page or a picture with script", Package: "server", Test: "TestWhatUsersUploadRunsNothing",
			Guard: Mutation{"server/watch/source.go", `h.Set("Content-Disposition", "attachment")`, `h.Set("Content-Disposition", "inline")`},
		},
		{
			N: 21, Name: "makes a download show itself by its query", Package: "server", Test: "TestNoQueryMakesAPageOfADownload",
			Guard: Mutation{"server/watch/progressive.go", `attachment(h, video.Title, file.extension)`, `h.Set("Content-Disposition", "inline; filename="+file.extension)`},
		},
		{
			N: 22, Name: "writes style sheets for others (there are none of one's own)", Package: "server", Test: "TestThereIsNoStyleOfOnesOwn",
			Guard: Mutation{"server/library/operations.go", "Title      string `json:\"title,omitempty\" maxLength:\"300\" doc:\"Empty for the date and time\"`", "Title      string `json:\"title,omitempty\"`; CSS string `json:\"custom_css,omitempty\"`"},
		},
		{
			N: 23, Name: "ends the element that data of a page stands in", Package: "server/site", Test: "TestHostileTextIsInertInThePage",
			Guard: Mutation{"server/site/page.go", `string(raw), "</script>"`, `html.UnescapeString(strings.NewReplacer("\\u003c", "<", "\\u003e", ">").Replace(string(raw))), "</script>"`},
		},
		{
			N: 24, Name: "puts headers, recipients or markup into mails", Package: "server/notify", Test: "TestWordsOfPeopleStayWords",
			Guard: Mutation{"server/notify/render.go", `lines = append(lines, clean(head))`, `lines = append(lines, head)`},
		},
		{
			N: 25, Name: "makes another's browser send changes", Package: "server", Test: "TestNoOtherSiteChangesAnything",
			Guard: Mutation{"server/auth/auth.go", `if err := a.origins.Check(c.Request); err != nil {`, `if err := a.origins.Check(c.Request); err != nil && false {`},
		},
		{
			N: 26, Name: "reads answers from a page elsewhere", Package: "server", Test: "TestEveryAnswerHasTheSafeHeaders",
			Guard: Mutation{"server/shield/policy.go", `h.Set("X-Content-Type-Options", "nosniff")`, `h.Set("X-Content-Type-Options", "nosniff"); h.Set("Access-Control-Allow-Origin", "*")`},
		},
		{
			N: 27, Name: "shows the application in a frame of its own", Package: "server/site", Test: "TestPagesTrustOnlyThisServer",
			Guard: Mutation{"server/shield/policy.go", `return s.page(h, "'none'", recording)`, `return s.page(h, "*", recording)`},
		},
		{
			N: 28, Name: "passes for a site that may frame the player", Package: "server/shield", Test: "TestWhoMayFrameAnEmbeddedPage",
			Guard: Mutation{"server/shield/policy.go", ` || !plainHost(u.Host) {`, ` {`},
		},
		{
			N: 29, Name: "commands the player from any window", Package: "attacks", Test: "TestMessagesOfOtherWindowsAreLookedAt",
			Guard: Mutation{"frontend/src/embed/bridge.ts", `if (message.source !== around || !allowed.includes(message.origin)) return;`, `if (message.source !== around) return;`},
		},
		{
			N: 34, Name: "sends people elsewhere after they signed in", Package: "server/auth", Test: "TestNextLeadsNowhereElse",
			Guard: Mutation{"server/auth/link.go", `u.Scheme != "" || u.Host != "" || `, `u.Scheme != "" || `},
		},
		{
			N: 62, Name: "finds out who watched: in records, referers and search engines", Package: "server/talk", Test: "TestAVisitorIsKnownForADayUnderOurKeyAlone",
			Guard: Mutation{"server/talk/views.go", `mac := hmac.New(sha256.New, a.secret)`, `mac := hmac.New(sha256.New, nil)`},
		},
		{
			N: 75, Name: "reads another's page out of a shared cache", Package: "server", Test: "TestEveryAnswerHasTheSafeHeaders",
			Guard: Mutation{"server/auth/auth.go", `c.Header("Cache-Control", "private, no-cache")`, `c.Header("Cache-Control", "public, max-age=60")`},
		},
	}
}
