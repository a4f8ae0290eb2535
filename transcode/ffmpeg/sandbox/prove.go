package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

const (
	// proofTime is how long a stand-in may take; it needs a tenth of a second, of which
	// a machine that starts much at once makes many.
	proofTime   = 2 * time.Minute
	proofMemory = 8 << 30
)

// Proof is what a stand-in for a decoder that was taken over could do in the
// sandbox on this machine, as this user, now.
type Proof struct {
	// Layers were put up.
	Layers Layers
	// Files, Calls, Network and Limits say that nothing forbidden of that sort
	// succeeded. Only landlock keeps files, only seccomp keeps system calls.
	Files, Calls, Network, Limits bool
	// ABI is landlock's version in this kernel, 0 without it.
	ABI int
	// Tried counts the forbidden things, Through names those that succeeded.
	Tried   int
	Through []string
	// Lacking says why a layer could not be put up.
	Lacking []string
}

// Prove starts a stand-in behind every layer that this machine has. It works in a
// folder below dir, empty for the system's temporary one, which it removes.
func Prove(ctx context.Context, executable, dir string) (*Proof, error) {
	abi, err := ll.LandlockGetABIVersion()
	layers := Layers{Landlock: err == nil && abi > 0, Seccomp: true}
	var lacking []string
	if !layers.Landlock {
		lacking, abi = append(lacking, "landlock is missing in this kernel or switched off"), 0
	}
	for {
		proof, err := (&Sandbox{Executable: executable, Layers: layers}).try(ctx, dir)
		if err == nil {
			proof.ABI, proof.Lacking = abi, lacking
			return proof, nil
		}
		switch text := err.Error(); {
		case layers.Landlock && strings.Contains(text, RefusedPrefix+"landlock"):
			layers.Landlock = false
		case layers.Seccomp && strings.Contains(text, RefusedPrefix+"seccomp"):
			layers.Seccomp = false
		default:
			return nil, err
		}
		lacking = append(lacking, err.Error())
	}
}

// try lets a stand-in loose in this sandbox.
func (s *Sandbox) try(ctx context.Context, dir string) (*Proof, error) {
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	room, err := prepare(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	defer room.close()
	raw, err := json.Marshal(room.target) //nolint:gosec // the secret is made up, and its path is what is told
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	program := s.Executable
	if program == "" {
		program = running
	}
	cmd, err := s.Command(ctx, Job{
		Program: program, name: standInName, Args: []string{string(raw)}, Dir: room.Dir, Read: []string{room.Input},
		Limits: Limits{Memory: proofMemory, Output: 1 << 20, CPU: proofTime},
	})
	if err != nil {
		return nil, err
	}
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("sandbox: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	var results []result
	if err := json.Unmarshal(out.Bytes(), &results); err != nil {
		return nil, fmt.Errorf("sandbox: the stand-in's report: %w", err)
	}
	return s.judge(results)
}

// judge sums up.
func (s *Sandbox) judge(results []result) (*Proof, error) {
	kept := map[concern]bool{aboutFiles: true, aboutCalls: true, aboutNetwork: true, aboutLimits: true}
	p := &Proof{Layers: s.Layers}
	for _, r := range results {
		if r.About == honest {
			if !r.Through {
				return nil, fmt.Errorf("sandbox: honest work is refused: %s: %s", r.Name, r.Error)
			}
			continue
		}
		p.Tried++
		if r.Through {
			kept[r.About] = false
			p.Through = append(p.Through, r.Name)
		}
	}
	if p.Tried == 0 {
		return nil, errors.New("sandbox: the stand-in tried nothing")
	}
	slices.Sort(p.Through)
	p.Files, p.Calls, p.Network, p.Limits = kept[aboutFiles], kept[aboutCalls], kept[aboutNetwork], kept[aboutLimits]
	return p, nil
}

// room is where a stand-in is let loose.
type room struct {
	target

	folder string
	closes []func() error
}

func (r *room) close() {
	for _, c := range slices.Backward(r.closes) {
		_ = c() // listeners on loopback and a folder in the temporary one
	}
}

// prepare makes things that are worth an attack: files beside the job's folder,
// and listeners.
func prepare(ctx context.Context, dir string) (*room, error) {
	folder, err := os.MkdirTemp(dir, "sandbox-")
	if err == nil {
		folder, err = filepath.Abs(folder)
	}
	if err != nil {
		return nil, err
	}
	r := &room{folder: folder}
	r.closes = append(r.closes, func() error { return os.RemoveAll(folder) })
	r.Secret, r.Victim, r.Folder = filepath.Join(folder, "secret"), filepath.Join(folder, "victim"), folder
	r.Input, r.Dir = filepath.Join(folder, "input"), filepath.Join(folder, "job")
	r.Server, r.Abstract = os.Getpid(), "meanwhile-"+rand.Text()
	err = os.Mkdir(r.Dir, 0o700)
	for _, path := range []string{r.Secret, r.Victim, r.Input} {
		err = errors.Join(err, os.WriteFile(path, []byte(rand.Text()), 0o600))
	}
	if err == nil {
		err = r.leaveOpen()
	}
	if err != nil {
		r.close()
		return nil, err
	}
	r.listen(ctx)
	return r, nil
}

// leaveOpen opens the secret as careless code would: for all children too.
func (r *room) leaveOpen() error {
	secret, err := os.Open(r.Secret)
	if err != nil {
		return err
	}
	defer secret.Close()
	r.Open, err = unix.FcntlInt(secret.Fd(), unix.F_DUPFD, openFiles/2)
	if err == nil {
		r.closes = append(r.closes, func() error { return unix.Close(r.Open) })
	}
	return err
}

// listen opens what can be called. Where that fails, as with a socket whose path
// is too long, the attempt on it fails too; others of its kind remain.
func (r *room) listen(ctx context.Context) {
	var config net.ListenConfig
	for _, at := range []struct{ network, address string }{
		{"tcp4", "127.0.0.1:0"}, {"unix", filepath.Join(r.folder, "socket")}, {"unix", "@" + r.Abstract},
	} {
		l, err := config.Listen(ctx, at.network, at.address)
		if err != nil {
			continue
		}
		r.closes = append(r.closes, l.Close)
		switch a := l.Addr().(type) {
		case *net.TCPAddr:
			r.TCP = a.Port
		case *net.UnixAddr:
			if a.Name[0] != '@' {
				r.Socket = a.Name
			}
		}
	}
	packets, err := config.ListenPacket(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		return
	}
	r.closes = append(r.closes, packets.Close)
	if a, ok := packets.LocalAddr().(*net.UDPAddr); ok {
		r.UDP = a.Port
	}
}
