package limit

import "net/netip"

// networkBits is the part of an IPv6 address that stands for a subscriber.
const networkBits = 64

// Network is what requests from an address are counted by: an IPv4 address or
// an IPv6 /64, which is what one subscriber holds.
func Network(ip string) string {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return "?"
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	prefix, err := address.Prefix(networkBits)
	if err != nil {
		return "?"
	}
	return prefix.String()
}
