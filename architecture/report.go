package architecture

import (
	"fmt"
	"slices"
)

// Report is what an inspection found.
type Report struct {
	// Violations are sentences "path: what is wrong", sorted.
	Violations []string

	files     []int // lines of each file that is not a test
	functions []int // lines of each function outside tests
}

// Inspect reads the tree below root and checks it against every rule.
func Inspect(root string) (*Report, error) {
	tree, err := readTree(root)
	if err != nil {
		return nil, fmt.Errorf("read the source tree: %w", err)
	}
	report := &Report{}
	for _, file := range tree.files {
		report.checkSize(file)
		if file.ast != nil {
			report.checkImports(file)
			report.checkDeclarations(file, tree.fset)
		}
	}
	report.checkPackages(tree.files)
	report.checkVariables(tree.files)
	slices.Sort(report.Violations)
	return report, nil
}

// Summary tells the medians beside their targets, for the eyes of a reviewer.
func (r *Report) Summary() string {
	return fmt.Sprintf("%d files, median %d lines (target 100); %d Go functions, median %d lines (target 10)",
		len(r.files), median(r.files), len(r.functions), median(r.functions))
}

// failf notes one violation.
func (r *Report) failf(file source, format string, args ...any) {
	r.Violations = append(r.Violations, file.path+": "+fmt.Sprintf(format, args...))
}

// median returns the middle value, or 0 of nothing.
func median(values []int) int {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
