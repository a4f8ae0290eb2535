package attacks

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Some attacks fail because of what the source does not do. Their tests read it.

// overlaid names the list of sources that stand in for others, as -overlay has
// it: what is read here must be what is built.
const overlaid = "MEANWHILE_ATTACKS_OVERLAY"

// file reads a file of the repository.
func file(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, path))
	require.NoError(t, err)
	if list := os.Getenv(overlaid); list != "" {
		raw, err := os.ReadFile(list)
		require.NoError(t, err)
		var overlay struct{ Replace map[string]string }
		require.NoError(t, json.Unmarshal(raw, &overlay))
		if other, ok := overlay.Replace[path]; ok {
			path = other
		}
	}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(raw)
}

// files lists the files below some folders that end in one of some words, but no
// tests and nothing that was installed or built.
func files(t *testing.T, folders, ends []string) []string {
	t.Helper()
	var found []string
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && slices.Contains([]string{"node_modules", "dist", "testdata"}, d.Name()) {
				return fs.SkipDir
			}
			rel, err := filepath.Rel(root, path)
			tested := strings.HasSuffix(path, "_test.go") || strings.Contains(d.Name(), ".test.")
			if !d.IsDir() && !tested && slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(path, end) }) {
				found = append(found, filepath.ToSlash(rel))
			}
			return err
		})
		require.NoError(t, err)
	}
	require.NotEmpty(t, found)
	return found
}

func goFiles(t *testing.T) []string {
	t.Helper()
	return files(t, []string{"cmd", "server", "storage", "transcode"}, []string{".go"})
}

// reaching are the ways by which a Go program opens a line to another machine.
var reaching = regexp.MustCompile(`\bhttp\.(Get\(|Head\(|Post\(|PostForm|Client\b|DefaultClient|Transport\b|DefaultTransport|NewRequest)|` +
	`\bnet\.(Dial|Dialer)|\btls\.(Dial|Dialer)|"net/smtp"|"net/rpc"|"net/http/httputil"|exec\.Command`)

// TestOnlyTheseAskOtherMachines: what asks another machine is asked for by the
// operator's settings, and its answer is shown to nobody as it is. A new name in
// this list needs a check of every address before every hop first.
func TestOnlyTheseAskOtherMachines(t *testing.T) {
	t.Parallel()
	allowed := map[string]string{
		"server/auth/oidc":         "the provider of the settings",
		"server/notify":            "the mail server of the settings",
		"server/certificate":       "the authority of the settings",
		"server/webhook":           "what admins name; every address is judged before every line",
		"cmd/meanwhile":            "doctor asks this server itself",
		"cmd/meanwhile/doctor":     "asks this server itself",
		"storage/database":         "the database of the settings",
		"storage/objects":          "the bucket of the settings",
		"transcode/ffmpeg":         "starts ffmpeg",
		"transcode/ffmpeg/sandbox": "starts itself",
		"server/notify/smtptest":   "a mail server for tests",

		"storage/storestest":            "a database server and a bucket for tests",
		"storage/database/databasetest": "a database server for tests",
		"storage/objects/objectstest":   "a bucket for tests",
	}
	used := map[string]bool{}
	for _, path := range goFiles(t) {
		if !reaching.MatchString(file(t, path)) {
			continue
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		if allowed[folder] == "" {
			t.Errorf("%s opens lines to other machines: %s", path, reaching.FindString(file(t, path)))
		}
		used[folder] = true
	}
	require.True(t, used["server/auth/oidc"], "the control: the scan sees what there is")
}

// TestNoArchiveIsOpened: nothing reads or writes archives, so that no name in one
// leads anywhere.
func TestNoArchiveIsOpened(t *testing.T) {
	t.Parallel()
	for _, path := range goFiles(t) {
		require.NotRegexp(t, `"archive/|"compress/(bzip2|lzw)|NewZip|zip\.NewReader`, file(t, path), path)
	}
}

var secretName = regexp.MustCompile(`(?i)(hash|mac|signature|token|secret|password|digest|verifier|nonce)$`)

// TestSecretsAreComparedInConstantTime finds comparisons of secrets by == and
// bytes.Equal in the packages that know any.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	looked := 0
	for _, path := range files(t, []string{"server/access", "server/auth", "server/limit", "server/share", "storage/people", "storage/credential"}, []string{".go"}) {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, path, file(t, path), 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.BinaryExpr:
				if (x.Op == token.EQL || x.Op == token.NEQ) && secret(x.X) && secret(x.Y) {
					t.Errorf("%s compares secrets by %s", set.Position(x.Pos()), x.Op)
				}
				looked++
			case *ast.CallExpr:
				if name := called(x); (name == "bytes.Equal" || name == "strings.EqualFold") && len(x.Args) == 2 && secret(x.Args[0]) && secret(x.Args[1]) {
					t.Errorf("%s compares secrets by %s", set.Position(x.Pos()), name)
				}
			}
			return true
		})
	}
	require.Greater(t, looked, 100)
	require.Contains(t, file(t, "server/access/grant.go"), "hmac.Equal([]byte(token[last+1:])")
	require.Contains(t, file(t, "server/access/pass.go"), "hmac.Equal([]byte(pass[last+1:])")
	require.Contains(t, file(t, "server/auth/password.go"), "subtle.ConstantTimeCompare(key, p.key)")
}

