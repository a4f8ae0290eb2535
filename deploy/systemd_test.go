package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
)

// unit is what a file of systemd sets, in its order: names to values.
func unit(t *testing.T, path string) map[string][]string {
	t.Helper()
	set := map[string][]string{}
	for line := range strings.Lines(read(t, path)) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		if ok && !strings.HasPrefix(line, "#") {
			set[name] = append(set[name], value)
		}
	}
	return set
}

// units are the files and the command that each runs.
func units() map[string]string {
	return map[string]string{"meanwhile.service": "serve", "meanwhile-server@.service": "serve", "meanwhile-worker@.service": "worker"}
}

func TestUnitsRunWhatThereIs(t *testing.T) {
	t.Parallel()
	for file, command := range units() {
		u := unit(t, "systemd/"+file)
		require.Equal(t, []string{"/usr/local/bin/meanwhile " + command}, u["ExecStart"], file)
		var named []string
		for _, assignment := range u["Environment"] {
			name, value, ok := strings.Cut(assignment, "=")
			require.True(t, ok, assignment)
			named = append(named, name)
			if credential, ok := strings.CutPrefix(value, "%d/"); ok {
				require.True(t, slices.ContainsFunc(u["LoadCredential"], func(loaded string) bool {
					return strings.HasPrefix(loaded, credential+":/etc/meanwhile/"+credential)
				}), "%s: %s", file, credential)
			}
		}
		requireKnown(t, command, named...)
		data := slices.IndexFunc(u["Environment"], func(a string) bool { return strings.HasPrefix(a, "MEANWHILE_DATA=") })
		require.Equal(t, "MEANWHILE_DATA=/var/lib/"+u["StateDirectory"][0], u["Environment"][data], file)
	}
}

// TestEnvironmentFilesAreKnown reads what is set there, and what is only proposed.
func TestEnvironmentFilesAreKnown(t *testing.T) {
	t.Parallel()
	setting := regexp.MustCompile(`(?m)^#? *(MEANWHILE_[A-Z_]+)=`)
	known := append(settings(t, "serve"), settings(t, "worker")...)
	for _, file := range []string{"systemd/meanwhile.env", "systemd/cluster.env"} {
		found := setting.FindAllStringSubmatch(read(t, file), -1)
		require.NotEmpty(t, found)
		for _, match := range found {
			require.Contains(t, known, "$"+match[1], file)
		}
	}
}

// TestUnitsAreWell asks systemd itself, with the binary that was built.
func TestUnitsAreWell(t *testing.T) {
	t.Parallel()
	analyze, folder := program(t, "systemd-analyze"), t.TempDir()
	for file := range units() {
		content := strings.ReplaceAll(read(t, "systemd/"+file), "/usr/local/bin/meanwhile", clustertest.Binary(t))
		path := write(t, filepath.Join(folder, strings.Replace(file, "@", "@1", 1)), content)
		out, err := output(t, nil, analyze, "verify", path)
		require.NoError(t, err, out)
		require.NotContains(t, out, "Unknown", file)
		// 10 is a unit without any wall, 0 one that can do nothing.
		out, err = output(t, nil, analyze, "security", "--offline=true", "--threshold=25", "--no-pager", path)
		require.NoError(t, err, out)
	}
}

// TestUnitsLetTheSandboxBe runs the doctor, who lets a stand-in for a hostile video
// loose, and wants every system call that succeeded allowed by the units: what
// they refuse, the sandbox has no need of.
func TestUnitsLetTheSandboxBe(t *testing.T) {
	t.Parallel()
	strace, analyze := program(t, "strace"), program(t, "systemd-analyze")
	trace := filepath.Join(t.TempDir(), "trace")
	out, err := output(t, []string{"MEANWHILE_ADDR=127.0.0.1:0", "MEANWHILE_DATA=" + t.TempDir()},
		strace, "-f", "-qq", "-e", "status=successful", "-e", "signal=none", "-o", trace, clustertest.Binary(t), "doctor")
	require.NoError(t, err, out)
	require.Regexp(t, `ok +sandbox`, out)
	raw, err := os.ReadFile(trace)
	require.NoError(t, err)
	calls := regexp.MustCompile(`(?m)^\d+ +([a-z_0-9]+)\(`).FindAllStringSubmatch(string(raw), -1)
	require.Greater(t, len(calls), 1000)
	sets, err := exec.CommandContext(t.Context(), analyze, "syscall-filter", "--no-pager").Output()
	require.NoError(t, err)
	for file := range units() {
		allowed := map[string]bool{}
		for entry := range strings.FieldsSeq(unit(t, "systemd/"+file)["SystemCallFilter"][0]) {
			allow(allowed, groups(string(sets)), entry)
		}
		for _, call := range calls {
			require.True(t, allowed[call[1]], "%s refuses %s", file, call[1])
		}
	}
}

// groups reads the named sets of system calls.
func groups(printed string) map[string][]string {
	sets, current := map[string][]string{}, ""
	for line := range strings.Lines(printed) {
		word := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "@"):
			current = word
		case word != "" && !strings.HasPrefix(word, "#"):
			sets[current] = append(sets[current], word)
		}
	}
	return sets
}

func allow(allowed map[string]bool, sets map[string][]string, entry string) {
	if !strings.HasPrefix(entry, "@") {
		allowed[entry] = true
		return
	}
	for _, member := range sets[entry] {
		allow(allowed, sets, member)
	}
}
