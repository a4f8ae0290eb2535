package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/meanwhile-app/meanwhile/server/admin"
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

// warnings are what operators must know while they use the server.
func (a *app) warnings() []string {
	if a.safety.Level != sandbox.None {
		return nil
	}
	return []string{"Uploaded media is worked on without a sandbox: a hostile file could read and change what this server may. " + a.safety.Advice}
}

// machine is what operators are told of this process; media is where objects lie.
func (a *app) machine(media string, slots int) admin.Machine {
	m := admin.Machine{Version: version, Objects: "a folder", Room: room(folders(a.config.Data, media)...)}
	if bucket, s3 := strings.CutPrefix(media, "s3://"); s3 {
		bucket, _, _ = strings.Cut(bucket, "?")
		m.Objects = "S3, bucket " + bucket
	}
	if slots > 0 {
		m.Sandbox, m.Advice = string(a.safety.Level), a.safety.Advice
		m.FFmpeg = func(ctx context.Context) string {
			build, err := a.runner.Inspect(ctx)
			if err != nil {
				return ""
			}
			return build.Version
		}
	}
	return m
}