// secret says whether an expression is named like a secret, or signs one.
func secret(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return secretName.MatchString(x.Name) && x.Name != "nil"
	case *ast.SelectorExpr:
		return secretName.MatchString(x.Sel.Name)
	case *ast.IndexExpr:
		return secret(x.X)
	case *ast.SliceExpr:
		return secret(x.X)
	case *ast.CallExpr:
		name := called(x)
		return strings.HasSuffix(name, "sign") || strings.HasSuffix(name, "HashToken") || len(x.Args) == 1 && secret(x.Args[0])
	}
	return false
}

func called(x *ast.CallExpr) string {
	switch f := x.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if on, ok := f.X.(*ast.Ident); ok {
			return on.Name + "." + f.Sel.Name
		}
		return f.Sel.Name
	}
	return ""
}

// TestPagesMakeNoMarkupOfText: whatever somebody wrote becomes a text node.
func TestPagesMakeNoMarkupOfText(t *testing.T) {
	t.Parallel()
	for _, path := range files(t, []string{"frontend/src"}, []string{".ts", ".tsx", ".js"}) {
		source := file(t, path)
		require.NotRegexp(t, `innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|srcdoc|\beval\(|new Function|DOMParser|createContextualFragment|setHTMLUnsafe|javascript:`, source, path)
	}
	links := file(t, "frontend/src/watch/talk/autolink.ts")
	require.Contains(t, links, `const honest = url.protocol === 'https:' && url.username === '' && url.password === '';`, "only https becomes a link")
	require.Contains(t, links, `return honest &&`)
}

// TestMessagesOfOtherWindowsAreLookedAt: nothing is told to every window, and
// nothing is taken from one without asking where it comes from.
func TestMessagesOfOtherWindowsAreLookedAt(t *testing.T) {
	t.Parallel()
	heard := regexp.MustCompile(`(?s)addEventListener\(\s*['"]message['"].{0,200}`)
	checked := 0
	for _, path := range files(t, []string{"frontend/src"}, []string{".ts", ".tsx", ".js"}) {
		source := file(t, path)
		require.NotRegexp(t, `postMessage\([^;]*['"]\*['"]`, source, path)
		for _, listener := range heard.FindAllString(source, -1) {
			require.Regexp(t, `\.origin`, listener, "%s listens to everybody", path)
			checked++
		}
		if !strings.Contains(path, "worker") {
			require.NotRegexp(t, `window\.onmessage|self\.onmessage`, source, path)
		}
	}
	require.GreaterOrEqual(t, checked, 2)
	bridge := file(t, "frontend/src/embed/bridge.ts")
	require.Contains(t, bridge, `if (message.source !== around || !allowed.includes(message.origin)) return;`)
}

