package attacks

// onLive are attacks on recordings over WebRTC and on streams of events.
func onLive() []Attack {
	return []Attack{
		{
			N: 56, Name: "takes over another's session by its address", Package: "server/whip", Test: "TestASessionIsItsOwners",
			Guard: Mutation{"server/whip/whip.go", ` || s.principal.Account.ID != accountID {`, ` {`},
		},
		{
			N: 57, Name: "offers megabytes, hundreds of tracks or a thousand candidates", Package: "server/whip", Test: "TestOffersThatAreRefused",
			Guard: Mutation{"server/whip/offer.go", `if o.candidates > maxCandidates {`, `if false {`},
		},
		{
			N: 58, Name: "begins sessions without end and never connects", Package: "server/whip", Test: "TestOffersThatNeverConnect",
			Guard: Mutation{"server/whip/session.go", `case !s.ever && now.Sub(s.began) >= limits.Connect:`, `case false:`},
		},
		{
			N: 59, Name: "sends rubbish to the media port, or far more than agreed", Package: "server/whip", Test: "TestFarMoreThanAgreedIsNotKept",
			Guard: Mutation{"server/whip/session.go", `s.over || s.bytes > s.whip.Limits.Bitrate/8*2 {`, `s.over {`},
		},
		{
			N: 60, Name: "connects and sends nothing for hours", Package: "server/whip", Test: "TestWhatEndsASession/nothing is sent",
			Guard: Mutation{"server/whip/session.go", `case s.connected && now.Sub(s.mediaAt) >= silence:`, `case s.connected && now.Sub(s.mediaAt) >= silence && false:`},
		},
		{
			N: 61, Name: "opens streams of events without end", Package: "server/talk", Test: "TestTooManyTabsAreRefused",
			Guard: Mutation{"server/talk/stream.go", `if s.taken[who.key] >= who.max || `, `if `},
		},
	}
}
