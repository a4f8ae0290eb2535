package attacks

// onRights are attacks on what belongs to others.
func onRights() []Attack {
	return []Attack{
		{
			N: 1, Name: "reads what another workspace has, by every route that names a video", Package: "server", Test: "TestTheWalk",
			Guard: Mutation{"server/access/access.go", `role := p.Account.RoleIn(v.WorkspaceID)`, `role := p.Account.RoleIn(v.WorkspaceID); if p.Account != nil { role = people.Member }`},
		},
		{
			N: 2, Name: "changes what another one has, by every route that changes anything", Package: "server", Test: "TestTheWalk",
			Guard: Mutation{"server/access/gate.go", `case found.rights.has(need.Right):`, `case found.rights.Watch:`},
		},
		{
			N: 3, Name: "joins ids of two videos, or puts one where another belongs", Package: "server", Test: "TestNamesOfOneThingOpenNoOther",
			Guard: Mutation{"storage/catalog/comment.go", `Where("id = ? AND video_id = ? AND parent_id IS NULL", comment.ParentID, video.ID)`, `Where("id = ? AND parent_id IS NULL", comment.ParentID)`},
		},
		{
			N: 4, Name: "says in a body whose a thing is, in what state, or where it is kept", Package: "server", Test: "TestNobodySaysWhoseAThingIs",
			Guard: Mutation{"server/library/operations.go", `GuestsMayDownload *bool   ` + "`" + `json:"guests_may_download,omitempty"` + "`", `GuestsMayDownload *bool   ` + "`" + `json:"guests_may_download,omitempty"` + "`; OwnerID string `" + `json:"owner_id,omitempty"` + "`"},
		},
		{
			N: 5, Name: "puts a video into another workspace", Package: "server", Test: "TestAVideoStaysInItsWorkspace",
			Guard: Mutation{"server/ingest/store.go", `WorkspaceID: p.Account.WorkspaceID, MIME: info.MetaData["filetype"]`, `WorkspaceID: info.MetaData["workspace_id"], MIME: info.MetaData["filetype"]`},
		},
		{
			N: 6, Name: "finds in lists, searches and exports what is not for it", Package: "server", Test: "TestNoListTellsOfWhatIsNotForOne",
			Guard: Mutation{"storage/catalog/list.go", `video.visibility = ? AND named.video_id IS NOT NULL)`, `video.visibility = ?)`},
		},
		{
			N: 16, Name: "asks for a video that was removed for good, by addresses of before", Package: "server", Test: "TestWhatIsRemovedForGoodIsGone",
			Guard: Mutation{"server/access/grant.go", `return made, ok && !g.losses.void(made, videoID)`, `return made, ok`},
		},
		{
			N: 17, Name: "reads stored objects past the server: from the folder", Package: "storage/objects", Test: "TestFilesAreForTheirOwnerAlone",
			Guard: Mutation{"storage/objects/folder.go", `os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600`, `os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644`},
		},
		{
			N: 44, Name: "finds out what there is: absent and forbidden videos differ", Package: "server", Test: "TestTheAbsentAndTheForbiddenLookTheSame",
			Guard: Mutation{"server/access/gate.go", "if !rights.Watch {\n\t\treturn entry{}, reply.NotFound", "if !rights.Watch {\n\t\treturn entry{}, reply.Forbidden"},
		},
		{
			N: 52, Name: "sends bytes into another's video, or into one in the trash", Package: "server/ingest", Test: "TestTerminationIsTheTrash",
			Guard: Mutation{"server/ingest/tus.go", `if video != nil && video.Trashed() && c.Request.Method != http.MethodDelete {`, `if false {`},
		},
		{
			N: 55, Name: "walks out of a folder by dots, backslashes and percent signs", Package: "server", Test: "TestObjectsOfOthersAreOutOfReach",
			Guard: Mutation{"server/watch/watch.go", `if path.Clean(key) != key || `, `if path.Clean(key) == "" || `},
		},
		{
			N: 77, Name: "puts segments of another video into a playlist", Package: "server", Test: "TestASegmentOfAnotherVideoDoesNotPlay",
			Guard: Mutation{"server/access/grant.go", `"media\x00" + videoID + "\x00" + body`, `"media\x00" + body`},
		},
	}
}
