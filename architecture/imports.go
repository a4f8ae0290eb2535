package architecture

import (
	"slices"
	"strconv"
	"strings"
)

// checkImports holds one file to the import table.
func (r *Report) checkImports(file source) {
	for _, spec := range file.ast.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if ours, ok := strings.CutPrefix(target, Module+"/"); ok {
			r.checkOurs(file, ours)
			continue
		}
		r.checkHome(file, target)
	}
}

// checkOurs judges an import of one of our own packages.
func (r *Report) checkOurs(file source, target string) {
	switch {
	case firstElement(target) == "cmd" && file.top() != "cmd":
		r.failf(file, "imports %s: nobody imports cmd", target)
	case firstElement(target) == "cluster" && !startsTheProduct[file.top()]:
		r.failf(file, "imports %s: it starts the product, which must not know of it", target)
	case file.top() != firstElement(target):
		if !allowed(file.top(), target) {
			r.failf(file, "imports %s: %s may import %s", target, file.top(), listed(mayImport[file.top()]))
		}
	case !file.test && neighbours(file.folder(), target):
		r.failf(file, "imports its neighbour %s, which is not shared", target)
	}
}

// allowed looks a target outside of the own folder up in the table.
func allowed(top, target string) bool {
	return slices.ContainsFunc(mayImport[top], func(folder string) bool {
		return folder == "*" || below(target, folder)
	})
}

// neighbours reports whether the target stands beside the importing package
// (or above it) and is not one of those shared on purpose. The package at the
// top of a folder joins what lies beneath it, so it may import all of it.
func neighbours(from, target string) bool {
	if from == firstElement(from) {
		return false
	}
	return second(from) != second(target) && !shared[second(target)]
}

// second keeps the first two elements of a path.
func second(rel string) string {
	parts := strings.SplitN(rel, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// checkHome judges an import of a library that has a home.
func (r *Report) checkHome(file source, target string) {
	for _, home := range homes {
		if !below(target, home.library) || file.test && !strings.Contains(home.library, ".") {
			continue
		}
		at := func(folder string) bool { return below(file.folder(), folder) }
		if !slices.ContainsFunc(home.folders, at) {
			r.failf(file, "imports %s, whose only home is %s", target, listed(home.folders))
		}
	}
}

// listed writes a list of folders for a reader.
func listed(folders []string) string {
	if len(folders) == 0 {
		return "nothing of ours"
	}
	return strings.Join(folders, " and ")
}
