package main

import (
	"bytes"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// openTool opens the storage as a command does.
func openTool(t *testing.T) *app {
	t.Helper()
	a, err := open(t.Context(), &Config{Data: filepath.Join(t.TempDir(), "data"), LogLevel: "error"}, tool())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.close()) })
	return a
}

func TestAnAccountAndItsTokenFromTheCommandLine(t *testing.T) {
	t.Parallel()
	a := openTool(t)
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
	a := openTool(t)
	user := userAddCmd{Email: "ada@example.org", Name: "Ada", Role: "owner"}
	for _, password := range []string{"", "\n", "short\n", strings.Repeat("x", 1<<20), "\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc"} {
		require.Error(t, user.add(t.Context(), a.catalog, strings.NewReader(password), io.Discard), "%.10q", password)
	}
	_, err := a.catalog.AccountByEmail(t.Context(), user.Email)
	require.ErrorIs(t, err, record.ErrNotFound)
}

func TestAnAccountIsLockedOutAndGetsALinkToComeBack(t *testing.T) {
	t.Parallel()
	a := openTool(t)
	ctx := t.Context()
	user := userAddCmd{Email: "ada@example.org", Name: "Ada", Role: "owner"}
	require.NoError(t, user.add(ctx, a.catalog, strings.NewReader("correct horse"), io.Discard))
	var out bytes.Buffer
	token := tokenAddCmd{Email: user.Email, Scope: "read", Name: "x", Expires: 3}
	require.NoError(t, token.add(ctx, a.catalog, &out))
	shown := strings.TrimSpace(out.String())
	found, err := a.catalog.Token(ctx, record.HashToken(shown))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(3*24*time.Hour), found.ExpiresAt.Time, time.Minute)
	token.Expires = -1
	require.Error(t, token.add(ctx, a.catalog, io.Discard))

	require.NoError(t, setDisabled(ctx, a.catalog, user.Email, true))
	_, err = a.catalog.Token(ctx, record.HashToken(shown))
	require.ErrorIs(t, err, record.ErrNotFound)
	reset := userResetCmd{Email: user.Email}
	a.config.Addr, a.config.BaseURL = "127.0.0.1:8080", "https://video.example.org"
	require.ErrorContains(t, reset.reset(ctx, a, io.Discard), "disabled")
	require.NoError(t, setDisabled(ctx, a.catalog, user.Email, false))

	out.Reset()
	require.NoError(t, reset.reset(ctx, a, &out))
	link, err := url.Parse(strings.TrimSpace(out.String()))
	require.NoError(t, err)
	require.Equal(t, "https://video.example.org/sign-in/link", link.Scheme+"://"+link.Host+link.Path)
	values, err := url.ParseQuery(link.Fragment)
	require.NoError(t, err)
	account, err := credential.New(a.catalog.People).UseLink(ctx, values.Get("token"), nil)
	require.NoError(t, err)
	require.Equal(t, user.Email, account.Email)
	require.Error(t, setDisabled(ctx, a.catalog, "nobody@example.org", true))
	require.Error(t, userResetCmd{Email: "nobody@example.org"}.reset(ctx, a, io.Discard))
}

func TestProvidersThatAreNotSafe(t *testing.T) {
	t.Parallel()
	none, err := OIDCConfig{}.open()
	require.NoError(t, err)
	require.Nil(t, none)
	for _, c := range []OIDCConfig{
		{Issuer: "http://id.example.org", ClientID: "x"},
		{Issuer: "id.example.org", ClientID: "x"},
		{Issuer: "https://id.example.org"},
		{Issuer: "https://u:p@id.example.org", ClientID: "x"},
		{Issuer: "https://id.example.org?x", ClientID: "x"},
		{Issuer: "https://accounts.google.com", ClientID: "x"},
		{Issuer: "https://login.microsoftonline.com/common/v2.0", ClientID: "x"},
	} {
		_, err := c.open()
		require.ErrorContains(t, err, "MEANWHILE_OIDC_", c.Issuer)
	}
	for _, c := range []OIDCConfig{
		{Issuer: "https://id.example.org/realms/x", ClientID: "x", Role: "none"},
		{Issuer: "https://accounts.google.com", ClientID: "x", Domains: []string{"example.org"}},
		{Issuer: "http://localhost:9000", ClientID: "x"},
	} {
		provider, err := c.open()
		require.NoError(t, err)
		require.Equal(t, c.Issuer, provider.Issuer)
		require.NotEqual(t, people.Role("none"), provider.Role)
	}
}
