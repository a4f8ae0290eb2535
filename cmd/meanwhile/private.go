package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// keepPrivate makes sure that what this process writes is for its user alone.
func keepPrivate() { syscall.Umask(0o077) }

// exposed lists what other users of the machine could read or change though it
// is nobody's business: what lies at the top of the data folder, unless the folder
// itself is closed, and the certificate's key.
func exposed(config *Config) []string {
	var found []string
	if key := config.TLS.Key; key != "" {
		// A group for those who may read keys is a custom of its own.
		if info, err := os.Stat(key); err == nil && info.Mode().Perm()&0o007 != 0 {
			found = append(found, key)
		}
	}
	folder, err := os.Stat(config.Data)
	if err != nil || folder.Mode().Perm()&0o077 == 0 {
		return found // not there yet, or closed
	}
	if folder.Mode().Perm()&0o022 != 0 {
		found = append(found, config.Data)
	}
	entries, err := os.ReadDir(config.Data)
	if err != nil {
		return found
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode()&os.ModeSymlink == 0 && info.Mode().Perm()&0o077 != 0 {
			found = append(found, filepath.Join(config.Data, entry.Name()))
		}
	}
	return found
}

const exposedAdvice = "Close them: chmod -R go= on the data folder, chmod 600 on a key."

func examinePrivacy(config *Config) finding {
	if found := exposed(config); len(found) > 0 {
		return finding{"privacy", warning, "other users of this machine can read or change " + strings.Join(found, ", "), exposedAdvice}
	}
	return finding{Name: "privacy", Status: fine, Detail: "the data are for the server's user alone"}
}
