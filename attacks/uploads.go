package attacks

// onUploads are attacks on uploads, comments and counts.
func onUploads() []Attack {
	return []Attack{
		{
			N: 47, Name: "floods comments and counts itself many times", Package: "server", Test: "TestAFloodOfGuestCommentsIsSlowed",
			Guard: Mutation{"server/limit/rules.go", `perMinute(20, 12)}`, `perMinute(20000, 12000)}`},
		},
		{
			N: 48, Name: "goes on with another's upload", Package: "server/ingest", Test: "TestAnUploadIsItsOwnersAlone",
			Guard: Mutation{"server/access/gate.go", `case found.rights.has(need.Right):`, `case found.rights.Watch:`},
		},
		{
			N: 49, Name: "lies about how long an upload is", Package: "server/ingest", Test: "TestLiesAboutTheLength",
			Guard: Mutation{"server/ingest/tus.go", `MaxSize: MaxSize,`, `MaxSize: 0,`},
		},
		{
			N: 50, Name: "says in the metadata what it must not", Package: "server/ingest", Test: "TestWhatMetadataMustNotSay",
			Guard: Mutation{"server/ingest/store.go", `case !utf8.ValidString(n.Title), strings.ContainsFunc(n.Title, isControl), `, `case `},
		},
		{
			N: 51, Name: "writes to one upload from two sides", Package: "storage/catalog", Test: "TestOffsetsAreALock",
			Guard: Mutation{"storage/catalog/upload.go", "case at.Received != a.Start:\n\t\treturn nil, ErrOffset\n", ""},
		},
		{
			N: 53, Name: "opens uploads without end", Package: "server", Test: "TestOpenUploadsAreCounted",
			Guard: Mutation{"storage/catalog/video.go", `if err == nil && (open >= openUploads ||`, `if err == nil && (open < 0 ||`},
		},
		{
			N: 65, Name: "uploads captions with script (nobody can)", Package: "server", Test: "TestThereAreNoCaptionsToUpload",
			Guard: Mutation{"server/library/operations.go", "MIME       string `json:\"mime,omitempty\"", "Captions string `json:\"captions,omitempty\"`; MIME       string `json:\"mime,omitempty\""},
		},
		{
			N: 76, Name: "asks for ten thousand ranges at once", Package: "server", Test: "TestRangesOfTheSource",
			Guard: Mutation{"server/watch/watch.go", `if strings.Contains(c.GetHeader("Range"), ",") {`, `if false {`},
		},
		{
			N: 78, Name: "gets words or numbers of its own into the arguments of ffmpeg", Package: "server", Test: "TestThereIsNoEditingOfMedia",
			Guard: Mutation{"server/library/operations.go", "MIME       string `json:\"mime,omitempty\"", "Trim string `json:\"trim_from,omitempty\"`; MIME       string `json:\"mime,omitempty\""},
		},
	}
}
