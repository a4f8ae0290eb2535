package attacks

// onMachine are attacks on the machine, its files, its log, and on what is built.
func onMachine() []Attack {
	return []Attack{
		{
			N: 70, Name: "finds in renditions where a recording was made", Package: "transcode/ffmpeg", Test: "TestRenditionsKeepNothingOfTheFilesWords",
			Guard: Mutation{"transcode/ffmpeg/graph.go", `"map_metadata": "-1", "map_chapters": "-1",`, ``},
		},
		{
			N: 71, Name: "reads secrets in the log", Package: "cmd/meanwhile", Test: "TestSecretsStayOutOfTheLog",
			Guard: Mutation{"server/auth/sessions.go", `"a password was refused", "network", Address(ctx))`, `"a password was refused", "network", Address(ctx), "password", password)`},
		},
		{
			N: 73, Name: "reads the data folder as another user of the machine", Package: "cmd/meanwhile", Test: "TestWhatOthersCouldRead",
			Guard: Mutation{"cmd/meanwhile/folder.go", `info.Mode()&os.ModeSymlink == 0 && info.Mode().Perm()&0o077 != 0`, `info.Mode()&os.ModeSymlink == 0 && info.Mode().Perm()&0o000 != 0`},
		},
		{
			N: 80, Name: "gets a package of its own into the build", Package: "attacks", Test: "TestPackagesAreThoseThatWereLocked",
			Guard: Mutation{"scripts/npm.sh", `npm ci --ignore-scripts`, `npm ci`},
		},
	}
}
