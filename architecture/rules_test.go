package architecture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/architecture"
)

// importing writes a Go file of the given package with one import of ours.
func importing(pkg, target string) string {
	if !strings.Contains(target, ".") && strings.Contains(target, "/") && target != "os/exec" && target != "database/sql" {
		target = architecture.Module + "/" + target
	}
	return fmt.Sprintf("package %s\n\nimport _ %q\n", pkg, target)
}

// functionOf writes a function with so many lines.
func functionOf(lines int) string {
	return "package catalog\n\nfunc long() {\n" + strings.Repeat("\tprintln()\n", lines-2) + "}\n"
}

// manyFiles writes so many files into one package.
func manyFiles(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("storage/catalog/f%d.go", i)] = "package catalog\n"
	}
	return files
}

// one is a tree with a single file.
func one(path, text string) map[string]string { return map[string]string{path: text} }

// inspect writes a tree to disk and checks it.
func inspect(t *testing.T, files map[string]string) []string {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		name := filepath.Join(root, filepath.FromSlash(path))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	report, err := architecture.Inspect(root)
	require.NoError(t, err)
	return report.Violations
}

// TestImportRules proves that every forbidden import is found.
func TestImportRules(t *testing.T) {
	t.Parallel()
	for path, target := range map[string]string{
		"storage/catalog/a.go":   "transcode/container",
		"storage/objects/a.go":   "server/reply",
		"transcode/ladder/a.go":  "server/watch",
		"server/watch/a.go":      "transcode/ladder",
		"server/library/a.go":    "frontend/embed",
		"frontend/embed.go":      "storage/catalog",
		"server/talk/a.go":       "server/watch",
		"server/talk/deep/a.go":  "server/watch",
		"storage/catalog/b.go":   "storage/objects",
		"transcode/still/a.go":   "transcode/ladder",
		"server/server.go":       "cmd/meanwhile",
		"cmd/meanwhile/a.go":     "cluster/toxic",
		"server/auth/a_test.go":  "transcode/ladder",
		"server/ingest/a.go":     "github.com/aws/aws-sdk-go-v2/service/s3",
		"storage/catalog/c.go":   "modernc.org/sqlite",
		"transcode/ladder/b.go":  "github.com/riverqueue/river",
		"transcode/still/b.go":   "github.com/u2takey/ffmpeg-go",
		"storage/objects/gin.go": "github.com/gin-gonic/gin",
		"server/ingest/rtc.go":   "github.com/pion/webrtc/v4",
		"server/watch/run.go":    "os/exec",
		"server/watch/sql.go":    "database/sql",
	} {
		pkg := filepath.Base(filepath.Dir(path))
		violations := inspect(t, one(path, importing(pkg, target)))
		require.Len(t, violations, 1, "%s imports %s", path, target)
		require.Contains(t, violations[0], target)
	}
}

// TestMeasures proves that every limit is held.
func TestMeasures(t *testing.T) {
	t.Parallel()
	const file = "storage/catalog/a.go"
	for _, row := range []struct {
		files map[string]string
		want  string
	}{
		{one(file, "package catalog\n"+strings.Repeat("// x\n", 400)), "401 lines"},
		{one("storage/catalog/a_test.go", "package catalog\n"+strings.Repeat("// x\n", 600)), "601 lines"},
		{one("frontend/src/ui/Page.tsx", strings.Repeat("x\n", 301)), "301 lines"},
		{one("frontend/src/api/client.ts", strings.Repeat("x\n", 401)), "401 lines"},
		{one(file, functionOf(71)), "func long has 71 lines"},
		{one(file, "package catalog\n\nfunc f(a, b, c, d, e, f int) {}\n"), "6 parameters"},
		{one(file, "package catalog\n\nfunc f() { g(func(a, b, c, d, e, f int) {}) }\n"), "a function literal has 6"},
		{one(file, "package catalog\n\ntype I interface {\n"+strings.Repeat("\tM()\n", 9)+"}\n"), "9 methods"},
		{one(file, "package catalog\n\nfunc init() {}\n"), "init()"},
		{one(file, "package catalog\n\nvar _ = context.Background()\n"), "context.Background"},
		{one(file, "package catalog\n\nvar _ = context.TODO()\n"), "context.TODO"},
		{one(file, "package catalog\n\nfunc f() string { return os.Getenv(`A`) }\n"), "os.Getenv"},
		{one(file, "package catalog\n\nvar n int\n\nfunc f() { n++ }\n"), "package variable n"},
		{one(file, "package catalog\n\nvar m = map[int]int{}\n\nfunc f() { m[1] = 2 }\n"), "package variable m"},
		{one(file, "package catalog\n\nvar m = map[int]int{}\n\nfunc f() { delete(m, 1) }\n"), "package variable m"},
		{one(file, "package catalog\n\nvar n int\n\nfunc f() *int { return &n }\n"), "package variable n"},
		{one("server/utils/a.go", "package utils\n"), "name it for what it holds"},
		{manyFiles(13), "13 files"},
	} {
		violations := inspect(t, row.files)
		require.Len(t, violations, 1, row.want)
		require.Contains(t, violations[0], row.want)
	}
}

// TestChangedElsewhere finds a write to a variable of another file, and lets a
// local of the same name be.
func TestChangedElsewhere(t *testing.T) {
	t.Parallel()
	violations := inspect(t, map[string]string{
		"storage/catalog/a.go": "package catalog\n\nvar limit = 1\n",
		"storage/catalog/b.go": "package catalog\n\nfunc f() { limit = 2 }\n",
		"storage/catalog/c.go": "package catalog\n\nfunc g() int {\n\tlimit := 1\n\tlimit = 2\n\treturn limit\n}\n",
	})
	require.Equal(t, []string{"storage/catalog/b.go: changes the package variable limit"}, violations)
}

// TestAllowed shows what passes: a good tree has no violation.
func TestAllowed(t *testing.T) {
	t.Parallel()
	files := manyFiles(12)
	files["cmd/meanwhile/main.go"] = importing("main", "server/watch") + "\nvar _ = context.Background()\n"
	files["server/server.go"] = importing("server", "server/watch")
	files["server/watch/watch.go"] = importing("watch", "server/access")
	files["server/watch/play.go"] = importing("watch", "transcode/container")
	files["server/watch/gin.go"] = importing("watch", "github.com/gin-gonic/gin")
	files["server/watch/run_test.go"] = importing("watch", "os/exec")
	files["transcode/ladder/ladder.go"] = importing("ladder", "transcode/ffmpeg")
	files["storage/catalog/jobs.go.txt"] = "not source"
	files["storage/objects/s3.go"] = importing("objects", "github.com/aws/aws-sdk-go-v2/service/s3")
	files["storage/objects/f_test.go"] = "package objects\n\nvar n int\n\nfunc f() { n++; context.Background() }\n"
	files["storage/objects/long_generated.go"] = "// Code generated by x. DO NOT EDIT.\n\npackage objects\n" + strings.Repeat("\n", 500)
	files["frontend/node_modules/x/x.ts"] = strings.Repeat("x\n", 9000)
	delete(files, "storage/catalog/f0.go")
	require.Empty(t, inspect(t, files))
}
