// Package attacks lists the attacks that Meanwhile must withstand, each with the
// test that tries it and with the guard that stops it.
//
// A test that cannot fail proves nothing. So each attack names a small change
// that takes its guard away, and a control builds the program with that change
// (go's -overlay: no file is touched) and insists that the test turns red.
package attacks

// Attack is one way to get at what is not one's own.
type Attack struct {
	// N is its number, from 1 on.
	N    int
	Name string
	// Package holds the test that tries it, below the module; Test is the
	// pattern that runs just that test.
	Package, Test string
	// Guard is what is taken away for the control.
	Guard Mutation
}

// Mutation replaces a piece of a source file, which must occur in it exactly
// once.
type Mutation struct{ File, Old, New string }
