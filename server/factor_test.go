package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth/totp"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// A sign-in at another service is asked for no code here, so it takes none away.
func TestCodesAreTurnedOffByACodeOnly(t *testing.T) {
	t.Parallel()
	r, _ := newRigInNoTime(t, nil) // a code is good for half a minute
	store := credential.New(r.catalog.People)
	factor, err := store.BeginFactor(t.Context(), r.owner.account.ID)
	require.NoError(t, err)
	codes, err := store.ConfirmFactor(t.Context(), r.owner.account, r.catalog.Now().Unix()/30-2, "a test")
	require.NoError(t, err)
	token, err := r.catalog.StartSession(t.Context(), r.owner.account, people.Entry{Method: people.ByOIDC})
	require.NoError(t, err)
	p := &person{rig: r, account: r.owner.account, session: token}
	for _, body := range []string{`{"code":""}`, `{"code":"nonsense"}`} {
		require.Equal(t, 401, p.ask(t, "DELETE", "/api/second-factor", body).StatusCode)
		require.Equal(t, 401, p.ask(t, "POST", "/api/recovery-codes", body).StatusCode, "else they would give the code")
	}
	require.Equal(t, 200, p.ask(t, "POST", "/api/recovery-codes", `{"code":"`+codes[0]+`"}`).StatusCode)
	require.Equal(t, 204, p.ask(t, "DELETE", "/api/second-factor", `{"code":"`+totp.At(factor.Secret, r.catalog.Now().Unix()/30)+`"}`).StatusCode)
}
