package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/cluster"
)

// process is a server under measurement: ours or the bare one.
type process struct {
	cmd *exec.Cmd
	url string
	// token makes the first account; a fresh server prints it once it listens.
	token chan string
}

// setupToken waits for the one-time token.
func (p *process) setupToken() string {
	select {
	case token := <-p.token:
		return token
	case <-time.After(10 * time.Second):
		return ""
	}
}

// serve starts Meanwhile on fresh data and makes the owner. Extra arguments go to
// `meanwhile serve`.
func (l *lab) serve(ctx context.Context, args ...string) (*process, *client, error) {
	data, err := os.MkdirTemp(l.folder, "data-")
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, l.binary, append([]string{"serve"}, args...)...)
	// One account asks here for what thousands would.
	cmd.Env = append(os.Environ(), "MEANWHILE_DATA="+data, "MEANWHILE_ADDR=127.0.0.1:0", "MEANWHILE_RATE_FACTOR=1000")
	server, err := launch(cmd, filepath.Join(l.folder, "server.log"))
	if err != nil {
		return nil, nil, err
	}
	api := newClient(server.url)
	if err := api.setUp(ctx, server.setupToken()); err != nil {
		server.stop()
		return nil, nil, err
	}
	return server, api, nil
}

// serveBareProcess starts this program again as the bare server of a folder.
func (l *lab) serveBareProcess(ctx context.Context, folder string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return launch(exec.CommandContext(ctx, self, "-bare", folder), filepath.Join(l.folder, "bare.log"))
}

// What a server says at its start: where it listens, and how to make the owner.
var (
	address = regexp.MustCompile(`"addr":"([^"]+)"`)
	setup   = regexp.MustCompile(`/setup\?token=(\S+)`)
)

// launch starts a server and waits for the line that names its address.
func launch(cmd *exec.Cmd, logName string) (*process, error) {
	log, err := os.OpenFile(logName, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	found, token := make(chan string, 1), make(chan string, 1)
	go func() {
		defer log.Close()
		lines := bufio.NewScanner(io.TeeReader(reader, log))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if match := address.FindStringSubmatch(lines.Text()); match != nil && len(found) == 0 {
				found <- match[1]
			}
			if match := setup.FindStringSubmatch(lines.Text()); match != nil && len(token) == 0 {
				token <- match[1]
			}
		}
	}()
	select {
	case addr := <-found:
		return &process{cmd: cmd, url: "http://" + strings.Replace(addr, "127.0.0.1", "localhost", 1), token: token}, nil
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("%s did not name its address within 30 s", cmd.Path)
	}
}

// stop ends the server as its machine would.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// cpu is the processor time of the server and of the children it has waited for.
func (p *process) cpu() time.Duration { return cluster.CPU(p.cmd.Process.Pid) }

// memory reads a line of /proc/PID/status, in MiB.
func (p *process) memory(line string) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(text), line+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(fields[0], 64)
	return kib / 1024
}

// growth runs a load and returns by how many MiB the peak passed the start.
func (p *process) growth(load func() error) (float64, error) {
	before := p.memory("VmRSS")
	// 5 resets the peak, proc_pid_clear_refs(5)
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0o200)
	err := load()
	return p.memory("VmHWM") - before, err
}
