package attacks

// onLinks are attacks on share links and on the addresses that they lead to.
func onLinks() []Attack {
	return []Attack{
		{
			N: 7, Name: "guesses the password of a link, from one network and from many", Package: "server", Test: "TestALinksPasswordIsGuessedSlowly",
			Guard: Mutation{"server/share/open.go", `if err := a.Limits.Attempt(ctx, guess); err != nil {`, `if err := a.Limits.Attempt(ctx, guess); err != nil && false {`},
		},
		{
			N: 10, Name: "passes by the password page: every other address of the video", Package: "server", Test: "TestALockedLinkShowsNothing",
			Guard: Mutation{"storage/catalog/share.go", `return l.PasswordHash == "" && l.MaxViews == 0`, `return l.MaxViews == 0`},
		},
		{
			N: 11, Name: "uses the pass of one link for another, or after the password was changed", Package: "server", Test: "TestAPassOpensOneLinkWithOnePassword",
			Guard: Mutation{"server/access/pass.go", `(link.Version != version || !link.Open(f.now()))`, `(version < 0 || !link.Open(f.now()))`},
		},
		{
			N: 12, Name: "plays on after the link expired or was revoked", Package: "server", Test: "TestAClosedLinkEndsPlayback",
			Guard: Mutation{"server/access/grant.go", `!own.Watch || own.Download != rights.Download {`, `own.Watch && own.Download && !own.Watch {`},
		},
		{
			N: 13, Name: "reads title and picture of a closed link out of its card", Package: "server", Test: "TestAClosedLinkHasNoCard",
			Guard: Mutation{"server/access/open.go", `if !link.Open(f.now()) {`, `if false {`},
		},
		{
			N: 14, Name: "keeps or hands on a media address", Package: "server", Test: "TestAMediaAddressOpensOneVideoForAWhile",
			Guard: Mutation{"server/access/grant.go", `if err != nil || !g.now().Before(time.Unix(unix, 0)) {`, `if err != nil || unix == 0 {`},
		},
		{
			N: 15, Name: "writes by a media address (it has no signed addresses to write to)", Package: "server", Test: "TestNobodyWritesMediaByAddress",
			Guard: Mutation{"server/routes.go", "http.MethodHead} {\n\t\ttable = append(table,\n\t\t\tplain(playing()", "http.MethodHead, http.MethodPut} {\n\t\ttable = append(table,\n\t\t\tplain(playing()"},
		},
	}
}
