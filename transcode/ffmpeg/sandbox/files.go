package sandbox

import (
	"fmt"
	"path/filepath"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// The rights on what can be reached. Whatever is not named cannot.
const (
	readFile   = landlock.AccessFSSet(ll.AccessFSReadFile)
	readFolder = readFile | ll.AccessFSReadDir
	runFolder  = readFolder | ll.AccessFSExecute
	runFile    = readFile | ll.AccessFSExecute
	workFolder = readFolder | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSMakeReg
)

// landlock lets this process reach its libraries, its input and its folder. Newer
// kernels bound more: ports since ABI 4, signals and abstract sockets since 6.
func (l *launcher) landlock() error {
	if !l.Layers.Landlock {
		return nil
	}
	if _, err := ll.LandlockGetABIVersion(); err != nil {
		return fmt.Errorf("missing in this kernel or switched off: %w", err) // best effort would pass it over
	}
	rules := []landlock.Rule{
		landlock.PathAccess(runFolder, l.libraries()...).IgnoreIfMissing(),
		landlock.PathAccess(readFile, "/etc/ld.so.cache", "/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path", "/dev/urandom", "/proc/cpuinfo").IgnoreIfMissing(),
		landlock.PathAccess(readFolder, "/sys/devices/system/cpu").IgnoreIfMissing(),
		landlock.PathAccess(readFile|ll.AccessFSWriteFile, "/dev/null").IgnoreIfMissing(),
		landlock.PathAccess(runFile, l.Program).IgnoreIfMissing(),
		landlock.PathAccess(readFile, l.Read...).IgnoreIfMissing(),
	}
	if l.Dir != "" {
		rules = append(rules, landlock.PathAccess(workFolder, l.Dir))
	}
	if l.script {
		rules = append(rules, landlock.PathAccess(runFolder, "/bin", "/usr/bin", "/usr/local/bin").IgnoreIfMissing())
	}
	return landlock.V10.BestEffort().Restrict(rules...)
}

// libraries are the folders that distributions keep shared libraries in, and the
// one beside a program with a folder of its own.
func (l *launcher) libraries() []string {
	folders := []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/nix/store", "/gnu/store"}
	if program, err := filepath.EvalSymlinks(l.Program); err == nil {
		folders = append(folders, filepath.Join(filepath.Dir(program), "..", "lib"))
	}
	return folders
}
