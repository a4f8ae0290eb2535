package server

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheLastOperatorStaysWhileOthersDo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const leave = `{"email":"ada@example.com","videos":"delete","comments":"delete"}`
	r.execute(t, "UPDATE accounts SET operator = (id = ?)", r.owner.account.ID)
	require.Equal(t, "last_operator", r.owner.status(t, 409, "POST", "/api/account/deletion", leave)["code"])
	r.execute(t, "UPDATE accounts SET operator = TRUE WHERE id = ?", r.member.account.ID)
	r.owner.status(t, 204, "POST", "/api/account/deletion", leave)
}
