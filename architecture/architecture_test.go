package architecture_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/architecture"
)

// TestRepository holds this repository to the design.
func TestRepository(t *testing.T) {
	t.Parallel()
	report, err := architecture.Inspect(repositoryRoot(t))
	require.NoError(t, err)
	t.Log(report.Summary())
	for _, violation := range report.Violations {
		t.Error(violation)
	}
}

// repositoryRoot walks up to the folder that holds go.mod.
func repositoryRoot(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		require.NotEqual(t, folder, parent, "no go.mod above the test")
		folder = parent
	}
}
