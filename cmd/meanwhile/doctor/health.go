package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// healthTime is how long a running server may take to say that it lives.
const healthTime = 3 * time.Second

// Server is a server that listens on Addr.
type Server struct {
	Addr   string
	Scheme string
	// Name is what its certificate is for.
	Name string
}

// AskHealth asks the server whether it lives.
func AskHealth(ctx context.Context, s Server) error {
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return fmt.Errorf("MEANWHILE_ADDR: %w", err)
	}
	if port == "0" || port == "" {
		return errors.New("MEANWHILE_ADDR names no port, so the running server cannot be found")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Scheme+"://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	// A proxy of the environment is for the world outside.
	transport := &http.Transport{Proxy: nil, DisableKeepAlives: true}
	if s.Name != "" {
		// The certificate is for the name that people use; nothing is told here that
		// another server could not hear.
		transport.TLSClientConfig = &tls.Config{ServerName: s.Name, InsecureSkipVerify: true} //nolint:gosec // see above
	}
	client := &http.Client{Transport: transport}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no server answers on %s: %w", s.Addr, err)
	}
	defer response.Body.Close()
	var answer struct {
		Status string `json:"status"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(&answer); err != nil || response.StatusCode != http.StatusOK || answer.Status != "ok" {
		return fmt.Errorf("what answers on %s is not a healthy Meanwhile server (status %d)", s.Addr, response.StatusCode)
	}
	return nil
}
