package main

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// tool opens the storage as a command does.
func tool(t *testing.T) *app {
	t.Helper()
	a, err := open(t.Context(), &Config{Data: filepath.Join(t.TempDir(), "data"), LogLevel: "error"}, 0, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.close()) })
	return a
}

func TestAnAccountAndItsTokenFromTheCommandLine(t *testing.T) {
	t.Parallel()
	a := tool(t)
	var out bytes.Buffer
	user := userAddCmd{Email: " Ada@Example.org", Name: "Ada", Role: "owner"}
	require.NoError(t, user.add(t.Context(), a.catalog, strings.NewReader("correct horse\r\nmore"), &out))
	require.Equal(t, "Ada can sign in as ada@example.org (owner)\n", out.String())
	require.ErrorIs(t, user.add(t.Context(), a.catalog, strings.NewReader("correct horse"), io.Discard), people.ErrEmailTaken)

	out.Reset()
	token := tokenAddCmd{Email: "ada@example.org", Scope: "admin", Name: "command line"}
	require.NoError(t, token.add(t.Context(), a.catalog, &out))
	found, err := a.catalog.Token(t.Context(), record.HashToken(strings.TrimSpace(out.String())))
	require.NoError(t, err)
	require.Equal(t, "Ada", found.Account.Name)
	require.Equal(t, people.ScopeAdmin, found.Scope)

	token.Email = "nobody@example.org"
	require.ErrorContains(t, token.add(t.Context(), a.catalog, io.Discard), "nobody@example.org")
}

func TestPasswordsThatTheCommandRefuses(t *testing.T) {
	t.Parallel()
	a := tool(t)
	user := userAddCmd{Email: "ada@example.org", Name: "Ada", Role: "owner"}
	for _, password := range []string{"", "\n", "short\n", strings.Repeat("x", 1<<20), "\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc"} {
		require.Error(t, user.add(t.Context(), a.catalog, strings.NewReader(password), io.Discard), "%.10q", password)
	}
	_, err := a.catalog.AccountByEmail(t.Context(), user.Email)
	require.ErrorIs(t, err, record.ErrNotFound)
}
