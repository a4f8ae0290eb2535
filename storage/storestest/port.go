package storestest

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"strconv"
)

// FreePort finds a port of this machine below those that the system takes for
// outgoing connections, so that it is still free when its server comes back.
func FreePort(ctx context.Context) (int, error) {
	for range 100 {
		port := 10_000 + rand.IntN(20_000) //nolint:gosec // a port is no secret
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", Local(port))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no free port: %w", fs.ErrExist)
}

// Local is a port of this machine, host:port.
func Local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
