package architecture

import (
	"go/ast"
	"go/token"
	"path"
)

// checkSize holds one file to its number of lines.
func (r *Report) checkSize(file source) {
	limit := maxFileLines
	switch {
	case file.test:
		limit = maxTestFileLines
	case path.Ext(file.path) == ".tsx":
		limit = maxComponentLines
	}
	if file.lines > limit {
		r.failf(file, "has %d lines, at most %d", file.lines, limit)
	}
	if !file.test {
		r.files = append(r.files, file.lines)
	}
}

// checkDeclarations holds the functions, interfaces and names of one file.
func (r *Report) checkDeclarations(file source, fset *token.FileSet) {
	for _, decl := range file.ast.Decls {
		if function, ok := decl.(*ast.FuncDecl); ok {
			r.checkFunction(file, function, fset)
		}
	}
	ast.Inspect(file.ast, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncLit:
			r.checkParameters(file, "a function literal", node.Type)
		case *ast.TypeSpec:
			r.checkInterface(file, node)
		case *ast.SelectorExpr:
			r.checkCall(file, node)
		}
		return true
	})
}

// checkFunction holds length, parameters and the ban on init.
func (r *Report) checkFunction(file source, function *ast.FuncDecl, fset *token.FileSet) {
	name := function.Name.Name
	lines := fset.Position(function.End()).Line - fset.Position(function.Pos()).Line + 1
	if lines > maxFunctionLines {
		r.failf(file, "func %s has %d lines, at most %d", name, lines, maxFunctionLines)
	}
	if name == "init" && function.Recv == nil {
		r.failf(file, "has an init(): say what happens at start in main")
	}
	if !file.test {
		r.functions = append(r.functions, lines)
	}
	r.checkParameters(file, "func "+name, function.Type)
}

// checkParameters counts parameters, not fields: "a, b int" are two.
func (r *Report) checkParameters(file source, name string, signature *ast.FuncType) {
	count := 0
	for _, field := range signature.Params.List {
		count += max(1, len(field.Names))
	}
	if count > maxParameters {
		r.failf(file, "%s has %d parameters, at most %d: use a struct", name, count, maxParameters)
	}
}

// checkInterface counts the methods and embedded interfaces of an interface.
func (r *Report) checkInterface(file source, spec *ast.TypeSpec) {
	methods, ok := spec.Type.(*ast.InterfaceType)
	if ok && len(methods.Methods.List) > maxMethods {
		r.failf(file, "interface %s has %d methods, at most %d", spec.Name.Name, len(methods.Methods.List), maxMethods)
	}
}

// checkCall finds contexts that begin and environments that are read where
// they must not.
func (r *Report) checkCall(file source, selector *ast.SelectorExpr) {
	pkg, ok := selector.X.(*ast.Ident)
	if !ok || file.test {
		return
	}
	switch pkg.Name + "." + selector.Sel.Name {
	case "context.Background", "context.TODO":
		if !mayStartContexts[file.top()] {
			r.failf(file, "uses %s.%s: take the caller's context", pkg.Name, selector.Sel.Name)
		}
	case "os.Getenv", "os.LookupEnv", "os.Environ":
		if !mayReadEnvironment[file.top()] {
			r.failf(file, "uses %s.%s: only cmd reads the environment", pkg.Name, selector.Sel.Name)
		}
	}
}

// checkPackages holds the number of files and the names of packages.
func (r *Report) checkPackages(files []source) {
	count := map[string]int{}
	for _, file := range files {
		if file.ast == nil || file.test {
			continue
		}
		count[file.folder()]++
		if count[file.folder()] == 1 && (emptyNames[path.Base(file.folder())] || emptyNames[file.ast.Name.Name]) {
			r.failf(file, "package %s: name it for what it holds or does", file.folder())
		}
	}
	for folder, n := range count {
		if n > maxPackageFiles {
			r.failf(source{path: folder}, "has %d files, at most %d", n, maxPackageFiles)
		}
	}
}
