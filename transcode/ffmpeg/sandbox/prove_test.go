package sandbox

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if status, mine := Dispatch(os.Args); mine {
		os.Exit(status)
	}
	os.Exit(m.Run())
}

func TestProof(t *testing.T) {
	p, err := Prove(t.Context(), "")
	require.NoError(t, err)
	t.Logf("%+v", p)
	t.Log(p.Status())
}

func TestNaked(t *testing.T) {
	for _, l := range []Layers{{}, {Landlock: true}, {Seccomp: true}} {
		p, err := (&Sandbox{Layers: l}).try(t.Context())
		require.NoError(t, err)
		t.Logf("%+v", p)
	}
}