// TestPackagesAreThoseThatWereLocked: a package of another name or place does not
// get in, and none runs a script while it is installed.
func TestPackagesAreThoseThatWereLocked(t *testing.T) {
	t.Parallel()
	for _, path := range append(files(t, []string{"scripts", ".ci"}, []string{".sh", "run"}), "Dockerfile", "Makefile") {
		for i, line := range strings.Split(file(t, path), "\n") {
			at := fmt.Sprintf("%s:%d: %s", path, i+1, line)
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "#") {
				continue
			}
			require.NotRegexp(t, `npm (i|install|update|add)\b|yarn |pnpm |-mod=mod|go get|GONOSUMDB|GONOSUMCHECK|GOFLAGS=-insecure|GOSUMDB=off|GOINSECURE|curl [^|]*\| *(ba)?sh|@latest`, line, at)
			if strings.Contains(line, "npm ci") {
				require.Contains(t, line, "--ignore-scripts", at)
			}
			if strings.Contains(line, "npx ") {
				require.Contains(t, line, "npx --no-install", at)
			}
			if strings.Contains(line, "go install") {
				require.Regexp(t, `@(\$\w+|v\d)`, line, at)
			}
		}
	}
	require.Contains(t, file(t, ".ci/run"), "export GOFLAGS=-mod=readonly")
	for _, folder := range []string{"frontend", "e2e"} {
		var lock struct {
			Packages map[string]struct {
				Resolved, Integrity string
				InBundle            bool
			}
		}
		require.NoError(t, json.Unmarshal([]byte(file(t, folder+"/package-lock.json")), &lock))
		require.Greater(t, len(lock.Packages), 1)
		for name, p := range lock.Packages {
			if name == "" || p.InBundle { // its sum is that of what it comes in
				continue
			}
			require.NotEmpty(t, p.Integrity, "%s: %s has no sum", folder, name)
			require.True(t, p.Resolved == "" || strings.HasPrefix(p.Resolved, "https://registry.npmjs.org/"), "%s: %s comes from %s", folder, name, p.Resolved)
		}
	}
	require.NotContains(t, file(t, "go.mod"), "replace ")
	require.NotEmpty(t, file(t, "go.sum"))
}

var handmade = regexp.MustCompile(`http\.Cookie\{(\s*//[^\n]*)?\s*Name|\.SetCookie\("|\.(Set|Add)\("Set-Cookie"`)

// TestCookiesAreMadeInOnePlace: a cookie that is made by hand may lack a flag.
func TestCookiesAreMadeInOnePlace(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, handmade.FindString(file(t, "server/auth/cookie.go")), "the control: it is made here")
	for _, path := range goFiles(t) {
		if path != "server/auth/cookie.go" {
			require.Empty(t, handmade.FindString(file(t, path)), path)
		}
	}
	for _, path := range files(t, []string{"frontend/src"}, []string{".ts", ".tsx", ".js"}) {
		require.NotRegexp(t, `document\.cookie\s*=`, file(t, path), path)
	}
}

// TestPagesKeepToThemselves: no window that a page opens can reach back to it, no
// built file has its source beside it, and nothing comes from another server.
func TestPagesKeepToThemselves(t *testing.T) {
	t.Parallel()
	opened := regexp.MustCompile(`(?s)<a\b[^>]*target="_blank"[^>]*>`)
	for _, path := range files(t, []string{"frontend/src", "frontend"}, []string{".ts", ".tsx", ".js", ".html"}) {
		source := file(t, path)
		for _, link := range opened.FindAllString(source, -1) {
			require.Contains(t, link, "noopener", path)
		}
		if strings.HasSuffix(path, "embed.js") {
			continue // its comment shows how other sites load it
		}
		require.NotRegexp(t, `(src|href)=["']https?://|@import|url\(https?:`, source, path)
		require.NotRegexp(t, `sourcemap: *(true|'inline')`, source, path)
	}
}
