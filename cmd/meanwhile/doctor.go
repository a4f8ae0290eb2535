package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"text/tabwriter"
	"time"
)

// healthTime is how long a running server may take to say that it lives.
const healthTime = 3 * time.Second

type doctorCmd struct {
	JSON   bool `help:"Print JSON instead of a table." name:"json"`
	Health bool `help:"Only ask the running server whether it lives; for a container's health check."`
}

// The grades of a finding.
const (
	fine    = "ok"
	warning = "warn"
	failure = "fail"
)

// finding is what one check found.
type finding struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	// Advice says what to do unless all is well.
	Advice string `json:"advice,omitempty"`
}

var errUnwell = errors.New("something is not well; see above for what to do")

// Run checks the machine and the data, or asks the running server.
func (c doctorCmd) Run(ctx context.Context, config *Config) error {
	if c.Health {
		return askHealth(ctx, config)
	}
	return c.report(os.Stdout, examine(ctx, config))
}

// report prints what was found and returns an error if something failed.
func (c doctorCmd) report(out io.Writer, found []finding) error {
	well := true
	for _, f := range found {
		well = well && f.Status != failure
	}
	show := table
	if c.JSON {
		show = document
	}
	if err := show(out, found, well); err != nil {
		return err
	}
	if !well {
		return errUnwell
	}
	return nil
}

func document(out io.Writer, found []finding, well bool) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		OK     bool      `json:"ok"`
		Checks []finding `json:"checks"`
	}{well, found})
}

func table(out io.Writer, found []finding, _ bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range found {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", f.Status, f.Name, f.Detail) // Flush tells of errors
		if f.Advice != "" {
			_, _ = fmt.Fprintf(w, "\t\t→ %s\n", f.Advice)
		}
	}
	return w.Flush()
}

// askHealth asks the server that listens on addr whether it lives.
func askHealth(ctx context.Context, config *Config) error {
	addr := config.Addr
	host, port, err := net.SplitHostPort(addr)
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
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.TLS.scheme()+"://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	// A proxy of the environment is for the world outside.
	transport := &http.Transport{Proxy: nil, DisableKeepAlives: true}
	if base, err := config.base(text(config.Addr)); err == nil && base.Scheme == "https" {
		// The certificate is for the name that people use; nothing is told here that
		// another server could not hear.
		transport.TLSClientConfig = &tls.Config{ServerName: base.Hostname(), InsecureSkipVerify: true} //nolint:gosec // see above
	}
	client := &http.Client{Transport: transport}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no server answers on %s: %w", addr, err)
	}
	defer response.Body.Close()
	var answer struct {
		Status string `json:"status"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(&answer); err != nil || response.StatusCode != http.StatusOK || answer.Status != "ok" {
		return fmt.Errorf("what answers on %s is not a healthy Meanwhile server (status %d)", addr, response.StatusCode)
	}
	return nil
}
