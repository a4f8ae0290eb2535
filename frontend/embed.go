// Package frontend carries the built web application inside the binary.
//
// `npm run build` fills dist; a fresh checkout holds only a placeholder there, so that Go builds without Node and the
// server can say plainly that the pages have not been built.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the built application: index.html, watch.html and hashed files below assets/.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil { // Only a malformed constant path could fail here.
		return dist
	}
	return files
}
