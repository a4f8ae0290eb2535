package whip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// Ports say where media comes in.
type Ports struct {
	// UDP is host:port. All sessions share it. Without a host it is opened on
	// every address of the machine.
	UDP string
	// TCP is host:port for clients whose network lets no UDP out; "" for none.
	TCP string
	// PublicIPs are told to clients in place of the machine's own addresses,
	// where a router forwards the port (1:1 NAT).
	PublicIPs []string
}

const (
	// socketBuffer holds what arrives while the process does something else.
	socketBuffer = 4 << 20
	// tcpQueue is how many packets of one TCP connection wait to be read.
	tcpQueue = 64
	// firstSTUN is how soon a TCP connection must say what it is for.
	firstSTUN = 10 * time.Second
	// replayWindow lets packets in that were sent again late.
	replayWindow = 2048
	// How soon a connection that is silent counts as disturbed, and as lost.
	iceDisturbed = 5 * time.Second
	iceLost      = 15 * time.Second
	iceKeepalive = 2 * time.Second
)

// Network is the sockets through which all media comes in.
type Network struct {
	udp      ice.UDPMux
	tcp      ice.TCPMux
	public   []string
	loopback bool
	log      logging.LoggerFactory
}

// Listen opens the sockets.
func Listen(ctx context.Context, ports Ports, log *slog.Logger) (*Network, error) {
	n := &Network{public: ports.PublicIPs, log: quiet{log}}
	for _, ip := range ports.PublicIPs {
		if net.ParseIP(ip) == nil {
			return nil, fmt.Errorf("whip: %q is no IP address", ip)
		}
	}
	addr, err := net.ResolveUDPAddr("udp", ports.UDP)
	if err != nil {
		return nil, fmt.Errorf("whip: %w", err)
	}
	if addr.IP == nil || addr.IP.IsUnspecified() {
		// One socket for each address: an answer must leave from where the question came in.
		n.udp, err = ice.NewMultiUDPMuxFromPort(addr.Port, ice.UDPMuxFromPortWithReadBufferSize(socketBuffer),
			ice.UDPMuxFromPortWithLogger(n.log.NewLogger("udp")))
	} else {
		n.loopback = addr.IP.IsLoopback()
		n.udp, err = n.listenOne(ctx, addr)
	}
	if err != nil {
		return nil, fmt.Errorf("whip: %w", err)
	}
	if ports.TCP == "" {
		return n, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ports.TCP)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("whip: %w", err), n.udp.Close())
	}
	n.tcp = ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: listener, Logger: n.log.NewLogger("tcp"), ReadBufferSize: tcpQueue, WriteBufferSize: 256 << 10, FirstStunBindTimeout: firstSTUN,
	})
	return n, nil
}

func (n *Network) listenOne(ctx context.Context, addr *net.UDPAddr) (ice.UDPMux, error) {
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", addr.String())
	if err != nil {
		return nil, err
	}
	if udp, ok := conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(socketBuffer) // the system may allow less
	}
	return ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: n.log.NewLogger("udp")}), nil
}

// Addrs are where media comes in, over UDP.
func (n *Network) Addrs() []net.Addr { return n.udp.GetListenAddresses() }

// Local says that the sockets can be reached from this machine alone.
func (n *Network) Local() bool { return n.loopback }

// Close closes the sockets.
func (n *Network) Close() error {
	err := n.udp.Close()
	if n.tcp != nil {
		err = errors.Join(err, n.tcp.Close())
	}
	return err
}

// settings are those of a connection through these sockets.
//
// It is an ICE-lite agent: it answers checks and sends none, so an offer cannot
// make the server send anything to an address of the client's choice.
func (n *Network) settings() (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: n.log}
	s.SetLite(true)
	s.SetICEUDPMux(n.udp)
	types := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if n.tcp != nil {
		s.SetICETCPMux(n.tcp)
		types = append(types, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	s.SetNetworkTypes(types)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(n.loopback)
	s.SetICETimeouts(iceDisturbed, iceLost, iceKeepalive)
	s.SetSRTPReplayProtectionWindow(replayWindow)
	if len(n.public) == 0 {
		return s, nil
	}
	err := s.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
		External: slices.Clone(n.public), AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteReplace,
	})
	return s, err
}

// quiet hands what pion has to say to our log, for those who look for it:
// whatever strangers send to the port is worth no more.
type quiet struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (q quiet) NewLogger(scope string) logging.LeveledLogger {
	return leveled{q.log.With("scope", scope)}
}

type leveled struct{ log *slog.Logger }

func (leveled) Trace(string)          {}
func (leveled) Tracef(string, ...any) {}
func (leveled) Debug(string)          {}
func (leveled) Debugf(string, ...any) {}
func (leveled) Info(string)           {}
func (leveled) Infof(string, ...any)  {}

func (l leveled) Warn(message string)          { l.tell("%s", []any{message}) }
func (l leveled) Warnf(f string, args ...any)  { l.tell(f, args) }
func (l leveled) Error(message string)         { l.tell("%s", []any{message}) }
func (l leveled) Errorf(f string, args ...any) { l.tell(f, args) }
func (l leveled) tell(f string, args []any)    { l.log.Debug("webrtc", "said", lazy{f, args}) }

// lazy is put together only if somebody reads it.
type lazy struct {
	format string
	args   []any
}

// LogValue implements slog.LogValuer.
func (l lazy) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf(l.format, l.args...)) }
