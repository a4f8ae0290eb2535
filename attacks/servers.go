package attacks

// onServers are attacks by way of what the server asks, trusts or believes of a request.
func onServers() []Attack {
	return []Attack{
		{
			N: 8, Name: "says that it is somebody else's address", Package: "server", Test: "TestOnlyTrustedProxiesSpeakForOthers",
			Guard: Mutation{"server/server.go", `s.engine.SetTrustedProxies(o.TrustedProxies)`, `s.engine.SetTrustedProxies([]string{"0.0.0.0/0", "::/0"})`},
		},
		{
			N: 30, Name: "has the server call an address inside", Package: "server/webhook", Test: "TestNoAddressInsideIsCalled",
			Guard: Mutation{"server/webhook/guard.go", `if err != nil || !g.allows(at.Addr()) {`, `if err != nil || !at.IsValid() {`},
		},
		{
			N: 31, Name: "reads what another machine answered the server", Package: "server/webhook", Test: "TestWhatAReceiverAnswersIsNotKept",
			Guard: Mutation{"server/webhook/send.go", `_ = res.Body.Close() // nobody reads it`, "said := make([]byte, 99)\n\tif n, _ := res.Body.Read(said); n > 0 {\n\t\treturn webhook.Outcome{Status: res.StatusCode, Problem: string(said[:n])}, nil\n\t}"},
		},
		{
			N: 32, Name: "reads secrets that others have stored", Package: "server", Test: "TestSecretsAreNeverRead",
			Guard: Mutation{"server/auth/sessions.go", `Email: a.Email, Name: a.Name,`, `Email: a.Email, Name: a.Name + a.PasswordHash,`},
		},
		{
			N: 33, Name: "forges or replays a webhook's message", Package: "server/webhook", Test: "TestAMessageIsSignedAndTellsOfTheEvent",
			Guard: Mutation{"server/webhook/send.go", `signer.Sign(id, at, body)`, `signer.Sign(id, time.Time{}, body)`},
		},
		{
			N: 35, Name: "has links made of its Host header", Package: "server", Test: "TestLinksAreMadeOfTheSettingAlone",
			Guard: Mutation{"server/ingest/tus.go", `h.Set("Location", location[i:])`, `h.Set("Location", location)`},
		},
		{
			N: 54, Name: "smuggles requests, or sends bodies without end", Package: "cmd/meanwhile", Test: "TestTheLineIsReadStrictly",
			Guard: Mutation{"server/reply/operation.go", `const maxBody = 64 << 10`, `const maxBody = 64 << 20`},
		},
		{
			N: 63, Name: "writes formulas into exports", Package: "server", Test: "TestTheAuditLogIsExported",
			Guard: Mutation{"server/team/export.go", `return "'" + cell`, `return cell`},
		},
		{
			N: 64, Name: "hides names and bombs in archives (there are none)", Package: "server", Test: "TestThereAreNoArchives",
			Guard: Mutation{"server/routes.go", `plain(open(), "GET", "/healthz", reply.Handle(s.health.Live)),`, `plain(open(), "GET", "/healthz", reply.Handle(s.health.Live)), plain(open(), "GET", "/api/export.zip", reply.Handle(s.describe)),`},
		},
		{
			N: 66, Name: "talks a model into writing for it (there is none)", Package: "server", Test: "TestThereIsNoModelToTalkInto",
			Guard: Mutation{"server/library/operations.go", "MIME       string `json:\"mime,omitempty\"", "Prompt string `json:\"prompt,omitempty\"`; MIME       string `json:\"mime,omitempty\""},
		},
		{
			N: 67, Name: "answers as a transcriber, without end (there is none)", Package: "attacks", Test: "TestOnlyTheseAskOtherMachines",
			Guard: Mutation{"transcode/ladder/plan.go", `func even(side float64) int {`, "func transcribe() { _, _ = http.Post(\"http://x\", \"\", nil) }\n\nfunc even(side float64) int {"},
		},
		{
			N: 68, Name: "writes SQL, patterns and operators into a search", Package: "storage/catalog", Test: "TestSearchFoldsAndEscapes",
			Guard: Mutation{"storage/catalog/list.go", `"%"+likeEscaper().Replace(word)+"%"`, `"%"+word+"%"`},
		},
		{
			N: 69, Name: "sends text that takes long to read", Package: "server", Test: "TestLongTextIsReadAtOnce",
			Guard: Mutation{"server/library/operations.go", "Query  string `query:\"q\" maxLength:\"200\"", "Query  string `query:\"q\""},
		},
		{
			N: 79, Name: "imports by address (nobody can)", Package: "server", Test: "TestThereIsNoImportByAddress",
			Guard: Mutation{"server/library/operations.go", "MIME       string `json:\"mime,omitempty\"", "SourceURL string `json:\"source_url,omitempty\"`; MIME       string `json:\"mime,omitempty\""},
		},
	}
}
