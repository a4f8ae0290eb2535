// Package architecture reads the whole source tree and holds it to the design:
// which folder may import which, where each heavy library lives, and how long a
// file, a function or a list of parameters may be.
//
// It knows nothing of the program's types; it only parses. Its test runs over
// this repository and fails on any violation, and a second test proves on
// made-up trees that every rule can fail.
package architecture
