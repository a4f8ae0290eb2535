package storestest

import "syscall"

// Lifeline makes a child die with its parent. Owner runs it; nil is who we are.
func Lifeline(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: owner}
}
