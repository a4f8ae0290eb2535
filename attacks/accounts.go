package attacks

// onAccounts are attacks on accounts, sessions and what proves who somebody is.
func onAccounts() []Attack {
	return []Attack{
		{
			N: 9, Name: "floods the sign-in, so that hashing takes the machine", Package: "server/auth", Test: "TestAFloodOfPasswordsDoesNotTakeTheMachine",
			Guard: Mutation{"server/auth/password.go", `if h.waiting.Add(1) > hashesAtOnce+hashesQueued {`, `if h.waiting.Add(1) > 1<<30 {`},
		},
		{
			N: 36, Name: "fixes a session before its victim signs in", Package: "server/auth", Test: "TestANewSignInIsANewSession",
			Guard: Mutation{"server/auth/sessions.go", `if old := From(ctx).SessionHash; old != nil {`, `if old := From(ctx).SessionHash; old != nil && false {`},
		},
		{
			N: 37, Name: "keeps what it opened after signing out, a new password, removal or being disabled", Package: "server", Test: "TestWhoLosesRightsLosesThemEverywhere",
			Guard: Mutation{"server/talk/feed.go", "if !alive {\n\t\treturn errEnd", "if !alive && false {\n\t\treturn errEnd"},
		},
		{
			N: 38, Name: "uses a mailed link twice, late, or after a newer one", Package: "server/auth", Test: "TestALinkCountsOnceAndOnlyTheNewest",
			Guard: Mutation{"storage/credential/onetime.go", `"(email = ? AND purpose = ?) OR expires_at <= ?", email, toSignIn, now`, `"expires_at <= ?", now`},
		},
		{
			N: 39, Name: "lies as, or through, the provider of another service", Package: "server/auth", Test: "TestOIDCRefusals",
			Guard: Mutation{"server/auth/oidc/oidc.go", `if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {`, `if false {`},
		},
		{
			N: 40, Name: "guesses or swaps the state of a sign-in abroad", Package: "server/auth", Test: "TestOIDCAnswersBelongToTheBrowserThatAsked",
			Guard: Mutation{"server/auth/oidc/oidc.go", `if a.State == "" || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.State)) != 1 {`, `if a.State == "" {`},
		},
		{
			N: 41, Name: "accepts an invitation for somebody else, again, late, or with a higher role", Package: "storage/people", Test: "TestInvitations",
			Guard: Mutation{"storage/people/invitation.go", `if invitation.Email != "" && invitation.Email != account.Email {`, `if invitation.Email == "?" {`},
		},
		{
			N: 42, Name: "leaves a workspace without an owner, or makes itself one", Package: "storage/people", Test: "TestAWorkspaceKeepsAnOwner",
			Guard: Mutation{"storage/people/membership.go", "if err == nil && !owned {\n\t\treturn ErrLastOwner", "if err == nil && !owned && false {\n\t\treturn ErrLastOwner"},
		},
		{
			N: 43, Name: "writes with a token to read", Package: "server", Test: "TestATokenToReadChangesNothing",
			Guard: Mutation{"server/access/gate.go", `if need.Write && p.Account != nil && !p.Scope.Allows(people.ScopeWrite) {`, `if false {`},
		},
		{
			N: 45, Name: "measures how long a comparison of a secret takes", Package: "attacks", Test: "TestSecretsAreComparedInConstantTime",
			Guard: Mutation{"server/access/pass.go", `!hmac.Equal([]byte(pass[last+1:]), []byte(f.sign(pass[:last])))`, `pass[last+1:] != f.sign(pass[:last])`},
		},
		{
			N: 46, Name: "tries passwords of an account, or one password at many", Package: "server/auth", Test: "TestGuessingIsSlowedDownForTheGuesserOnly",
			Guard: Mutation{"server/limit/rules.go", `Password:     {pair: perMinute(10, 10)`, `Password:     {pair: perMinute(10000, 10000)`},
		},
		{
			N: 72, Name: "takes over a server that nobody has set up yet", Package: "storage/people", Test: "TestSetupTokenMakesOneOwner",
			Guard: Mutation{"storage/people/instance.go", `record.HashToken(setupToken)) != 1 {`, `record.HashToken(setupToken)) == 2 {`},
		},
		{
			N: 74, Name: "reads or sets cookies from scripts, plain http or another host", Package: "server/auth", Test: "TestCookies",
			Guard: Mutation{"server/auth/cookie.go", `HttpOnly: true`, `HttpOnly: false`},
		},
	}
}
