// Package figure is one line of what the bench prints.
package figure

import "fmt"

// Figure is a measured value and what was promised of it.
type Figure struct {
	Name   string
	Value  float64
	Unit   string
	Target float64
	// Least says that the value must reach the target; otherwise it must not pass it.
	Least bool
}

// OK reports whether the promise holds.
func (f Figure) OK() bool {
	if f.Least {
		return f.Value >= f.Target
	}
	return f.Value <= f.Target
}

// String is the line as printed.
func (f Figure) String() string {
	verdict, sign := "miss", "<="
	if f.OK() {
		verdict = "ok"
	}
	if f.Least {
		sign = ">="
	}
	return fmt.Sprintf("%-36s %10.3f %-6s %s%-8g %s", f.Name, f.Value, f.Unit, sign, f.Target, verdict)
}

// AtMost is a value that must not pass its target.
func AtMost(name string, value float64, unit string, target float64) Figure {
	return Figure{Name: name, Value: value, Unit: unit, Target: target}
}

// AtLeast is a value that must reach its target.
func AtLeast(name string, value float64, unit string, target float64) Figure {
	return Figure{Name: name, Value: value, Unit: unit, Target: target, Least: true}
}
