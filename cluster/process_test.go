package cluster_test

import (
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
)

// TestAProcessRunsOnce however many start it, and whoever kills it meanwhile: faults
// that fall on one node together heal it together, too.
func TestAProcessRunsOnce(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	p := cluster.NewProcess(cluster.Program{Name: "sleeper", Path: shell, Args: []string{"-c", "echo begun; exec sleep 3600"}})
	t.Cleanup(p.Kill)
	together := func(do func()) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(do)
		}
		all.Wait()
	}
	begun := 0
	for range 20 {
		together(func() {
			if err := p.Start(); err != nil {
				t.Error(err)
			}
		})
		_, err := p.Line(t.Context(), begun, "begun")
		require.NoError(t, err)
		together(p.Kill)
		require.False(t, p.Running())
		begun++
		require.Len(t, p.Log(), begun)
	}
	together(func() {
		if err := p.Start(); err != nil {
			t.Error(err)
		}
		p.Kill() // one that somebody else has started, perhaps
	})
	p.Kill()
	require.False(t, p.Running())
}
