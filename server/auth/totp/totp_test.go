package totp_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth/totp"
)

func TestCodesAreThoseOfRFC6238(t *testing.T) {
	t.Parallel()
	secret, err := hex.DecodeString("3132333435363738393031323334353637383930") // appendix B
	require.NoError(t, err)
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		require.Equal(t, code, totp.At(secret, at/30))
		step, ok := totp.Check(secret, code, 0, time.Unix(at, 0))
		require.True(t, ok)
		require.Equal(t, at/30, step)
	}
}

func TestACodeIsGoodForThreeStepsAndOnce(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	now := time.Unix(3000, 0) // step 100
	for _, row := range []struct {
		step, last int64
		ok         bool
	}{{99, 0, true}, {100, 0, true}, {101, 0, true}, {98, 0, false}, {102, 0, false}, {100, 100, false}, {100, 101, false}, {101, 100, true}} {
		got, ok := totp.Check(secret, totp.At(secret, row.step), row.last, now)
		require.Equal(t, row.ok, ok, "%+v", row)
		if ok {
			require.Equal(t, row.step, got)
		}
	}
	for _, code := range []string{"", "0", "00000", "0000000", "abcdef", "xxxxxx", strings.Repeat("1", 4000), "１２３４５６"} {
		_, ok := totp.Check(secret, code, 0, now)
		require.False(t, ok, code)
	}
	code := totp.At(secret, 100)
	_, ok := totp.Check(secret, code[:3]+" "+code[3:], 0, now)
	require.True(t, ok, "as apps show it")
}

func TestThePictureHoldsTheAddress(t *testing.T) {
	t.Parallel()
	address := totp.Address([]byte("12345678901234567890"), "video.example.org:8443", "ada+work@example.org")
	require.Equal(t, "otpauth://totp/video.example.org%208443:ada+work@example.org?algorithm=SHA1&digits=6&issuer=video.example.org%3A8443&period=30&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", address)
	path, size, err := totp.Picture(address)
	require.NoError(t, err)
	require.Greater(t, size, 20)
	require.True(t, strings.HasPrefix(path, "M0 0h1v1h-1zM1 0h1v1h-1z"), "the corner that cameras look for")
}
