package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// runner starts ffmpeg in the best sandbox that this machine can do, and says
// how good that is. It fails if that is less than MEANWHILE_SANDBOX insists on.
// Without workers nothing is tried out, and nothing would start without landlock
// and seccomp.
func (c *Config) runner(ctx context.Context, log *slog.Logger, workers int) (*ffmpeg.Runner, sandbox.Status, error) {
	r := &ffmpeg.Runner{FFmpeg: c.FFmpeg, FFprobe: c.FFprobe, Logger: log}
	if workers == 0 {
		r.Sandbox = &sandbox.Sandbox{Layers: sandbox.Layers{Landlock: true, Seccomp: true}}
		return r, sandbox.Status{Level: sandbox.Full}, nil
	}
	if err := sandbox.Shield(); err != nil {
		return nil, sandbox.Status{}, err
	}
	// In the scratch folder, because a container may have no other that can be
	// written.
	scratch := c.scratch()
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return nil, sandbox.Status{}, err
	}
	box, status, err := sandbox.Open(ctx, sandbox.Mode(c.Sandbox), scratch)
	if err != nil {
		return nil, status, err
	}
	r.Sandbox = box
	say := log.Info
	if status.Level != sandbox.Full {
		say = log.Warn
	}
	say("sandbox for media", "level", string(status.Level), "proved", status.Summary, "advice", status.Advice)
	return r, status, nil
}

// scratch is the folder of the jobs' folders; each start empties it.
func (c *Config) scratch() string { return filepath.Join(c.Data, "scratch") }

// examineSandbox lets a stand-in for a hostile video loose.
func examineSandbox(ctx context.Context, config *Config) (finding, *sandbox.Sandbox) {
	scratch := config.scratch()
	if _, err := os.Stat(scratch); err != nil {
		scratch = "" // before the first start
	}
	box, status, err := sandbox.Open(ctx, sandbox.Mode(config.Sandbox), scratch)
	switch {
	case err != nil && status.Summary == "":
		return finding{"sandbox", failure, err.Error(), status.Advice}, nil
	case err != nil:
		return finding{"sandbox", failure, status.Summary, status.Advice + "The server does not start with MEANWHILE_SANDBOX=" + config.Sandbox + "."}, nil
	case status.Level != sandbox.Full:
		return finding{"sandbox", warning, status.Summary, status.Advice}, box
	}
	for _, program := range []string{config.FFmpeg, config.FFprobe} {
		if sandbox.IsScript(program) {
			detail := status.Summary + "; but " + filepath.Base(program) + " is a script, which may start other programs inside"
			return finding{"sandbox", warning, detail, "Name the programs themselves with MEANWHILE_FFMPEG and MEANWHILE_FFPROBE."}, box
		}
	}
	return finding{Name: "sandbox", Status: fine, Detail: status.Summary}, box
}

// warnings are what operators must know while they use the server.
func (a *app) warnings() []string {
	if a.safety.Level != sandbox.None {
		return nil
	}
	return []string{"Uploaded media is worked on without a sandbox: a hostile file could read and change what this server may. " + a.safety.Advice}
}
