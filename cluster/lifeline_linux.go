package cluster

import "syscall"

// lifeline makes a child die with its parent.
func lifeline(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: owner}
}
