package attacks

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	controls = flag.String("controls", "some", "which controls to run: none, some (another few for each state of the table and each day) or all")
	only     = flag.String("attack", "", "run the controls of these attacks alone: their numbers, with commas between")
)

// some is how many controls run when not all do.
const some = 4

const root = ".."

func TestEveryAttackHasATestAndAGuard(t *testing.T) {
	t.Parallel()
	require.Len(t, All(), 80, "the attacks of the list that the tests are held to")
	for i, a := range All() {
		require.Equal(t, i+1, a.N, "the attacks are numbered without gaps")
		require.NotEmpty(t, a.Name, a.N)
		name, _, _ := strings.Cut(a.Test, "/")
		require.True(t, declares(t, a.Package, name), "%d: %s has no test %s", a.N, a.Package, name)
		_, err := a.Guard.apply()
		require.NoError(t, err, "%d", a.N)
	}
}

// declares says whether a package has a test of this name.
func declares(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		if regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(t \*testing\.T\)`).Match(raw) {
			return true
		}
	}
	return false
}

// apply makes the source without its guard.
func (m Mutation) apply() (string, error) {
	raw, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(raw), m.Old); n != 1 || m.Old == m.New {
		return "", &doesNotApply{m, n}
	}
	return strings.Replace(string(raw), m.Old, m.New, 1), nil
}

type doesNotApply struct {
	Mutation

	times int
}

func (e *doesNotApply) Error() string {
	return "the guard occurs " + string(rune('0'+min(e.times, 9))) + " times in " + e.File + ": " + e.Old
}

// TestControls takes guards away and wants the tests to notice.
func TestControls(t *testing.T) {
	t.Parallel()
	picked := chosen()
	t.Logf("%d of %d controls", len(picked), len(All()))
	for _, a := range picked {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			control(t, a)
		})
	}
}

// chosen are the attacks whose controls run this time.
func chosen() []Attack {
	all := All()
	if *only != "" {
		numbers := strings.Split(*only, ",")
		return slices.DeleteFunc(all, func(a Attack) bool { return !slices.Contains(numbers, strconv.Itoa(a.N)) })
	}
	switch *controls {
	case "all":
		return all
	case "none":
		return nil
	}
	sum := sha256.Sum256([]byte(time.Now().UTC().Format(time.DateOnly)))
	start := int(binary.BigEndian.Uint32(sum[:4]) % uint32(len(all)))
	few := make([]Attack, 0, some)
	for i := range some {
		few = append(few, all[(start+i*len(all)/some)%len(all)])
	}
	return few
}

// weaken writes a source without its guard, and the list that puts it in place
// of the real one.
func weaken(t *testing.T, m Mutation) (list string) {
	t.Helper()
	weak, err := m.apply()
	require.NoError(t, err)
	folder := t.TempDir()
	source := filepath.Join(folder, "weak"+filepath.Ext(m.File))
	require.NoError(t, os.WriteFile(source, []byte(weak), 0o600))
	original, err := filepath.Abs(filepath.Join(root, m.File))
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: source}})
	require.NoError(t, err)
	list = filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(list, overlay, 0o600))
	return list
}

// control runs the test of an attack in a build without its guard.
func control(t *testing.T, a Attack) {
	t.Helper()
	list := weaken(t, a.Guard)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", list, "-vet=off", "-count=1", "-timeout=180s", "-run", a.pattern(), "./"+a.Package)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), overlaid+"="+list)
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "attack %d: without its guard the test stays green\n%s", a.N, out)
	// Some wait for what does not come without the guard, and for long.
	require.Regexp(t, "--- FAIL|panic: test timed out", string(out), "attack %d: the control does not build\n%s", a.N, out)
}

// pattern runs one test, and of it one case.
func (a Attack) pattern() string {
	parts := strings.Split(a.Test, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}
