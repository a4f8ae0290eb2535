package deploy_test

import (
	"maps"
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

// known are the variables that the binary reads, of all its commands.
func known(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, command := range []string{"serve", "worker"} {
		for _, name := range settings(t, command) {
			all[strings.TrimPrefix(name, "$")] = true
		}
	}
	help, err := output(t, nil, clustertest.Binary(t), "migrate", "copy", "--help")
	require.NoError(t, err)
	for _, name := range regexp.MustCompile(`\$([A-Z][A-Z0-9_]+)`).FindAllStringSubmatch(help, -1) {
		all[name[1]] = true
	}
	require.Greater(t, len(all), 40)
	return all
}

// named are variables in a text, with those that stand for many: MEANWHILE_OIDC_….
var named = regexp.MustCompile(`\b(?:MEANWHILE|AWS|OTEL)_[A-Z0-9_]+…?`)

// TestSettingsAreWrittenDown wants every setting of the binary in the README and in
// the list of docs/deployment.md.
func TestSettingsAreWrittenDown(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../README.md", "../docs/deployment.md"} {
		written := named.FindAllString(read(t, file), -1)
		for _, name := range slices.Sorted(maps.Keys(known(t))) {
			if strings.HasPrefix(name, "MEANWHILE_TO_") && file == "../README.md" {
				continue // of one command, in docs/moving.md
			}
			require.True(t, slices.ContainsFunc(written, func(w string) bool {
				prefix, many := strings.CutSuffix(w, "…")
				return w == name || many && prefix != "MEANWHILE_" && strings.HasPrefix(name, prefix)
			}), "%s says nothing of %s", file, name)
		}
	}
}

// others are variables of files of this folder, and of tests.
func others() map[string]bool {
	return map[string]bool{
		"MEANWHILE_DOMAIN": true, "MEANWHILE_PUBLIC_IP": true, "MEANWHILE_IMAGE": true, "MEANWHILE_SERVERS": true, // docker-compose.yml and Caddyfile
		"MEANWHILE_BINARY": true,
	}
}

// TestWrittenSettingsExist wants every setting that a page names to be one.
func TestWrittenSettingsExist(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	require.Greater(t, len(pages), 8)
	all := known(t)
	for _, page := range append(pages, "../README.md", "../SECURITY.md", "../CHANGELOG.md", "../Dockerfile") {
		for _, name := range named.FindAllString(read(t, page), -1) {
			if strings.HasPrefix(name, "OTEL_") { // the SDK of OpenTelemetry reads more of them
				continue
			}
			if strings.HasSuffix(name, "…") || others()[name] || strings.HasPrefix(name, "MEANWHILE_TEST_") || strings.HasPrefix(name, "MEANWHILE_CLUSTER_") {
				continue
			}
			require.True(t, all[name] || all[strings.TrimSuffix(name, "_FILE")], "%s names %s, which is no setting", page, name)
		}
	}
}

// TestLinksOfTheseDocsLead wants what pages link to within the repository to be there.
func TestLinksOfTheseDocsLead(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	for _, page := range []string{"../README.md", "../docs/deployment.md", "../docs/backup.md", "../docs/upgrading.md"} {
		for _, found := range link.FindAllStringSubmatch(read(t, page), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), found[1]))
			require.NoError(t, err, page)
		}
	}
}

// TestTheImageIsWhatTheseFilesExpect reads the Dockerfile: nothing here builds it.
func TestTheImageIsWhatTheseFilesExpect(t *testing.T) {
	t.Parallel()
	image := read(t, "../Dockerfile")
	for _, wanted := range []string{"USER 10001:10001", "ENTRYPOINT [\"meanwhile\"]", "CMD [\"serve\"]", "MEANWHILE_ADDR=0.0.0.0:8080", "MEANWHILE_DATA=/data", "MEANWHILE_WORKER_ADDR=127.0.0.1:8080", "VOLUME /data", "--uid 10001", "ffmpeg"} {
		require.Contains(t, image, wanted)
	}
	// What it copies is there, and what it leaves out is not needed by the build.
	ignored := read(t, "../.dockerignore")
	for _, source := range regexp.MustCompile(`(?m)^COPY ([^-\s][^\n]*) \S+$`).FindAllStringSubmatch(image, -1) {
		for path := range strings.FieldsSeq(source[1]) {
			_, err := os.Stat(filepath.Join("..", path))
			require.NoError(t, err, path)
		}
	}
	out, err := exec.CommandContext(t.Context(), program(t, "go"), "list", "-deps", "../cmd/meanwhile").Output()
	require.NoError(t, err)
	ours := regexp.MustCompile(`(?m)^github\.com/meanwhile-app/meanwhile/([a-z]+)`).FindAllSubmatch(out, -1)
	require.Greater(t, len(ours), 20)
	for _, found := range ours {
		require.Contains(t, ignored, "!"+string(found[1])+"\n", "the build needs it")
	}
}
