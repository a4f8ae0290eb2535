//go:build !linux

package cluster

import "syscall"

// lifeline makes a child a group of its own; it outlives a parent that is killed.
func lifeline(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: owner}
}
