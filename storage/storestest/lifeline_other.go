//go:build !linux

package storestest

import "syscall"

// Lifeline makes a child a group of its own; it outlives a parent that is killed.
// Owner runs it; nil is who we are.
func Lifeline(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: owner}
}
