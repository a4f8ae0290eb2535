package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/meanwhile-app/meanwhile/server/whip"
)

// WHIPConfig is how recordings come in over WebRTC.
type WHIPConfig struct {
	Addr       string        `help:"Where media of recordings over WebRTC comes in, UDP host:port; or off. Default: the server's address, with the same port number." env:"MEANWHILE_WHIP_ADDR"`
	TCPAddr    string        `help:"The same over TCP, host:port, for networks that let no UDP out. Default: none." env:"MEANWHILE_WHIP_TCP_ADDR" name:"tcp-addr"`
	PublicIPs  []string      `help:"IP addresses to tell clients in place of the machine's own, where a router forwards the port." env:"MEANWHILE_WHIP_PUBLIC_IPS" name:"public-ips"`
	ICEServers []string      `help:"stun: and turn: addresses that help clients to connect." env:"MEANWHILE_WHIP_ICE_SERVERS" name:"ice-servers"`
	TURNSecret string        `help:"Secret shared with the TURN server (coturn: use-auth-secret)." env:"MEANWHILE_WHIP_TURN_SECRET" name:"turn-secret"`
	Bitrate    int           `help:"Ceiling of a recording over WebRTC, kbit/s." default:"10000" env:"MEANWHILE_WHIP_BITRATE"`
	Sessions   int           `help:"Recordings over WebRTC at once." default:"50" env:"MEANWHILE_WHIP_SESSIONS"`
	Each       int           `help:"Recordings over WebRTC of one account at once." default:"3" env:"MEANWHILE_WHIP_SESSIONS_EACH" name:"sessions-each"`
	Length     time.Duration `help:"Longest recording over WebRTC." default:"12h" env:"MEANWHILE_WHIP_LENGTH"`
}

// open opens the sockets for a server that listens on addr.
func (c WHIPConfig) open(ctx context.Context, addr net.Addr, base *url.URL, log *slog.Logger) (whip.Options, error) {
	o := whip.Options{
		Limits: whip.Limits{Bitrate: c.Bitrate * 1000, Sessions: c.Sessions, Each: c.Each, Length: c.Length},
		ICE:    whip.ICEServers{URLs: c.ICEServers, Secret: c.TURNSecret},
	}
	if c.Addr == "off" {
		return o, nil
	}
	ports := whip.Ports{UDP: c.Addr, TCP: c.TCPAddr, PublicIPs: c.PublicIPs}
	if c.Addr == "" {
		ports.UDP = addr.String()
	}
	network, err := whip.Listen(ctx, ports, log)
	switch {
	case err == nil:
	case c.Addr == "" && c.TCPAddr == "" && len(c.PublicIPs) == 0: // nobody has asked for it
		log.Warn("no recordings over WebRTC: its port cannot be opened; set MEANWHILE_WHIP_ADDR", "addr", ports.UDP, "error", err)
		return o, nil
	default:
		return o, fmt.Errorf("MEANWHILE_WHIP_…: %w", err)
	}
	o.Network = network
	if ip := net.ParseIP(base.Hostname()); network.Local() && base.Hostname() != "localhost" && !ip.IsLoopback() {
		log.Warn("recordings over WebRTC reach this machine alone; set MEANWHILE_WHIP_ADDR to an address that clients reach, e.g. :8189", "addr", ports.UDP)
	}
	return o, nil
}
