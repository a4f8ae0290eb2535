package architecture

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// generated is the line by which Go and our TypeScript generators mark a file
// that nobody edits.
var generated = regexp.MustCompile(`(?m)^(// Code generated .* DO NOT EDIT\.$| \* This file was auto-generated)`)

// source is one file written by hand.
type source struct {
	path  string // relative to the root, with slashes
	lines int
	test  bool
	ast   *ast.File // nil for what is not Go
}

// folder is the package path of the file relative to the root.
func (s source) folder() string { return path.Dir(s.path) }

// top is the first element of the file's path.
func (s source) top() string { return firstElement(s.path) }

// tree is all the source below one root.
type tree struct {
	files []source
	fset  *token.FileSet
}

// readTree parses every hand-written Go file below root and counts the lines of
// every TypeScript and style file.
func readTree(root string) (*tree, error) {
	t := &tree{fset: token.NewFileSet()}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != root && (skipped[entry.Name()] || strings.HasPrefix(entry.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		return t.add(name, filepath.ToSlash(rel))
	})
	return t, err
}

// add reads one file if its kind is measured.
func (t *tree) add(name, rel string) error {
	switch path.Ext(rel) {
	case ".go", ".ts", ".tsx", ".js", ".mjs", ".css":
	default:
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if generated.Match(text[:min(len(text), 512)]) {
		return nil
	}
	file := source{path: rel, lines: bytes.Count(text, []byte("\n")), test: isTest(rel)}
	if path.Ext(rel) == ".go" {
		file.ast, err = parser.ParseFile(t.fset, rel, text, parser.ParseComments)
		if err != nil {
			return err
		}
	}
	t.files = append(t.files, file)
	return nil
}

// isTest reports whether a file only serves tests.
func isTest(rel string) bool {
	if strings.HasSuffix(rel, "_test.go") {
		return true
	}
	name := path.Base(rel)
	return strings.Contains(name, ".test.") || strings.Contains(name, ".spec.")
}

// firstElement is the part of a path before the first slash.
func firstElement(rel string) string {
	top, _, _ := strings.Cut(rel, "/")
	return top
}

// below reports whether a path is folder or lies beneath it.
func below(rel, folder string) bool {
	return rel == folder || strings.HasPrefix(rel, folder+"/")
}
