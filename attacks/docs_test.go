package attacks

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the list of attacks into docs/security.md")

const (
	page  = "docs/security.md"
	begin = "<!-- attacks: go test ./attacks -run TestTheListInTheDocs -update -->\n"
	end   = "<!-- end of attacks -->\n"
)

// list writes the attacks as the docs have them.
func list() string {
	var b strings.Builder
	b.WriteString("\n| # | somebody … | tried by | in |\n|---|---|---|---|\n")
	for _, a := range All() {
		fmt.Fprintf(&b, "| %d | %s | `%s` | `%s` |\n", a.N, a.Name, a.Test, a.Package)
	}
	return b.String() + "\n"
}

func TestTheListInTheDocs(t *testing.T) {
	t.Parallel()
	before, rest, ok := strings.Cut(file(t, page), begin)
	require.True(t, ok, "%s has no place for the list", page)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "%s has no end of the list", page)
	whole := before + begin + list() + end + after
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(root, page), []byte(whole), 0o600))
		return
	}
	require.Equal(t, whole, file(t, page), "write it anew: go test ./attacks -run TestTheListInTheDocs -update")
}
