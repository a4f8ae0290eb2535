package architecture

import (
	"go/ast"
	"go/token"
)

// checkVariables finds package variables that change after their declaration.
// It resolves names within the file by the parser and across files by name, so
// it needs no type checker; what hides behind a method call (a mutex, an
// atomic) is the linter's part.
func (r *Report) checkVariables(files []source) {
	declared := packageVariables(files)
	for _, file := range files {
		if file.ast == nil || file.test {
			continue
		}
		names := declared[file.folder()]
		ast.Inspect(file.ast, func(node ast.Node) bool {
			for _, target := range changed(node) {
				if name := rootName(target); name != nil && isPackageVariable(name, file.ast, names) {
					r.failf(file, "changes the package variable %s", name.Name)
				}
			}
			return true
		})
	}
}

// packageVariables collects the names of package variables by folder.
func packageVariables(files []source) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, file := range files {
		if file.ast == nil || file.test {
			continue
		}
		if all[file.folder()] == nil {
			all[file.folder()] = map[string]bool{}
		}
		for _, decl := range file.ast.Decls {
			for _, name := range declaredVariables(decl) {
				all[file.folder()][name.Name] = true
			}
		}
	}
	return all
}

// declaredVariables returns the names of one var declaration.
func declaredVariables(decl ast.Decl) []*ast.Ident {
	group, ok := decl.(*ast.GenDecl)
	if !ok || group.Tok != token.VAR {
		return nil
	}
	var names []*ast.Ident
	for _, spec := range group.Specs {
		if value, ok := spec.(*ast.ValueSpec); ok {
			names = append(names, value.Names...)
		}
	}
	return names
}

// changed returns what a statement writes to, or whose address it takes.
func changed(node ast.Node) []ast.Expr {
	switch node := node.(type) {
	case *ast.AssignStmt:
		if node.Tok != token.DEFINE {
			return node.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{node.X}
	case *ast.UnaryExpr:
		if node.Op == token.AND {
			return []ast.Expr{node.X}
		}
	case *ast.CallExpr:
		if name, ok := node.Fun.(*ast.Ident); ok && len(node.Args) > 0 && (name.Name == "delete" || name.Name == "clear") {
			return node.Args[:1]
		}
	}
	return nil
}

// rootName is the variable at the root of x.field[i].
func rootName(expr ast.Expr) *ast.Ident {
	for {
		switch inner := expr.(type) {
		case *ast.Ident:
			return inner
		case *ast.IndexExpr:
			expr = inner.X
		case *ast.SelectorExpr:
			expr = inner.X
		case *ast.ParenExpr:
			expr = inner.X
		case *ast.StarExpr:
			expr = inner.X
		default:
			return nil
		}
	}
}

// isPackageVariable reports whether a name means a package variable here and
// not a local that hides it.
//
// The parser's own resolution is deprecated in favour of the type checker,
// which would have to compile every dependency; within one file it is exact.
func isPackageVariable(name *ast.Ident, file *ast.File, declared map[string]bool) bool {
	if name.Obj == nil {
		return declared[name.Name]
	}
	return file.Scope != nil && file.Scope.Lookup(name.Name) == name.Obj && name.Obj.Kind == ast.Var
}
