package cluster_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// faults is the page whose table says what is promised for each fault, and which
// tests prove it.
const faults = "../docs/faults.md"

// rows is how many faults there are.
const rows = 28

// proof is a test that the table names: `folder TestName`, or `file.spec.ts: title`.
var (
	proof = regexp.MustCompile("`([a-z0-9/]+) (Test\\w+)`")
	spec  = regexp.MustCompile("`([a-z0-9-]+\\.spec\\.ts): ([^`]+)`")
)

func TestEveryFaultHasATest(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(faults)
	require.NoError(t, err)
	found := 0
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if !strings.HasPrefix(line, "| F") {
			continue
		}
		found++
		require.Len(t, cells, 5, "fault, what happens, promise, tests, how: %s", line)
		require.Equal(t, "| F"+strconv.Itoa(found), cells[0], "the faults are numbered without gaps")
		tests := proof.FindAllStringSubmatch(cells[3], -1)
		specs := spec.FindAllStringSubmatch(cells[3], -1)
		require.NotEmpty(t, append(tests, specs...), "F%d is proved by nothing", found)
		require.Empty(t, strings.Trim(spec.ReplaceAllString(proof.ReplaceAllString(cells[3], ""), ""), " ,"), "F%d names something that is no test", found)
		for _, test := range tests {
			require.True(t, declared(t, test[1], test[2]), "F%d: %s has no %s", found, test[1], test[2])
		}
		for _, s := range specs {
			source, err := os.ReadFile(filepath.Join("..", "e2e", "specs", s[1]))
			require.NoError(t, err)
			require.Contains(t, string(source), "'"+s[2]+"'", "F%d: %s has no such test", found, s[1])
		}
	}
	require.Equal(t, rows, found)
}

// declared says whether a package has a test of this name.
func declared(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(raw), "\nfunc "+name+"(t *testing.T) {") {
			return true
		}
	}
	return false
}
