package whip_test

import (
	"log/slog"
	"testing"

	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip"
)

// on puts other sockets under a rig.
func on(t testing.TB, ports whip.Ports) func(*whip.Options) {
	t.Helper()
	network, err := whip.Listen(t.Context(), ports, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return func(o *whip.Options) {
		require.NoError(t, o.Network.Close())
		o.Network = network
	}
}

// TestOverTCP: some networks let no UDP out.
func TestOverTCP(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{}, on(t, whip.Ports{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0"}))
	c := newClient(t, r, wants{audio: true, settings: func(s *webrtc.SettingEngine) {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}})
	c.publish(t, "ada")
	require.Regexp(t, `a=candidate:\S+ 1 tcp \d+ 127\.0\.0\.1 \d+ typ host tcptype passive`, c.answer)
	c.send(t, clip{}, newTone(t, 3))
	c.hangUp(t, "ada")
	_, fragments := indexed(t, r.tape(t, 0))
	require.NotEmpty(t, fragments)
}

func TestOnEveryAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{}, on(t, whip.Ports{UDP: ":0"}))
	c := newClient(t, r, wants{audio: true})
	c.publish(t, "ada")
	require.NotContains(t, c.answer, "0.0.0.0 0 typ")
	c.send(t, clip{}, newTone(t, 1))
	c.hangUp(t, "ada")
	require.Positive(t, r.tape(t, 0).parts())
}

// TestBehindARouter: clients are told the address that the router has.
func TestBehindARouter(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{}, on(t, whip.Ports{UDP: "127.0.0.1:0", PublicIPs: []string{"203.0.113.7"}}))
	c := newClient(t, r, wants{audio: true})
	c.post(t, "ada")
	require.Regexp(t, `a=candidate:\S+ 1 udp \d+ 203\.0\.113\.7 \d+ typ host`, c.answer)
	require.NotRegexp(t, `a=candidate:.* 127\.0\.0\.1 `, c.answer)
}

func TestPortsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, ports := range []whip.Ports{{UDP: "nowhere"}, {UDP: "127.0.0.1:99999"}, {UDP: "127.0.0.1:0", TCP: "x"}, {UDP: "127.0.0.1:0", PublicIPs: []string{"example.org"}}} {
		_, err := whip.Listen(t.Context(), ports, slog.New(slog.DiscardHandler))
		require.Error(t, err, "%+v", ports)
	}
}

func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, whip.Limits{}, func(o *whip.Options) {
		require.NoError(t, o.Network.Close())
		o.Network = nil
	})
	got := r.ask(t, "ada", "POST "+whip.Path, "v=0\r\n", "Content-Type", "application/sdp")
	require.Equal(t, 501, got.status)
	require.Contains(t, got.body, `"code":"whip_off"`)
}
